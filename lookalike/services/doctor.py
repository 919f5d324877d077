"""What is wrong with a catalogue: for now what the index itself can tell; duplicates and outliers come with another issue."""

from collections import Counter
from typing import Any

from lookalike.errors import PictureUnavailable
from lookalike.ports.engine import SearchEngine
from lookalike.ports.pictures import PictureStore

MOST_NAMED = 20
"""Products that are named for each finding."""


def examine(engine: SearchEngine, pictures: PictureStore | None) -> dict[str, Any]:
    """The index's faults, how many products have which finding, and the first of them by id. With `pictures` files are fetched,
    addresses of the web are not.

    Raises: IndexDamaged where the documents cannot be read at all.
    """
    counts: Counter[str] = Counter()
    named: dict[str, list[str]] = {}
    total = 0
    for document in engine.documents():
        total += 1
        findings = {f"unread: {reason}" for reason in document.unseen.values()}
        if not document.product.pictures:
            findings.add("no picture")
        for seen in document.seen:
            findings.update(seen.analysis.quality)
        findings.update(f"no {name}" for name in ("title", "category", "price") if getattr(document.product, name) is None)
        if pictures is not None and any(_gone(pictures, one) for one in document.product.pictures):
            findings.add("picture gone")
        for finding in findings:
            counts[finding] += 1
            if len(names := named.setdefault(finding, [])) < MOST_NAMED:
                names.append(document.id)
    return {"documents": total, "faults": engine.check(), "findings": dict(sorted(counts.items())), "products": dict(sorted(named.items()))}


def _gone(pictures: PictureStore, reference: str) -> bool:
    if reference.lower().startswith(("http:", "https:", "data:")):
        return False
    try:
        pictures.fetch(reference)
    except PictureUnavailable:
        return True
    return False
