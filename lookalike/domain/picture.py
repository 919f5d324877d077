"""A decoded picture."""

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

STORED = "stored:"
"""What a reference to bytes that we keep starts with; their digest follows."""
OUTSIDE = "outside:"
"""What stands before a catalogue's reference that leads out of its folder: no store fetches it, and it is told like any failure."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, upright, in sRGB on white.

    `pixels`: uint8, height × width × 3, RGB, perhaps reduced; `width` and `height` are those of the upright original.
    `digest`: SHA-256 of the bytes it came from, in hex.
    """

    pixels: NDArray[np.uint8] = field(compare=False, repr=False)
    width: int
    height: int
    digest: str
    format: str = ""


def digest_of(content: bytes) -> str:
    """The name of some bytes: SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()
