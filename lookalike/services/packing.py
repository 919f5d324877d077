"""An index as a compact file, and back: blocks of zlib-packed JSON with the vectors as they are, each with its checksum.

    file   = MAGIC, block HEAD, any number of blocks DOCS, block LAST; nothing behind it
    block  = kind (4 bytes), then little-endian: documents, bytes of packed JSON, bytes of that JSON unpacked, bytes of vectors (u32
             each), dimension, colour dimension (u16 each), checksum (8 bytes); then the packed JSON and the vectors
    vectors = for each object, in order, its vector and its colour vector, fp16

The checksum is BLAKE2b of 8 bytes over the block's number in the file (u64), the header's first 24 bytes and all that follows the
header: a block that is changed, missing or at another place is noticed. docs/export.md tells the JSON; docs/decisions/0052 why so.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import lookalike
from lookalike.domain.analysis import Recipe
from lookalike.domain.document import Document
from lookalike.domain.values import strict_json
from lookalike.errors import ExportMismatch, IndexTooNew, InvalidInput
from lookalike.services.told import check_recipe, document_of, doubting, matrix_of

MAGIC = b"\x89LKX\r\n\x1a\n"
"""As PNG's: a transfer as text, or of seven bits, damages it."""
FORMAT = 1
BLOCK_DOCUMENTS, BLOCK_BYTES = 500, 4 << 20
"""A block ends at so many documents or bytes, whichever comes first."""
LARGEST_BLOCK = 256 << 20
"""Bytes that a block may have unpacked: what is not ours shall not fill the memory."""
_HEADER = struct.Struct("<4sIIIIHH8s")
_HEAD, _DOCS, _LAST = b"HEAD", b"DOCS", b"LAST"


def pack(documents: Iterable[Document], recipe: str | None) -> Iterator[bytes]:
    """The file in parts of a few megabytes. Equal documents and recipe ids give equal bytes; versions are left out.

    Raises: InvalidInput for a product that is larger than a block may be.
    """
    yield MAGIC
    number = total = 0
    yield _block(number, _HEAD, {"format": FORMAT, "recipe": recipe, "written_by": f"lookalike {lookalike.__version__}"})
    for told, vectors, dimensions in _chunks(documents):
        number += 1
        total += len(told)
        yield _block(number, _DOCS, told, vectors, dimensions)
    yield _block(number + 1, _LAST, {"documents": total})


def unpack(file: BinaryIO, recipe: Recipe) -> Iterator[list[Document]]:
    """The documents of a file that `pack` wrote, a block at a time, each checked before it is told.

    Raises: InvalidInput for a file that is cut off or damaged, with what came before; ExportMismatch; IndexTooNew.
    """
    source = _Source(file)
    if source.take(len(MAGIC)) != MAGIC:
        raise source.damaged("it does not begin as an export does")
    head = _json(source.block(0, {_HEAD}), source)
    if not isinstance(head.get("format"), int) or head["format"] > FORMAT:
        raise IndexTooNew(
            f"This export was written by {str(head.get('written_by'))[:60]!r}, a newer version. Update Lookalike, then try again."
        )
    if head.get("recipe") not in (None, recipe.id):
        raise ExportMismatch(str(head["recipe"])[:200], recipe.id)
    number = 0
    while True:
        number += 1
        block = source.block(number, {_DOCS, _LAST})
        if block.kind == _LAST:
            break
        documents = _documents(block, source, recipe)
        yield documents
        source.done += len(documents)
    if _json(block, source).get("documents") != source.done:
        raise source.damaged("its end tells of another number of products")
    if file.read(1):
        raise source.damaged("something follows its end")


@dataclass(frozen=True, slots=True)
class _Block:
    kind: bytes
    documents: int
    json: bytes
    vectors: bytes
    dimension: int
    colour_dimension: int


class _Source:
    """The file with the place in it, for messages."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._place = 0
        self.done = 0

    def take(self, size: int) -> bytes:
        """So many bytes. Raises: InvalidInput where the file ends before."""
        parts: list[bytes] = []
        while size > 0 and (part := self._file.read(min(size, 1 << 20))):  # a made-up size reserves no memory
            parts.append(part)
            size -= len(part)
            self._place += len(part)
        if size:
            raise self._wrong(f"The export is cut off at byte {self._place:,}")
        return b"".join(parts)

    def block(self, number: int, kinds: set[bytes]) -> _Block:
        """The next block, its checksum verified."""
        header = self.take(_HEADER.size)
        kind, documents, packed, unpacked, vectors, dimension, colour_dimension, checksum = _HEADER.unpack(header)
        if kind not in kinds or unpacked + vectors > LARGEST_BLOCK or packed > LARGEST_BLOCK:
            raise self.damaged("a block has a header that is none")
        body = self.take(packed + vectors)
        if _checksum(number, header, body) != checksum:
            raise self.damaged("a block's checksum is another")
        unzip = zlib.decompressobj()
        try:
            text = unzip.decompress(body[:packed], unpacked + 1)
        except zlib.error as error:
            raise self.damaged(f"a block cannot be unpacked ({error})") from error
        if len(text) != unpacked or not unzip.eof:
            raise self.damaged("a block is larger or smaller than it tells")
        return _Block(kind, documents, text, body[packed:], dimension, colour_dimension)

    def damaged(self, what: str) -> InvalidInput:
        """The error for a file that is not as we wrote it."""
        return self._wrong(f"The export is damaged before byte {self._place:,}: {what}")

    def _wrong(self, what: str) -> InvalidInput:
        return InvalidInput.at(
            "",
            f"{what}. The {self.done:,} products before that are whole and in the index; nothing else was touched. "
            "Fetch or write the export again, then repeat the import: it passes over what is there.",
        )


def _chunks(documents: Iterable[Document]) -> Iterator[tuple[list[bytes], bytes, tuple[int, int]]]:
    told: list[bytes] = []
    vectors: list[bytes] = []
    dimensions, size = (0, 0), 0
    for document in documents:
        line, packed, found = _told(document)
        if len(line) + len(packed) + 2 > LARGEST_BLOCK:
            raise InvalidInput.at(document.id[:80], f"The product is larger than {LARGEST_BLOCK:,} bytes; export as JSON Lines.")
        if told and (len(told) == BLOCK_DOCUMENTS or size + len(line) + len(packed) > BLOCK_BYTES):
            yield told, b"".join(vectors), dimensions
            told, vectors, size = [], [], 0
        dimensions = found or dimensions
        told.append(line)
        vectors.append(packed)
        size += len(line) + len(packed)
    if told:
        yield told, b"".join(vectors), dimensions


def _told(document: Document) -> tuple[bytes, bytes, tuple[int, int] | None]:
    product = document.product.as_json()
    if "attributes" in product:
        product["attributes"] = dict(sorted(product["attributes"].items()))
    told = product | {
        "analysis": [{"picture": one.picture, **one.analysis.as_exact_json()} for one in document.seen],
        "digest": document.digest,
        "unseen": {str(place): reason for place, reason in sorted(document.unseen.items())},
    }
    objects = [one for seen in document.seen for one in seen.analysis.objects]
    vectors = b"".join(part.astype("<f2").tobytes() for one in objects for part in (one.vector, one.colour_vector))
    line = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    return line, vectors, (len(objects[0].vector), len(objects[0].colour_vector)) if objects else None


def _block(number: int, kind: bytes, told: object, vectors: bytes = b"", dimensions: tuple[int, int] = (0, 0)) -> bytes:
    lines = told if isinstance(told, list) else [json.dumps(told).encode()]
    text = b"\n".join(lines)
    packed = zlib.compress(text, 6)
    bare = _HEADER.pack(kind, len(lines) if kind == _DOCS else 0, len(packed), len(text), len(vectors), *dimensions, bytes(8))
    return bare[:24] + _checksum(number, bare, packed + vectors) + packed + vectors


def _checksum(number: int, header: bytes, body: bytes) -> bytes:
    told = hashlib.blake2b(struct.pack("<Q", number), digest_size=8)
    told.update(header[:24])
    told.update(body)
    return told.digest()


def _json(block: _Block, source: _Source) -> dict[str, Any]:
    try:
        told = strict_json(block.json.decode())
    except ValueError as error:
        raise source.damaged(f"a block is no JSON ({error})") from error
    if not isinstance(told, dict):
        raise source.damaged("a block is no JSON object")
    return told


def _documents(block: _Block, source: _Source, recipe: Recipe) -> list[Document]:
    lines = block.json.split(b"\n")
    if len(lines) != block.documents:
        raise source.damaged("a block holds another number of products than it tells")
    ours, colours = recipe.dimension, recipe.colour_dimension
    found: list[Document] = []
    with doubting(f"product {source.done + 1}"):
        if block.vectors and (block.dimension, block.colour_dimension) != (ours, colours):
            raise ValueError(f"vectors of {block.dimension} and {block.colour_dimension} numbers, not of {ours} and {colours}")
        rows = len(block.vectors) // (2 * (ours + colours))
        vectors = matrix_of(block.vectors, rows, ours + colours)
    start = 0
    for line in lines:
        with doubting(f"product {source.done + len(found) + 1}"):
            told = strict_json(line.decode())
            check_recipe(told, recipe)
            pairs = []
            for one in told["analysis"]:
                end = start + len(one["objects"])
                pairs.append((vectors[start:end, :ours], vectors[start:end, ours:]))
                start = end
            found.append(document_of(told, pairs))
    if start != rows:
        raise source.damaged("a block holds more vectors than objects")
    return found
