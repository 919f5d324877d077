"""How a document is written in the database, and what of it can be filtered."""

import hashlib
import itertools
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from lookalike.domain import values
from lookalike.domain.analysis import Vector
from lookalike.domain.document import Document
from lookalike.domain.product import Product
from lookalike.engines.told import Place, Told, document_of, places_of, product_of, told_of
from lookalike.engines.words import texts_of
from lookalike.errors import IndexDamaged

# One encoder for all: `json.dumps` with options of its own makes a new one each time.
_slow_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_length = struct.Struct("<Q").pack


def mark(part: bytes) -> int:
    """A checksum of 63 bits, as SQLite keeps integers."""
    return _summed(_length(len(part)) + part)


def _summed(told: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), "little") >> 1


class Row(NamedTuple):
    """A document, ready to be stored. `data` holds the vectors: objects × (dimension + colour dimension), fp16."""

    id: str
    digest: str
    told: Told
    body: bytes
    data: bytes
    places: tuple[Place, ...]
    texts: tuple[str, ...]
    text_mark: int
    vector_mark: int

    def mark(self, version: int) -> int:
        """Over everything of the row."""
        return row_mark(self.id, version, self.digest, self.body, self.vector_mark)


def row_mark(name: str, version: int, digest: str, body: bytes, vector_mark: int) -> int:
    """The checksum that stands beside a row."""
    parts = name.encode(), b"%d" % version, digest.encode(), body, b"%d" % vector_mark
    return _summed(b"".join([_length(len(part)) + part for part in parts]))


def encode(documents: Sequence[Document]) -> list[Row]:
    """The rows of some documents, all vectors turned into fp16 at once; versions are the engine's business."""
    parts = [_vectors(one) for one in documents]
    flat = list(itertools.chain.from_iterable(parts))
    data = np.concatenate(flat).astype("<f2").tobytes() if flat else b""
    ends = list(itertools.accumulate((2 * sum(map(len, own)) for own in parts), initial=0))
    return [_row(one, data[start:end]) for one, start, end in zip(documents, ends, ends[1:], strict=False)]


def _vectors(document: Document) -> list[Vector]:
    return [part for seen in document.seen for one in seen.analysis.objects for part in (one.vector, one.colour_vector)]


def _json(told: Told) -> bytes:
    """What `json.loads` reads again as it was: the standard library's encoder, several times as fast by msgspec.

    msgspec writes null where a number is none (NaN); there the standard library has its own way.
    """
    body = msgspec.json.encode(told)
    return _slow_json(told).encode() if b"null" in body else body


def _row(document: Document, data: bytes) -> Row:
    told = told_of(document)
    texts = texts_of(document)
    return Row(
        id=document.id,
        digest=document.digest,
        told=told,
        body=_json(told),
        data=data,
        places=places_of(told),
        texts=texts,
        text_mark=mark("\0".join(texts).encode()),
        vector_mark=mark(data),
    )


def decode(body: bytes, data: bytes, *, version: int, digest: str, dimension: int, colour_dimension: int) -> Document:
    """The document of a row. Raises: DAMAGED."""
    matrix = np.frombuffer(data, "<f2").astype(np.float32).reshape(-1, dimension + colour_dimension)
    return document_of(told_in(body), matrix, dimension, version=version, digest=digest)


def told_in(body: bytes) -> Told:
    """What `_json` wrote. Raises: ValueError."""
    try:
        told: Told = msgspec.json.decode(body)
    except msgspec.DecodeError:  # NaN, which only the standard library writes and reads
        told = json.loads(body)
    return told


class _Shown(msgspec.Struct):
    """What a hit shows of a body: the rest of it is passed over unread."""

    product: Product


_shown = msgspec.json.Decoder(_Shown)


def product_in(body: bytes) -> Product:
    """The product of what `_json` wrote. Raises: DAMAGED."""
    try:
        return _shown.decode(body).product
    except msgspec.DecodeError:  # as of `told_in`, and of fields that are of another type than we would write
        return product_of(told_in(body)["product"])


def fields_of(told: Told) -> dict[str, Any]:
    """Every canonical field that the product has: its value, or a list of its elements. What `Document.read` says.

    Raises: DAMAGED.
    """
    found = own_fields(told["product"])
    tags: dict[str, None] = {}
    colours: dict[str, None] = {}
    quality: dict[str, None] = {}
    for _, one in told.get("seen", ()):
        tags.update({tag["name"]: None for tag in one["tags"]})
        colours.update({colour["name"]: None for colour in one["colours"]})
        quality.update(dict.fromkeys(one["quality"]))
    found["predicted_tags"], found["predicted_colours"], found["quality"] = list(tags), list(colours), list(quality)
    return found


def own_fields(product: Mapping[str, Any]) -> dict[str, Any]:
    """Of these the product's own; its pictures are none. Raises: DAMAGED."""
    found = dict(product)
    found.pop("pictures", None)
    created = found.get("created")
    if created is not None:
        found["created"] = values.instant(created)
    attributes = found.pop("attributes", None)
    if attributes:
        for key, one in attributes.items():
            found[f"attributes.{key}"] = one
    return found


def damaged_row(slot: int, error: Exception) -> IndexDamaged:
    """The error for a row that says something else than what we wrote."""
    return IndexDamaged(
        f"Product number {slot} of the index is damaged ({type(error).__name__}). "
        "Restore the index from a backup, or delete it and index the catalogue again."
    )
