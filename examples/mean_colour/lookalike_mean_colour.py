"""An embedder for Lookalike in one file: the mean colours of a 6 × 6 grid. No network, no weights, no licence to ask for.

Install it beside lookalike, then: LOOKALIKE_RECIPE=mean-colour lookalike index …
"""

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from lookalike.ports.vision import Embedded, ModelCard, Pixels

GRID = 6
NOTHING = np.zeros(0, np.float32)


class MeanColour:
    """Crops to unit vectors of 6 × 6 × 3 + 1 numbers; the last one keeps plain grey away from zero."""

    card = ModelCard(
        name="mean-colour",
        task="embedding",
        licence="Apache-2.0",
        source="https://example.com/lookalike-mean-colour",
        digest=hashlib.sha256(b"mean-colour 1.0").hexdigest(),
        input_side=GRID,
        dimension=GRID * GRID * 3 + 1,
    )

    def embed(self, crops: Sequence[Pixels]) -> list[Embedded]:
        """One result for each crop."""
        return [Embedded(_vector(crop), NOTHING, NOTHING.reshape(0, 0)) for crop in crops]


def _vector(crop: Pixels) -> np.ndarray:
    rows, columns = (np.minimum(np.arange(GRID + 1) * size // GRID, size - 1) for size in crop.shape[:2])
    cells = [
        crop[top : max(bottom, top + 1), left : max(right, left + 1)].mean(axis=(0, 1)) / 255 - 0.5
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]
    vector = np.append(np.concatenate(cells), 0.05).astype(np.float32)
    return vector / np.float32(np.linalg.norm(vector))


def open_mean_colour(cache_dir: Path, precision: str = "auto", threads: int = 1) -> MeanColour:
    """What the entry point names. There is nothing to keep in a cache, and one precision."""
    return MeanColour()
