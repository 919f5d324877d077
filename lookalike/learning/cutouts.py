"""Photos brought into the studio: the thing in the middle cut out by GrabCut and laid on white.

A rough cut is enough here: the projection learns from it what changes when only the surroundings do.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

WORK_SIDE = 112
SIDE = 240
SOURCE_RATIO = 0.6


def cut_out(pixels: Pixels, reach: float = 0.42) -> NDArray[np.float32] | None:
    """Soft mask height × width of the middle thing; None where GrabCut finds next to nothing or nearly all.

    `reach`: how far from the middle it is first thought to go, as a share of the picture's sides.
    """
    height, width = pixels.shape[:2]
    scale = WORK_SIDE / max(height, width)
    small = np.asarray(cv2.resize(pixels, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA), np.uint8)
    rows, columns = small.shape[:2]
    state = np.full((rows, columns), cv2.GC_PR_BGD, np.uint8)
    rim = max(1, round(0.02 * rows))
    state[:rim] = state[-rim:] = cv2.GC_BGD
    state[:, :rim] = state[:, -rim:] = cv2.GC_BGD
    y, x = np.mgrid[:rows, :columns]
    away = ((y - rows / 2) / rows) ** 2 + ((x - columns / 2) / columns) ** 2
    state[away < reach**2] = cv2.GC_PR_FGD
    state[away < 0.12**2] = cv2.GC_FGD
    cv2.grabCut(small, state, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    found = np.asarray((state == cv2.GC_FGD) | (state == cv2.GC_PR_FGD), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(found)
    if count < 2:
        return None
    kept = labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    if not 0.05 <= kept.mean() <= 0.85:
        return None
    soft = cv2.GaussianBlur(kept.astype(np.float32), (0, 0), 0.8)
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def on_white(pixels: Pixels, mask: NDArray[np.float32], rng: np.random.Generator) -> Pixels:
    """SIDE × SIDE: the masked thing on white, filling a random .6 to 1 of the side."""
    cover = mask[..., None]
    laid = (pixels * cover + 255 * (1 - cover)).astype(np.uint8)
    rows, columns = np.flatnonzero((mask > 0.5).any(axis=1)), np.flatnonzero((mask > 0.5).any(axis=0))
    if len(rows) and len(columns):
        laid = laid[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = SIDE * rng.uniform(SOURCE_RATIO, 1.0) / max(laid.shape[:2])
    width, height = max(1, round(laid.shape[1] * scale)), max(1, round(laid.shape[0] * scale))
    laid = np.asarray(cv2.resize(laid, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR), np.uint8)
    canvas = np.full((SIDE, SIDE, 3), 255, np.uint8)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    canvas[top : top + height, left : left + width] = laid
    return canvas
