"""Short codes that find the neighbourhood of a vector; its originals rank it."""

import faiss
import numpy as np
from numpy.typing import NDArray

from lookalike.engines.embedded.columns import Mask
from lookalike.engines.embedded.originals import DECODED_AT_ONCE, Floats, Rows, selection

_BITS_PER_DIMENSION = 2
_SEED = 20_26
_GATHERED_BELOW = 20_000, 20
"""A filter that leaves so few, or less than a twentieth of all rows: they are taken out and compared alone."""
_WIDENED = 1.3


class Codes:
    """Signs of a random rotation into twice as many dimensions, a quarter of a byte for each: Hamming distance stands for the angle."""

    def __init__(self, dimension: int, held: NDArray[np.uint8] | None = None) -> None:
        """Empty, or with the codes that `all` told."""
        self.bits = -(-_BITS_PER_DIMENSION * dimension // 64) * 64
        self._rotation = faiss.LinearTransform(dimension, self.bits, False)
        faiss.copy_array_to_vector(rotations(dimension, self.bits).ravel(), self._rotation.A)
        self._rotation.is_trained = True
        self._index = faiss.IndexBinaryFlat(self.bits)
        self._index.use_heap = False  # type: ignore[attr-defined] # counting distances beats a heap of hundreds
        if held is not None:
            self._index.add(np.ascontiguousarray(held.reshape(-1, self.bits // 8)))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def append(self, rows: Floats) -> None:
        """Add rows × dimension, in float32."""
        for start in range(0, len(rows), DECODED_AT_ONCE):
            self._index.add(self._signs(rows[start : start + DECODED_AT_ONCE]))

    def all(self) -> NDArray[np.uint8]:
        """Every code, rows × bytes. Good until the next `append`."""
        size = len(self)
        if not size:
            return np.empty((0, self.bits // 8), np.uint8)
        held = self._index.xb.data()  # type: ignore[attr-defined]
        return np.asarray(faiss.rev_swig_ptr(held, size * self.bits // 8)).reshape(size, -1)

    def nearest(self, vector: Floats, most: int, chosen: Mask | None) -> tuple[Rows, NDArray[np.int32]]:
        """About `most` of the chosen rows with their distances: all that are nearer than the last, so that the same ones come
        each time."""
        if chosen is None:
            return self._all_nearest(vector, most)
        count = int(np.count_nonzero(chosen))
        few, share = _GATHERED_BELOW
        if count < max(few, len(self) // share) and 2 * count < len(self):
            return self._among(vector, most, np.flatnonzero(chosen))
        # faiss walks chosen rows one by one: looking at more, and dropping what is not chosen, is faster where that suffices
        rows, distances = self._all_nearest(vector, min(len(self), int(most * len(self) / max(1, count) * _WIDENED)))
        kept = chosen[rows]
        if np.count_nonzero(kept) >= most:
            return rows[kept], distances[kept]
        parameters, _kept = selection(chosen)
        found, places = self._index.search(self._signs(vector[None, :]), min(most, count), params=parameters)
        return _surely(places[0], found[0])

    def within(self, vector: Floats, cosine: float, spread: float) -> tuple[Rows, NDArray[np.int32]]:
        """The rows that may have at least that cosine, with their distances: `spread` standard deviations are allowed for."""
        share = float(np.arccos(np.clip(cosine, -1.0, 1.0))) / np.pi
        radius = self.bits * share + spread * float(np.sqrt(self.bits * share * (1 - share)))
        _limits, distances, rows = self._index.range_search(self._signs(vector[None, :]), int(radius) + 2)
        return np.asarray(rows, np.intp), np.asarray(distances, np.int32)

    def cosines(self, distances: NDArray[np.int32]) -> Floats:
        """What the distances mean on the average."""
        return np.asarray(np.cos(np.pi / self.bits * distances), np.float32)

    def _all_nearest(self, vector: Floats, most: int) -> tuple[Rows, NDArray[np.int32]]:
        found, places = self._index.search(self._signs(vector[None, :]), most)
        return _surely(places[0], found[0]) if most < len(self) else (places[0], found[0])

    def _among(self, vector: Floats, most: int, rows: Rows) -> tuple[Rows, NDArray[np.int32]]:
        taken, asked = self.all().take(rows, axis=0), self._signs(vector[None, :])
        distances = np.empty(len(rows), np.int32)  # an index of them would copy them first
        faiss.hammings(*map(faiss.swig_ptr, (asked, taken)), 1, len(rows), self.bits // 8, faiss.swig_ptr(distances))  # type: ignore[attr-defined]
        if most < len(rows):
            kept = np.flatnonzero(distances < np.partition(distances, most - 1)[most - 1])
            rows, distances = rows[kept], distances[kept]
        return rows, distances

    def _signs(self, rows: Floats) -> NDArray[np.uint8]:
        return np.packbits(self._rotation.apply(np.ascontiguousarray(rows)) > 0, axis=1, bitorder="little")


def _surely(rows: Rows, distances: NDArray[np.int32]) -> tuple[Rows, NDArray[np.int32]]:
    """Without those at the last distance, of which only some were found."""
    known = rows >= 0
    if len(known) and known.all():
        known = distances < distances.max()
    return np.asarray(rows[known], np.intp), distances[known]


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
