"""Small marks of a picture: its perceptual hash, and what is wrong with it."""

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
PLACEHOLDER_RIMS = 0.10


def perceptual_hash(thumbnail: Pixels) -> str:
    """64 bits in 16 hex digits: the signs of the 8 × 8 lowest frequencies against their median (pHash, Zauner 2010)."""
    grey = cv2.cvtColor(thumbnail, cv2.COLOR_RGB2GRAY)
    squeezed = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    frequencies = cv2.dct(squeezed)[:8, :8].ravel()
    # The first is the mean brightness: it says nothing of what is seen.
    bits = frequencies > np.sort(frequencies[1:])[31]
    bits[0] = False
    return np.packbits(bits).tobytes().hex()


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
    detail = float(cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))[1][0, 0]) ** 2
    return detail < BLURRED_BELOW * contrast


def _drawn(thumbnail: Pixels) -> bool:
    """A flat drawing in few greys ("no image available"): hardly a colour, hardly a shade between."""
    colourful = cv2.absdiff(thumbnail[..., 0], thumbnail[..., 1]).max(), cv2.absdiff(thumbnail[..., 1], thumbnail[..., 2]).max()
    if max(int(one) for one in colourful) > 24:
        return False
    counts = np.bincount((thumbnail[..., 1] >> 3).ravel(), minlength=32)
    ordered = np.sort(counts)[::-1]
    every = int(counts.sum())
    # One flat ground that is neither white nor black, one flat ink; what lies between are the rims of letters.
    flat = int(ordered[0]) > FLAT_GROUND * every and int(ordered[:PLACEHOLDER_SHADES].sum()) > (1 - PLACEHOLDER_RIMS) * every
    return bool(flat and int(counts[:4].sum()) < 0.02 * every and int(counts[31]) < 0.5 * every)
