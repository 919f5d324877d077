"""How a crop becomes the network's input: shrunk without aliasing, laid on a white square."""

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

# Part of every recipe: whoever changes what comes out here changes this.
VERSION = "square-white-1"


def resized(pixels: Pixels, width: int, height: int) -> Pixels:
    """Area averages where it shrinks (never aliases), linear where it grows."""
    if pixels.shape[:2] == (height, width):
        return pixels
    shrinks = width * height < pixels.shape[0] * pixels.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=method), np.uint8)


def fitted(pixels: Pixels, side: int) -> Pixels:
    """The picture shrunk until its longer side is `side`; a smaller one as it is."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    return resized(pixels, max(1, round(width * scale)), max(1, round(height * scale)))


def halved(pixels: Pixels) -> Pixels:
    """Half as wide and high, 2 × 2 pixels averaged: OpenCV has a fast path for just that."""
    height, width = pixels.shape[:2]
    if min(height, width) < 2:
        return pixels
    even = pixels[: height - height % 2, : width - width % 2]
    return np.asarray(cv2.resize(even, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)


def square(pixels: Pixels, side: int) -> Pixels:
    """side × side × 3: the whole crop in its proportions, centred, white around it."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    inner = resized(pixels, new_width, new_height)
    if new_width == new_height == side:
        return np.ascontiguousarray(inner)
    canvas = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - new_height) // 2, (side - new_width) // 2
    canvas[top : top + new_height, left : left + new_width] = inner
    return canvas
