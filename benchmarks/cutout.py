"""Where is the product? The cut-out against GrabCut, the flood from the border and the class activation map, on 200 known masks.

Run: python -m benchmarks.cutout [--shared DIR] [--precision auto|int8|fp32] [--json] [--sheet FILE]
Reads LOOKALIKE_SHARED or ../shared. Nothing of these pictures was learned from: COCO's products (what a person drew), clothes of
held-out sellers (masks by another network, which also taught ours), rendered products that are held out (exact masks).
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import interval
from lookalike.domain.geometry import WHOLE, Box
from lookalike.learning.cutouts import cut_out
from lookalike.learning.pictures import grocery_val, picture_of
from lookalike.learning.taught import Known, clothes, held_out, overlap, product_of, rendered
from lookalike.vision import preparation
from lookalike.vision.cutout import Cutout, Shown
from lookalike.vision.embedders import OnnxEmbedder
from lookalike.vision.region import find_region

ROOT = Path(__file__).resolve().parents[1]
Mask = NDArray[np.float32]
CLOTHES, SCENES, STUDIO = 75, 35, 68
SEED = 11
# What a shop might sell, out of COCO's 80 kinds: no people, animals, vehicles, street furniture.
NOT_PRODUCTS = {"person", "outdoor", "animal"}
NOT_SOLD = {"car", "airplane", "bus", "train", "truck", "boat", "dining table"}
SMALLEST = 0.01
LONGEST = 400
TILE = 150
# The share of its maximum above which a class activation map is product: best of .1 to .6 on 146 of the pictures for learning.
ACTIVE = 0.4


@dataclass(frozen=True, slots=True)
class Case:
    """A picture, the mask of all its products, and the box of the largest."""

    source: str
    known: Known
    box: Box


@dataclass(frozen=True, slots=True)
class Answer:
    """What a method says: a mask of the picture's size, and the box of the main product."""

    mask: Mask
    box: Box


Method = Callable[[list[NDArray[np.uint8]]], list[Answer]]


def coco(shared: Path) -> Iterator[Case]:
    """Pictures on which products cover at least SMALLEST, in the order of their numbers."""
    from pycocotools.coco import COCO

    root = shared / "data/coco/tiny_coco"
    print("COCO:", end=" ", file=sys.stderr)
    stdout, sys.stdout = sys.stdout, sys.stderr
    try:
        truth = COCO(str(root / "annotations/instances_val2017.json"))
    finally:
        sys.stdout = stdout
    sold = {number for number, kind in truth.cats.items() if kind["supercategory"] not in NOT_PRODUCTS and kind["name"] not in NOT_SOLD}
    for told in truth.loadImgs(sorted(truth.getImgIds())):
        rows = [one for one in truth.imgToAnns[told["id"]] if one["category_id"] in sold and not one["iscrowd"]]
        if not rows:
            continue
        largest = max(rows, key=lambda one: one["area"])
        mask = np.max([truth.annToMask(one) for one in rows], axis=0).astype(np.float32)
        if mask.mean() < SMALLEST:
            continue
        left, top, wide, high = largest["bbox"]
        box = Box(left / told["width"], top / told["height"], (left + wide) / told["width"], (top + high) / told["height"])
        yield Case("COCO products", _small(Known(told["file_name"], picture_of(root / "val2017" / told["file_name"]), mask)), box)


def cases(shared: Path, shop: Path, masks: Path) -> list[Case]:
    """The same pictures each time."""
    found = list(coco(shared))
    found += [_case("clothes, photos", one) for one in clothes(shared, held=True, most=CLOTHES, seed=SEED)]
    every = list(rendered(shop, masks, held=True))
    order = np.random.default_rng(SEED).permutation(len(every))
    scenes = [every[n] for n in order if every[n].name.endswith(("scene", "query"))][:SCENES]
    studio = [every[n] for n in order if not every[n].name.endswith(("scene", "query"))][:STUDIO]
    return [*found, *(_case("rendered, scenes", one) for one in scenes), *(_case("rendered, studio", one) for one in studio)]


def _small(one: Known) -> Known:
    scale = LONGEST / max(one.mask.shape)
    if scale >= 1:
        return one
    width, height = round(one.mask.shape[1] * scale), round(one.mask.shape[0] * scale)
    mask = cv2.resize(one.mask, (width, height), interpolation=cv2.INTER_AREA)
    return Known(one.name, preparation.resized(one.pixels, width, height), np.asarray(mask, np.float32))


def _case(source: str, one: Known) -> Case:
    small = _small(one)
    return Case(source, small, box_of(small.mask))


def box_of(mask: Mask) -> Box:
    """The box around what is more product than not; the whole where nothing is."""
    shown = mask >= 0.5
    if not shown.any():
        return WHOLE
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    height, width = mask.shape
    return Box(columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height)


def _largest(mask: Mask) -> Box:
    """The box of the largest piece."""
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(np.asarray(mask >= 0.5, np.uint8))
    if len(stats) < 2:
        return WHOLE
    return box_of(np.asarray(pieces == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()), np.float32))


def flood(pictures: list[NDArray[np.uint8]]) -> list[Answer]:
    """What the tree does: the flood on a plain background, else the whole picture."""
    found = []
    for pixels in pictures:
        region = find_region(preparation.fitted(preparation.fitted(pixels, 112), 56))
        if region is None:
            found.append(Answer(np.ones(pixels.shape[:2], np.float32), WHOLE))
        else:
            mask = cv2.resize(np.asarray(region.mask > 0, np.float32), pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
            found.append(Answer(np.asarray(mask, np.float32), region.box))
    return found


def grabcut(pictures: list[NDArray[np.uint8]]) -> list[Answer]:
    """GrabCut from the middle; where it gives up, the whole picture."""
    cv2.setRNGSeed(0)
    masks = [cut_out(pixels) for pixels in pictures]
    every = [np.ones(one.shape[:2], np.float32) if mask is None else mask for one, mask in zip(pictures, masks, strict=True)]
    return [Answer(mask, _largest(mask)) for mask in every]


def activation(cache: Path, precision: str) -> Method:
    """The class activation map of the default network."""
    embedder = OnnxEmbedder("lite0", cache, precision, 2)

    def method(pictures: list[NDArray[np.uint8]]) -> list[Answer]:
        return [activated(pixels, embedder.embed([pixels])[0].activation, ACTIVE) for pixels in pictures]

    return method


def activated(pixels: NDArray[np.uint8], heat: Mask, least: float) -> Answer:
    """A map of the padded square as a mask of the picture."""
    height, width = pixels.shape[:2]
    longer = max(height, width)
    whole = cv2.resize(heat, (longer, longer), interpolation=cv2.INTER_LINEAR)
    top, left = (longer - height) // 2, (longer - width) // 2
    mask = np.asarray(whole[top : top + height, left : left + width] >= least, np.float32)
    return Answer(mask, _largest(mask))


def ours(cache: Path, precision: str) -> Method:
    """The cut-out by itself, on every picture."""
    cutout = Cutout(cache, precision, 2)

    def method(pictures: list[NDArray[np.uint8]]) -> list[Answer]:
        return [cut(pixels, cutout.look([pixels])[0]) for pixels in pictures]

    return method


def cut(pixels: NDArray[np.uint8], shown: Shown) -> Answer:
    """What the cut-out shows of a picture."""
    mask = np.clip(cv2.resize(shown.mask, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR), 0, 1)
    return Answer(np.asarray(mask, np.float32), shown.products[0].box if shown.products else WHOLE)


def joined(flooded: list[Answer], cuts: list[Answer]) -> list[Answer]:
    """What ships: the flood on plain backgrounds, the cut-out on the others."""
    return [one if one.box != WHOLE else other for one, other in zip(flooded, cuts, strict=True)]


def measure(given: list[Case], cache: Path, precision: str) -> tuple[list[dict[str, Any]], dict[str, list[Answer]]]:
    """A row for each method and source: mean IoU of masks and of boxes, how much better the cut-out is, and 95 % intervals."""
    pictures = [one.known.pixels for one in given]
    answers: dict[str, list[Answer]] = {}
    took: dict[str, float] = {}
    methods = {"cut-out": ours(cache, precision), "GrabCut": grabcut, "flood": flood, "activation map": activation(cache, precision)}
    for name, method in methods.items():
        method(pictures[:1])
        began = time.process_time()
        answers[name] = method(pictures)
        took[name] = (time.process_time() - began) * 1000 / len(pictures)
    answers["flood, else cut-out"] = joined(answers["flood"], answers["cut-out"])
    scores = {
        name: np.array([(overlap(a.mask, c.known.mask), a.box.intersection_over_union(c.box)) for a, c in zip(told, given, strict=True)])
        for name, told in answers.items()
    }
    rows: list[dict[str, Any]] = []
    sources = ["all", *dict.fromkeys(one.source for one in given)]
    for source in sources:
        chosen = np.array([source in ("all", one.source) for one in given])
        for name, told in scores.items():
            row: dict[str, Any] = {"source": source, "pictures": int(chosen.sum()), "method": name, "ms": took.get(name)}
            for column, figure in enumerate(("mask", "box")):
                mine, best = told[chosen, column], scores["cut-out"][chosen, column]
                row |= {figure: float(mine.mean()), f"{figure}_interval": interval(mine, np.zeros_like(mine))}
                row |= {f"{figure}_behind": float((best - mine).mean()), f"{figure}_behind_interval": interval(best, mine)}
            rows.append(row)
    return rows, answers


def sheet(path: Path, shared: Path, shop: Path, cache: Path, precision: str) -> None:
    """A contact sheet of CC0 and MIT pictures that nothing was learned from: above the picture with its boxes, below its mask."""
    cutout = Cutout(cache, precision, 2)
    photos = [one.pixels for one in clothes(shared, held=True, most=CLOTHES, seed=SEED)][3:23:5]
    every = {
        one.stem: one for part in ("pictures", "queries") for one in sorted((shop / part).glob("*.jpg")) if held_out(product_of(one.stem))
    }
    scenes = [picture_of(one) for name, one in every.items() if name.endswith(("scene", "query"))][2:30:7]
    held = [one for one, kind in grocery_val(shared) if "Packages" in one.parts][::20][:4]
    tiles = []
    for pixels in [*photos, *scenes, *(picture_of(one) for one in held)]:
        small = preparation.fitted(pixels, TILE)
        answer = cut(small, shown := cutout.look([small])[0])
        cover = answer.mask[..., None]
        below = np.asarray(np.rint(small * cover + 255 * (1 - cover)), np.uint8)
        above = small.copy()
        for number, one in enumerate(shown.products):
            left, top, right, bottom = one.box.pixels(small.shape[1], small.shape[0])
            cv2.rectangle(above, (left, top), (right - 1, bottom - 1), (230, 60, 20) if number == 0 else (40, 90, 230), 2)
        tile = np.full((2 * TILE + 6, TILE + 6, 3), 255, np.uint8)
        for start, part in ((0, above), (TILE + 3, below)):
            tile[start : start + part.shape[0], : part.shape[1]] = part
        tiles.append(tile)
    half = len(tiles) // 2
    joint = np.vstack([np.hstack(tiles[:half]), np.hstack(tiles[half : 2 * half])])
    cv2.imwrite(str(path), joint[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("LOOKALIKE_SHARED") or ROOT.parent / "shared"))
    parser.add_argument("--masks", type=Path, default=ROOT / "tests/data/sample_masks")
    parser.add_argument("--precision", default="auto", choices=("auto", "int8", "fp32"))
    parser.add_argument("--cache", type=Path, default=Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lookalike")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet there instead")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not (options.shared / "data/coco").is_dir():
        print(f"There are no pictures in {options.shared}. Say where they lie with --shared or LOOKALIKE_SHARED.", file=sys.stderr)
        return 3
    shop = ROOT / "lookalike/sample_shop"
    if options.sheet:
        sheet(options.sheet, options.shared, shop, options.cache, options.precision)
        return 0
    rows, _ = measure(cases(options.shared, shop, options.masks), options.cache, options.precision)
    if options.json:
        print(json.dumps(rows))
        return 0
    print("| pictures | method | mask IoU | box IoU | cut-out better by: mask | box |\n|---|---|---|---|---|---|")
    for row in rows:
        told = [f"{row['source']} ({row['pictures']})", str(row["method"])]
        for figure in ("mask", "box"):
            low, high = row[f"{figure}_interval"]
            told.append(f"{row[figure]:.3f} [{low:.3f}, {high:.3f}]")
        for figure in ("mask_behind", "box_behind"):
            low, high = row[f"{figure}_interval"]
            told.append("–" if row["method"] == "cut-out" else f"{row[figure]:+.3f} [{low:+.3f}, {high:+.3f}]")
        print("| " + " | ".join(told) + " |")
    print({row["method"]: f"{row['ms']:.1f} ms of CPU time" for row in rows if row["source"] == "all" and row["ms"]}, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
