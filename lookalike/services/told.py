"""A document of an export, read back: nothing in the file is believed before it is looked at."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Analysis, Recipe, analysis_from_json
from lookalike.domain.document import Document, Seen
from lookalike.domain.geometry import Box
from lookalike.domain.product import PRODUCT_FIELDS, parse_product
from lookalike.errors import ExportMismatch, InvalidInput

Matrix = NDArray[np.float32]
_LONGEST_NAME = 1_000
_LONGEST_DIGEST = 10_000
"""A document's tells of up to fifty pictures why they failed."""


@contextmanager
def doubting(at: str) -> Iterator[None]:
    """Whatever is wrong with a part of an export becomes InvalidInput with `at`, its place in the file."""
    try:
        yield
    except InvalidInput as error:
        raise error.below(at) from error
    except KeyError as error:
        raise InvalidInput.at(at, f"The field {error.args[0]!r} is not there: is this what index-admin export wrote?") from error
    except (ValueError, TypeError, AttributeError, OverflowError, IndexError) as error:
        raise InvalidInput.at(at, f"This is not what index-admin export wrote: {error}.") from error


def check_recipe(told: Mapping[str, Any], recipe: Recipe) -> None:
    """Refuse analyses of another recipe, before their vectors are read. Raises: ExportMismatch, and what `doubting` takes."""
    for one in told["analysis"]:
        if one["recipe"] != recipe.id:
            raise ExportMismatch(_name(one["recipe"]), recipe.id)


def document_of(told: Mapping[str, Any], vectors: Sequence[tuple[Matrix, Matrix]]) -> Document:
    """The document that an export tells; `vectors` has (objects, colours) for each entry of its `analysis`.

    Raises: what `doubting` takes.
    """
    _whole(told)
    product = parse_product({name: told[name] for name in PRODUCT_FIELDS if name in told})
    seen = tuple(_seen(one, *pair) for one, pair in zip(told["analysis"], vectors, strict=True))
    places = [one.picture for one in seen]
    if len(set(places)) < len(places) or not all(0 <= place < len(product.pictures) for place in places):
        raise ValueError("an analysis of a picture that the product does not have, or two of one")
    unseen = {int(place): _name(reason) for place, reason in told["unseen"].items()}
    return Document(product, seen, _name(told["digest"], _LONGEST_DIGEST), unseen=unseen)


def _whole(told: Mapping[str, Any]) -> None:
    """Refuse halves of surrogate pairs: no engine can keep them. The product's own fields are checked with it."""
    names = [
        name for one in told["analysis"] for kind in ("tags", "categories", "colours") for name in (each["name"] for each in one[kind])
    ]
    labels = [each["label"] for one in told["analysis"] for each in one["objects"]]
    for name in (*names, *labels):
        _name(name)


def _name(told: object, longest: int = _LONGEST_NAME) -> str:
    if not isinstance(told, str) or len(told) > longest:
        raise ValueError("a name that is no text, or a very long one")
    told.encode()  # UnicodeEncodeError is a ValueError
    return told


def _seen(told: Mapping[str, Any], vectors: Matrix, colours: Matrix) -> Seen:
    if not told["objects"] or not len(told["objects"]) == len(vectors) == len(colours):
        raise ValueError("an analysis without an object, or with more or fewer vectors than objects")
    for one in told["objects"]:
        Box.parse(one["box"])
    if any(list(map(type, one["rgb"])) != [int] * 3 for one in told["colours"]):
        raise ValueError("a colour that is not three whole numbers")
    for text in ("digest", "phash"):
        _name(told[text])
    analysis: Analysis = analysis_from_json(told, vectors, colours)
    scores = [one.score for one in analysis.objects] + [one.score for one in (*analysis.tags, *analysis.categories)]
    if not all(map(math.isfinite, [*scores, *(one.share for one in analysis.colours)])):
        raise ValueError("a score that is not finite")
    for flag in analysis.quality:
        _name(flag)
    return Seen(int(told["picture"]), analysis)


def matrix_of(packed: bytes, rows: int, columns: int) -> Matrix:
    """Vectors of little-endian fp16. Raises: ValueError where they are not so many finite numbers."""
    found = np.frombuffer(packed, "<f2").astype(np.float32)
    if found.size != rows * columns or not np.isfinite(found).all():
        raise ValueError(f"vectors that are not {rows} times {columns} finite numbers")
    return found.reshape(rows, columns)
