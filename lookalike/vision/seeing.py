"""Seeing: from a decoded picture to its analysis. The one function for catalogue and query."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Analysis, Recipe, SeenObject, Tag
from lookalike.domain.geometry import WHOLE, Box
from lookalike.domain.picture import Picture
from lookalike.errors import InvalidSetting
from lookalike.ports.vision import Embedded, Embedder, Glance, PictureDecoder
from lookalike.vision import colours, preparation
from lookalike.vision.cutout import MODEL, Cutout, Shown
from lookalike.vision.efficientnet_lite.cards import DIMENSION
from lookalike.vision.efficientnet_lite.zoo import MODELS, projection_digest
from lookalike.vision.embedders import NO_MAP, OnnxEmbedder
from lookalike.vision.marks import perceptual_hash, perceptual_hashes, quality_flags
from lookalike.vision.region import Region, find_regions
from lookalike.vision.words import shop_words

Pixels = NDArray[np.uint8]
Mask = NDArray[np.float32]

# Changes whenever the region changes a vector (see CROP_BELOW) or its colours.
REGION_VERSION = "flood-2"
# Changes whenever what is made of a photo changes otherwise than by the network that finds its products.
PHOTOS_VERSION = "cutout-1"
# Everything beside the network reads reductions of one picture of this size: 224, 112 and 56 pixels.
BASE_SIDE = 224
# A product whose box covers less of a plain picture than this (45 of the network's 224 pixels) is cut out for the vector.
# A larger one measured a little worse cut out than with the white around it (docs/decisions/0013).
CROP_BELOW = 0.04
CROP_MARGIN = 0.10

# Of a product on a photo, its mask must cover this share of its box to be believed.
LEAST_COVER = 0.1

NETWORKS = {"default": "lite0", "quality": "lite0+lite1"}
# Which recipes look for products on photos, with which network.
ON_PHOTOS = {"default": MODEL}


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
    if name in ON_PHOTOS:
        parts["photos"] = f"{PHOTOS_VERSION} {projection_digest(ON_PHOTOS[name])[:16]}"
    return Recipe(name, DIMENSION, colours.BINS, parts)


def open_seer(name: str, cache_dir: Path, precision: str = "auto", threads: int = 1) -> "LocalSeer":
    """The seer of a recipe; its network is built by the first picture. Raises: InvalidSetting."""
    cutout = Cutout(cache_dir, precision, threads) if name in ON_PHOTOS else None
    return LocalSeer(recipe_of(name), OnnxEmbedder(NETWORKS[name], cache_dir, precision, threads, activations=False), cutout)


def open_glance(make_decoder: Callable[[], PictureDecoder]) -> Callable[[bytes], Glance]:
    """A function from encoded bytes to a `Glance`, made as an analysis makes it, in a millisecond. It raises PictureUnreadable."""

    def glance(content: bytes) -> Glance:
        picture = make_decoder().decode(content)
        return Glance(picture.digest, picture.width, picture.height, perceptual_hash(_Scales.of(picture.pixels).quarter))

    return glance


@dataclass(frozen=True, slots=True)
class _Scales:
    """A picture at most 224, 112 and 56 pixels long."""

    base: Pixels
    half: Pixels
    quarter: Pixels

    @classmethod
    def of(cls, pixels: Pixels) -> "_Scales":
        base = preparation.fitted(pixels, BASE_SIDE)
        half = preparation.halved(base) if max(base.shape[:2]) > BASE_SIDE // 2 else base
        quarter = preparation.halved(half) if max(half.shape[:2]) > BASE_SIDE // 4 else half
        return cls(base, half, quarter)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the object is: its box, what its vector is to be made of, and a thumbnail of it with weights for the colours.

    `found`: whether it was asked for, or is a product on a plain background. `seen`: what a network has said of the crop already.
    """

    crop: Pixels
    box: Box
    small: Pixels
    mask: Mask | None
    found: bool = True
    seen: Embedded | None = None


class LocalSeer:
    """Seer in this process. Thread-safe: call it from one Python thread a core; all that is slow runs outside the GIL."""

    def __init__(self, recipe: Recipe, embedder: Embedder, cutout: Cutout | None = None) -> None:
        self.recipe = recipe
        self._embedder, self._cutout = embedder, cutout

    def warm_up(self) -> None:
        """Opens the network and the tables now, so that the first picture does not wait. Raises: as the embedder's first call."""
        grey = np.full((64, 64, 3), 127, np.uint8)
        self.analyse([(Picture(grey, 64, 64, ""), None)])

    def analyse(self, looks: Sequence[tuple[Picture, Box | None]]) -> list[Analysis]:
        """What is on each picture, in order: inside its box; the whole of it for `WHOLE`; None lets us find the product.

        A handful of looks at a time is quickest: what is not network runs for all of them in one go, its code and tables
        in the CPU's cache, instead of after every forward pass (docs/decisions/0012).
        """
        if not looks:
            return []
        began = time.perf_counter()
        scales = [_Scales.of(picture.pixels) for picture, _ in looks]
        # A network that looks at as many pixels as `base` has gets that: it would only be shrunk to the same again.
        ready = self._embedder.card.input_side == BASE_SIDE
        objects = [[frame] for frame in _frames(looks, scales, ready)]
        self._look_closer(looks, scales, objects)
        every = [one for row in objects for one in row]
        palettes = colours.palettes_of([(one.small, one.mask) for one in every])
        hashes = perceptual_hashes([scale.quarter for scale in scales])
        seen = self._seen(every)
        tags = _tags_of([one.label_scores for one in seen])
        took: dict[str, float] = {}
        found, at = [], 0
        for (picture, _), scale, row, phash in zip(looks, scales, objects, hashes, strict=True):
            rows = range(at, at := at + len(row))
            found.append(
                Analysis(
                    recipe_id=self.recipe.id,
                    digest=picture.digest,
                    width=picture.width,
                    height=picture.height,
                    objects=tuple(
                        SeenObject(every[n].box, seen[n].vector, palettes[n][0], *((tags[n][0].name, tags[n][0].score) if tags[n] else ()))
                        for n in rows
                    ),
                    tags=tags[rows[0]],
                    colours=palettes[rows[0]][1],
                    phash=phash,
                    quality=quality_flags(scale.half, scale.quarter, picture.width, picture.height),
                    took_ms=took,
                )
            )
        took["analyse"] = (time.perf_counter() - began) * 1000 / len(looks)
        return found

    def _look_closer(self, looks: Sequence[tuple[Picture, Box | None]], scales: Sequence[_Scales], objects: list[list[_Frame]]) -> None:
        """Puts the products of each photo in the place of the whole of it."""
        if self._cutout is None:
            return
        photos = [place for place, (frame,) in enumerate(objects) if not frame.found]
        for place, shown in zip(photos, self._cutout.look([objects[place][0].crop for place in photos]), strict=True):
            objects[place] = _products(looks[place][0].pixels, objects[place][0], scales[place], shown)

    def _seen(self, every: Sequence[_Frame]) -> list[Embedded]:
        """What the network says of each; it is asked only for what it has not said yet."""
        asked = iter(self._embedder.embed([one.crop for one in every if one.seen is None]))
        return [next(asked) if one.seen is None else one.seen for one in every]


def _products(pixels: Pixels, whole: _Frame, scales: _Scales, shown: Shown) -> list[_Frame]:
    """The products of a photo, the key product first; the whole of it where there are none.

    The key product's vector is the whole photo's: of its crop it finds less (docs/decisions/0131). The others' see only themselves.
    """
    seen = Embedded(shown.vector, shown.label_scores, NO_MAP)
    small = scales.quarter
    mask = preparation.resized(np.asarray(np.rint(shown.mask * 255), np.uint8), small.shape[1], small.shape[0])
    found: list[_Frame] = []
    for product in shown.products:
        left, top, right, bottom = product.box.pixels(small.shape[1], small.shape[0])
        weight = mask[top:bottom, left:right].astype(np.float32) / np.float32(255)
        key = not found
        found.append(
            _Frame(
                whole.crop if key else _cut(pixels, _with_margin(product.box)),
                product.box,
                small[top:bottom, left:right],
                weight if float(weight.mean()) >= LEAST_COVER else None,
                seen=seen if key else None,
            )
        )
    return found or [replace(whole, seen=seen)]


def _tags_of(scores: list[NDArray[np.float32]]) -> list[tuple[Tag, ...]]:
    """The words for each row of label probabilities; an embedder may have none."""
    if not all(len(one) for one in scores):
        return [shop_words().tags(one) for one in scores]
    return shop_words().tags_of(np.stack(scores))


def _frames(looks: Sequence[tuple[Picture, Box | None]], scales: Sequence[_Scales], ready: bool) -> list[_Frame]:
    """Where the object of each look is. `ready`: `base` is the picture as the network takes it, where it takes all of it."""
    wholes = [scale.base if ready else picture.pixels for (picture, _), scale in zip(looks, scales, strict=True)]
    cuts = [
        whole if box is None or box == WHOLE else _cut(picture.pixels, box) for (picture, box), whole in zip(looks, wholes, strict=True)
    ]
    smalls = [scale.quarter if cut is whole else _Scales.of(cut).quarter for cut, whole, scale in zip(cuts, wholes, scales, strict=True)]
    told = zip(looks, cuts, smalls, find_regions(smalls), strict=True)
    return [_framed(picture.pixels, box, cut, small, region) for (picture, box), cut, small, region in told]


def _framed(pixels: Pixels, box: Box | None, crop: Pixels, small: Pixels, region: Region | None) -> _Frame:
    """`crop` and its thumbnail `small`: what was asked for, in which `region` was found."""
    if box is not None:
        return _Frame(crop, box, small, region.mask if region else None)
    if region is None:
        return _Frame(crop, WHOLE, small, None, found=False)
    if region.box.area < CROP_BELOW:
        crop = _cut(pixels, _with_margin(region.box))
    return _Frame(crop, region.box, *_inside(small, region))


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
