"""Seeing: from a decoded picture to its analysis. The one function for catalogue and query."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Analysis, Colour, Recipe, SeenObject, Vector
from lookalike.domain.geometry import WHOLE, Box
from lookalike.domain.picture import Picture
from lookalike.errors import InvalidSetting
from lookalike.ports.vision import Embedded, Embedder
from lookalike.vision import colours, preparation
from lookalike.vision.efficientnet_lite.cards import DIMENSION
from lookalike.vision.efficientnet_lite.zoo import MODELS, projection_digest
from lookalike.vision.embedders import OnnxEmbedder
from lookalike.vision.marks import perceptual_hash, quality_flags
from lookalike.vision.region import Region, find_region
from lookalike.vision.words import shop_words

Pixels = NDArray[np.uint8]
Mask = NDArray[np.float32]

# Changes whenever the region changes a vector (see CROP_BELOW) or its colours.
REGION_VERSION = "flood-1"
# Everything beside the network reads reductions of one picture of this size: 224, 112 and 56 pixels.
BASE_SIDE = 224
# A product whose box covers less of a plain picture than this (45 of the network's 224 pixels) is cut out for the vector.
# A larger one measured a little worse cut out than with the white around it (docs/decisions/0013).
CROP_BELOW = 0.04
CROP_MARGIN = 0.10

NETWORKS = {"default": "lite0", "quality": "lite0+lite1"}


def recipe_of(name: str) -> Recipe:
    """The recipe of a setting's name, without opening a network. Raises: InvalidSetting."""
    if name not in NETWORKS:
        raise InvalidSetting(f"There is no recipe {name!r}; it can be {' or '.join(NETWORKS)}.")
    model = MODELS[NETWORKS[name]]
    parts = {
        "network": ", ".join(f"efficientnet-{one.variant} {one.sha256[:16]}" for one in model.parts) + f" at {model.side}",
        "projection": projection_digest(model.name)[:16],
        "preparation": preparation.VERSION,
        "region": f"{REGION_VERSION} {CROP_BELOW} {CROP_MARGIN}",
        "colours": colours.VERSION,
    }
    return Recipe(name, DIMENSION, colours.BINS, parts)


def open_seer(name: str, cache_dir: Path, precision: str = "auto", threads: int = 1) -> "LocalSeer":
    """The seer of a recipe; its network is built by the first picture. Raises: InvalidSetting."""
    return LocalSeer(recipe_of(name), OnnxEmbedder(NETWORKS[name], cache_dir, precision, threads, activations=False))


@dataclass(frozen=True, slots=True)
class _Scales:
    """A picture at most 224, 112 and 56 pixels long."""

    half: Pixels
    quarter: Pixels

    @classmethod
    def of(cls, pixels: Pixels) -> "_Scales":
        base = preparation.fitted(pixels, BASE_SIDE)
        half = preparation.halved(base) if max(base.shape[:2]) > BASE_SIDE // 2 else base
        quarter = preparation.halved(half) if max(half.shape[:2]) > BASE_SIDE // 4 else half
        return cls(half, quarter)


@dataclass(frozen=True, slots=True)
class _View:
    """What one look settles before the network runs; `crop` is what the vector is to be made of."""

    crop: Pixels
    box: Box
    colour_vector: Vector
    colours: tuple[Colour, ...]
    phash: str
    quality: tuple[str, ...]


class LocalSeer:
    """Seer in this process. Thread-safe: call it from one Python thread a core; all that is slow runs outside the GIL."""

    def __init__(self, recipe: Recipe, embedder: Embedder) -> None:
        self.recipe = recipe
        self._embedder = embedder

    def warm_up(self) -> None:
        """Opens the network and the tables now, so that the first picture does not wait. Raises: as the embedder's first call."""
        grey = np.full((64, 64, 3), 127, np.uint8)
        self.analyse([(Picture(grey, 64, 64, ""), None)])

    def analyse(self, looks: Sequence[tuple[Picture, Box | None]]) -> list[Analysis]:
        """What is on each picture, in order: inside its box; the whole of it for `WHOLE`; None lets us find the product.

        A handful of looks at a time is quickest: what is not network runs for all of them in one go, its code and tables
        in the CPU's cache, instead of after every forward pass (docs/decisions/0012).
        """
        began = time.perf_counter()
        views = [_look(picture, box) for picture, box in looks]
        seen = self._embedder.embed([view.crop for view in views])
        found = [self._told(picture, view, one) for (picture, _), view, one in zip(looks, views, seen, strict=True)]
        each = {"analyse": (time.perf_counter() - began) * 1000 / max(len(looks), 1)}
        return [replace(one, took_ms=each) for one in found]

    def _told(self, picture: Picture, view: _View, embedded: Embedded) -> Analysis:
        tags = shop_words().tags(embedded.label_scores)
        main = SeenObject(
            box=view.box,
            vector=embedded.vector,
            colour_vector=view.colour_vector,
            label=tags[0].name if tags else "",
            score=tags[0].score if tags else 1.0,
        )
        return Analysis(
            recipe_id=self.recipe.id,
            digest=picture.digest,
            width=picture.width,
            height=picture.height,
            objects=(main,),
            tags=tags,
            colours=view.colours,
            phash=view.phash,
            quality=view.quality,
        )


def _look(picture: Picture, box: Box | None) -> _View:
    """All that needs no network."""
    scales = _Scales.of(picture.pixels)
    crop, seen_box, small, mask = _framed(picture.pixels, scales.quarter, box)
    colour_vector, named = colours.colours_of(small, mask)
    return _View(
        crop=crop,
        box=seen_box,
        colour_vector=colour_vector,
        colours=named,
        phash=perceptual_hash(scales.quarter),
        quality=quality_flags(scales.half, scales.quarter, picture.width, picture.height),
    )


def _framed(pixels: Pixels, thumbnail: Pixels, box: Box | None) -> tuple[Pixels, Box, Pixels, Mask | None]:
    """(crop for the vector, box of the object, pixels for the colours, their weights)."""
    if box is not None:
        crop = pixels if box == WHOLE else _cut(pixels, box)
        small = thumbnail if box == WHOLE else _Scales.of(crop).quarter
        region = find_region(small)
        return crop, box, small, region.mask if region else None
    region = find_region(thumbnail)
    if region is None:
        return pixels, WHOLE, thumbnail, None
    crop = _cut(pixels, _with_margin(region.box)) if region.box.area < CROP_BELOW else pixels
    small, mask = _inside(thumbnail, region)
    return crop, region.box, small, mask


def _cut(pixels: Pixels, box: Box) -> Pixels:
    height, width = pixels.shape[:2]
    left, top, right, bottom = box.pixels(width, height)
    return pixels[top:bottom, left:right]


def _inside(thumbnail: Pixels, region: Region) -> tuple[Pixels, Mask]:
    height, width = thumbnail.shape[:2]
    left, top, right, bottom = region.box.pixels(width, height)
    return thumbnail[top:bottom, left:right], region.mask[top:bottom, left:right]


def _with_margin(box: Box) -> Box:
    margin = CROP_MARGIN * max(box.right - box.left, box.bottom - box.top)
    return Box(max(0.0, box.left - margin), max(0.0, box.top - margin), min(1.0, box.right + margin), min(1.0, box.bottom + margin))


# OpenCV's own threads would fight with ours for the cores.
cv2.setNumThreads(1)
