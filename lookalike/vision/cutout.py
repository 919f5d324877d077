"""Where products are on a photo: our own head on the default network's feature maps, made in the same forward pass.

It knows no kinds of product, only that something is one (docs/decisions/0130).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.domain.geometry import Box
from lookalike.ports.vision import Detection, ModelCard, Pixels
from lookalike.vision.efficientnet_lite.cards import card_of
from lookalike.vision.efficientnet_lite.zoo import model_file, precision_here
from lookalike.vision.preparation import square
from lookalike.vision.sessions import once_opened
from lookalike.vision.words import probabilities_of

Mask = NDArray[np.float32]

MODEL = "lite0+cutout"
OUTPUTS = ["vector", "logits", "mask", "products"]
# What is less surely the middle of a product is none; at most so many are told.
LEAST_SURE = 0.3
MOST = 5
# Two boxes that agree more than this, or of which one lies so much inside the other, are one product.
SAME = 0.5
INSIDE = 0.8
# A box and a piece of the mask that agree so much mean the same product; of the two the piece is drawn better.
ALIKE = 0.4
# A piece of the mask smaller than this is no product by itself.
SMALLEST_PIECE = 0.015
# A mask that covers less of the picture than this shows nothing.
SMALLEST = 0.004
THIN = 0.02


@dataclass(frozen=True, slots=True)
class Shown:
    """What one pass says of a picture: its vector and label probabilities as a whole; the soft mask of its products, 0…1, about
    56 long in the picture's proportions; and the products, the key product first."""

    vector: NDArray[np.float32] = field(repr=False)
    label_scores: NDArray[np.float32] = field(repr=False)
    mask: Mask = field(repr=False)
    products: tuple[Detection, ...]


class Cutout:
    """Detector and Segmenter, and both in one pass with the default network's vector. Thread-safe; opened by the first call."""

    def __init__(self, cache_dir: Path, precision: str = "auto", threads: int = 1) -> None:
        self.card: ModelCard = card_of(MODEL)
        self.precision = precision_here(precision)
        self.session = once_opened(lambda: model_file(MODEL, self.precision, cache_dir), threads)
        """The one session, opened on first use. Raises: MissingDependency, WeightsRefused, OSError."""

    def look(self, pictures: Sequence[Pixels]) -> list[Shown]:
        """All that one pass says of each picture."""
        if not pictures:
            return []
        side = self.card.input_side
        vectors, logits, masks, found = self.session().run(OUTPUTS, {"pictures": np.stack([square(one, side) for one in pictures])})
        rows = zip(pictures, vectors, probabilities_of(logits), masks, found, strict=True)
        return [Shown(vector, scores, _shown(mask, one), _products(mask, cells, one)) for one, vector, scores, mask, cells in rows]

    def detect(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        """Up to MOST products of each picture, without labels, the key product first; [] where nothing is found."""
        return [list(one.products) for one in self.look(pictures)]

    def segment(self, pictures: Sequence[Pixels]) -> list[Mask | None]:
        """A soft mask of the products for each picture, of its size, 0…1; None where there is hardly any."""
        return [
            None
            if float((one.mask >= 0.5).mean()) < SMALLEST
            else np.clip(cv2.resize(one.mask, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR), 0, 1)
            for one, pixels in zip(self.look(pictures), pictures, strict=True)
        ]


def open_cutout(cache_dir: Path, precision: str = "auto", threads: int = 1) -> Cutout:
    """The cut-out, as detector or as segmenter."""
    return Cutout(cache_dir, precision, threads)


def _shown(mask: Mask, pixels: Pixels) -> Mask:
    """The part of a square's mask on which the picture lay."""
    grid, (height, width) = mask.shape[0], pixels.shape[:2]
    scale = grid / max(height, width)
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    top, left = (grid - high) // 2, (grid - wide) // 2
    return mask[top : top + high, left : left + wide]


def _products(mask: Mask, cells: NDArray[np.float32], pixels: Pixels) -> tuple[Detection, ...]:
    """The peaks among the cells with their boxes, drawn tight around a piece of the mask where that is one product."""
    sure = np.ascontiguousarray(cells[..., 0])
    piece_count, pieces, counted, _ = cv2.connectedComponentsWithStats(np.asarray(mask >= 0.5, np.uint8))
    stats = np.asarray(counted, np.int32)
    step, grid = mask.shape[0] // sure.shape[0], mask.shape[0]
    peaks = np.argwhere((sure >= cv2.dilate(sure, np.ones((3, 3), np.uint8))) & (sure >= LEAST_SURE))
    found: list[tuple[Box, float, int]] = []
    for row, column in sorted(peaks.tolist(), key=lambda place: -float(sure[place[0], place[1]])):
        sides = _within(cells[row, column, 1:].tolist())
        if sides is not None and all(_apart(sides, other) for other, _, _ in found):
            within = pieces[row * step : (row + 1) * step, column * step : (column + 1) * step]
            found.append((sides, float(sure[row, column]), int(within.max())))
    owners = [piece for _, _, piece in found]
    tight: list[tuple[Box, float]] = []
    for sides, score, piece in found:
        drawn = _piece_box(stats, piece, grid) if piece and owners.count(piece) == 1 else None
        tight.append((sides if drawn is None or sides.intersection_over_union(drawn) < ALIKE else drawn, score))
    for piece in range(1, piece_count):
        # A piece of the mask whose middle nobody was sure of is a product all the same.
        if piece not in owners and stats[piece, cv2.CC_STAT_AREA] >= SMALLEST_PIECE * grid * grid:
            drawn = _piece_box(stats, piece, grid)
            if all(_apart(drawn, other) for other, _ in tight):
                tight.append((drawn, LEAST_SURE * float(mask[pieces == piece].mean())))
    told = [Detection(box, "", min(score, 1.0)) for sides, score in tight if (box := _on_picture(sides, pixels)) is not None]
    return tuple(sorted(told, key=_importance, reverse=True)[:MOST])


def _within(sides: Sequence[float]) -> Box | None:
    """Cut at the square's rim; None where next to nothing is left."""
    left, top, right, bottom = (min(max(one, 0.0), 1.0) for one in sides)
    return None if right - left < THIN or bottom - top < THIN else Box(left, top, right, bottom)


def _piece_box(stats: NDArray[np.int32], piece: int, grid: int) -> Box:
    left, top, wide, high = (float(one) for one in stats[piece, :4])
    return Box(left / grid, top / grid, (left + wide) / grid, (top + high) / grid)


def _on_picture(square_box: Box, pixels: Pixels) -> Box | None:
    """From fractions of the padded square to fractions of the picture."""
    height, width = pixels.shape[:2]
    across, down = max(height, width) / width, max(height, width) / height
    return _within([(one - 0.5) * (down if number % 2 else across) + 0.5 for number, one in enumerate(square_box.edges())])


def _importance(one: Detection) -> float:
    """The key product is sure, large and near the middle."""
    x, y = (one.box.left + one.box.right) / 2 - 0.5, (one.box.top + one.box.bottom) / 2 - 0.5
    return one.score * math.sqrt(one.box.area) * (1 - math.hypot(x, y))


def _apart(one: Box, other: Box) -> bool:
    """Are they two products?"""
    return one.shared(other) <= INSIDE * min(one.area, other.area) and one.intersection_over_union(other) <= SAME
