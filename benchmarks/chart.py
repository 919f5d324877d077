"""Bar charts as SVG, readable on light and dark pages, without a plotting package."""

import math
from html import escape
from itertools import groupby

from benchmarks.results import Chart

WIDTH, LEFT, RIGHT, BAR, GAP, HEAD = 720, 210, 190, 18, 14, 44
# Text and axis follow the reader's colour scheme; tints keep 3:1 against white and against black (WCAG 1.4.11).
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600 } .group { font-weight: 600 } .quiet { fill: #59636e }
.ours { fill: #b4540a } .peer { fill: #4d76a8 } .bound { fill: #7d7d7d } .axis { stroke: #8b949e }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .quiet { fill: #9198a1 } .ours { fill: #e0823d } .peer { fill: #6f9bd1 } .bound { fill: #8f8f8f } }
"""


def svg(chart: Chart) -> str:
    """The chart as a document of its own; every figure is also written as text."""
    most = max((bar.value for bar in chart.bars), default=1.0) or 1.0
    rows, y = [], HEAD
    for group, bars in groupby(chart.bars, key=lambda bar: bar.group):
        if group:
            rows.append(f'<text class="group" x="8" y="{y + 13}">{escape(group)}</text>')
            y += BAR + 2
        for bar in bars:
            width = max(1.0, bar.value / most * (WIDTH - LEFT - RIGHT))
            value = f"{figure(bar.value)} {chart.unit}" + (f" · {bar.note}" if bar.note else "")
            rows.append(f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(bar.label)}</text>')
            rows.append(f'<rect class="{bar.tint}" x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR - 2}" rx="2"/>')
            rows.append(f'<text class="quiet" x="{LEFT + width + 6:.1f}" y="{y + 13}">{escape(value)}</text>')
            y += BAR + 2
        y += GAP
    told = (f"{one.group} {one.label} {figure(one.value)} {chart.unit} {one.note}".strip() for one in chart.bars)
    about = f"{chart.title}: {'; '.join(told)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" '
        'role="img" aria-labelledby="t d">\n'
        f'<title id="t">{escape(chart.title)}</title><desc id="d">{escape(about)}</desc>\n<style>{STYLE}</style>\n'
        f'<text class="title" x="8" y="24">{escape(chart.title)}</text>\n'
        f'<line class="axis" x1="{LEFT}" y1="{HEAD - 4}" x2="{LEFT}" y2="{y - GAP}"/>\n' + "\n".join(rows) + "\n</svg>\n"
    )


def figure(value: float) -> str:
    """Three significant digits, thousands apart, never an exponent."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}" if digits else f"{round(value, 2 - math.floor(math.log10(abs(value)))):,.0f}"
