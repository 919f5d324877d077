"""Does it find the right things? The seer's vectors against MobileNetV2 with cosine, on the same pictures in the same run.

Run: python -m benchmarks.quality [--shared DIR] [--recipes default,quality] [--limit N] [--precision auto|int8|fp32] [--json]
Reads LOOKALIKE_SHARED or ../shared. Fashion, grocery `val` and the sample shop's second views are only measured here; nothing is
fitted or chosen on them.
"""

import argparse
import csv
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from lookalike.domain.analysis import Analysis
from lookalike.domain.fusion import colour_score, picture_score
from lookalike.pictures.decode import PillowDecoder
from lookalike.vision.seeing import LocalSeer, open_seer

ROOT = Path(__file__).resolve().parents[1]
Matrix = NDArray[np.float32]
BATCH = 8
COLOUR_WEIGHT = 0.3
SHOP = ROOT / "lookalike" / "sample_shop"
GARMENTS = "Fashion > Clothing"


@dataclass(frozen=True, slots=True)
class Eyes:
    """What one way of seeing makes of pictures: unit vectors, and colour vectors where it has them."""

    vectors: Matrix
    colours: Matrix | None


def fashion(shared: Path, limit: int | None) -> tuple[list[Path], NDArray[np.str_], NDArray[np.str_]]:
    """(paths, articleType, articleType and baseColour)."""
    with (shared / "data/fashion/products.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["id"])
    picked = np.sort(np.random.default_rng(1).permutation(len(rows))[:limit])
    rows = [rows[n] for n in picked]
    paths = [shared / "data/fashion/images" / f"{row['id']}.jpg" for row in rows]
    kinds = np.array([row["articleType"] for row in rows])
    return paths, kinds, np.array([f"{row['articleType']} {row['baseColour']}" for row in rows])


def grocery(shared: Path) -> tuple[list[Path], NDArray[np.int64], list[Path], NDArray[np.int64]]:
    """(photos, their classes, the 81 shop pictures, their classes)."""
    home = shared / "data/grocery"
    with (home / "classes.csv").open(encoding="utf-8", newline="") as file:
        shop = [(home / row["Iconic Image Path (str)"].lstrip("/"), int(row["Class ID (int)"])) for row in csv.DictReader(file)]
    lines = [line.split(",") for line in (home / "val.txt").read_text(encoding="utf-8").splitlines() if line.strip()]
    photos = [(home / path.strip(), int(kind)) for path, kind, _ in lines]
    return [p for p, _ in photos], np.array([k for _, k in photos]), [p for p, _ in shop], np.array([k for _, k in shop])


def garments() -> tuple[list[Path], NDArray[np.int64], list[Path], NDArray[np.int64]]:
    """(the garments' back views, whose they are, the front views of the whole sample shop, whose they are): rendered, ours."""
    products = [json.loads(line) for line in (SHOP / "products.jsonl").read_text(encoding="utf-8").splitlines()]
    fronts = [SHOP / one["pictures"][0] for one in products]
    worn = [(place, one) for place, one in enumerate(products) if one["category"].startswith(GARMENTS)]
    backs = [(SHOP / name, place) for place, one in worn for name in one["pictures"] if name.endswith("-back.jpg")]
    return [path for path, _ in backs], np.array([place for _, place in backs]), fronts, np.arange(len(fronts))


def baseline(shared: Path, paths: list[Path]) -> Eyes:
    """MobileNetV2: whole picture padded white to a square, 224 px bilinear, x / 127.5 − 1, features at unit length."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    network = onnxruntime.InferenceSession(str(shared / "models/mobilenet_v2_1.0_224.onnx"), options, providers=["CPUExecutionProvider"])
    entry, rows = network.get_inputs()[0].name, []
    for path in paths:
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        square = Image.new("RGB", (max(picture.size),) * 2, "white")
        square.paste(picture, ((square.width - picture.width) // 2, (square.height - picture.height) // 2))
        pixels = np.asarray(square.resize((224, 224), Image.Resampling.BILINEAR), np.float32).transpose(2, 0, 1) / 127.5 - 1
        rows.append(network.run(["features"], {entry: pixels[None]})[0].reshape(-1))
    vectors = np.stack(rows)
    return Eyes(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), None)


def seen(seer: LocalSeer, paths: list[Path]) -> Eyes:
    """The road that indexing and queries take: bytes, decoder, `analyse` without a box; a thread a core."""
    decoder = PillowDecoder()

    def some(batch: list[Path]) -> list[Analysis]:
        return seer.analyse([(decoder.decode(path.read_bytes()), None) for path in batch])

    batches = [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        told = [one for batch in pool.map(some, batches) for one in batch]
    return Eyes(np.stack([one.main.vector for one in told]), np.stack([one.main.colour_vector for one in told]))


def scores(ours: Eyes, others: Eyes, rows: slice, colour_weight: float) -> Matrix:
    """Some rows of ours against all the others, by the score that engines rank by."""
    found = picture_score(ours.vectors[rows] @ others.vectors.T)
    if colour_weight and ours.colours is not None and others.colours is not None:
        found = (1 - colour_weight) * found + colour_weight * colour_score(ours.colours[rows] @ others.colours.T)
    return found


def leave_one_out(eyes: Eyes, classes: NDArray[np.str_], k: int, colour_weight: float = 0.0) -> NDArray[np.float64]:
    """P@k of each picture among all others."""
    found = []
    for start in range(0, len(eyes.vectors), 500):
        score = scores(eyes, eyes, slice(start, start + 500), colour_weight)
        rows = np.arange(len(score))
        score[rows, start + rows] = -1
        best = np.argpartition(-score, k, axis=1)[:, :k]
        found.append((classes[best] == classes[start + rows, None]).mean(axis=1))
    return np.concatenate(found)


def hits(
    asked: Eyes, kinds: NDArray[np.int64], shop: Eyes, shop_kinds: NDArray[np.int64], k: int, colour_weight: float = 0.0
) -> NDArray[np.float64]:
    """1 where a right shop picture is among the first k."""
    order = np.argsort(-scores(asked, shop, slice(None), colour_weight), axis=1)[:, :k]
    return np.asarray((shop_kinds[order] == kinds[:, None]).any(axis=1), np.float64)


def interval(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> tuple[float, float]:
    """Paired bootstrap, 95 %."""
    gap = ours - theirs
    rng = np.random.default_rng(2)
    draws = [gap[rng.integers(0, len(gap), len(gap))].mean() for _ in range(1000)]
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)


def measure(shared: Path, recipes: list[str], limit: int | None, precision: str, cache: Path) -> list[dict[str, object]]:
    """One row a figure and a recipe: ours, the baseline's, the difference and its interval."""
    paths, kinds, shades = fashion(shared, limit)
    photos, photo_kinds, shop, shop_kinds = grocery(shared)
    backs, back_kinds, fronts, front_kinds = garments()
    numbers = {"photos": photo_kinds, "shop": shop_kinds, "backs": back_kinds, "fronts": front_kinds}
    pictures = {"fashion": paths, "photos": photos, "shop": shop, "backs": backs, "fronts": fronts}
    theirs = {name: baseline(shared, some) for name, some in pictures.items()}
    rows: list[dict[str, object]] = []

    def row(
        recipe: str,
        figure: str,
        ours: NDArray[np.float64],
        other: NDArray[np.float64],
        wanted: float | None = None,
        least: float | None = None,
    ) -> None:
        low, high = interval(ours, other)
        mine, gap = float(ours.mean()), float(ours.mean() - other.mean())
        told = {"recipe": recipe, "figure": figure, "ours": mine, "baseline": float(other.mean()), "difference": gap}
        met = (wanted is None or gap >= wanted) and (least is None or mine >= least)
        rows.append({**told, "low": low, "high": high, "wanted": wanted, "least": least, "ok": met})

    for recipe in recipes:
        seer = open_seer(recipe, cache, precision)
        began = time.perf_counter()
        ours = {name: seen(seer, some) for name, some in pictures.items()}
        print(f"{recipe}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
        mine, other = ours["fashion"], theirs["fashion"]
        wanted = 0.02 if recipe == "quality" else 0.01
        row(recipe, "fashion articleType P@1", leave_one_out(mine, kinds, 1), leave_one_out(other, kinds, 1))
        row(recipe, "fashion articleType P@10", leave_one_out(mine, kinds, 10), leave_one_out(other, kinds, 10), wanted)
        plain, tinted = leave_one_out(mine, shades, 1), leave_one_out(mine, shades, 1, COLOUR_WEIGHT)
        row(recipe, "fashion articleType+baseColour P@1, colour .3 against 0", tinted, plain, 0.08)
        kept = leave_one_out(mine, kinds, 1, COLOUR_WEIGHT)
        row(recipe, "fashion articleType P@1, colour .3 against 0", kept, leave_one_out(mine, kinds, 1))

        def pair(
            what: str, asked: str, among: str, k: int, weight: float = 0.0, wanted: float | None = None, least: float | None = None
        ) -> None:
            found = hits(ours[asked], numbers[asked], ours[among], numbers[among], k, weight)  # noqa: B023 - called at once
            base = hits(theirs[asked], numbers[asked], theirs[among], numbers[among], k)
            row(recipe, f"{what} hit@{k}{f', colour {weight:g}' if weight else ''}", found, base, wanted, least)  # noqa: B023

        pair("grocery photo → shop picture", "photos", "shop", 1)
        pair("grocery photo → shop picture", "photos", "shop", 5, wanted=0.03, least=0.70)
        pair("grocery photo → shop picture", "photos", "shop", 5, COLOUR_WEIGHT)
        pair("garment's back view → its front", "backs", "fronts", 1)
        pair("garment's back view → its front", "backs", "fronts", 1, COLOUR_WEIGHT, least=0.75)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("LOOKALIKE_SHARED") or ROOT.parent / "shared"))
    parser.add_argument("--recipes", default="default,quality")
    parser.add_argument("--limit", type=int, help="so many fashion pictures only")
    parser.add_argument("--precision", default="auto", choices=("auto", "int8", "fp32"))
    parser.add_argument("--cache", type=Path, default=Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lookalike")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not (options.shared / "data/fashion/products.csv").is_file():
        print(f"There are no pictures in {options.shared}. Say where they lie with --shared or LOOKALIKE_SHARED.", file=sys.stderr)
        return 3
    rows = measure(options.shared, options.recipes.split(","), options.limit, options.precision, options.cache)
    if options.json:
        print(json.dumps(rows))
    else:
        for one in rows:
            limits = [f"{sign} ≥ {one[key]:.2f}" for sign, key in (("difference", "wanted"), ("ours", "least")) if one[key] is not None]
            wanted = f"{'ok  ' if one['ok'] else 'MISS'} wanted {' and '.join(limits)}" if limits else ""
            figures = f"{one['ours']:.4f}  {one['baseline']:.4f}  {one['difference']:+.4f} [{one['low']:+.4f}, {one['high']:+.4f}]"
            print(f"{one['recipe']:8s} {one['figure']:56s} {figures}  {wanted}")
    return 0 if all(one["ok"] for one in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
