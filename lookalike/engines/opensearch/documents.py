"""A document as it lies in the index, and back."""

import base64
import binascii
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Recipe, Vector
from lookalike.domain.document import Document
from lookalike.domain.filters import OWN_FIELDS
from lookalike.domain.product import CATEGORY_JOINT, Product
from lookalike.engines import words
from lookalike.engines.opensearch import fields
from lookalike.engines.told import Place, document_of, told_of

Json = dict[str, Any]
HELD = ["told", "data", "version", "digest"]
"""What of the source makes the document again; everything else is there to be found by."""

LONGEST_WORD = 200
"""Characters of a stem: Lucene's tokenizer would split it at 255."""

_MOST_STARTS = 32
LONGEST_START = 64
"""Of a text the first 32 words can be completed, by up to 64 characters."""

BOUND = "\x1f"
_KINDS = {"title": "t", "brand": "b", "category": "c", "tag": "g"}
KIND_OF = {mark: kind for kind, mark in _KINDS.items()}


def encode(document: Document, version: int) -> Json:
    """The source of a document."""
    product = document.product
    scores = tag_scores(document)
    names = [name for name in sorted(OWN_FIELDS) if document.read(name)] + [
        f"attributes.{name}" for name, value in product.attributes.items() if value != ()
    ]
    found: Json = {
        "id": product.id,
        "version": version,
        "digest": document.digest,
        "present": names,
        "attributes": _attributes(product),
        "tag_names": [name for name, score in scores.items() if score > 0],
        "tag_scores": [f"{name}={score!r}" for name, score in scores.items() if score > 0],
        "tags_unlikely": [name for name, score in scores.items() if score <= 0],
        "suggestions": list(dict.fromkeys(_suggestions(document))),
        "phash": [seen.analysis.phash for seen in document.seen if seen.analysis.phash],
        "told": told_of(document),
        **_words(document),
    }
    for name in OWN_FIELDS - {"id"}:
        value = document.read(name)
        if value:
            shown = [fields.clipped(one) if isinstance(one, str) else one for one in value]
            found[name] = shown if name in ("tags", "predicted_tags", "predicted_colours", "quality") else shown[0]
    if product.category is not None:
        found["category_levels"] = levels(product.category)
    if document.seen:
        halves = _halves(document)
        found |= {"seen": True, "data": base64.b64encode(halves.tobytes()).decode(), "objects": _objects(document, halves)}
    return {name: value for name, value in found.items() if value != []}


def decode(source: Mapping[str, Any], recipe: Recipe) -> Document:
    """The document of a source, of which `HELD` is enough. Raises: DAMAGED."""
    matrix = rows(source.get("data"), recipe)
    return document_of(source["told"], matrix, recipe.dimension, version=int(source["version"]), digest=str(source["digest"]))


def rows(data: str | None, recipe: Recipe) -> NDArray[np.float32]:
    """The vectors of a product's objects, each with its colour vector beside it, as every engine rounds them. Raises: ValueError."""
    return halves_of(data, recipe).astype(np.float32)


def halves_of(data: str | None, recipe: Recipe) -> NDArray[np.float16]:
    """The same as they are stored. Doc values come without the padding that the source has. Raises: ValueError."""
    width = recipe.dimension + recipe.colour_dimension
    told = binascii.a2b_base64(data + "=" * (-len(data) % 4)) if data else b""
    return np.frombuffer(told, "<f2").reshape(-1, width)


def places(document: Document) -> list[Place]:
    """Of every row of `rows` in turn."""
    return [(seen.picture, place) for seen in document.seen for place in range(len(seen.analysis.objects))]


def levels(path: str) -> list[str]:
    """A category path and all above it, from the root."""
    return list(itertools.accumulate(path.split(CATEGORY_JOINT), lambda above, step: f"{above}{CATEGORY_JOINT}{step}"))


def tag_scores(document: Document) -> dict[str, float]:
    """Casefolded tags: an own one counts 1, a predicted one its best probability."""
    found: dict[str, float] = {}
    for name, score in document.predicted_tags().items():
        found[name.casefold()] = max(score, found.get(name.casefold(), 0.0))
    return found | {tag.casefold(): 1.0 for tag in document.product.tags}


def suggestion(told: str) -> tuple[str, str]:
    """(text, kind) of an entry of `suggestions`."""
    _, kind, text = told.split(BOUND, 2)
    return text, KIND_OF[kind]


def _attributes(product: Product) -> list[str]:
    found: dict[str, None] = {}
    for name, value in product.attributes.items():
        escaped = fields.attribute(f"attributes.{name}") or ""
        found |= {fields.entry(escaped, one): None for one in (value if isinstance(value, tuple) else (value,))}
    return list(found)


def _words(document: Document) -> Json:
    """The stems with how often they count, and how many words there are in all: what BM25 is made of."""
    counts: dict[str, int] = {}
    length = 0
    for weight, text in zip(words.COLUMNS.values(), words.texts_of(document), strict=True):
        for word in words.tokens(text):
            stem = words.stem(word)[:LONGEST_WORD]
            counts[stem] = counts.get(stem, 0) + int(weight)
            length += 1
    return {"words": " ".join(f"{stem}|{count}" for stem, count in counts.items()), "length": length}


def _halves(document: Document) -> NDArray[np.float16]:
    objects = [one for seen in document.seen for one in seen.analysis.objects]
    return np.stack([np.concatenate([one.vector, one.colour_vector]) for one in objects]).astype("<f2")


def _objects(document: Document, halves: NDArray[np.float16]) -> list[Json]:
    size = len(document.seen[0].analysis.main.vector)
    found = []
    for (picture, place), row, one in zip(places(document), halves.astype(np.float32), _each(document), strict=True):
        found.append(
            {
                "picture": picture,
                "place": place,
                "label": one.label,
                "score": one.score,
                "vector": listed(row[:size]),
                "colour": listed(row[size:]),
            }
        )
    return found


def _each(document: Document) -> list[Any]:
    return [one for seen in document.seen for one in seen.analysis.objects]


def listed(vector: Vector) -> list[float]:
    """A vector as JSON, without digits that float32 does not have."""
    return [float(f"{one:.9g}") for one in vector.tolist()]


def _suggestions(document: Document) -> list[str]:
    product = document.product
    found = []
    for kind, text in (("title", product.title), ("brand", product.brand)):
        if text:
            found += _starts(kind, text, text)
    if product.category:
        for path in levels(product.category):
            found += _starts("category", path.rpartition(CATEGORY_JOINT)[2], path)
    for tag in dict.fromkeys([*product.tags, *document.predicted_tags()]):
        found += _starts("tag", tag, tag)
    return found


def _starts(kind: str, text: str, whole: str) -> list[str]:
    """An entry for each word of a text: what follows from there on, folded, and the whole."""
    flat = words.folded(text)
    starts = itertools.islice(words.word_starts(flat), _MOST_STARTS)
    return [f"{flat[start : start + LONGEST_START]}{BOUND}{_KINDS[kind]}{BOUND}{fields.clipped(whole)}" for start in starts]
