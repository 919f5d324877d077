"""Small marks of a picture: its perceptual hash, and what is wrong with it."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

TINY_SIDE = 48
BLANK_SPREAD = 4.0
# Variance of the Laplacian of the grey picture, about 112 pixels long, set against its own contrast.
BLURRED_BELOW = 0.012
FLAT_GROUND = 0.6
PLACEHOLDER_SHADES = 4
MOST_COLOUR = 24
PLACEHOLDER_RIMS = 0.10
# The eight slowest cosines of a DCT over 32 points: 8 × 32.
_LOW_COSINES = cv2.dct(np.eye(32, dtype=np.float32), flags=cv2.DCT_ROWS).T[:8].copy()


def perceptual_hash(thumbnail: Pixels) -> str:
    """As `perceptual_hashes` of one thumbnail."""
    return perceptual_hashes([thumbnail])[0]


def perceptual_hashes(thumbnails: Sequence[Pixels]) -> list[str]:
    """64 bits each in 16 hex digits: the signs of the 8 × 8 lowest frequencies against their median (pHash, Zauner 2010)."""
    if not thumbnails:
        return []
    greys = [cv2.cvtColor(one, cv2.COLOR_RGB2GRAY) for one in thumbnails]
    squeezed = np.stack([cv2.resize(one, (32, 32), interpolation=cv2.INTER_AREA) for one in greys]).astype(np.float32)
    frequencies = (_LOW_COSINES @ squeezed @ _LOW_COSINES.T).reshape(-1, 64)
    # The first is the mean brightness: it says nothing of what is seen.
    bits = frequencies > np.sort(frequencies[:, 1:], axis=1)[:, 31:32]
    bits[:, 0] = False
    packed = np.packbits(bits, axis=1).tobytes().hex()
    return [packed[start : start + 16] for start in range(0, len(packed), 16)]


def quality_flags(half: Pixels, thumbnail: Pixels, width: int, height: int) -> tuple[str, ...]:
    """Out of: blurred, tiny, blank, placeholder, from the picture at about 112 and 56 pixels.

    `width` and `height` are the original's.
    """
    flags: list[str] = []
    if min(width, height) < TINY_SIDE:
        flags.append("tiny")
    spread = float(cv2.meanStdDev(thumbnail)[1].max())
    if spread < BLANK_SPREAD:
        return (*flags, "blank")
    if "tiny" not in flags and _blurred(half):
        flags.append("blurred")
    if _drawn(thumbnail):
        flags.append("placeholder")
    return tuple(flags)


def _blurred(half: Pixels) -> bool:
    grey = cv2.cvtColor(half, cv2.COLOR_RGB2GRAY)
    contrast = float(cv2.meanStdDev(grey)[1][0, 0]) ** 2
    edges = cv2.Laplacian(grey, cv2.CV_16S)
    # Their variance; meanStdDev takes four times as long for 16 bits.
    detail = cv2.norm(edges, cv2.NORM_L2) ** 2 / edges.size - (cv2.sumElems(edges)[0] / edges.size) ** 2
    return detail < BLURRED_BELOW * contrast


def _drawn(thumbnail: Pixels) -> bool:
    """A flat drawing in few greys ("no image available"): hardly a colour, hardly a shade between."""
    # Every seventh pixel tells most coloured pictures at once.
    if _colourful(thumbnail.reshape(-1, 3)[::7]) or _colourful(thumbnail.reshape(-1, 3)):
        return False
    counts = np.bincount((thumbnail[..., 1] >> 3).ravel(), minlength=32)
    ordered = np.sort(counts)[::-1]
    every = int(counts.sum())
    # One flat ground that is neither white nor black, one flat ink; what lies between are the rims of letters.
    flat = int(ordered[0]) > FLAT_GROUND * every and int(ordered[:PLACEHOLDER_SHADES].sum()) > (1 - PLACEHOLDER_RIMS) * every
    return bool(flat and int(counts[:4].sum()) < 0.02 * every and int(counts[31]) < 0.5 * every)


def _colourful(rows: Pixels) -> bool:
    apart = cv2.absdiff(rows[:, :2], rows[:, 1:])
    return int(apart.max()) > MOST_COLOUR
