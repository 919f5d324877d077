"""From a picture to a network's input as its card wants it, and from places on the input back to the picture."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookalike.vision.networks.card import Input
from lookalike.vision.preparation import resized

Pixels = NDArray[np.uint8]
# What classifiers are evaluated at: the middle 7/8 of the shorter side (224 of 256).
MIDDLE = 0.875
_PILLOW = {"linear": Image.Resampling.BILINEAR, "cubic": Image.Resampling.BICUBIC}


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a picture of `picture` pixels (height, width) lies on an input of `canvas` pixels: scaled to `scaled`, its corner at `corner`.

    A negative corner is a crop: the picture begins outside. All are (height, width) or (y, x).
    """

    picture: tuple[int, int]
    canvas: tuple[int, int]
    scaled: tuple[int, int]
    corner: tuple[int, int]

    def window(self) -> tuple[slice, slice, slice, slice]:
        """(rows, columns) of the canvas that show the picture, and (rows, columns) of the scaled picture that are shown."""
        canvas, picture = [], []
        for corner, scaled, side in zip(self.corner, self.scaled, self.canvas, strict=True):
            first, last = max(0, corner), min(side, corner + scaled)
            canvas.append(slice(first, last))
            picture.append(slice(first - corner, last - corner))
        return canvas[0], canvas[1], picture[0], picture[1]

    def to_picture(self, boxes: NDArray[np.floating]) -> NDArray[np.float64]:
        """Boxes in pixels of the input (left, top, right, bottom), as fractions of the picture, none outside it."""
        corner = np.array([self.corner[1], self.corner[0]] * 2, np.float64)
        scaled = np.array([self.scaled[1], self.scaled[0]] * 2, np.float64)
        return np.asarray(np.clip((boxes - corner) / scaled, 0.0, 1.0), np.float64)


def placed(told: Input, height: int, width: int) -> Placement:
    """Where a picture of that size comes to lie. `crop` counts pixels as torchvision's Resize and CenterCrop do (docs/decisions/0135)."""
    if told.fit == "shorter":
        shorter = told.shorter or min(height, width)
        scale = shorter / min(height, width)
        if told.longest is not None:
            scale = min(scale, told.longest / max(height, width))
        scaled = _scaled(height, width, scale)
        canvas = (_up(scaled[0], told.multiple), _up(scaled[1], told.multiple))
    else:
        assert told.size is not None  # the card's own check
        canvas = told.size
        if told.fit == "stretch":
            scaled = canvas
        elif told.fit == "pad":
            scaled = _scaled(height, width, min(canvas[0] / height, canvas[1] / width))
            scaled = (min(scaled[0], canvas[0]), min(scaled[1], canvas[1]))
        elif told.fit == "middle":
            scaled = (round(canvas[0] / MIDDLE), round(canvas[1] / MIDDLE))
        else:
            scaled = _shorter_side(height, width, told.shorter or round(max(canvas) / MIDDLE))
    corner = (0, 0)
    if told.fit in ("crop", "middle"):
        corner = (round((canvas[0] - scaled[0]) / 2), round((canvas[1] - scaled[1]) / 2))
    elif told.at == "centre":
        corner = ((canvas[0] - scaled[0]) // 2, (canvas[1] - scaled[1]) // 2)
    return Placement((height, width), canvas, scaled, corner)


def prepared(told: Input, pixels: Pixels) -> tuple[NDArray[Any], Placement]:
    """(the input without its batch, where the picture lies on it). `pixels`: height × width × 3, RGB."""
    where = placed(told, *pixels.shape[:2])
    rows, columns, from_rows, from_columns = where.window()
    shown = _resampled(pixels, where.scaled, told.resample)[from_rows, from_columns]
    if told.colour == "BGR":
        shown = shown[..., ::-1]
    low, high = told.range
    slope = np.array([(high - low) / 255 / one for one in told.std], np.float32)
    offset = np.array([(low - mean) / std for mean, std in zip(told.mean, told.std, strict=True)], np.float32)
    fill = np.broadcast_to(np.asarray(told.pad, np.float32), (3,))
    canvas = np.empty((*where.canvas, 3), np.float32)
    if shown.shape[:2] != where.canvas:
        canvas[:] = fill * slope + offset
    canvas[rows, columns] = shown * slope + offset
    if told.type == "uint8":
        canvas = np.clip(np.rint(canvas), 0, 255)
    turned = canvas.transpose(2, 0, 1) if told.layout in ("NCHW", "CHW") else canvas
    return np.ascontiguousarray(turned, dtype=told.type), where


def _resampled(pixels: Pixels, size: tuple[int, int], how: str) -> Pixels:
    if pixels.shape[:2] == size:
        return pixels
    if how == "area":
        return resized(pixels, size[1], size[0])
    return np.asarray(Image.fromarray(pixels).resize((size[1], size[0]), _PILLOW[how]), np.uint8)


def _scaled(height: int, width: int, scale: float) -> tuple[int, int]:
    return max(1, round(height * scale)), max(1, round(width * scale))


def _shorter_side(height: int, width: int, shorter: int) -> tuple[int, int]:
    """As torchvision's Resize counts: the longer side is cut off to whole pixels, not rounded."""
    if height <= width:
        return shorter, shorter * width // height
    return shorter * height // width, shorter


def _up(side: int, multiple: int) -> int:
    return math.ceil(side / multiple) * multiple
