"""`kill -9` at random moments of an ingest: is the index the same in the end, and was any picture looked at twice?

    python benchmarks/kills.py [--pictures 5000] [--kills 50] [--embedder efficientnet-lite0] [--slow 0] [--made]
        [--seed 1] [--json]

The real command, in processes of its own, on pictures of ../shared (or LOOKALIKE_SHARED), with `--made` on pictures drawn here.
A plugin writes down every look before it is taken. Exit status 0 where every promise is kept:

* the finished index exports the same bytes as one that nobody disturbed;
* no picture whose product was durable when a kill came was ever looked at again;
* each kill cost the looks of the batches in flight at most.
"""

import argparse
import csv
import importlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples" / "mean_colour")]

from benchmarks.counted_looks import look_of  # noqa: E402 — found by the line above, as in the processes that are killed
from lookalike import plugins  # noqa: E402
from lookalike.domain.analysis import Recipe  # noqa: E402
from lookalike.engines.embedded import open_embedded  # noqa: E402
from lookalike.pictures.decode import PillowDecoder  # noqa: E402
from lookalike.ports.vision import Embedded, Embedder, ModelCard, Pixels  # noqa: E402
from lookalike.services.index import BATCH_ROWS, WIDEST  # noqa: E402
from lookalike.settings import load  # noqa: E402
from lookalike.vision.seeing import LocalSeer  # noqa: E402

IN_FLIGHT = WIDEST * BATCH_ROWS
"""What may be at the networks, or looked at and not yet written."""
_ENTRY_POINTS = """[lookalike.embedders]
counted = benchmarks.counted_looks:open_counted
mean-colour = lookalike_mean_colour:open_mean_colour
"""


class Ingest:
    """The command on one source: started, killed, read back."""

    def __init__(self, folder: Path, embedder: str, slow: float = 0.0) -> None:
        plugin = folder / "plugin" / "counted_looks-1.0.dist-info"
        plugin.mkdir(parents=True)
        (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: counted-looks\nVersion: 1.0\n")
        (plugin / "entry_points.txt").write_text(_ENTRY_POINTS)
        self.source, self.log = folder / "shop.jsonl", folder / "looks"
        path = os.pathsep.join([*sys.path[:2], str(plugin.parent)])
        ours = {name: told for name, told in os.environ.items() if not name.startswith("LOOKALIKE_")}
        self.environment = ours | {
            "PYTHONPATH": path,
            "LOOKALIKE_RECIPE": "counted",
            "COUNTED_EMBEDDER": embedder,
            "COUNTED_SLOW": str(slow),
            "COUNTED_LOG": str(self.log),
        }

    def start(self, *words: object) -> "subprocess.Popen[str]":
        line = [sys.executable, "-c", "from lookalike.cli import main; main()", *map(str, words)]
        return subprocess.Popen(line, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def index(self, where: Path) -> "subprocess.Popen[str]":
        return self.start("index", self.source, "--index", where, "--json", "--resume")

    def done(self, process: "subprocess.Popen[str]") -> str:
        out, err = process.communicate()
        if process.returncode:
            raise SystemExit(f"{process.args!r} ended with {process.returncode}: {err[-2000:]}")
        return out

    def export(self, where: Path) -> str:
        return self.done(self.start("index-admin", "export", "--index", where))

    def looks(self, since: int = 0) -> list[str]:
        """Every look from the byte `since` of the log on."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as file:
            file.seek(since)
            return file.read().decode().split()

    def size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0


def main(argv: list[str] | None = None) -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--embedder", default="efficientnet-lite0", help="or mean-colour, which costs nothing")
    parser.add_argument("--slow", type=float, default=0.0, help="seconds that each look takes besides")
    parser.add_argument("--made", action="store_true", help="pictures that are drawn here")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    try:
        found = measure(folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    kept = (
        found["equal"] and not found["looked_again"] and found["most_lost_by_a_kill"] <= IN_FLIGHT and not found["looks_of_a_further_run"]
    )
    if options.json:
        print(json.dumps(found | {"kept": bool(kept)}))
    else:
        for name, figure in found.items():
            print(f"{name.replace('_', ' ')}: {figure}")
        print("every promise is kept" if kept else "A PROMISE IS BROKEN")
    return 0 if kept else 1


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    ingest, rng = Ingest(folder, options.embedder, options.slow), random.Random(options.seed)
    pictures = made(folder, options) if options.made else shared(options.pictures)
    product_of = write_source(ingest.source, pictures, card_of(options.embedder))
    whole, broken = folder / "whole.lookalike", folder / "broken.lookalike"
    began = time.monotonic()
    ingest.done(ingest.index(whole))
    alone = time.monotonic() - began
    first = len(ingest.looks())
    ingest.log.unlink()

    landed = again = most_lost = 0
    durable: set[str] = set()
    for kill in range(options.kills):
        since, process = ingest.size(), ingest.index(broken)
        left = len(product_of) - len(durable)
        # one in five while it starts; the others spread over the looks that are left, so that most find it at work
        looks = min(left - 1, rng.randint(1, max(1, round(1.6 * left / (options.kills - kill)))))
        starting = looks < 1 or rng.random() < 0.2
        target = since if starting else since + 65 * looks
        pause = rng.uniform(0, 1.5) if starting else rng.uniform(0, 0.05)
        while process.poll() is None and ingest.size() < target:
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.002)
        with suppress(subprocess.TimeoutExpired):
            process.wait(pause)
        landed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        looked = [product_of[one] for one in ingest.looks(since)]
        again += sum(name in durable for name in looked)
        durable = there(broken, list(product_of.values()))
        most_lost = max(most_lost, sum(name not in durable for name in looked))
    since, began = ingest.size(), time.monotonic()
    ingest.done(ingest.index(broken))
    again += sum(product_of[one] in durable for one in ingest.looks(since))
    total = ingest.looks()
    since = ingest.size()
    ingest.done(ingest.index(broken))
    return {
        "pictures": len(product_of),
        "kills": options.kills,
        "kills_that_landed": landed,
        "seconds_undisturbed": round(alone, 1),
        "equal": ingest.export(whole) == ingest.export(broken),
        "looks_undisturbed": first,
        "looks": len(total),
        "looks_twice": len(total) - len(set(total)),
        "looked_again": again,
        "most_lost_by_a_kill": most_lost,
        "in_flight_at_most": IN_FLIGHT,
        "looks_of_a_further_run": len(ingest.looks(since)),
    }


def there(index: Path, names: list[str]) -> set[str]:
    """The products that are durable."""
    if not (index / "meta.json").exists():
        return set()
    with closing(open_embedded(str(index), read_only=True)) as engine:
        return set(engine.digests(names))


class _Showing:
    """An embedder that only remembers what it is shown: as much as the one whose card it has would be."""

    def __init__(self, card: ModelCard) -> None:
        self.card, self.look = card, ""

    def embed(self, crops: Sequence[Pixels]) -> list[Embedded]:
        self.look = look_of(crops[0])
        return [Embedded(np.zeros(1, np.float32), np.zeros(0, np.float32), np.zeros((0, 0), np.float32)) for _ in crops]


def card_of(embedder: str) -> ModelCard:
    """The card of the embedder that does the work."""
    if embedder == "mean-colour":  # the processes that are killed have it installed, this one has its folder
        card: ModelCard = importlib.import_module("lookalike_mean_colour").MeanColour.card
        return card
    made: Embedder = plugins.load("embedder", embedder)(load().cache_dir)
    return made.card


def write_source(source: Path, pictures: list[tuple[str, str, Path]], card: ModelCard) -> dict[str, str]:
    """The catalogue, a product a picture, and look → product. Pictures that look the same are taken once: a look names one."""
    showing, decoder = _Showing(card), PillowDecoder()
    seer = LocalSeer(Recipe("counted", 1, 0), showing)
    product_of: dict[str, str] = {}
    with source.open("w", encoding="utf-8") as file:
        for name, title, path in pictures:
            seer.analyse([(decoder.decode(path.read_bytes()), None)])
            if showing.look not in product_of:
                product_of[showing.look] = name
                file.write(json.dumps({"id": name, "title": title, "pictures": [str(path)]}) + "\n")
    return product_of


def shared(count: int) -> list[tuple[str, str, Path]]:
    """(id, title, path) of the first products of fashion."""
    folder = Path(os.environ.get("LOOKALIKE_SHARED", ROOT.parent / "shared")) / "data" / "fashion"
    if not folder.is_dir():
        raise SystemExit(f"There is no {folder}. Set LOOKALIKE_SHARED, or say --made.")
    with (folder / "products.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:count]
    return [(row["id"], row["productDisplayName"], folder / "images" / f"{row['id']}.jpg") for row in rows]


def made(folder: Path, options: argparse.Namespace) -> list[tuple[str, str, Path]]:
    """(id, title, path) of pictures of random squares, each another."""
    rng = np.random.default_rng(options.seed)
    (folder / "pictures").mkdir()
    told = []
    for number in range(options.pictures):
        path = folder / "pictures" / f"{number}.png"
        Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8)).resize((64, 64), Image.Resampling.NEAREST).save(path)
        told.append((f"p{number}", f"Squares {number}", path))
    return told


if __name__ == "__main__":
    sys.exit(main())
