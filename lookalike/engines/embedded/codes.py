"""Short codes that find the neighbourhood of a vector; its originals rank it."""

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from lookalike.engines.embedded.columns import Mask
from lookalike.engines.embedded.originals import DECODED_AT_ONCE, Floats, Rows
from lookalike.engines.embedded.pool import Arrays
from lookalike.engines.embedded.strips import Strip

_BITS_PER_DIMENSION = 2
_SEED = 20_26
_LOOKED_AT = 8
"""So many times as many rows as are wanted are compared by their second halves, too. Of a million rows 8 times lose .003 of the ten
nearest in the worst case (a filter that leaves a tenth), 4 times .005 to .017 (docs/decisions/0145)."""
_BOTH_UP_TO = 200_000
"""So many rows are compared by both halves at once: they lie in the processor's cache, and choosing costs as much as it spares."""
_WIDENED = 1.3
_GATHERED = 4
"""Where a filter leaves less than one row in so many, they are taken out and compared alone."""


class Codes:
    """Signs of a random rotation into twice as many dimensions, a quarter of a byte for each: Hamming distance stands for the angle.

    Each code lies in two halves. Among many all first halves are compared, and only of the nearest the second: what a search costs there
    is reading codes from memory, and this reads half of them.
    """

    def __init__(self, dimension: int, held: tuple[NDArray[Any], NDArray[Any]] | None = None) -> None:
        """Empty, or with the halves that `arrays` told."""
        self.bits = -(-_BITS_PER_DIMENSION * dimension // 128) * 128
        self._words = self.bits // 128
        self._rotation = faiss.LinearTransform(dimension, self.bits, False)
        faiss.copy_array_to_vector(rotations(dimension, self.bits).ravel(), self._rotation.A)
        self._rotation.is_trained = True
        # copies: a map of a file would be read again from the disk wherever nobody asked for a while
        self._halves = tuple(Strip(np.uint64, 0, None if held is None else np.array(held[half], np.uint64)) for half in (0, 1))

    def __len__(self) -> int:
        return len(self._halves[0]) // self._words

    def append(self, rows: Floats) -> None:
        """Add rows × dimension, in float32."""
        for start in range(0, len(rows), DECODED_AT_ONCE):
            for half, signs in zip(self._halves, self._signs(rows[start : start + DECODED_AT_ONCE]), strict=True):
                half.append(signs.reshape(-1), signs.size)

    def arrays(self) -> Arrays:
        """Both halves of every code, for another `Codes`. Good until the next `append`."""
        first, second = (half.all() for half in self._halves)
        return {"codes_first": first, "codes_second": second}

    def nearest(self, vector: Floats, most: int, chosen: Mask | None) -> tuple[Rows, NDArray[np.int32]]:
        """About `most` of the chosen rows with their distances, in no order: all that are nearer than the last, so that the same ones
        come each time."""
        asked = self._asked(vector)
        if chosen is None:
            return self._among(asked, most, None)
        count = int(np.count_nonzero(chosen))
        if 2 * count > len(self):  # taking out so many costs more than looking at some that are dropped
            rows, distances = self._among(asked, int(most * len(self) / count * _WIDENED), None)
            kept = chosen[rows]
            if np.count_nonzero(kept) >= most:
                return rows[kept], distances[kept]
        return self._among(asked, most, np.flatnonzero(chosen))

    def within(self, vector: Floats, cosine: float, spread: float) -> tuple[Rows, NDArray[np.int32]]:
        """The rows that may have at least that cosine, with their distances: `spread` standard deviations are allowed for."""
        share = float(np.arccos(np.clip(cosine, -1.0, 1.0))) / np.pi
        radius = self.bits * share + spread * float(np.sqrt(self.bits * share * (1 - share)))
        asked = self._asked(vector)
        distances = self._distances(0, asked) + self._distances(1, asked)
        rows = np.flatnonzero(distances < int(radius) + 2)
        return rows, distances[rows]

    def cosines(self, distances: NDArray[np.int32]) -> Floats:
        """What the distances mean on the average."""
        return np.asarray(np.cos(np.pi / self.bits * distances), np.float32)

    def _among(self, asked: NDArray[np.uint64], most: int, rows: Rows | None) -> tuple[Rows, NDArray[np.int32]]:
        """The nearest of some rows, or of all."""
        distances = self._distances(0, asked, rows)
        if len(distances) > _BOTH_UP_TO:
            near = _nearer(distances, _LOOKED_AT * most)
            rows, distances = near if rows is None else rows[near], distances[near]
        distances += self._distances(1, asked, rows)
        near = _nearer(distances, most)
        return near if rows is None else rows[near], distances[near]

    def _distances(self, half: int, asked: NDArray[np.uint64], rows: Rows | None = None) -> NDArray[np.int32]:
        """How far some rows are, or all, by one half of their codes. faiss' own search keeps lists of the nearest on its way: half as
        long again."""
        codes = self._halves[half].all().reshape(-1, self._words)
        if rows is not None and len(rows) * _GATHERED < len(codes):
            codes, rows = codes.take(rows, axis=0), None
        found = np.empty(len(codes), np.int32)
        pointers = (faiss.swig_ptr(one.view(np.uint8)) for one in (asked[half], codes))
        faiss.hammings(*pointers, 1, len(codes), 8 * self._words, faiss.swig_ptr(found))  # type: ignore[attr-defined]
        return found if rows is None else found.take(rows)

    def _asked(self, vector: Floats) -> NDArray[np.uint64]:
        """One vector's code: halves × words."""
        found, vector = np.empty(self.bits, np.float32), np.ascontiguousarray(vector, np.float32)
        faiss.fvec_inner_products_ny(  # type: ignore[attr-defined] # a fifth of the time of `apply`, which is made for many
            faiss.swig_ptr(found), faiss.swig_ptr(vector), self._rotation.A.data(), len(vector), self.bits
        )
        return np.packbits(found > 0, bitorder="little").view(np.uint64).reshape(2, -1)

    def _signs(self, rows: Floats) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Both halves of the codes of rows × dimension, each rows × words."""
        signs = np.packbits(self._rotation.apply(np.ascontiguousarray(rows)) > 0, axis=1, bitorder="little").view(np.uint64)
        return signs[:, : self._words], signs[:, self._words :]


def _nearer(distances: NDArray[np.int32], most: int) -> Rows:
    """The places of all that are nearer than the last of the `most` nearest; all places where there are no more."""
    if most >= len(distances):
        return np.arange(len(distances))
    return np.flatnonzero(distances < np.partition(distances, most - 1)[most - 1])


def rotations(dimension: int, bits: int) -> Floats:
    """bits × dimension: random rotations one below the other, from Hadamard matrices and signs (Ailon & Chazelle 2006).

    faiss' RandomRotationMatrix decomposes a matrix instead, which takes seconds where others use the cores.
    """
    side = 1 << max(0, dimension - 1).bit_length()
    noise = np.random.default_rng(_SEED)
    blocks = []
    for _ in range(-(-bits // side)):
        one = np.eye(side, dtype=np.float32)
        for _ in range(3):  # three rounds mix every coordinate with every other, whatever the data's own axes
            one = _hadamard(one * (noise.choice((-1.0, 1.0), side) / np.sqrt(side)).astype(np.float32)[:, None])
        blocks.append(one[noise.permutation(side), :dimension])
    return np.ascontiguousarray(np.concatenate(blocks)[:bits], np.float32)


def _hadamard(matrix: Floats) -> Floats:
    """The product of a Hadamard matrix and another, in the log₂ rounds of additions that it takes."""
    side, step = len(matrix), 1
    while step < side:
        pairs = matrix.reshape(side // (2 * step), 2, step, -1)
        matrix = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1).reshape(side, -1)
        step *= 2
    return matrix
