"""A document as the JSON that engines keep of it, without its vectors, and back."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import analysis_from_json
from lookalike.domain.document import Document, Seen
from lookalike.domain.product import Product

Told = dict[str, Any]
Place = tuple[int, int]
"""(picture, object): which picture of a product, and which object in it."""

DAMAGED = (KeyError, TypeError, ValueError, IndexError, AttributeError)
"""What reading a damaged document may raise."""


def told_of(document: Document) -> Told:
    """All that is no vector, to the last digit."""
    told: Told = {"product": document.product.as_json()}
    if document.seen:
        told["seen"] = [[seen.picture, seen.analysis.as_exact_json()] for seen in document.seen]
    if document.unseen:
        told["unseen"] = [list(one) for one in sorted(document.unseen.items())]
    return told


def document_of(told: Mapping[str, Any], matrix: NDArray[np.float32], dimension: int, *, version: int, digest: str) -> Document:
    """The document of what `told_of` told and of its vectors, a row each: `dimension` numbers, then the colours. Raises: DAMAGED."""
    seen, start = [], 0
    for picture, one in told.get("seen", ()):
        rows = matrix[start : start + len(one["objects"])]
        start += len(rows)
        seen.append(Seen(int(picture), analysis_from_json(one, rows[:, :dimension], rows[:, dimension:], exact=True)))
    if start != len(matrix):
        raise ValueError("vectors and objects differ in number")
    unseen = {int(place): str(reason) for place, reason in told.get("unseen", ())}
    return Document(product_of(told["product"]), tuple(seen), digest, version, unseen)


def product_of(told: Mapping[str, Any]) -> Product:
    """The product that `Product.as_json` told. Raises: DAMAGED."""
    try:
        return msgspec.convert(told, Product)
    except msgspec.ValidationError:  # of other types than we would write
        given = dict(told)
    if "tags" in given:
        given["tags"] = tuple(given["tags"])
    if "pictures" in given:
        given["pictures"] = tuple(given["pictures"])
    if "attributes" in given:
        given["attributes"] = attributes = dict(given["attributes"])
        for key, one in attributes.items():
            if one.__class__ is list:
                attributes[key] = tuple(one)  # of a key that is there: the dictionary keeps its shape
    return Product(**given)


def places_of(told: Mapping[str, Any]) -> tuple[Place, ...]:
    """Of every vector in turn."""
    return tuple([(picture, place) for picture, one in told.get("seen", ()) for place in range(len(one["objects"]))])


def tags_of(told: Told) -> dict[str, float]:
    """Casefolded tags: an own one counts 1, a predicted one its best probability. Raises: DAMAGED."""
    found: dict[str, float] = {}
    for _, one in told.get("seen", ()):
        for tag in one["tags"]:
            name = tag["name"].casefold()
            found[name] = max(tag["score"], found.get(name, 0.0))
    for tag in told["product"].get("tags", ()):
        found[tag.casefold()] = 1.0
    return found
