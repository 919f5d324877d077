"""Vectors in memory: faiss holds them in fp16, with short codes beside them once a scan of all takes too long.

A row is one object in one picture of a product; the rows of a product lie side by side.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from lookalike.engines.embedded.columns import Ints, Mask, Strip
from lookalike.engines.embedded.rows import Place

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]

_CODE_BITS_PER_DIMENSION = 2
_DECODED_AT_ONCE = 4096
_SEED = 20_26


class Half:
    """A matrix of fp16 rows that faiss can search by inner product."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._index = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        self._codes = np.empty((0, 2 * dimension), np.uint8)

    def append(self, rows: NDArray[np.float16]) -> None:
        """Add rows × dimension."""
        if not len(rows):
            return
        self._index.add_sa_codes(np.ascontiguousarray(rows, "<f2").view(np.uint8))
        size = self._index.ntotal
        self._codes = faiss.rev_swig_ptr(self._index.codes.data(), size * 2 * self._dimension).reshape(size, -1)

    def read(self, rows: Rows | slice) -> Floats:
        """Those rows in float32."""
        codes = np.ascontiguousarray(self._codes[rows])
        return np.asarray(self._index.sa_decode(codes), np.float32) if len(codes) else np.empty((0, self._dimension), np.float32)

    def cosines(self, vector: Floats, rows: Rows) -> Floats:
        """The inner products with some rows, summed in float64: rounding must not depend on how they were chosen."""
        wide = vector.astype(np.float64)
        found = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), _DECODED_AT_ONCE):
            part = self.read(rows[start : start + _DECODED_AT_ONCE]).astype(np.float64)
            found[start : start + len(part)] = np.einsum("ij,j->i", part, wide)  # BLAS would start threads of its own
        return found

    def nearest(self, vector: Floats, most: int, chosen: Mask | None) -> tuple[Rows, Floats]:
        """The `most` best of the chosen rows, best first, with faiss's float32 sums."""
        parameters, _kept = _selection(chosen)
        found, rows = self._index.search(vector[None, :], most, params=parameters)
        known = rows[0] >= 0
        return rows[0][known], found[0][known]


def _selection(chosen: Mask | None) -> tuple[faiss.SearchParameters | None, object]:
    """Search parameters for a mask over rows, and what must live as long as they are used."""
    if chosen is None:
        return None, None
    bits = np.packbits(chosen, bitorder="little")
    selector = faiss.IDSelectorBitmap(len(chosen), faiss.swig_ptr(bits))
    return faiss.SearchParameters(sel=selector), (bits, selector)  # type: ignore[call-arg] # faiss' stubs lack what its wrapper adds


class Codes:
    """Signs of a random rotation into twice as many dimensions: Hamming distance finds the neighbourhood, fp16 ranks it."""

    def __init__(self, dimension: int) -> None:
        bits = -(-_CODE_BITS_PER_DIMENSION * dimension // 64) * 64
        self._rotation = faiss.LinearTransform(dimension, bits, False)
        faiss.copy_array_to_vector(_rotations(dimension, bits).ravel(), self._rotation.A)
        self._rotation.is_trained = True
        self._index = faiss.IndexBinaryFlat(bits)
        self._index.use_heap = False  # type: ignore[attr-defined] # counting distances beats a heap of hundreds

    def append(self, rows: Floats) -> None:
        """Add rows × dimension, in float32."""
        for start in range(0, len(rows), _DECODED_AT_ONCE):
            self._index.add(self._signs(rows[start : start + _DECODED_AT_ONCE]))

    def nearest(self, vector: Floats, most: int, chosen: Mask | None) -> Rows:
        """At most `most` of the chosen rows: all that are nearer than the last, so that the same ones come each time."""
        parameters, _kept = _selection(chosen)
        distances, rows = self._index.search(self._signs(vector[None, :]), most, params=parameters)
        known = rows[0] >= 0
        if known.all():
            known = distances[0] < distances[0].max()
        return np.asarray(rows[0][known])

    def _signs(self, rows: Floats) -> NDArray[np.uint8]:
        return np.packbits(self._rotation.apply(np.ascontiguousarray(rows)) > 0, axis=1, bitorder="little")


def _rotations(dimension: int, bits: int) -> Floats:
    """bits × dimension: random rotations one below the other, from Hadamard matrices and signs (Ailon & Chazelle 2006).

    faiss' RandomRotationMatrix decomposes a matrix instead, which takes seconds where others use the cores.
    """
    side = 1 << max(0, dimension - 1).bit_length()
    hadamard = np.ones((1, 1), np.float32)
    while len(hadamard) < side:
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    noise = np.random.default_rng(_SEED)
    blocks = []
    for _ in range(-(-bits // side)):
        one = np.eye(side, dtype=np.float32)
        for _ in range(3):  # three rounds mix every coordinate with every other, whatever the data's own axes
            one = (hadamard * (noise.choice((-1.0, 1.0), side) / np.sqrt(side)).astype(np.float32)) @ one
        blocks.append(one[noise.permutation(side), :dimension])
    return np.ascontiguousarray(np.concatenate(blocks)[:bits], np.float32)


@dataclass(frozen=True, slots=True)
class Block:
    """Vectors to add: `slots`, `places` and both matrices (fp16) have one entry a row, products side by side."""

    slots: NDArray[np.int32]
    places: Sequence[Place]
    pictures: NDArray[np.float16]
    colours: NDArray[np.float16]


class Vectors:
    """All rows with the slots and places that they belong to. `codes_from`: from so many rows on, codes are kept."""

    def __init__(self, dimension: int, colour_dimension: int, codes_from: int) -> None:
        self._codes_from = codes_from
        self.dimension, self.colour_dimension = dimension, colour_dimension
        self.pictures = Half(dimension)
        self.colours = Half(colour_dimension) if colour_dimension else None
        self.codes: Codes | None = None
        self._slots = Strip(np.int32, -1)
        self._pictures, self._objects = Strip(np.int16), Strip(np.int16)
        self._begins, self._counts = Strip(np.int32), Strip(np.int32)
        self.dead = 0
        self.products = 0
        """Slots that have rows."""

    def __len__(self) -> int:
        """Rows, dead ones included."""
        return self._slots.size

    def slots(self) -> Ints:
        """The slot of each row; -1 where it is dead."""
        return self._slots.all()

    def counts(self, size: int) -> Ints:
        """How many rows each of the first `size` slots has."""
        return self._counts.resize(size)

    def append(self, block: Block) -> None:
        """Add rows; what their slots had before must have been forgotten."""
        if not len(block.slots):
            return
        begin = self._slots.append(block.slots, len(block.slots))
        self._pictures.append([place[0] for place in block.places], len(block.slots))
        self._objects.append([place[1] for place in block.places], len(block.slots))
        self.pictures.append(block.pictures)
        if self.colours is not None:
            self.colours.append(block.colours)
        distinct, starts, counts = np.unique(block.slots, return_index=True, return_counts=True)
        size = max(int(distinct[-1]) + 1, self._begins.size)
        self._begins.resize(size)[distinct] = begin + starts
        self._counts.resize(size)[distinct] = counts
        self.products += len(distinct)
        if self.codes is not None:
            self.codes.append(block.pictures.astype(np.float32))
        elif len(self) >= self._codes_from:
            self.codes = Codes(self.dimension)
            for start in range(0, len(self), _DECODED_AT_ONCE):
                self.codes.append(self.pictures.read(slice(start, start + _DECODED_AT_ONCE)))

    def forget(self, slot: int) -> None:
        """A slot has no vectors any more; its rows stay, dead, until the next compaction."""
        if slot >= self._begins.size:
            return
        begin, count = int(self._begins.all()[slot]), int(self._counts.all()[slot])
        self.slots()[begin : begin + count] = -1
        self._counts.all()[slot] = 0
        self.dead += count
        self.products -= count > 0

    def rows_of(self, slots: NDArray[np.intp]) -> tuple[Rows, NDArray[np.intp]]:
        """The rows of some slots, and for each row the place of its slot in `slots`."""
        size = int(slots.max()) + 1 if len(slots) else 0
        counts = self.counts(max(size, self._counts.size))[slots]
        begins = self._begins.resize(max(size, self._begins.size))[slots]
        owners = np.repeat(np.arange(len(slots)), counts)
        within = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.asarray(np.repeat(begins, counts) + within, np.intp), owners

    def place(self, row: int) -> Place:
        """(picture, object) of a row."""
        return int(self._pictures.all()[row]), int(self._objects.all()[row])

    def mask(self, chosen: Mask) -> Mask | None:
        """Which rows belong to the chosen slots; None: all of them."""
        if not self.dead and chosen.all():
            return None
        rows = np.append(chosen, False)[self.slots()]
        return None if rows.all() else np.asarray(rows)

    def compacted(self) -> "Vectors":
        """The same without the dead rows."""
        fresh = Vectors(self.dimension, self.colour_dimension, self._codes_from)
        alive = np.flatnonzero(self.slots() >= 0)
        alive = alive[np.argsort(self.slots()[alive], kind="stable")]
        empty = np.empty((len(alive), 0), np.float16)
        fresh.append(
            Block(
                slots=self.slots()[alive],
                places=[self.place(int(row)) for row in alive],
                pictures=self.pictures.read(alive).astype(np.float16),
                colours=empty if self.colours is None else self.colours.read(alive).astype(np.float16),
            )
        )
        return fresh
