"""An index as lines of JSON, and back: a catalogue moves between engines without a picture being looked at again."""

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Recipe
from lookalike.domain.document import Document
from lookalike.domain.values import strict_json
from lookalike.errors import InvalidInput
from lookalike.services.told import Matrix, check_recipe, document_of, doubting, matrix_of

BATCH = 500
LONGEST_LINE = 200_000_000
"""Bytes: a product with fifty large `data:` pictures."""
_BATCH_BYTES = 32_000_000


def export_lines(documents: Iterable[Document]) -> Iterator[str]:
    """One line a document, in their order: the product's fields, `analysis`, `vectors` (base64 of little-endian fp16), `digest`.

    Equal documents give equal bytes; versions are left out, for they count writes and say nothing of the product.
    """
    for document in documents:
        yield json.dumps(_told(document), ensure_ascii=False, separators=(",", ":"))


def read_lines(file: BinaryIO, recipe: Recipe) -> Iterator[list[Document]]:
    """Batches of the documents that `export_lines` told, in constant memory.

    Raises: InvalidInput, naming the line; ExportMismatch.
    """
    batch: list[Document] = []
    number = size = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise InvalidInput.at(f"line {number}", f"The line has more than {LONGEST_LINE:,} bytes; index-admin export writes none such.")
        if not line.strip():
            continue
        batch.append(_document(f"line {number}", line, recipe))
        size += len(line)
        if len(batch) == BATCH or size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _told(document: Document) -> dict[str, Any]:
    seen, product = document.seen, document.product.as_json()
    if "attributes" in product:
        product["attributes"] = dict(sorted(product["attributes"].items()))
    return product | {
        "analysis": [{"picture": one.picture, **one.analysis.as_json()} for one in seen],
        "vectors": {
            "objects": [[_packed(each.vector) for each in one.analysis.objects] for one in seen],
            "colours": [[_packed(each.colour_vector) for each in one.analysis.objects] for one in seen],
        },
        "digest": document.digest,
        "unseen": {str(place): reason for place, reason in sorted(document.unseen.items())},
    }


def _packed(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(np.asarray(vector, "<f2").tobytes()).decode("ascii")


def _document(at: str, line: bytes, recipe: Recipe) -> Document:
    with doubting(at):
        told = strict_json(line.decode())
        if not isinstance(told, dict):
            raise TypeError("it is no JSON object")
        check_recipe(told, recipe)
        pairs = zip(told["vectors"]["objects"], told["vectors"]["colours"], strict=True)
        vectors = [(_unpacked(ours, recipe.dimension), _unpacked(theirs, recipe.colour_dimension)) for ours, theirs in pairs]
        return document_of(told, vectors)


def _unpacked(told: list[str], size: int) -> Matrix:
    return matrix_of(b"".join(base64.b64decode(one, validate=True) for one in told), len(told), size)
