"""Where the product is, on a plain background: a flood from the border, on a thumbnail.

Works on 56 pixels, in OpenCV calls outside the GIL: about .1 ms a picture. On anything but a plain background the
answer is None, and the whole picture is taken.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.domain.geometry import Box

Pixels = NDArray[np.uint8]
Mask = NDArray[np.uint8]

# A border is plain where this share of it lies within TOLERANCE (largest channel difference) of its median.
PLAIN_SHARE = 0.7
TOLERANCE = 20
# A product smaller than this share of the thumbnail is dirt; one that fills more is no cut-out.
SMALLEST, LARGEST = 0.004, 0.97
# Parts smaller than this share of the largest part are specks.
SPECK = 0.02
# Between TOLERANCE and this lies what may be shadow or a pale product; GrabCut decides where it is much.
UNSURE_TOLERANCE = 44
UNSURE_SHARE = 0.5
_ELEMENT = np.ones((2, 2), np.uint8)
_FLOODED = 100


@dataclass(frozen=True, slots=True)
class Region:
    """The product: `box` in fractions, `mask` of the thumbnail, float32 0…1, and the `background` colour."""

    box: Box
    mask: NDArray[np.float32]
    background: tuple[int, int, int]


def find_region(thumbnail: Pixels) -> Region | None:
    """The product on a plain background; None where the background is not plain, or holds nothing.

    `thumbnail`: the picture at about 56 pixels on its longer side.
    """
    height, width = thumbnail.shape[:2]
    if height < 8 or width < 8:
        return None
    rim = _rim(height, width)
    border = thumbnail.reshape(-1, 3)[rim]
    # The median of each channel, as a sort of a few hundred bytes: np.median takes seven times as long.
    red, green, blue = np.sort(border, axis=0)[len(border) // 2].tolist()
    near = _within(thumbnail, (red, green, blue), TOLERANCE)
    if np.count_nonzero(near.reshape(-1)[rim]) < PLAIN_SHARE * len(rim):
        return None
    product = _product(near)
    if product is None:
        return None
    unsure = _within(thumbnail, (red, green, blue), UNSURE_TOLERANCE)
    pale = cv2.countNonZero(cv2.bitwise_and(unsure, product))
    if pale > UNSURE_SHARE * cv2.countNonZero(product):
        product = _refined(thumbnail, unsure, product)
    left, top, wide, high = cv2.boundingRect(product)
    if wide == 0 or high == 0:
        return None
    # Rim pixels are mixtures of product and background: the softer towards it, the less they count.
    soft = cv2.bitwise_and(cv2.blur(product, (3, 3)), product)
    mask = np.multiply(soft, np.float32(1 / 255), dtype=np.float32)
    box = Box(left / width, top / height, (left + wide) / width, (top + high) / height)
    return Region(box, mask, (red, green, blue))


@lru_cache(maxsize=64)
def _rim(height: int, width: int) -> NDArray[np.intp]:
    """The places of the border's pixels in a picture of that size, counted row by row."""
    inner = np.zeros((height, width), bool)
    inner[1:-1, 1:-1] = True
    return np.flatnonzero(~inner)


def _within(pixels: Pixels, colour: tuple[int, int, int], tolerance: int) -> Mask:
    """255 where no channel differs from the colour by more."""
    red, green, blue = colour
    low, high = (red - tolerance, green - tolerance, blue - tolerance), (red + tolerance, green + tolerance, blue + tolerance)
    return np.asarray(cv2.inRange(pixels, low, high), np.uint8)


def _product(near: Mask) -> Mask | None:
    """255 where the flood from the border does not come, without specks; None where that is nothing or everything."""
    # One flood from a frame of background around the picture reaches what one from each pixel of the border would.
    framed = cv2.copyMakeBorder(near, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=255)
    cv2.floodFill(framed, None, (0, 0), _FLOODED)
    inside = np.where(framed[1:-1, 1:-1] == _FLOODED, 0, 255).astype(np.uint8)
    # An opening by hand: OpenCV's own moves everything by a pixel where the element has an even side.
    product = cv2.dilate(cv2.erode(inside, _ELEMENT, anchor=(0, 0)), _ELEMENT, anchor=(1, 1))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(product, connectivity=8, ltype=cv2.CV_16U)
    areas = stats[:, cv2.CC_STAT_AREA]
    areas[0] = 0
    largest = int(areas.max())
    share = largest / product.size
    if share < SMALLEST or share > LARGEST:
        return None
    if count > 2:
        keep = np.where(areas >= max(SPECK * largest, 2), 255, 0).astype(np.uint8)
        product = keep[labels]
    return np.asarray(product, np.uint8)


def _refined(thumbnail: Pixels, unsure: Mask, product: Mask) -> Mask:
    """GrabCut (Rother 2004) over what is unsure: pale parts near the background's colour, and shadows."""
    state = np.where(product > 0, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    state[(product > 0) & (unsure == 0)] = cv2.GC_FGD
    if not np.any(state == cv2.GC_FGD) or not np.any(state == cv2.GC_BGD):
        return product
    try:
        cv2.setRNGSeed(0)  # GrabCut starts its mixtures at random, from a state of each thread: equal pictures must give equal masks
        cv2.grabCut(thumbnail, state, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_MASK)
    except cv2.error:
        return product
    return np.where((state == cv2.GC_FGD) | (state == cv2.GC_PR_FGD), 255, 0).astype(np.uint8)
