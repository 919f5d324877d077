"""Amazon product data in its three layouts: lines a second, memory, and what is reported of the dirt.

    python -m benchmarks.amazon [--lines 1000000] [--layouts 2014,2018,2023] [--json]

A gzipped file of so many lines a layout is made of the shapes of the test fixtures: one line in twenty is one of the fixture's
dirty lines, with an id of its own. It is read in one pass, by a fresh process for each figure. Peak memory is told at a hundredth,
a tenth and all of the lines: it must not grow. Times are CPU seconds of that process.
"""

import argparse
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.processes import status_mb
from lookalike.catalogues.amazon import open_amazon
from lookalike.domain.commands import RowFailure
from lookalike.ports.catalogue import CatalogueOptions

FIXTURES = Path(__file__).parents[1] / "tests" / "data" / "amazon"
FILES = {"2014": "meta_2014.json", "2018": "meta_2018.json", "2023": "meta_2023.jsonl"}
MARKS = {"2014": "B000SYN122", "2018": "B018SYN223", "2023": "B023SYN322"}
"""The id of each fixture's last line, which is whole: most lines are made after it."""
DIRTY = 20
WORDS = (
    *("linen", "steel", "oak", "canvas", "ribbed", "glazed", "folding", "round", "tall", "girl's", "men's", "water-proof", "hand-made"),
    *("blue", "red", "charcoal", "set", "of", "two"),
)


def make(layout: str, lines: int, path: Path) -> int:
    """Write the file; the number of bytes unpacked."""
    rng = random.Random(layout)
    fixture = [line for line in (FIXTURES / FILES[layout]).read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
    asins = [f"B{rng.randrange(10**9):09d}" for _ in range(2000)]
    size = 0
    with gzip.open(path, "wb", compresslevel=1) as file:
        for number in range(lines):
            line = rng.choice(fixture) if number % DIRTY == DIRTY - 1 else whole(layout, number, rng, asins)
            line = line.replace(b"SYN", b"%07d" % number, 1) if number % DIRTY == DIRTY - 1 else line
            size += file.write(line + b"\n")
    return size


def whole(layout: str, number: int, rng: random.Random, asins: list[str]) -> bytes:
    """A line as the real files have them: 1 to 3 kB, with the lists of other products that make up most of it."""
    name, title = f"B{number:09d}", " ".join(rng.choices(WORDS, k=9)).capitalize()
    text, price = " ".join(rng.choices(WORDS, k=60)), round(rng.uniform(2, 200), 2)
    picture = f"31{number:08d}L"
    others = rng.choices(asins, k=rng.randrange(60))
    if layout == "2014":
        return repr(
            {
                "asin": name,
                "title": title,
                "description": text,
                "price": price,
                "imUrl": f"http://ecx.images-amazon.com/images/I/{picture}._SY300_.jpg",
                "related": {"also_bought": others, "also_viewed": others[:20], "buy_after_viewing": others[:4]},
                "salesRank": {"Home &amp; Kitchen": rng.randrange(1, 10**6)},
                "brand": "Brookvale",
                "categories": [["Home & Kitchen", "Kitchen & Dining", "Serveware"]],
            }
        ).encode()
    if layout == "2018":
        large = [f"https://images-na.ssl-images-amazon.com/images/I/{picture}{n}.jpg" for n in range(3)]
        told: dict[str, Any] = {
            "category": ["Clothing, Shoes &amp; Jewelry", "Women", "Dresses"],
            "tech1": "",
            "description": [text, ""],
            "fit": "",
            "title": title,
            "also_buy": others,
            "tech2": "",
            "brand": "Marlowe",
            "feature": [text[:80], text[80:160]],
            "rank": [f">#{number + 1:,} in Clothing, Shoes &amp; Jewelry (See Top 100)"],
            "also_view": others[:30],
            "details": {"\n    Product Dimensions: \n    ": "2.5 x 1.6 x 7 inches", "Shipping Weight:": "4 ounces", "ASIN: ": name},
            "main_cat": "Clothing, Shoes & Jewelry",
            "similar_item": "",
            "date": "January 28, 2014",
            "price": f"${price:,.2f}",
            "asin": name,
            "imageURL": [one.replace(".jpg", "._SS40_.jpg") for one in large],
            "imageURLHighRes": large,
        }
        return json.dumps(told).encode()
    images = [
        {
            "thumb": f"{base}._SS40_.jpg",
            "large": f"{base}.jpg",
            "variant": "MAIN" if n == 0 else f"PT{n:02d}",
            "hi_res": f"{base}._SL1500_.jpg",
        }
        for n in range(5)
        for base in [f"https://m.media-amazon.com/images/I/{picture}{n}"]
    ]
    told = {
        "main_category": "AMAZON FASHION",
        "title": title,
        "average_rating": 4.2,
        "rating_number": number,
        "features": [text[:80], text[80:160], text[160:240]],
        "description": [text],
        "price": price if number % 3 else None,
        "images": images,
        "videos": [],
        "store": "Halden",
        "categories": ["Clothing, Shoes & Jewelry", "Women", "Handbags & Wallets"],
        "details": {"Department": "womens", "Date First Available": "August 2, 2014", "Item Weight": "2 ounces", "Brand": "Halden"},
        "parent_asin": name,
        "bought_together": None,
    }
    return json.dumps(told).encode()


def read(path: Path, limit: int) -> dict[str, Any]:
    """One pass over the file in this process."""
    began, wall = time.process_time(), time.perf_counter()
    rows, failed, lost, notes = 0, Counter[str](), Counter[str](), Counter[str]()
    for row in open_amazon(str(path), CatalogueOptions(limit=limit)).rows():
        rows += 1
        if isinstance(row, RowFailure):
            failed[row.reason] += 1
            continue
        for one in row.lost:
            lost[one.reason] += 1
        notes.update(row.notes)
    spent = time.process_time() - began
    return {
        "rows": rows,
        "rows_per_second": round(rows / spent),
        "wall_seconds": round(time.perf_counter() - wall, 1),
        "peak_mb": round(status_mb(os.getpid(), "VmHWM"), 1),
        "rows_failed": dict(sorted(failed.items())),
        "fields_lost": dict(sorted(lost.items())),
        "notes": dict(sorted(notes.items())),
    }


def measured(path: Path, limit: int) -> dict[str, Any]:
    """`read` in a process that has done nothing else."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.amazon", "--read", str(path), "--lines", str(limit)], check=True, stdout=subprocess.PIPE
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--layouts", default=",".join(FILES))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    told = parser.parse_args(argv)
    if told.read:
        print(json.dumps(read(told.read, told.lines)))
        return
    report: dict[str, dict[str, Any]] = {}
    for layout in told.layouts.split(","):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "meta.json.gz"
            size = make(layout, told.lines, path)
            parts = [measured(path, lines) for lines in (told.lines // 100, told.lines // 10, told.lines)]
        report[layout] = parts[-1] | {"bytes": size, "peak_mb_at": {str(one["rows"]): one["peak_mb"] for one in parts}}
        if not told.json:
            print(
                f"{layout}: {parts[-1]['rows_per_second']:,} rows/s, {size / 1e9:.2f} GB unpacked, peak MB {report[layout]['peak_mb_at']}"
            )
            for name in ("rows_failed", "fields_lost", "notes"):
                print(f"  {name}: {parts[-1][name]}")
    if told.json:
        print(json.dumps(report))


if __name__ == "__main__":
    main()
