"""The doctor's promise: of 50 faults planted in the fashion catalogue at least 45 are found, at most 5 % of the clean products flagged.

`python -m benchmarks.doctor --seed 11`. Reads LOOKALIKE_SHARED or ../shared. Real commands, as processes: index, then doctor.
Thresholds were chosen on even rows with seeds 1 to 4; report on others.
"""

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

ROOT = Path(__file__).resolve().parents[1]
CATEGORY = ("masterCategory", "subCategory", "articleType")


def _crop(image: Image.Image) -> Image.Image:
    width, height = image.size
    return image.crop((width // 25, height // 25, width - width // 25, height - height // 25))


NEAR: tuple[Callable[[Image.Image], Image.Image], ...] = (
    lambda one: one,  # only encoded anew, at quality 60
    lambda one: one.resize((one.width * 3 // 4, one.height * 3 // 4)),
    _crop,
    ImageOps.mirror,
    lambda one: ImageEnhance.Brightness(one).enhance(0.9),
)
EXPECTED = {
    "same file": {"same picture"},
    "near": {"near duplicate", "same picture"},
    "blank": {"blank"},
    "blurred": {"blurred"},
    "category": {"category"},
}


def plant(home: Path, folder: Path, seed: int) -> tuple[Path, dict[str, str], set[str]]:
    """A catalogue with 50 faults, each id with its kind, and the ids that were copied (a copy may accuse its original)."""
    chance = random.Random(seed)
    with (home / "products.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    chance.shuffle(rows)
    planted: dict[str, str] = {}
    originals: set[str] = set()
    for number in range(20):
        row = rows[number]
        source = home / "images" / f"{row['id']}.jpg"
        kind = "same file" if number < 10 else "near"
        name = f"{row['id']}{seed % 90 + 10}0"
        target = folder / f"{name}.jpg"
        if kind == "same file":
            target.write_bytes(source.read_bytes())
        else:
            NEAR[number % len(NEAR)](Image.open(source).convert("RGB")).save(target, "JPEG", quality=60)
        rows.append(row | {"id": name, "productDisplayName": row["productDisplayName"] + " new"})
        planted[name] = kind
        originals.add(row["id"])
    for number in range(20, 33):
        row = rows[number]
        image = Image.open(home / "images" / f"{row['id']}.jpg").convert("RGB")
        kind = "blank" if number < 28 else "blurred"
        changed = (
            Image.new("RGB", image.size, (chance.randrange(180, 256),) * 3)
            if kind == "blank"
            else image.filter(ImageFilter.GaussianBlur(6))
        )
        changed.save(folder / f"{row['id']}.jpg", "JPEG", quality=90)
        planted[row["id"]] = kind
    true = {row["id"]: tuple(row[name] for name in CATEGORY) for row in rows}
    for row in rows[33:50]:
        other = chance.choice([one for one in rows if true[one["id"]] != true[row["id"]]])
        row.update(zip(CATEGORY, true[other["id"]], strict=True))
        planted[row["id"]] = "category"
    table = folder / "products.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys() | {"picture"})
        writer.writeheader()
        for row in rows:
            own = folder / f"{row['id']}.jpg"
            writer.writerow(row | {"picture": str(own if own.exists() else home / "images" / f"{row['id']}.jpg")})
    return table, planted, originals


def main(argv: list[str] | None = None) -> int:
    """Plant, index, examine; print what was found. 1 where the promise is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("LOOKALIKE_SHARED") or ROOT.parent / "shared"))
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args(argv)
    home = options.shared / "data" / "fashion"
    if not home.is_dir():
        print(f"There are no pictures in {home}. Say where they lie with --shared or LOOKALIKE_SHARED.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        table, planted, originals = plant(home, folder, options.seed)
        index = str(folder / "shop.lookalike")
        columns = ("title=productDisplayName", "category=masterCategory>subCategory>articleType", "pictures=picture")
        mapping = [part for column in columns for part in ("--map", column)]
        _command("index", str(table), *mapping, "--index", index, "--json")
        report = json.loads(_command("index-admin", "doctor", "--index", index, "--json", "--self-match", "200"))
    kinds: dict[str, set[str]] = {}
    for one in report["details"]:
        kinds.setdefault(one["id"], set()).add(one["kind"])
    found = {name for name, kind in planted.items() if kinds.get(name, set()) & EXPECTED[kind]}
    clean = report["documents"] - len(planted) - len(originals)
    flagged = {name for name in kinds if name not in planted and name not in originals}
    by = Counter(planted.values())
    got = Counter(planted[name] for name in found)
    for kind, number in by.items():
        print(f"{kind:10} {got[kind]:3} of {number}")
    print(f"found {len(found)} of {len(planted)}; clean products flagged: {len(flagged)} of {clean} ({len(flagged) / clean:.2%})")
    print(f"missed: {', '.join(sorted(f'{name} ({planted[name]})' for name in planted.keys() - found)) or 'none'}")
    return 0 if len(found) >= 0.9 * len(planted) and len(flagged) <= 0.05 * clean else 1


def _command(*words: str) -> str:
    done = subprocess.run([str(Path(sys.executable).with_name("lookalike")), *words], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"lookalike {' '.join(words[:2])} ended with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
