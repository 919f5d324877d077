"""Learns the cut-out: a small head on the default network's feature maps that tells where products are on a photo.

Run: python -m lookalike.learning.cutout --shared DIR [--masks DIR] [--cache DIR] [--target FILE].
Needs `lookalike[train]` and a checkout, for the rendered pictures' masks. Writes cutout_lite0.onnx, by default to
lookalike/vision/data. About twelve minutes of CPU time, five of them for the lessons, which --cache keeps. Equal seeds make
equal lessons; the weights differ in their last digits from one CPU to another.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from lookalike.learning.cutout_export import exported
from lookalike.learning.cutout_network import Wanted, learned
from lookalike.learning.lessons import Lesson, backgrounds, lessons
from lookalike.learning.pictures import grocery_train, picture_of
from lookalike.learning.taught import clothes, groceries, rendered
from lookalike.vision import preparation
from lookalike.vision.efficientnet_lite.architecture import Branch
from lookalike.vision.efficientnet_lite.graph import build
from lookalike.vision.efficientnet_lite.zoo import DATA, VARIANTS, network_of, projection_of
from lookalike.vision.sessions import open_session

TAPS = ("tap:blocks.2.sum", "tap:blocks.4.sum", "tap:blocks.10.sum", "tap:blocks.15.project-conv")
SEED = 7
CLOTHES, GROCERIES, LESSONS, PASSES = 900, 150, 3600, 8
# One photo of loose fruit in so many is a background.
PILES = 12
GRID = 28
# How wide the hill around the middle of a product is, as a share of its sides, and at least, in cells.
HILL, LEAST_HILL = 0.12, 0.6
NOTE = """Where products are, from the feature maps of EfficientNet-Lite0. Learned by lookalike.learning.cutout from rendered products (CC0,
our own), clothing photos (CC0, masks by a PAN network under MIT) and photos of groceries (MIT, masks by GrabCut and that network)."""

Maps = tuple[NDArray[np.float16], ...]


def lessons_of(shared: Path, shop: Path, masks: Path) -> list[Lesson]:
    """All lessons, the same each time. Raises: TrainingDataMissing."""
    ours = list(rendered(shop, masks, held=False))
    worn = list(clothes(shared, held=False, most=CLOTHES, seed=SEED))
    held = list(groceries(shared, most=GROCERIES, seed=SEED))
    loose = [path for path, _ in grocery_train(shared) if "Packages" not in path.parts][::PILES]
    piles = [preparation.fitted(picture_of(path), 400) for path in loose]
    print(f"{len(ours)} rendered pictures, {len(worn)} of clothes, {len(held)} of packages", file=sys.stderr)
    # Packages count half: their masks are the roughest.
    return list(lessons([ours, ours, worn, worn, held], backgrounds(worn), [*backgrounds(held), *piles], LESSONS, SEED))


def wanted_of(given: Sequence[Lesson]) -> Wanted:
    """What the head shall say of each lesson."""
    centres = np.zeros((len(given), GRID, GRID), np.float32)
    boxes = np.zeros((len(given), GRID, GRID, 4), np.float32)
    boxes[..., 2:] = 1
    y, x = np.mgrid[:GRID, :GRID] + 0.5
    for place, one in enumerate(given):
        for left, top, right, bottom in one.boxes.tolist():
            wide, high = max(LEAST_HILL, HILL * (right - left) * GRID), max(LEAST_HILL, HILL * (bottom - top) * GRID)
            column, row = (min(int((low + far) / 2 * GRID), GRID - 1) + 0.5 for low, far in ((left, right), (top, bottom)))
            hill = np.exp(-(((x - column) / wide) ** 2 + ((y - row) / high) ** 2) / 2)
            nearer = hill > centres[place]
            centres[place][nearer] = hill[nearer]
            boxes[place][nearer] = (left, top, right, bottom)
    return Wanted(np.stack([one.mask for one in given]).astype(np.float32), centres, boxes)


def maps_of(given: Sequence[Lesson]) -> Maps:
    """The network's maps of each lesson, N × height × width × channels."""
    weights = VARIANTS["lite0"]
    model = build([Branch(network_of(weights), projection_of(weights))], weights.side, every_activation=True)
    session = open_session(model.SerializeToString(), threads=2)
    told: list[list[NDArray[np.float16]]] = [[] for _ in TAPS]
    for one in given:
        for kept, found in zip(told, session.run(list(TAPS), {"pictures": one.pixels[None]}), strict=True):
            kept.append(found[0].transpose(1, 2, 0).astype(np.float16))
    return tuple(np.stack(kept) for kept in told)


def prepared(shared: Path, shop: Path, masks: Path, cache: Path | None) -> tuple[Maps, Wanted]:
    """Maps and targets of all lessons; out of the cache where they lie there. Raises: TrainingDataMissing."""
    told = json.dumps([SEED, CLOTHES, GROCERIES, LESSONS, PILES, GRID, HILL, LEAST_HILL, TAPS])
    source = b"".join((Path(__file__).parent / name).read_bytes() for name in ("lessons.py", "taught.py", "cutouts.py"))
    kept = None if cache is None else cache / f"cutout-lessons-{hashlib.sha256(told.encode() + source).hexdigest()[:12]}.npz"
    if kept is not None and kept.is_file():
        with np.load(kept, allow_pickle=False) as found:
            return tuple(found[f"map{n}"] for n in range(len(TAPS))), Wanted(found["mask"], found["centre"], found["boxes"])
    given = lessons_of(shared, shop, masks)
    maps, wanted = maps_of(given), wanted_of(given)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        named: dict[str, Any] = {f"map{n}": one for n, one in enumerate(maps)}
        np.savez(kept, mask=wanted.mask, centre=wanted.centre, boxes=wanted.boxes, **named)
    return maps, wanted


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True, help="the folder that holds data/clothing, data/grocery and models")
    parser.add_argument("--masks", type=Path, default=Path("tests/data/sample_masks"), help="the rendered pictures' masks")
    parser.add_argument("--cache", type=Path, help="a folder that keeps the lessons (1 GB) for the next run")
    parser.add_argument("--target", type=Path, default=DATA / "cutout_lite0.onnx", help="the file to write")
    options = parser.parse_args()
    shop = Path(str(resources.files("lookalike"))) / "sample_shop"
    began = time.process_time()
    maps, wanted = prepared(options.shared, shop, options.masks, options.cache)
    deviations = tuple(one[::10].astype(np.float32).std(axis=(0, 1, 2)) + np.float32(1e-3) for one in maps)
    print(f"{len(wanted.mask)} lessons, {time.process_time() - began:.0f} s of CPU time", file=sys.stderr)

    def tell(number: int, loss: float) -> None:
        print(f"pass {number + 1} of {PASSES}: loss {loss:.4f}, {time.process_time() - began:.0f} s", file=sys.stderr)

    weights = {name: np.asarray(one) for name, one in learned(maps, deviations, wanted, passes=PASSES, seed=SEED, tell=tell).items()}
    onnx.save(exported(weights, deviations, TAPS, NOTE), str(options.target))
    print(f"{options.target}: {options.target.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
