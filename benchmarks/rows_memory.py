"""How much memory `lookalike index` takes at 5,000 rows and at 200,000: the same, but for what the index itself holds in memory.

    python benchmarks/rows_memory.py [--rows 200000] [--pictures 0] [--json]

The real command in a process of its own; its resident memory (/proc) is read as the ledger says how far it is. Three passes:

* distinct: so many products, into a new index; the engine keeps ids, columns and vectors of each in memory;
* unchanged: the same file again;
* repeated: 5,000 products over and over, into a new index: what grows here, the ingest itself holds on to.

With `--pictures N` each product has one of N pictures that are drawn here, seen by the embedder of examples/mean_colour.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from benchmarks.kills import Ingest  # noqa: E402 — found by the line above
from lookalike.runners.ledger import Ledger  # noqa: E402

FEW = 5000


def main(argv: list[str] | None = None) -> int:
    """Measure, and print; 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--pictures", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    folder = Path(tempfile.mkdtemp(prefix="rows-"))
    try:
        ingest = Ingest(folder, "mean-colour")
        drawn = draw(folder, options.pictures)
        write(ingest.source, options.rows, options.rows, drawn)
        found = {name: measure(ingest, folder / "distinct.lookalike", options.rows) for name in ("distinct", "unchanged")}
        write(ingest.source, options.rows, FEW, drawn)
        found["repeated"] = measure(ingest, folder / "repeated.lookalike", options.rows)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        print(json.dumps(found))
    for name, told in () if options.json else found.items():
        print(f"{name}: " + ", ".join(f"{what} {figure:,.0f}" for what, figure in told.items()))
    return 0


def draw(folder: Path, count: int) -> list[Path]:
    """So many pictures."""
    rng = np.random.default_rng(1)
    paths = [folder / f"{number}.png" for number in range(count)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8)).resize((64, 64), Image.Resampling.NEAREST).save(path)
    return paths


def write(source: Path, rows: int, products: int, pictures: list[Path]) -> None:
    """A catalogue of so many rows, whose ids begin again after `products`."""
    with source.open("w", encoding="utf-8") as file:
        for row in range(rows):
            number = row % products
            told: dict[str, object] = {"id": f"p{number:07d}", "title": f"Red shoe {number} of the long kind", "price": number % 100 + 0.5}
            told |= {"brand": f"Brand {number % 300}", "category": f"Shoes > Kind {number % 60}", "size": number % 7}
            if pictures:
                told["pictures"] = [str(pictures[number % len(pictures)])]
            file.write(json.dumps(told) + "\n")


def measure(ingest: Ingest, index: Path, rows: int) -> dict[str, float]:
    """Resident memory in MB at `FEW` rows and at the end, and rows a second between."""
    process = ingest.index(index)
    samples: list[tuple[int, float, float]] = []
    with closing(Ledger(index)) as ledger:
        while process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
                break
            record = next(iter(ledger.latest(1)), None)
            with suppress(OSError, IndexError):
                resident = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6
                if record is not None and record.state == "running" and record.position:
                    samples.append((record.position, resident, time.monotonic()))
    report = json.loads(ingest.done(process))
    if report["counts"]["read"] != rows:
        raise SystemExit(f"{report['counts']} of {rows} rows")
    first = next(one for one in samples if one[0] >= FEW)
    last = samples[-1]
    rate = (last[0] - first[0]) / max(1e-9, last[2] - first[2])
    return {f"MB at {FEW:,} rows": first[1], f"MB at {rows:,} rows": last[1], "MB at most": max(one[1] for one in samples), "rows/s": rate}


if __name__ == "__main__":
    sys.exit(main())
