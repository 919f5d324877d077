"""The report as one HTML file: no script, no address of the web, thumbnails inside; to mail, to print, to keep."""

import base64
from collections.abc import Callable, Iterator
from html import escape

from lookalike.services.doctor.findings import KINDS, Finding, Report

SHOWN = 60
"""Findings of a kind that get a card; the CSV has them all."""
Thumbnail = Callable[[str], bytes | None]
"""JPEG bytes of a reference, None where there is nothing to show."""

_STYLE = """
:root{color-scheme:light dark;--ink:light-dark(#1d2126,#e8eaed);--dim:light-dark(#5c6670,#a3adb8);--line:light-dark(#dfe3e8,#343a42);
--card:light-dark(#fff,#1e2227);--page:light-dark(#f6f7f9,#14171a);--mark:light-dark(#b3261e,#ff9a90)}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);margin:0 auto;max-width:72rem;padding:1.5rem}
h1{font-size:1.6rem;margin:0 0 .25rem}h2{font-size:1.15rem;margin:2.25rem 0 .25rem}p{margin:.25rem 0 .75rem;color:var(--dim)}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.3rem .9rem .3rem 0;text-align:left;border-bottom:1px solid var(--line)}
td.n,th.n{text-align:right}ul{list-style:none;margin:0;padding:0;display:grid;gap:.75rem;grid-template-columns:repeat(auto-fill,minmax(20rem,1fr))}
li{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.75rem;display:flex;gap:.75rem}
img{width:80px;height:80px;object-fit:contain;background:#fff;border-radius:.35rem;flex:none}.pics{display:flex;gap:.35rem;flex:none}
h3{font-size:.95rem;margin:0;overflow-wrap:anywhere}li p{margin:.15rem 0;font-size:.875rem;overflow-wrap:anywhere}
.fix{color:var(--ink)}.bad{color:var(--mark)}a{color:inherit}@media print{li{break-inside:avoid}}
"""
_ACTIONS = {"remove": "Remove it", "set": "Set", "replace": "Replace the picture", "look": "Look at it"}


def report_page(report: Report, thumbnail: Thumbnail, title: str = "Catalogue doctor") -> Iterator[str]:
    """The page in pieces, ready to write one after the other. Whatever comes from the catalogue is escaped."""
    counts = report.as_json()["findings"]
    yield "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    yield f"<title>{escape(title)}</title><style>{_STYLE}</style><body><main><h1>{escape(title)}</h1>"
    yield f"<p>{report.documents:,} products, {report.flagged:,} with something to look at.</p>"
    for fault in report.faults:
        yield f"<p class=bad>The index: {escape(fault)}</p>"
    if counts:
        yield "<table><thead><tr><th scope=col>Finding<th class=n scope=col>Products<th scope=col>What it means<tbody>"
        for kind, number in counts.items():
            yield f"<tr><td><a href='#{_anchor(kind)}'>{escape(kind)}</a><td class=n>{number:,}<td>{escape(KINDS[kind])}"
        yield "</table>"
    else:
        yield "<p>Nothing was found.</p>"
    for note in report.notes:
        yield f"<p>{escape(note)}</p>"
    for kind in counts:
        found = report.of(kind)
        yield f"<section aria-labelledby='{_anchor(kind)}'><h2 id='{_anchor(kind)}'>{escape(kind.capitalize())} · {len(found):,}</h2>"
        yield f"<p>{escape(KINDS[kind])}</p><ul>"
        for one in found[:SHOWN]:
            yield _card(one, thumbnail)
        yield "</ul>" + (f"<p>and {len(found) - SHOWN:,} more: the CSV has them all.</p>" if len(found) > SHOWN else "") + "</section>"
    yield "</main></body></html>\n"


def _card(one: Finding, thumbnail: Thumbnail) -> str:
    shown = [(one.picture, f"Picture of {one.id}")]
    if one.other_picture:
        shown.append((one.other_picture, f"Picture of {', '.join(one.others)}"))
    images = "".join(
        f"<img alt='{escape(alt, quote=True)}' src='data:image/jpeg;base64,{base64.b64encode(content).decode()}'>"
        for reference, alt in shown
        if reference and (content := thumbnail(reference))
    )
    fix = _ACTIONS[one.action]
    if one.action == "set":
        fix = f"Set {one.field}" + (f" to {one.suggested}" if one.suggested else "")
    return (
        f"<li>{f'<div class=pics>{images}</div>' if images else ''}<div><h3>{escape(one.id)}</h3>"
        f"<p>{escape(one.message)}</p><p class=fix>{escape(fix)}</p></div></li>"
    )


def _anchor(kind: str) -> str:
    return kind.replace(" ", "-")
