"""One examination of a whole catalogue, step by step."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lookalike.domain.analysis import Analysis, Vector
from lookalike.domain.query import EngineQuery
from lookalike.errors import PictureUnavailable
from lookalike.ports.engine import SearchEngine
from lookalike.ports.pictures import PictureStore
from lookalike.ports.vision import Look, PictureAnalyser
from lookalike.services.doctor.categories import disagreements
from lookalike.services.doctor.duplicates import near_duplicates, same_files
from lookalike.services.doctor.fields import missing_fields, odd_prices
from lookalike.services.doctor.findings import Finding, Report
from lookalike.services.doctor.neighbours import MOST_COMPARED, nearest
from lookalike.services.doctor.ward import Tell, Ward, admit

_AS_ALIKE = 0.002
"""Cosine within which another product may come first: duplicates tie, and are told as such."""
_SAME_PICTURE = 0.9
"""Least cosine of two looks at the same bytes; int8 and fp32 differ by .02."""
_LOOKS = 16


@dataclass(frozen=True, slots=True)
class Options:
    """How far to go. `self_match` products are searched by their own picture, spread evenly; 0 leaves that out."""

    self_match: int = 500


def examine(
    engine: SearchEngine,
    pictures: PictureStore | None,
    analyser: PictureAnalyser | None = None,
    tell: Tell = lambda _step, _done, _total: None,
    options: Options = Options(),
) -> Report:
    """Every finding on every product, after one pass over the documents.

    With `pictures` it is seen whether files are still there; addresses of the web are not asked. With `analyser` as well, the
    self-match looks at the pictures anew, as for a shopper; else it takes the stored vectors.
    Memory: 4 KiB a picture. Raises: IndexDamaged where the documents cannot be read at all.
    """
    faults = engine.check()
    ward = admit(engine.documents(), tell, engine.status().documents)
    findings = _of_pictures(ward)
    notes: list[str] = []
    if pictures is not None:
        findings += _gone(ward, pictures, tell)
    missing, notes = missing_fields(ward)
    findings += missing + odd_prices(ward)
    if len(ward.place):
        near = nearest(ward.vectors, tell)
        if len(near.compared) < len(ward.place):
            notes.append(f"{len(ward.place):,} pictures were compared with an even share of {MOST_COMPARED:,} of them.")
        same = same_files(ward)
        findings += same + near_duplicates(ward, near, tell) + disagreements(ward, near)
        matched, told = _self_match(ward, engine, pictures, analyser, tell=tell, most=options.self_match)
        findings += matched
        notes += told
    tell("done", len(ward), len(ward))
    return Report(len(ward), faults, tuple(findings), tuple(notes))


_QUALITY = {
    "blank": "Its picture is one flat area.",
    "blurred": "Its picture is out of focus.",
    "tiny": "Its picture has too few pixels.",
    "placeholder": "Its picture is a stand-in, not the product.",
}


def _of_pictures(ward: Ward) -> list[Finding]:
    found = [
        Finding(ward.ids[place], "no picture", "It has no picture, so no shopper's photo finds it.", "set", "pictures")
        for place, named in enumerate(ward.references)
        if not named
    ]
    for place, reasons in enumerate(ward.unseen):
        for number, reason in reasons.items():
            named = ward.references[place]
            reference = named[number] if number < len(named) else ""
            found.append(
                Finding(
                    ward.ids[place], "unread", f"Picture {number + 1} could not be read: {reason}.", "replace", "pictures", reference[:500]
                )
            )
    for picture, flags in enumerate(ward.quality):
        reference_or_none = ward.reference(picture)
        found += [
            Finding(
                *(ward.ids[int(ward.product[picture])], flag, _QUALITY[flag], "replace", "pictures", (reference_or_none or "")[:500]),
                picture=reference_or_none,
            )
            for flag in flags
            if flag in _QUALITY
        ]
    return found


def _gone(ward: Ward, pictures: PictureStore, tell: Tell) -> list[Finding]:
    found: list[Finding] = []
    for place, named in enumerate(ward.references):
        if place % 64 == 0:
            tell("files", place, len(ward))
        for number, reference in enumerate(named):
            if number in ward.unseen[place] or reference.lower().startswith(("http:", "https:", "data:")):
                continue
            try:
                pictures.fetch(reference)
            except PictureUnavailable as error:
                found.append(Finding(ward.ids[place], "picture gone", str(error)[:300], "replace", "pictures", reference[:500]))
    return found


def _self_match(
    ward: Ward, engine: SearchEngine, pictures: PictureStore | None, analyser: PictureAnalyser | None, *, tell: Tell, most: int
) -> tuple[list[Finding], list[str]]:
    if not most:
        return [], []
    everyone = np.arange(len(ward.place))
    asked = everyone if len(everyone) <= most else np.unique(np.linspace(0, len(everyone) - 1, most).astype(int))
    found: list[Finding] = []
    looked = 0
    for start in range(0, len(asked), _LOOKS):
        tell("self-match", start, len(asked))
        some = [int(one) for one in asked[start : start + _LOOKS]]
        fresh = _look_again(ward, some, pictures, analyser)
        for picture, vector in zip(some, fresh, strict=True):
            looked += vector is not None
            found += _not_first(ward, engine, picture, vector)
    how = f"{looked:,} of them by a new look at the file" if looked else "by their stored vectors"
    return found, [f"{len(asked):,} pictures were searched by themselves, {how}; {len(found):,} did not come first."]


def _not_first(ward: Ward, engine: SearchEngine, picture: int, vector: Vector | None) -> list[Finding]:
    product = int(ward.product[picture])
    asked = ward.vectors[picture] if vector is None else vector
    norm = float(np.linalg.norm(asked))
    if norm == 0 or "blank" in ward.quality[picture]:
        return []
    page = engine.search(EngineQuery(vector=(asked / norm).astype(np.float32), weights={"picture": 1.0}, limit=10))
    own = next((hit for hit in page.hits if hit.id == ward.ids[product]), None)
    first = page.hits[0] if page.hits else None
    if first is None:
        return []
    cosine = 0.0 if own is None else own.similarity or 0.0
    if vector is not None and own is not None and cosine < _SAME_PICTURE:
        message = f"Its stored vector is not of its picture: a new look differs (cosine {cosine:.2f}). Index it again."
    elif own is None or cosine < (first.similarity or 0.0) - _AS_ALIKE:
        rank = "not among the first ten" if own is None else f"at place {page.hits.index(own) + 1}"
        message = f"Searched by its own picture, {first.id} comes first and it is {rank}."
    else:
        return []
    told = Finding(ward.ids[product], "not found", message, "look", others=(first.id,), picture=ward.reference(picture))
    return [told]


def _look_again(ward: Ward, places: Sequence[int], pictures: PictureStore | None, analyser: PictureAnalyser | None) -> list[Vector | None]:
    fresh: list[Vector | None] = [None] * len(places)
    if pictures is None or analyser is None:
        return fresh
    looks: list[Look] = []
    of: list[int] = []
    for number, picture in enumerate(places):
        reference = ward.reference(picture)
        if reference is None or reference.lower().startswith(("http:", "https:")):
            continue
        try:
            looks.append(Look(pictures.fetch(reference)))
        except PictureUnavailable:
            continue  # told as 'picture gone'
        of.append(number)
    for number, analysis in zip(of, analyser.analyse(looks) if looks else [], strict=True):
        if isinstance(analysis, Analysis):
            fresh[number] = analysis.main.vector
    return fresh
