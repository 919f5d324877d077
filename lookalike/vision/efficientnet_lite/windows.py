"""Which part of a picture is not white: the network's first blocks need to look at nothing else."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.vision.efficientnet_lite.architecture import Array, Network

CELL = 8
"""Pixels of a cell: what the first blocks make one position of. Windows are counted in cells."""
WHITE = 250
"""A pixel is white whose three bytes are at least this: JPEG leaves some noise on white grounds."""
MARGIN = 1
"""White cells that stay around what is not; around what fills less than half of the picture one more (docs/decisions/0140)."""


@dataclass(frozen=True, slots=True)
class White:
    """What the first blocks of a network make of a white picture. `values`: 1 × channels × side/8 × side/8."""

    name: str
    values: Array


def early_end(network: Network) -> str:
    """The name of the last activation with a position for each cell: where the first blocks end."""
    stride, last = network.stem.stride, ""
    for number, block in enumerate(network.blocks):
        for one in block.convolutions:
            stride *= one.stride
        if stride > CELL:
            return last
        last = f"blocks.{number}.sum" if block.skip else block.convolutions[-1].name
    raise ValueError(f"{network.variant} never looks at more than {CELL} pixels at once.")


def windows_of(pictures: NDArray[np.uint8]) -> NDArray[np.int64]:
    """N × 4, top, left, bottom and right in cells: outside all is white. `pictures`: N × side × side × 3."""
    count, side = pictures.shape[:2]
    cells = side // CELL
    bands = pictures.reshape(count, cells, CELL, side * 3).min(axis=2)
    top, bottom = _span(bands.min(axis=2))
    left, right = _span(bands.min(axis=1).reshape(count, cells, CELL * 3).min(axis=2))
    small = (bottom - top + 2 * MARGIN) * (right - left + 2 * MARGIN) * 2 < cells * cells
    margin = MARGIN + small.astype(np.int64)
    edges = np.stack([top - margin, left - margin, bottom + margin, right + margin], axis=1)
    return np.asarray(edges.clip(0, cells), np.int64)


def _span(darkest: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each row of cells' darkest bytes, the first cell that is not white and the last + 1; of nothing but white the middle one."""
    count = darkest.shape[1]
    seen = darkest < WHITE
    seen[~seen.any(axis=1), count // 2] = True
    return seen.argmax(axis=1), count - seen[:, ::-1].argmax(axis=1)
