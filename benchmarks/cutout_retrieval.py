"""Is more found with the cut-out? The default recipe with it, without it, and with each product laid on white.

Run: python -m benchmarks.cutout_retrieval [--shared DIR] [--limit N] [--part val|train] [--precision auto|int8|fp32]
Fashion (leave-one-out) and grocery `val` are only measured here. `--part train` measures photos that the projection and the cut-out
learned from, to choose on.
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import COLOUR_WEIGHT, ROOT, Eyes, fashion, grocery, hits, interval, leave_one_out, seen
from lookalike import plugins
from lookalike.learning.pictures import grocery_train
from lookalike.vision.embedders import OnnxEmbedder
from lookalike.vision.networks.zoo import Zoo
from lookalike.vision.recipes.opening import open_recipe
from lookalike.vision.recipes.reading import shipped
from lookalike.vision.seeing import LocalSeer, open_seer, recipe_of

Seen = dict[str, Eyes]
SAMPLE = 400


def seers(cache: Path, precision: str) -> dict[str, LocalSeer]:
    """What is compared, the first against each other."""

    def plugin(port: str, name: str) -> object | None:
        return plugins.load(port, name)(cache, precision) if name in plugins.installed(port) else None

    without = LocalSeer(recipe_of("default"), OnnxEmbedder("lite0", cache, precision, activations=False))
    white: LocalSeer = open_recipe(shipped()["cutout"], Zoo(cache / "models"), plugin).seer  # type: ignore[assignment]
    return {"without": without, "with (default)": open_seer("default", cache, precision), "each product on white": white}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("LOOKALIKE_SHARED") or ROOT.parent / "shared"))
    parser.add_argument("--limit", type=int, default=1500, help="so many fashion pictures")
    parser.add_argument("--part", default="val", choices=("val", "train"))
    parser.add_argument("--precision", default="auto", choices=("auto", "int8", "fp32"))
    parser.add_argument("--cache", type=Path, default=Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lookalike")
    options = parser.parse_args()
    if not (options.shared / "data/fashion/products.csv").is_file():
        print(f"There are no pictures in {options.shared}. Say where they lie with --shared or LOOKALIKE_SHARED.", file=sys.stderr)
        return 3
    photos, photo_kinds, shop, shop_kinds = grocery(options.shared)
    if options.part == "train":
        rows = grocery_train(options.shared)
        some = np.random.default_rng(5).permutation(len(rows))[:SAMPLE]
        photos, photo_kinds = [rows[n][0] for n in some], np.array([int(rows[n][1]) for n in some])
    paths, kinds, shades = fashion(options.shared, options.limit)
    figures: dict[str, dict[str, NDArray[np.float64]]] = {}
    for name, seer in seers(options.cache, options.precision).items():
        eyes = {part: seen(seer, some) for part, some in (("photos", photos), ("shop", shop))}
        found = {f"grocery hit@{k}": hits(eyes["photos"], photo_kinds, eyes["shop"], shop_kinds, k) for k in (1, 5)}
        if options.part == "val":
            worn = seen(seer, paths)
            found |= {f"fashion P@{k}": leave_one_out(worn, kinds, k) for k in (1, 10)}
            found["fashion type + colour P@1"] = leave_one_out(worn, shades, 1, COLOUR_WEIGHT)
        figures[name] = found
    first = next(iter(figures.values()))
    print("| | " + " | ".join(first) + " |\n|---|" + "---|" * len(first))
    for name, found in figures.items():
        cells = []
        for figure, values in found.items():
            low, high = interval(values, first[figure])
            cells.append(
                f"{values.mean():.4f}"
                + ("" if found is first else f" ({values.mean() - first[figure].mean():+.4f} [{low:+.4f}, {high:+.4f}])")
            )
        print(f"| {name} | " + " | ".join(cells) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
