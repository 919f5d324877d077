"""Vectors as they were put, in fp16: on disk, read through a map; only the newest are in memory.

A file holds a page of nothing, then the rows. It only grows: a row that a cache names is never written again, so a kill at any
time leaves every named row as it was.
"""

import mmap
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from lookalike.engines.embedded.cache import Stale, checksum
from lookalike.engines.embedded.columns import Mask

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]

DECODED_AT_ONCE = 4096
_PAGE = 4096
_SHIFT = 23 - 10
"""By so many bits the fraction of a float32 is longer than that of an fp16."""
_SIGN_AND_NUMBER = np.int32(-(1 << 31) | (1 << 28) - 1)
_BIAS = np.float32(2.0 ** (127 - 15))


class Originals:
    """A matrix of fp16 rows that faiss can search by inner product."""

    def __init__(self, dimension: int, path: Path | None = None, rows: int = 0) -> None:
        """The first `rows` rows of the file at `path`, where there is one. Raises: Stale."""
        self.dimension = dimension
        self._width = 2 * dimension
        self._tail = _fp16(dimension)
        self._tail_codes = np.empty((0, self._width), np.uint8)
        self._filed = 0
        self._summed = 0, 0
        self._codes = np.empty((0, self._width), np.uint8)
        self._index: faiss.Index | None = None
        if rows and path is not None:
            self._map(path, rows)

    def __len__(self) -> int:
        return self._filed + len(self._tail_codes)

    @property
    def in_memory(self) -> int:
        """Rows that are in no file yet."""
        return len(self._tail_codes)

    @property
    def filed(self) -> int:
        """Rows that are in the file."""
        return self._filed

    def append(self, rows: NDArray[np.float16]) -> None:
        """Add rows × dimension."""
        if len(rows):
            self._tail.add_sa_codes(np.ascontiguousarray(rows, "<f2").view(np.uint8))
            size = self._tail.ntotal
            self._tail_codes = faiss.rev_swig_ptr(self._tail.codes.data(), size * self._width).reshape(size, -1)

    def file(self, path: Path) -> None:
        """Move all rows into the file at `path`, behind those that it has of ours. Raises: OSError."""
        if not len(self._tail_codes):
            return
        with path.open("r+b" if self._filed else "wb") as file:
            file.seek(_PAGE + self._filed * self._width)
            file.write(self._tail_codes.reshape(-1).data)
        self._map(path, len(self))
        self._tail_codes = np.empty((0, self._width), np.uint8)
        self._tail = _fp16(self.dimension)

    def checksum(self) -> int:
        """Over the rows in the file. Those that were summed once are not read again: the sum of all is that of their parts."""
        known, total = self._summed if self._width % 8 == 0 else (0, 0)
        self._summed = self._filed, (total + checksum(self._codes[known:].reshape(-1))) & (1 << 63) - 1
        return self._summed[1]

    def read(self, rows: Rows | slice) -> Floats:
        """Those rows in float32."""
        return decoded(self.halves(rows))

    def halves(self, rows: Rows | slice) -> NDArray[np.float16]:
        """Those rows as they are kept."""
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        if not len(self._tail_codes):
            codes = self._codes.take(rows, axis=0)  # four times as fast as by [], where the rows are few
        elif not self._filed:
            codes = self._tail_codes.take(rows, axis=0)
        else:
            codes = np.empty((len(rows), self._width), np.uint8)
            late = rows >= self._filed
            codes[~late] = self._codes[rows[~late]]
            codes[late] = self._tail_codes[rows[late] - self._filed]
        return codes.view("<f2")

    def cosines(self, vector: Floats, rows: Rows) -> Floats:
        """The inner products with some rows, summed in float64: rounding must not depend on how they were chosen."""
        wide = vector.astype(np.float64) * _BIAS  # a power of two: each product is as exact as if the rows had it
        found = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), DECODED_AT_ONCE):
            part = _moved(self.halves(rows[start : start + DECODED_AT_ONCE])).astype(np.float64)
            found[start : start + len(part)] = np.matmul(part[:, None], wide)[:, 0]  # row by row: of a matrix BLAS makes threads' work
        return found

    def nearest(self, vector: Floats, most: int, chosen: Mask | None) -> tuple[Rows, Floats]:
        """The `most` best of the chosen rows, best first, with faiss's float32 sums."""
        found: list[tuple[Rows, Floats]] = []
        for index, start, size in ((self._index, 0, self._filed), (self._tail, self._filed, len(self._tail_codes))):
            if not size or index is None:
                continue
            parameters, _kept = selection(None if chosen is None else chosen[start : start + size])
            scores, rows = index.search(vector[None, :], min(most, size), params=parameters)
            known = rows[0] >= 0
            found.append((rows[0][known] + start, scores[0][known]))
        if len(found) == 1:
            return found[0]
        rows, scores = (np.concatenate(one) for one in zip((np.empty(0, np.intp), np.empty(0, np.float32)), *found, strict=True))
        order = np.argsort(-scores, kind="stable")[:most]
        return rows[order], scores[order]

    def _map(self, path: Path, rows: int) -> None:
        """See the file's rows as a faiss index without reading them: its head stands in our private copy of the first page."""
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        length = rows * self._width
        content = np.frombuffer(mapped, np.uint8)
        if len(content) < _PAGE + length:
            raise Stale(f"{path.name} is too short")
        head = _head(self.dimension, rows)
        content[_PAGE - len(head) : _PAGE] = head
        begin = content[_PAGE - len(head) :]
        self._reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(begin), len(head) + length)  # type: ignore[attr-defined]
        index = faiss.read_index(self._reader)
        self._index, self._mapped = index, content
        self._codes = content[_PAGE : _PAGE + length].reshape(rows, self._width)
        self._filed = rows


def decoded(halves: NDArray[np.float16]) -> Floats:
    """Finite fp16 numbers in float32, exactly: the exponent's bits are moved and its bias (15, and 127) made good by a product.

    A quarter of the time of NumPy's cast, and of faiss' decoder, which go number by number.
    """
    found = _moved(halves)
    found *= _BIAS
    return found


def _moved(halves: NDArray[np.float16]) -> Floats:
    """Those numbers, divided by `_BIAS`."""
    bits = halves.view("<i2").astype(np.int32)  # the sign is drawn out to the left …
    bits <<= _SHIFT
    bits &= _SIGN_AND_NUMBER  # … and what is between it and the exponent taken away
    return bits.view(np.float32)


def selection(chosen: Mask | None) -> tuple[faiss.SearchParameters | None, object]:
    """Search parameters for a mask over rows, and what must live as long as they are used."""
    if chosen is None:
        return None, None
    bits = np.packbits(chosen, bitorder="little")
    selector = faiss.IDSelectorBitmap(len(chosen), faiss.swig_ptr(bits))
    return faiss.SearchParameters(sel=selector), (bits, selector)  # type: ignore[call-arg] # faiss' stubs lack what its wrapper adds


def _fp16(dimension: int) -> faiss.IndexScalarQuantizer:
    return faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)


def _head(dimension: int, rows: int) -> NDArray[np.uint8]:
    """What faiss writes before the rows of such an index: its own bytes, with the two counts set."""
    writer = faiss.VectorIOWriter()
    faiss.write_index(_fp16(dimension), writer)
    head = np.array(faiss.vector_to_array(writer.data), np.uint8)
    head[8:16] = np.frombuffer(rows.to_bytes(8, "little"), np.uint8)
    head[-8:] = np.frombuffer((rows * 2 * dimension).to_bytes(8, "little"), np.uint8)
    return head
