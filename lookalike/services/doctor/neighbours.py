"""Which pictures look alike: exact cosine in blocks, against all pictures or, where there are many, against an even share."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lookalike.services.doctor.ward import Tell

NEAREST = 16
"""Neighbours that are kept of each picture."""
MOST_COMPARED = 50_000
"""Pictures that every picture is compared with. 100,000 against 50,000 of 256 numbers are 2.6 TFLOP: about a minute on two cores."""
_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Of each row: places of the nearest rows of `compared`, nearest first, and their cosines. Never the row itself."""

    places: NDArray[np.int64]
    cosines: NDArray[np.float32]
    compared: NDArray[np.int64]


def nearest(vectors: NDArray[np.float32], tell: Tell, most: int = MOST_COMPARED) -> Neighbours:
    """The nearest rows of every row. Above `most` rows an even share of them is compared with."""
    rows = len(vectors)
    compared = np.arange(rows) if rows <= most else np.unique(np.linspace(0, rows - 1, most).astype(np.int64))
    kept = min(NEAREST, max(0, len(compared) - 1))
    places = np.zeros((rows, kept), np.int64)
    cosines = np.zeros((rows, kept), np.float32)
    against = vectors if len(compared) == rows else vectors[compared]
    at = np.full(rows, -1, np.int64)
    at[compared] = np.arange(len(compared))
    for start in range(0, rows if kept else 0, _BLOCK):
        tell("comparing", start, rows)
        block = vectors[start : start + _BLOCK] @ against.T
        own = at[start : start + len(block)]
        inside = np.flatnonzero(own >= 0)
        block[inside, own[inside]] = -2.0
        best = np.argpartition(-block, kept - 1, axis=1)[:, :kept]
        values = np.take_along_axis(block, best, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        places[start : start + len(block)] = compared[np.take_along_axis(best, order, axis=1)]
        cosines[start : start + len(block)] = np.take_along_axis(values, order, axis=1)
    return Neighbours(places, cosines, compared)


def hash_pairs(hashes: NDArray[np.uint64], most_apart: int, tell: Tell) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs (i < j) whose 64-bit hashes differ in at most `most_apart` bits, exactly, without comparing all with all.

    The hash is cut into `most_apart` + 1 bands: a near pair agrees in one at least (multi-index hashing, Norouzi et al. 2012).
    Bands that thousands share (blank pictures) are compared with the first 2,000 of them.
    """
    bands = most_apart + 1
    edges = np.linspace(0, 64, bands + 1).astype(int)
    found: set[tuple[int, int]] = set()
    for number, (low, high) in enumerate(pairwise(edges)):
        tell("hashes", number, bands)
        band = (hashes >> np.uint64(low)) & np.uint64((1 << int(high - low)) - 1)
        order = np.argsort(band, kind="stable")
        cuts = np.flatnonzero(band[order][1:] != band[order][:-1]) + 1
        for start, stop in pairwise([0, *cuts.tolist(), len(order)]):
            if stop - start < 2:
                continue
            bucket = order[start:stop]
            few = bucket[:2000]
            for begin in range(0, len(bucket), 1024):
                some = bucket[begin : begin + 1024]
                apart = _ones(hashes[some][:, None] ^ hashes[few][None, :])
                left, right = np.nonzero(apart <= most_apart)
                found.update((int(a), int(b)) for a, b in zip(some[left], few[right], strict=True) if a < b)
                found.update((int(b), int(a)) for a, b in zip(some[left], few[right], strict=True) if b < a)
    pairs = np.array(sorted(found), np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _ones(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Bits set in each word. numpy has a function for it from 2.0 on; this is the usual table for those before."""
    told = _TABLE[words.view(np.uint8).reshape(*words.shape, 8)].sum(axis=-1)
    return np.asarray(told, np.int64)


_TABLE = np.array([bin(byte).count("1") for byte in range(256)], np.uint8)
