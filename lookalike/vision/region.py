"""Where the product is, on a plain background: a flood from the border, on a thumbnail.

Works on 56 pixels and on several thumbnails at once, laid below one another with background between them: a call of OpenCV
costs more than the pixels of one. On anything but a plain background the answer is None, and the whole picture is taken.
"""

from collections.abc import Iterator, Sequence
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
LEAST_SIDE = 8
MOST_STACKED = 32
_ELEMENT = np.ones((2, 2), np.uint8)
_FLOODED = 100


@dataclass(frozen=True, slots=True)
class Region:
    """The product: `box` in fractions, `mask` of the thumbnail, float32 0…1, and the `background` colour."""

    box: Box
    mask: NDArray[np.float32]
    background: tuple[int, int, int]


def find_region(thumbnail: Pixels) -> Region | None:
    """As `find_regions` of one thumbnail."""
    return find_regions([thumbnail])[0]


def find_regions(thumbnails: Sequence[Pixels]) -> list[Region | None]:
    """The product on each plain background; None where the background is not plain, or holds nothing.

    `thumbnails`: the pictures at about 56 pixels on their longer side. What is found does not depend on the others.
    """
    found: list[Region | None] = [None] * len(thumbnails)
    alike: dict[tuple[int, ...], list[int]] = {}
    for place, one in enumerate(thumbnails):
        if min(one.shape[:2]) >= LEAST_SIDE:
            alike.setdefault(one.shape, []).append(place)
    for places in alike.values():
        for start in range(0, len(places), MOST_STACKED):
            some = places[start : start + MOST_STACKED]
            for place, region in zip(some, _regions(np.stack([thumbnails[one] for one in some])), strict=True):
                found[place] = region
    return found


def _regions(stack: NDArray[np.uint8]) -> Iterator[Region | None]:
    """Of thumbnails of one size: count × height × width × 3."""
    count, height, width = stack.shape[:3]
    rim = _rim(height, width)
    # The median of each channel, as a sort of a few hundred bytes: np.median takes seven times as long.
    grounds = np.sort(stack.reshape(count, -1, 3)[:, rim], axis=1)[:, len(rim) // 2]
    even = np.empty_like(stack)
    even[:] = grounds[:, None, None]
    apart = np.asarray(cv2.absdiff(stack.reshape(count * height, -1, 3), even.reshape(count * height, -1, 3)), np.uint8)
    near = _within(apart, TOLERANCE).reshape(count, height, width)
    plain = np.count_nonzero(near.reshape(count, -1)[:, rim], axis=1) >= PLAIN_SHARE * len(rim)
    if not plain.all():
        near[~plain] = 255  # nothing of it is product
    products, boxes = _products(near)
    whole = products[:-1].reshape(count, height + 1, width + 2)
    unsure = _within(apart, UNSURE_TOLERANCE).reshape(count, height, width)
    for place in boxes:
        product = whole[place, 1:, 1:-1]
        pale = np.count_nonzero(cv2.bitwise_and(unsure[place], product))
        if pale > UNSURE_SHARE * np.count_nonzero(product):
            product[:] = _refined(stack[place], unsure[place], product)
            left, top, wide, high = cv2.boundingRect(product)
            boxes[place] = left, top, wide, high
    # Rim pixels are mixtures of product and background: the softer towards it, the less they count.
    soft = cv2.bitwise_and(cv2.blur(products, (3, 3)), products)
    masks = np.multiply(soft[:-1].reshape(whole.shape)[:, 1:, 1:-1], np.float32(1 / 255), dtype=np.float32)
    for place, ground in enumerate(grounds.tolist()):
        left, top, wide, high = boxes.get(place, (0, 0, 0, 0))
        if wide == 0 or high == 0:
            yield None
        else:
            box = Box(left / width, top / height, (left + wide) / width, (top + high) / height)
            yield Region(box, masks[place], (ground[0], ground[1], ground[2]))


@lru_cache(maxsize=64)
def _rim(height: int, width: int) -> NDArray[np.intp]:
    """The places of the border's pixels in a picture of that size, counted row by row."""
    inner = np.zeros((height, width), bool)
    inner[1:-1, 1:-1] = True
    return np.flatnonzero(~inner)


def _within(apart: Pixels, tolerance: int) -> Mask:
    """255 where no channel is further apart."""
    return np.asarray(cv2.inRange(apart, (0, 0, 0), (tolerance, tolerance, tolerance)), np.uint8)


def _products(near: NDArray[np.uint8]) -> tuple[Mask, dict[int, tuple[int, int, int, int]]]:
    """255 where the flood from the borders does not come, without specks, framed and below one another; and the boxes
    (left, top, width, height) by the thumbnail's place, where that is neither nothing nor everything."""
    count, height, width = near.shape
    tall = height + 1
    framed = np.full((count * tall + 1, width + 2), 255, np.uint8)
    framed[:-1].reshape(count, tall, -1)[:, 1:, 1:-1] = near
    # One flood from the frame of background reaches what one from each pixel of each border would.
    cv2.floodFill(framed, None, (0, 0), _FLOODED)
    inside = cv2.bitwise_not(cv2.inRange(framed, _FLOODED, _FLOODED))
    # An opening by hand: OpenCV's own moves everything by a pixel where the element has an even side.
    product = cv2.dilate(cv2.erode(inside, _ELEMENT, anchor=(0, 0)), _ELEMENT, anchor=(1, 1))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(product, connectivity=8, ltype=cv2.CV_16U)
    areas = stats[:, cv2.CC_STAT_AREA]
    areas[0] = 0
    owners = (stats[:, cv2.CC_STAT_TOP] - 1) // tall
    owners[0] = 0
    largest = np.zeros(count, areas.dtype)
    np.maximum.at(largest, owners, areas)
    good = (largest >= SMALLEST * height * width) & (largest <= LARGEST * height * width)
    keep = good[owners] & (areas >= np.maximum(SPECK * largest, 2)[owners])
    boxes: dict[int, tuple[int, int, int, int]] = {}
    for owner, (left, top, wide, high) in zip(owners[keep].tolist(), stats[keep, :4].tolist(), strict=True):
        ours = (left - 1, top - 1 - owner * tall, wide, high)
        boxes[owner] = _joined(boxes[owner], ours) if owner in boxes else ours
    return np.where(keep, np.uint8(255), np.uint8(0))[labels], boxes


def _joined(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    left, top = min(one[0], other[0]), min(one[1], other[1])
    right, bottom = max(one[0] + one[2], other[0] + other[2]), max(one[1] + one[3], other[1] + other[3])
    return left, top, right - left, bottom - top


def _refined(thumbnail: Pixels, unsure: Mask, product: Mask) -> Mask:
    """GrabCut (Rother 2004) over what is unsure: pale parts near the background's colour, and shadows.

    On every second pixel of every second row: a quarter of the time, and the product's own mask bounds what comes out.
    """
    state = np.where(product[::2, ::2] > 0, np.uint8(cv2.GC_PR_FGD), np.uint8(cv2.GC_BGD))
    state[(product[::2, ::2] > 0) & (unsure[::2, ::2] == 0)] = cv2.GC_FGD
    if not np.any(state == cv2.GC_FGD) or not np.any(state == cv2.GC_BGD):
        return product
    try:
        cv2.setRNGSeed(0)  # GrabCut starts its mixtures at random, from a state of each thread: equal pictures must give equal masks
        small = np.ascontiguousarray(thumbnail[::2, ::2])
        cv2.grabCut(small, state, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_MASK)
    except cv2.error:
        return product
    inside = np.where((state == cv2.GC_FGD) | (state == cv2.GC_PR_FGD), np.uint8(255), np.uint8(0))
    return np.asarray(cv2.bitwise_and(np.repeat(np.repeat(inside, 2, axis=0), 2, axis=1)[: product.shape[0], : product.shape[1]], product))
