"""Measures the ranges and means of activations that int8 needs, on clothing (CC0) and grocery train (MIT).

Run: python -m lookalike.learning.ranges --shared DIR [--pictures 400] [--target DIR].
Writes ranges_lite?.json and means_lite?.npz, by default to lookalike/vision/data.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.learning.pictures import clothing, grocery_train, picture_of
from lookalike.vision.efficientnet_lite.architecture import Branch
from lookalike.vision.efficientnet_lite.graph import build
from lookalike.vision.efficientnet_lite.zoo import DATA, VARIANTS, network_of, projection_of
from lookalike.vision.preparation import square
from lookalike.vision.sessions import open_session

# Outliers stretch the scale for everybody: each picture gives its extremes, and of those the mean over the
# pictures' upper half is kept. ReLU6 bounds most activations anyway.
UPPER_HALF = 50
# The first two convolutions stay in fp32: their channels differ most in scale, they cause half of all the error of int8,
# and on 3 to 32 channels integer arithmetic gains nothing (docs/decisions/0012).
WHOLE = ("conv-stem", "blocks.0.depthwise-conv")


def measure(variant: str, paths: list[Path]) -> tuple[dict[str, tuple[float, float]], dict[str, NDArray[np.float16]]]:
    """Activation name → (low, high), and → the mean of each channel."""
    card = VARIANTS[variant]
    model = build([Branch(network_of(card), projection_of(card))], card.side, every_activation=True)
    session = open_session(model.SerializeToString(), threads=2)
    outputs = [one.name for one in session.get_outputs()]
    names = [name for name in outputs if name.startswith("tap:") and name.removeprefix("tap:") not in WHOLE]
    lows: list[NDArray[np.float32]] = []
    highs: list[NDArray[np.float32]] = []
    sums: dict[str, NDArray[np.float64]] = {}
    for path in paths:
        taps = session.run(names, {"pictures": square(picture_of(path), card.side)[None]})
        lows.append(np.array([tap.min() for tap in taps], np.float32))
        highs.append(np.array([tap.max() for tap in taps], np.float32))
        for name, tap in zip(names, taps, strict=True):
            sums[name] = sums.get(name, 0.0) + tap[0].mean(axis=(1, 2), dtype=np.float64)
    low, high = np.stack(lows), np.stack(highs)
    kept_low = np.where(low <= np.percentile(low, 100 - UPPER_HALF, axis=0), low, np.nan)
    kept_high = np.where(high >= np.percentile(high, UPPER_HALF, axis=0), high, np.nan)
    pairs = zip(np.nanmean(kept_low, axis=0), np.nanmean(kept_high, axis=0), strict=True)
    ranges = {name.removeprefix("tap:"): (round(float(a), 5), round(float(b), 5)) for name, (a, b) in zip(names, pairs, strict=True)}
    return ranges, {name.removeprefix("tap:"): (total / len(paths)).astype(np.float16) for name, total in sums.items()}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True, help="the folder that holds data/clothing and data/grocery")
    parser.add_argument("--pictures", type=int, default=400)
    parser.add_argument("--target", type=Path, default=DATA, help="the folder to write to")
    options = parser.parse_args()
    every = [path for path, _ in clothing(options.shared)] + [path for path, _ in grocery_train(options.shared)]
    picked = [every[n] for n in sorted(np.random.default_rng(7).permutation(len(every))[: options.pictures])]
    for variant in VARIANTS:
        ranges, means = measure(variant, picked)
        target = options.target / f"ranges_{variant}.json"
        target.write_text(json.dumps(ranges, indent=0) + "\n", encoding="utf-8")
        np.savez(options.target / f"means_{variant}.npz", **means)  # type: ignore[arg-type]  # numpy's stub mixes up its own option
        print(f"{target.name}: from {len(picked)} pictures", file=sys.stderr)


if __name__ == "__main__":
    main()
