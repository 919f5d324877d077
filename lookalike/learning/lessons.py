"""Lessons for the cut-out: products laid over real backgrounds, and the pictures that they come from, with masks and boxes.

Backgrounds are what lies around the clothes in the CC0 photos (floors, beds, walls, grass) and the shelves of the MIT photos of
groceries. Everything is drawn from one generator, so a seed makes the same lessons again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.learning.taught import Known, Mask, Pixels
from lookalike.vision.preparation import resized, square

SIDE = 224
GRID = 56
# How many products lie on a picture, and how often.
COUNTS = (0.04, 0.56, 0.2, 0.1, 0.06, 0.04)
# What a lesson is: a picture as it is, turned and cut a little; or products laid over a background.
AS_IT_IS = 0.4
SHELVES = 0.2
DRAWN = 0.15
# Two products may hide each other by so much of the smaller box.
HIDDEN = 0.25
# A product of which less can be seen is not asked for.
LEAST_SEEN = 0.4
TRIES = 12
CANVAS = 288

Boxes = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Lesson:
    """`pixels` SIDE × SIDE × 3 as the network takes them; `mask` GRID × GRID, 0…1; `boxes` rows of left, top, right, bottom in 0…1."""

    pixels: Pixels = field(repr=False)
    mask: Mask = field(repr=False)
    boxes: Boxes = field(repr=False)


def backgrounds(photos: Sequence[Known]) -> list[Pixels]:
    """The largest strip beside the product of each photo, where there is one worth having."""
    found = []
    for one in photos:
        height, width = one.mask.shape
        left, top, right, bottom = _extent(one.mask > 0.1)
        strips = [one.pixels[:top], one.pixels[bottom:], one.pixels[:, :left], one.pixels[:, right:]]
        best = max(strips, key=lambda strip: min(strip.shape[:2]) * max(strip.shape[:2]) ** 0.5)
        if min(best.shape[:2]) >= 0.2 * min(height, width):
            found.append(np.ascontiguousarray(best))
    return found


def lessons(
    products: Sequence[Sequence[Known]], plain: Sequence[Pixels], shelves: Sequence[Pixels], count: int, seed: int
) -> Iterator[Lesson]:
    """So many lessons, in an order by the seed."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        if rng.random() < AS_IT_IS:
            yield _as_it_is(_any(products, rng), rng)
        else:
            yield _composed(products, _ground(plain, shelves, rng), rng)


def _any(products: Sequence[Sequence[Known]], rng: np.random.Generator) -> Known:
    """One of the pictures, each source as often as the others."""
    source = products[int(rng.integers(len(products)))]
    return source[int(rng.integers(len(source)))]


def lesson_of(pixels: Pixels, masks: Sequence[Mask]) -> Lesson:
    """A picture and the mask of each of its products, laid in the square that the network takes."""
    height, width = pixels.shape[:2]
    whole = np.max(masks, axis=0) if masks else np.zeros((height, width), np.float32)
    boxes = [_extent(one > 0.5) for one in masks if np.any(one > 0.5)]
    scale, longer = 1 / max(height, width), max(height, width)
    across, down = (longer - width) / 2, (longer - height) / 2
    rows = [((a + across) * scale, (b + down) * scale, (c + across) * scale, (d + down) * scale) for a, b, c, d in boxes]
    return Lesson(square(pixels, SIDE), square_mask(whole, GRID), np.array(rows, np.float32).reshape(-1, 4))


def square_mask(mask: Mask, side: int) -> Mask:
    """As `preparation.square`, with nothing around the picture."""
    height, width = mask.shape
    scale = side / max(height, width)
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    canvas = np.zeros((side, side), np.float32)
    top, left = (side - new_height) // 2, (side - new_width) // 2
    small = cv2.resize(mask, (new_width, new_height), interpolation=cv2.INTER_AREA)
    canvas[top : top + new_height, left : left + new_width] = small
    return canvas


def _extent(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _as_it_is(one: Known, rng: np.random.Generator) -> Lesson:
    """The picture turned over, cut on its sides or set in more of its rim, in other light."""
    pixels, mask = one.pixels, one.mask
    if rng.random() < 0.5:
        pixels, mask = pixels[:, ::-1], mask[:, ::-1]
    height, width = mask.shape
    left, top, right, bottom = _extent(mask > 0.5)
    if rng.random() < 0.5:
        # Cut no nearer than into a tenth of the product.
        keep = (right - left) * 0.1, (bottom - top) * 0.1
        a, b = int(rng.uniform(0, left + keep[0] + 1)), int(rng.uniform(0, top + keep[1] + 1))
        c, d = int(rng.uniform(right - keep[0], width)), int(rng.uniform(bottom - keep[1], height))
        pixels, mask = pixels[b : d + 1, a : c + 1], mask[b : d + 1, a : c + 1]
    elif rng.random() < 0.3:
        by = int(rng.uniform(0.1, 0.6) * max(height, width))
        pixels = np.asarray(cv2.copyMakeBorder(np.ascontiguousarray(pixels), by, by, by, by, cv2.BORDER_REPLICATE), np.uint8)
        mask = np.asarray(cv2.copyMakeBorder(np.ascontiguousarray(mask), by, by, by, by, cv2.BORDER_CONSTANT, value=0), np.float32)
    return lesson_of(_developed(np.ascontiguousarray(pixels), rng), [np.ascontiguousarray(mask)])


def _composed(products: Sequence[Sequence[Known]], ground: Pixels, rng: np.random.Generator) -> Lesson:
    """Products over a background, the later before the earlier."""
    count = int(rng.choice(len(COUNTS), p=COUNTS))
    canvas = ground.astype(np.float32)
    masks: list[Mask] = []
    areas: list[float] = []
    height, width = canvas.shape[:2]
    taken: list[tuple[int, int, int, int]] = []
    for _ in range(count):
        one = _any(products, rng)
        colour, alpha = _turned(one, rng)
        share = rng.uniform(0.35, 1.15) if count == 1 else rng.uniform(0.35, 0.95) / count**0.4
        scale = share * min(width, height) / max(alpha.shape)
        wide, high = max(6, round(alpha.shape[1] * scale)), max(6, round(alpha.shape[0] * scale))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        colour = np.asarray(cv2.resize(colour, (wide, high), interpolation=method), np.float32)
        alpha = np.asarray(cv2.resize(alpha, (wide, high), interpolation=method), np.float32)
        place = _free_place(taken, (wide, high), (width, height), count == 1, rng)
        if place is None:
            continue
        left, top = place
        taken.append((left, top, left + wide, top + high))
        layer, whole = np.zeros((height, width), np.float32), np.zeros_like(canvas)
        _lay(layer, np.clip(alpha, 0, 1), left, top)
        _lay(whole, colour, left, top)
        if rng.random() < 0.6:
            canvas *= _shadow(layer, rng)[..., None]
        cover = layer[..., None]
        canvas = np.asarray(canvas * (1 - cover) + whole * cover, np.float32)
        masks = [np.asarray(before * (1 - layer), np.float32) for before in masks] + [layer]
        areas.append(float(layer.sum()))
    seen = [mask for mask, area in zip(masks, areas, strict=True) if mask.sum() >= LEAST_SEEN * area]
    return lesson_of(_developed(np.clip(canvas, 0, 255).astype(np.uint8), rng), seen)


def _lay(canvas: NDArray[np.float32], piece: NDArray[np.float32], left: int, top: int) -> None:
    """Put the piece there; what stands out of the canvas is cut off."""
    height, width = canvas.shape[:2]
    high, wide = piece.shape[:2]
    down, across = max(0, -top), max(0, -left)
    bottom, right = min(height, top + high), min(width, left + wide)
    canvas[top + down : bottom, left + across : right] = piece[down : bottom - top, across : right - left]


def _turned(one: Known, rng: np.random.Generator) -> tuple[NDArray[np.float32], Mask]:
    """The product cut from its picture, turned over or by some degrees, in other colours: pixels and how much they cover."""
    left, top, right, bottom = _extent(one.mask > 0.1)
    alpha = one.mask[top:bottom, left:right]
    # What is half background at the rim would glow on another: take only the product's own inside.
    inside = cv2.GaussianBlur(cv2.erode(alpha, np.ones((3, 3), np.uint8)), (0, 0), 0.8)
    alpha = np.asarray(np.clip((inside - 0.05) / 0.9, 0, 1), np.float32)
    colour = one.pixels[top:bottom, left:right].astype(np.float32)
    if rng.random() < 0.5:
        colour, alpha = colour[:, ::-1], alpha[:, ::-1]
    degrees = float(rng.normal(0, 14)) if rng.random() < 0.8 else float(rng.uniform(-180, 180))
    height, width = alpha.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    reach = abs(turn[0, 0]), abs(turn[0, 1])
    new_width, new_height = int(height * reach[1] + width * reach[0]) + 1, int(height * reach[0] + width * reach[1]) + 1
    turn[:, 2] += (new_width - width) / 2, (new_height - height) / 2
    size = (new_width, new_height)
    laid = cv2.warpAffine(np.ascontiguousarray(colour), turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.warpAffine(np.ascontiguousarray(alpha), turn, size, flags=cv2.INTER_LINEAR)
    tint = rng.uniform(0.75, 1.2) * rng.normal(1, 0.05, 3)
    if rng.random() < 0.2:
        laid = laid[..., rng.permutation(3)]
    return np.clip(laid * tint, 0, 255).astype(np.float32), np.asarray(cover, np.float32)


def _free_place(
    taken: list[tuple[int, int, int, int]], size: tuple[int, int], room: tuple[int, int], alone: bool, rng: np.random.Generator
) -> tuple[int, int] | None:
    """Where the next one fits without hiding much of another; None where it does not."""
    wide, high = size
    for _ in range(TRIES):
        if alone and rng.random() < 0.7:
            x, y = (0.5 + rng.normal(0, 0.12, 2)).clip(0, 1)
        else:
            x, y = rng.uniform(0, 1, 2)
        # A large one may stand out of the picture.
        left, top = int(x * (room[0] - wide)), int(y * (room[1] - high))
        if all(_shared(other, (left, top, left + wide, top + high)) <= HIDDEN for other in taken):
            return left, top
    return None


def _shared(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """Of the smaller box."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    least = min((one[2] - one[0]) * (one[3] - one[1]), (other[2] - other[0]) * (other[3] - other[1]))
    return max(wide, 0) * max(high, 0) / least


def _shadow(layer: Mask, rng: np.random.Generator) -> Mask:
    """How much light is left where the product's soft shadow falls."""
    moved = np.roll(layer, (int(rng.integers(0, 10)), int(rng.integers(-9, 10))), (0, 1))
    blurred = cv2.GaussianBlur(moved, (0, 0), float(rng.uniform(2, 9)))
    return np.asarray(1 - rng.uniform(0.1, 0.55) * blurred, np.float32)


def _ground(plain: Sequence[Pixels], shelves: Sequence[Pixels], rng: np.random.Generator) -> Pixels:
    """A background: a part of a photo, or one colour with a gradient and some noise."""
    ratio = float(np.exp(rng.normal(0, 0.25)))
    width, height = round(CANVAS * min(1, ratio)), round(CANVAS * min(1, 1 / ratio))
    drawn = rng.random()
    if drawn < DRAWN:
        colour = rng.uniform(0, 255, 3) if rng.random() < 0.4 else np.full(3, rng.uniform(120, 255)) + rng.normal(0, 8, 3)
        slope = np.linspace(0, rng.normal(0, 40), height)[:, None] + np.linspace(0, rng.normal(0, 40), width)[None]
        noise = rng.normal(0, rng.uniform(0, 6), (height, width, 3))
        return np.clip(colour + slope[..., None] + noise, 0, 255).astype(np.uint8)
    source = shelves if drawn < DRAWN + SHELVES else plain
    photo = source[int(rng.integers(len(source)))]
    if rng.random() < 0.5:
        photo = photo[:, ::-1]
    if rng.random() < 0.3 and source is plain:
        photo = photo.transpose(1, 0, 2)
    # A part of the photo in the canvas's proportions.
    fit = min(photo.shape[1] / width, photo.shape[0] / height) * (rng.uniform(0.6, 1.0) if source is plain else rng.uniform(0.3, 0.55))
    wide, high = max(8, int(width * fit)), max(8, int(height * fit))
    left, top = int(rng.integers(0, photo.shape[1] - wide + 1)), int(rng.integers(0, photo.shape[0] - high + 1))
    part = np.ascontiguousarray(photo[top : top + high, left : left + wide])
    part = resized(part, width, height)
    if rng.random() < (0.6 if source is shelves else 0.15):
        part = np.asarray(cv2.GaussianBlur(part, (0, 0), float(rng.uniform(1, 4))), np.uint8)
    return part


def _developed(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """As another camera would have it: light, warmth, blur, noise, JPEG."""
    if rng.random() < 0.25:
        return pixels
    light = pixels.astype(np.float32) / 255
    shot = np.asarray(np.clip(light * rng.uniform(0.7, 1.25) * rng.normal(1, 0.04, 3), 0, 1) ** rng.uniform(0.75, 1.35), np.float64)
    if rng.random() < 0.3:
        shot = np.asarray(cv2.GaussianBlur(shot, (0, 0), float(rng.uniform(0.5, 1.6))), np.float64)
    if rng.random() < 0.3:
        shot = shot + rng.normal(0, rng.uniform(0.01, 0.04), shot.shape)
    done = np.asarray(np.clip(shot * 255, 0, 255), np.uint8)
    _, coded = cv2.imencode(".jpg", done, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 96))])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
