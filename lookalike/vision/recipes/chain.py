"""The seer of a recipe: find objects, cut them out, make a vector of each."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Analysis, Recipe, SeenObject, Tag
from lookalike.domain.geometry import WHOLE, Box
from lookalike.domain.picture import Picture
from lookalike.ports.vision import Detection, Detector, Embedder, Segmenter
from lookalike.vision import colours, preparation
from lookalike.vision.marks import perceptual_hashes, quality_flags
from lookalike.vision.recipes.reading import Projection, RecipeFile
from lookalike.vision.region import find_region
from lookalike.vision.words import shop_words

Pixels = NDArray[np.uint8]
Mask = NDArray[np.float32]
THUMBNAIL, HALF = 56, 112


@dataclass(frozen=True, slots=True)
class _Object:
    """One object: where, what it is called, the crop that its vector is made of, and a thumbnail of it with weights for the colours."""

    box: Box
    label: str
    score: float
    crop: Pixels
    small: Pixels
    weight: Mask | None


class ChainSeer:
    """Seer over a recipe's networks. Thread-safe where they are. The first object of an analysis is the key object.

    With a box only what is in it is seen; where nothing is found, the product on a plain background, or the whole picture.
    """

    def __init__(
        self,
        recipe: Recipe,
        told: RecipeFile,
        embedder: Embedder,
        *,
        detector: Detector | None = None,
        segmenter: Segmenter | None = None,
        projection: Projection | None = None,
    ) -> None:
        self.recipe = recipe
        self._told, self._embedder, self._detector, self._segmenter, self._projection = told, embedder, detector, segmenter, projection

    def warm_up(self) -> None:
        """Opens the networks now. Raises: as their first calls."""
        self.analyse([(Picture(np.full((64, 64, 3), 127, np.uint8), 64, 64, ""), None)])

    def analyse(self, looks: Sequence[tuple[Picture, Box | None]]) -> list[Analysis]:
        """What is on each picture, in order: inside its box; the whole of it for `WHOLE`; None lets us find the objects."""
        if not looks:
            return []
        began = time.perf_counter()
        found = self._found(looks)
        masks = self._masks([picture.pixels for picture, _ in looks])
        objects = [
            [self._object(picture.pixels, one, mask) for one in boxes]
            for (picture, _), boxes, mask in zip(looks, found, masks, strict=True)
        ]
        every = [one for row in objects for one in row]
        seen = self._embedder.embed([one.crop for one in every])
        palettes = colours.palettes_of([(one.small, one.weight) for one in every])
        vectors = [one.vector if self._projection is None else self._projection.of(one.vector) for one in seen]
        small = [preparation.fitted(picture.pixels, HALF) for picture, _ in looks]
        thumbnails = [preparation.fitted(one, THUMBNAIL) for one in small]
        hashes = perceptual_hashes(thumbnails)
        analyses, at = [], 0
        took: dict[str, float] = {}
        for place, ((picture, _), row) in enumerate(zip(looks, objects, strict=True)):
            rows = range(at, at := at + len(row))
            words = shop_words().tags(seen[rows[0]].label_scores)
            analyses.append(
                Analysis(
                    recipe_id=self.recipe.id,
                    digest=picture.digest,
                    width=picture.width,
                    height=picture.height,
                    objects=tuple(
                        SeenObject(
                            one.box,
                            vectors[number],
                            palettes[number][0],
                            one.label or _word(words),
                            one.score if one.label else _sure(words),
                        )
                        for number, one in zip(rows, row, strict=True)
                    ),
                    tags=_tags(row, words),
                    colours=palettes[rows[0]][1],
                    phash=hashes[place],
                    quality=quality_flags(small[place], thumbnails[place], picture.width, picture.height),
                    took_ms=took,
                )
            )
        took["analyse"] = (time.perf_counter() - began) * 1000 / len(looks)
        return analyses

    def _found(self, looks: Sequence[tuple[Picture, Box | None]]) -> list[list[Detection]]:
        """The objects of each picture, the key object first."""
        free = [place for place, (_, box) in enumerate(looks) if box is None]
        found: dict[int, list[Detection]] = {}
        if self._told.find.on == "photos":
            plain = {place: box for place in free if (box := _region(looks[place][0].pixels)) != WHOLE}
            found = {place: [Detection(box, "", 1.0)] for place, box in plain.items()}
            free = [place for place in free if place not in plain]
        if self._detector is not None and free:
            for place, told in zip(free, self._detector.detect([looks[place][0].pixels for place in free]), strict=True):
                found[place] = self._chosen(told)
        return [
            [Detection(box, "", 1.0)] if box is not None else found.get(place) or [Detection(_region(picture.pixels), "", 1.0)]
            for place, (picture, box) in enumerate(looks)
        ]

    def _chosen(self, told: list[Detection]) -> list[Detection]:
        rule = self._told.find
        able = [
            one
            for one in told
            if one.score >= rule.least and (not rule.labels or one.label in rule.labels) and one.label not in rule.not_labels
        ]
        return sorted(able, key=_importance, reverse=True)[: rule.most]

    def _masks(self, pictures: list[Pixels]) -> list[Mask | None]:
        return [None] * len(pictures) if self._segmenter is None else self._segmenter.segment(pictures)

    def _object(self, pixels: Pixels, one: Detection, mask: Mask | None) -> _Object:
        height, width = pixels.shape[:2]
        shown = one.box if one.box == WHOLE or not one.label else _widened(one.box, self._told.find.margin)
        left, top, right, bottom = shown.pixels(width, height)
        crop = pixels[top:bottom, left:right]
        small = preparation.fitted(crop, THUMBNAIL)
        if mask is not None and self._told.mask is not None:
            cut = mask[top:bottom, left:right]
            if float((cut >= 0.5).mean()) >= self._told.mask.least_cover:
                crop = np.asarray(np.rint(crop * cut[..., None] + 255 * (1 - cut[..., None])), np.uint8)
                weight = preparation.resized(np.asarray(cut * 255, np.uint8), small.shape[1], small.shape[0])
                return _Object(one.box, one.label, one.score, crop, small, weight.astype(np.float32) / np.float32(255))
        region = find_region(small)
        return _Object(one.box, one.label, one.score, crop, small, region.mask if region else None)


def _region(pixels: Pixels) -> Box:
    """The product on a plain background, else the whole."""
    region = find_region(preparation.fitted(pixels, THUMBNAIL))
    return WHOLE if region is None else region.box


def _importance(one: Detection) -> float:
    """The key object is sure, large and near the middle."""
    x, y = (one.box.left + one.box.right) / 2 - 0.5, (one.box.top + one.box.bottom) / 2 - 0.5
    return one.score * math.sqrt(one.box.area) * (1 - math.hypot(x, y))


def _widened(box: Box, share: float) -> Box:
    margin = share * max(box.right - box.left, box.bottom - box.top)
    return Box(max(0.0, box.left - margin), max(0.0, box.top - margin), min(1.0, box.right + margin), min(1.0, box.bottom + margin))


def _tags(row: list[_Object], words: tuple[Tag, ...]) -> tuple[Tag, ...]:
    """The detector's labels with their best scores, then the classifier's words that are none of these."""
    labels: dict[str, float] = {}
    for one in row:
        if one.label:
            labels[one.label] = max(one.score, labels.get(one.label, 0.0))
    ranked = sorted(labels.items(), key=lambda one: (-one[1], one[0]))
    return (*(Tag(name, score) for name, score in ranked), *(word for word in words if word.name not in labels))


def _word(words: tuple[Tag, ...]) -> str:
    return words[0].name if words else ""


def _sure(words: tuple[Tag, ...]) -> float:
    return words[0].score if words else 1.0
