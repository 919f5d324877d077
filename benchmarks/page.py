"""docs/benchmarks.md from the results: a table a benchmark, with command, date and machine."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.chart import figure, svg
from benchmarks.results import Report, Result

HEAD = """# Benchmarks: speed and size

Written by `make bench` from `benchmarks.json`; do not edit. Figures with a ratio stand beside a peer or a bound that was measured in
the same run on the same machine: trust the ratios, not the milliseconds. **ok** and **MISS** say whether a promise is kept; figures
without a promise are only shown. `make bench BENCH="api start"` renews those parts alone.
"""
ELSEWHERE = """
## Elsewhere

* What is found, against MobileNetV2 with cosine: [benchmarks-quality.md](benchmarks-quality.md).
* The OpenSearch engine beside the same bodies sent raw, with filters of 50, 5 and .5 %: [opensearch.md](opensearch.md#speed); a rebuild
  under searches and writes: [there, too](opensearch.md#rebuild-and-going-back).
* What users see when a part breaks: [faults.md](faults.md). Micro-batches of 1 to 64 clients: [operations.md](operations.md#workers).
* The doctor's finds among planted faults: `python -m benchmarks.doctor`, told in [0060](decisions/0060-what-the-doctor-doubts.md).
* Durability is a test, not a benchmark: `tests/unit/engines/kill_writers.py` kills writers at random moments and looks for what they
  had acknowledged; `tests/integration/test_cli.py` kills `lookalike index`, which then goes on. Nothing may be lost.
"""


def write(folder: Path, reports: Mapping[str, Report], titles: Mapping[str, tuple[str, str]]) -> Path:
    """Write the page and its charts into `folder`; `titles` tell title and sentence of each benchmark, in the page's order."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    for chart in (one for report in reports.values() for one in report.charts):
        (pictures / f"{chart.name}.svg").write_text(svg(chart), encoding="utf-8")
    page = folder / "benchmarks.md"
    page.write_text(text(reports, titles), encoding="utf-8")
    return page


def text(reports: Mapping[str, Report], titles: Mapping[str, tuple[str, str]]) -> str:
    """The page."""
    shown = [reports[name] for name in titles if name in reports]
    return HEAD + "\n" + verdict(shown) + "\n" + "".join(_section(one, *titles[one.name]) for one in shown) + ELSEWHERE


def verdict(reports: list[Report]) -> str:
    """One paragraph: how many promises are kept, and which are not."""
    judged = [one for report in reports for one in report.results if one.met is not None]
    missed = [f"**MISS** {report.name}: {one.name}, {_judged(one)} (promised {one.target})." for report in reports for one in report.missed]
    failed = [f"**Failed** {report.name}: {report.error}" for report in reports if report.error]
    kept = f"{len(judged) - len(missed)} of {len(judged)} promises are kept."
    return "\n\n".join([kept, *missed, *failed]) + "\n"


def _section(report: Report, title: str, about: str) -> str:
    lines = [f"\n## {title}\n", about + "\n", f"`{report.command}` · {report.date} · {report.machine} · took {report.seconds:,.0f} s\n"]
    if report.error:
        lines.append(
            f"**The last run gave nothing: {_cell(report.error)}**" + (" The figures are of the run before.\n" if report.results else "\n")
        )
    if report.results:
        lines += ["| what | ours | peer or bound | ratio | promise | |", "|---|---:|---:|---:|---|---|", *map(_row, report.results), ""]
    lines += [f"* {note}" for note in report.notes] + ([""] if report.notes else [])
    lines += [f"![{chart.title}](pictures/{chart.name}.svg)\n" for chart in report.charts]
    return "\n".join(lines)


def _row(one: Result) -> str:
    name = _cell(one.name + (f"; {one.what}" if one.what else ""))
    peer = "" if one.peer is None else f"{_with_unit(one.peer, one)} ({_cell(one.peer_name)})"
    promise = "" if one.target is None else f"{one.target} {'' if one.target.of == 'ratio' else one.unit}".strip()
    ratio = "" if one.ratio is None else figure(one.ratio)
    mark = {None: "", True: "ok", False: "**MISS**"}[one.met]
    return f"| {name} | {_with_unit(one.ours, one)} | {peer} | {ratio} | {promise} | {mark} |"


def _judged(one: Result) -> str:
    if one.target is not None and one.target.of == "ratio" and one.ratio is not None:
        return f"ratio {figure(one.ratio)}"
    return _with_unit(one.ours, one)


def _with_unit(value: float, one: Result) -> str:
    return f"{figure(value)} {one.unit}".strip()


def _cell(told: str) -> str:
    return told.replace("|", "\\|").replace("\n", " ")
