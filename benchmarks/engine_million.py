"""The embedded engine at a million products × 256-d: how fast it is built and opened, what it holds in memory, what it finds.

    python -m benchmarks.engine_million [--documents 1000000] [--queries 100] [--titles products.csv] [--folder DIR] [--json]

Vectors are synthetic and clustered; titles are those of a shop's CSV (column `productDisplayName`), varied by number, or made up
of a shop's words without one. Times are of the engine's own calls: `ms` by the wall clock, `cpu ms` by the processor's, which says
more on a machine that others use too. Recall is against all vectors compared. Needs 3.5 GB of disk for a million.
"""

import argparse
import csv
import functools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from benchmarks.words import ADJECTIVES, NOUNS
from lookalike.domain.analysis import Analysis, Recipe, SeenObject, Tag
from lookalike.domain.document import Document, Seen
from lookalike.domain.filters import EVERYTHING, Filter, Match
from lookalike.domain.geometry import WHOLE
from lookalike.domain.product import Product
from lookalike.domain.query import EngineQuery, FacetRequest
from lookalike.engines.embedded import open_embedded
from lookalike.ports.engine import SearchEngine, Write

Halves = NDArray[np.float16]

DIMENSION, COLOURS = 256, 32
RECIPE = Recipe("benchmark", DIMENSION, COLOURS)
BATCH = 1000
CHUNK = 20_000
CATEGORIES = [f"Shop > Part {n // 8} > Kind {n}" for n in range(64)]
FILTERS: dict[str, tuple[Filter, Callable[[NDArray[np.int64]], NDArray[np.bool_]]]] = {
    "none": (EVERYTHING, lambda n: n >= 0),
    "50 %": (Match("attributes.half", (True,)), lambda n: n % 2 == 0),
    "10 %": (Match("attributes.tenth", (3,)), lambda n: n // 2 % 10 == 3),
    "1 %": (Match("attributes.hundredth", ("7",)), lambda n: n // 3 % 100 == 7),
    ".1 %": (Match("attributes.thousandth", (5,)), lambda n: n // 7 % 1000 == 5),
}
FACETS = (
    *(FacetRequest(name, name) for name in ("brand", "category", "attributes.tenth", "tags")),
    FacetRequest("price", "price", ranges=(0, 25, 50, 100)),
)
DEFAULT = {"picture": 0.7, "category": 0.1, "colour": 0.1}
COMMON = "everyday"

_console = Console(stderr=True)


class Catalogue:
    """Documents by number; vectors lie in a file, so that they are not counted as the engine's memory."""

    def __init__(self, count: int, titles: Sequence[str], folder: Path) -> None:
        self.count, self._titles = count, titles
        self._noise = np.random.default_rng(7)
        self._centres = self._noise.normal(size=(max(50, count // 100), DIMENSION)).astype(np.float32)
        self._shades = np.abs(self._noise.normal(size=(50, COLOURS))).astype(np.float32)
        path = folder / "vectors.f16"
        self.vectors: Halves = np.memmap(path, np.float16, "w+", shape=(count, DIMENSION))
        self.colours: Halves = np.memmap(folder / "colours.f16", np.float16, "w+", shape=(count, COLOURS))
        for start in _bar(range(0, count, CHUNK), "vectors"):
            size = min(CHUNK, count - start)
            self.vectors[start : start + size] = self.near(size)
            self.colours[start : start + size] = self.shades(size)

    def near(self, count: int) -> NDArray[np.float32]:
        """Unit vectors around random centres, as embeddings of a shop's kinds lie."""
        return _around(self._noise, self._centres, count)

    def shades(self, count: int) -> NDArray[np.float32]:
        """Colour vectors: unit, not negative."""
        return _around(self._noise, self._shades, count, spread=0.3, positive=True)

    def document(self, number: int, **changes: Any) -> Document:
        """The product of that number."""
        title = self._titles[number % len(self._titles)]
        noun, adjective = NOUNS[number % 16], ADJECTIVES[number // 16 % 14]
        product = Product(
            id=f"sku-{number}",
            title=f"{title} {number // len(self._titles)}" + (f" {COMMON}" if number % 10 < 3 else ""),
            brand=title.partition(" ")[0],
            category=CATEGORIES[number * 5 % 64],
            price=number * 7919 % 20_000 / 100,
            tags=(adjective, noun),
            in_stock=number % 3 > 0,
            created=f"2025-0{1 + number % 9}-{10 + number % 18}T10:00:00Z",
            pictures=("stored:abc",),
            attributes={
                "half": number % 2 == 0,
                "tenth": number // 2 % 10,
                "hundredth": str(number // 3 % 100),
                "thousandth": number // 7 % 1000,
            },
        )
        product = replace(product, **changes)
        vector, colour = self.vectors[number].astype(np.float32), self.colours[number].astype(np.float32)
        analysis = Analysis(
            RECIPE.id, f"{number:064x}", 400, 400, (SeenObject(WHOLE, vector, colour, noun, 0.9),), (Tag(noun, 0.8),), (), (), "0" * 16
        )
        return Document(product, (Seen(0, analysis),), digest=f"{number:064x}")


def _around(
    noise: np.random.Generator, centres: NDArray[np.float32], count: int, *, spread: float = 0.9, positive: bool = False
) -> NDArray[np.float32]:
    found = centres[noise.integers(0, len(centres), count)] + spread * noise.standard_normal((count, centres.shape[1]), np.float32)
    found = np.abs(found) if positive else found
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def _bar(what: Sequence[int] | range, name: str) -> Iterator[int]:
    yield from track(what, description=f"{name:<12}", console=_console, disable=not _console.is_terminal)


def timed(run: Callable[[int], object], times: int) -> dict[str, float]:
    """The median of so many calls: ms of the wall clock, and of the processor."""
    run(0)
    wall, cpu = [], []
    for number in range(times):
        began, spent = time.perf_counter(), time.process_time()
        run(number)
        wall.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - spent) * 1000)
    return {"ms": statistics.median(wall), "cpu_ms": statistics.median(cpu)}


def memory_mb() -> dict[str, float]:
    """Resident memory of this process: its own, and mapped files, which the kernel takes back when it needs to."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return {name: int(line.split()[1]) / 1024 for line in lines for name in ("RssAnon", "RssFile") if line.startswith(name)}


def nearest(catalogue: Catalogue, queries: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """For each filter and query the tenth best cosine, all vectors compared."""
    best = {name: np.full((len(queries), 10), -2, np.float32) for name in FILTERS}
    for start in _bar(range(0, catalogue.count, CHUNK), "exact"):
        scores = queries @ catalogue.vectors[start : start + CHUNK].astype(np.float32).T
        numbers = np.arange(start, start + scores.shape[1])
        for name, (_, fits) in FILTERS.items():
            both = np.concatenate([best[name], scores[:, fits(numbers)]], axis=1)
            best[name] = -np.partition(-both, 9, axis=1)[:, :10]
    return {name: one.min(axis=1) for name, one in best.items()}


def searches(engine: SearchEngine, catalogue: Catalogue, asked: int) -> dict[str, Any]:
    """Recall and latency of picture searches with each filter."""
    queries = catalogue.near(asked).astype(np.float16).astype(np.float32)
    tenth, found = nearest(catalogue, queries), {}
    for name, (rule, _) in FILTERS.items():

        def ask(number: int, rule: Filter = rule) -> Any:
            return engine.search(EngineQuery(vector=queries[number % asked], weights={"picture": 1}, filter=rule, limit=10))

        right = [sum((hit.similarity or 0) >= tenth[name][number] - 2e-4 for hit in ask(number).hits) for number in range(asked)]
        found[name] = {"recall@10": sum(right) / (10 * asked), "strategy": ask(0).strategy, **timed(ask, asked)}
    return found


def mixed(engine: SearchEngine, catalogue: Catalogue, asked: int) -> dict[str, float]:
    """Picture, category and colour with the weights that a search has by default."""
    queries, shades = catalogue.near(asked), catalogue.shades(asked)

    def ask(number: int, strategy: str = "auto") -> Any:
        at = number % asked
        categories = {CATEGORIES[at % 64]: 0.7, CATEGORIES[(at + 9) % 64]: 0.3}
        query = EngineQuery(vector=queries[at], colour=shades[at], categories=categories, weights=DEFAULT, limit=10, strategy=strategy)
        return engine.search(query)

    right, exact = 0, min(asked, 10)
    for number in _bar(range(exact), "mixed"):
        least = ask(number, "exact").hits[-1].score - 1e-6
        right += sum(hit.score >= least for hit in ask(number).hits)
    return {"recall@10": right / (10 * exact), **timed(ask, asked)}


def others(engine: SearchEngine, catalogue: Catalogue, asked: int) -> dict[str, Any]:
    """What else may cost a scan: words, facets, least similarities, deep pages, lists."""
    queries = catalogue.near(asked)

    def picture(number: int, **more: Any) -> Any:
        return engine.search(EngineQuery(vector=queries[number % asked], weights={"picture": 1}, limit=10, **more))

    def words(text: str, **more: Any) -> Callable[[int], Any]:
        return lambda number: engine.search(EngineQuery(words=text.format(n=NOUNS[number % 16]), weights={"text": 1}, limit=10, **more))

    found: dict[str, Any] = {
        "facets, all": timed(lambda n: engine.search(EngineQuery(facets=FACETS, limit=1)), 9),
        "facets, half": timed(lambda n: engine.search(EngineQuery(facets=FACETS, limit=1, filter=FILTERS["50 %"][0])), 9),
        "newest first": timed(lambda n: engine.search(EngineQuery(limit=24)), 9),
        "a word in 30 %": timed(words(COMMON), 9),
        "a word in 30 % and a rarer one": timed(words(COMMON + " {n}"), 9),
        "a word in 30 % or an unheard one": timed(words(COMMON + " unheard"), 9),
        "picture and a word in 30 %": timed(lambda n: picture_and_word(engine, queries[n % asked]), 9),
        "min_similarity .5": timed(lambda n: picture(n, min_similarity=0.5), 9) | {"total": picture(0, min_similarity=0.5).total},
        "min_similarity .1": timed(lambda n: picture(n, min_similarity=0.1), 5) | {"total": picture(0, min_similarity=0.1).total},
    }
    depth, after, page = 0, None, None
    for wanted in (1_000, 10_000, 50_000):
        while depth < min(wanted, catalogue.count - 2000):
            page = engine.search(EngineQuery(vector=queries[0], weights={"picture": 1}, limit=1000, after=after))
            depth, after = depth + 1000, page.next
        found[f"the page after {depth:,}"] = timed(functools.partial(deep_page, engine, queries[0], after), 3)
    return found


def deep_page(engine: SearchEngine, query: NDArray[np.float32], after: str | None, _: int) -> Any:
    """Ten products behind the position `after`."""
    return engine.search(EngineQuery(vector=query, weights={"picture": 1}, limit=10, after=after))


def picture_and_word(engine: SearchEngine, query: NDArray[np.float32]) -> Any:
    """A hybrid of both."""
    return engine.search(EngineQuery(vector=query, words=COMMON, weights={"picture": 0.7, "text": 0.2}, limit=10))


_READER = """
import sys, time
from lookalike.domain.filters import Match
from lookalike.domain.query import EngineQuery
from lookalike.engines.embedded import open_embedded
began = time.perf_counter()
engine = open_embedded(sys.argv[1], read_only=True)
print(time.perf_counter() - began, flush=True)
for line in sys.stdin:
    began = time.perf_counter()
    while not engine.search(EngineQuery(filter=Match("brand", (line.strip(),)), limit=1)).total:
        assert time.perf_counter() - began < 10
    print(time.perf_counter() - began, flush=True)
"""


def beside(engine: SearchEngine, path: Path, catalogue: Catalogue) -> dict[str, float]:
    """A second process that reads, single writes, and an export while writing."""
    found: dict[str, float] = {}
    with subprocess.Popen([sys.executable, "-c", _READER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        found["a reader opens, s"] = float(reader.stdout.readline())
        seen = []
        for number in range(5):
            engine.put([Write(catalogue.document(number, brand=f"fresh {number}"))])
            reader.stdin.write(f"fresh {number}\n")
            reader.stdin.flush()
            seen.append(float(reader.stdout.readline()))
        found["a reader sees a commit after, s"] = max(seen)
        reader.stdin.close()
    found |= {f"one write, {name}": value for name, value in timed(lambda n: engine.put([Write(catalogue.document(n))]), 30).items()}
    began, reading, count = time.perf_counter(), engine.documents(), 0
    for _ in reading:
        count += 1
        if count % 20_000 == 1:
            engine.put([Write(catalogue.document(n, price=float(count))) for n in range(20)])
        if count >= 100_000:
            break
    found["exported beside writes, documents/s"] = count / (time.perf_counter() - began)
    return found


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Everything."""
    count, path = options.documents, folder / "shop.lookalike"
    catalogue = Catalogue(count, _titles(options.titles), folder)
    found: dict[str, Any] = {"documents": count, "load": os.getloadavg()[0], "memory before, MB": memory_mb()}
    engine = open_embedded(str(path))
    engine.prepare(RECIPE)
    wall = cpu = 0.0
    for start in _bar(range(0, count, BATCH), "build"):
        writes = [Write(catalogue.document(number)) for number in range(start, min(count, start + BATCH))]
        began, spent = time.perf_counter(), time.process_time()
        engine.put(writes)
        wall, cpu = wall + time.perf_counter() - began, cpu + time.process_time() - spent
    began, spent = time.perf_counter(), time.process_time()
    engine.close()
    found["closed, s"] = time.perf_counter() - began
    found["built, documents/s of CPU"] = count / (cpu + time.process_time() - spent)
    found["built, documents/s of the clock"] = count / (wall + found["closed, s"])
    found["memory after the build, MB"] = memory_mb()
    found["disk, MB"] = {one.suffix or one.name: round(one.stat().st_size / 1e6) for one in sorted(path.iterdir())}
    began, spent = time.perf_counter(), time.process_time()
    engine = open_embedded(str(path))
    found["opened, s"], found["opened, s of CPU"] = time.perf_counter() - began, time.process_time() - spent
    found["memory when open, MB"] = memory_mb()
    status = engine.status()
    assert status.documents == count
    found["status"] = {name: value for name, value in (status.details or {}).items() if name != "path"}
    in_memory = found["status"]["vector_bytes_in_memory"]
    found["vector bytes a row in memory (an eighth of fp32: 128)"] = in_memory / count
    found["search"] = searches(engine, catalogue, options.queries)
    found["default weights"] = mixed(engine, catalogue, min(50, options.queries))
    found["others"] = others(engine, catalogue, min(50, options.queries))
    found["beside"] = beside(engine, path, catalogue)
    found["memory at the end, MB"] = memory_mb() | {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    engine.close()
    return found


def _titles(path: Path | None) -> list[str]:
    if path is None:
        shared = Path(os.environ.get("LOOKALIKE_SHARED", Path(__file__).parents[2] / "shared"))
        path = shared / "data" / "fashion" / "products.csv"
    if path.exists():
        with path.open(newline="") as file:
            return [row["productDisplayName"] for row in csv.DictReader(file)]
    return [f"{one} {other} {noun}" for one in ADJECTIVES for other in ADJECTIVES for noun in NOUNS]


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{name} {_shown(one)}" for name, one in value.items())
    return f"{value:,.3f}" if isinstance(value, float) else str(value)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--titles", type=Path, help="a CSV with the column productDisplayName")
    parser.add_argument("--folder", type=Path, help="where the index lies while it is measured; a temporary folder otherwise")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        found = measure(options, Path(folder))
    if options.json:
        print(json.dumps(found))
        return 0
    for key, value in found.items():
        if key in ("search", "others"):
            for name, row in value.items():
                print(f"{key} · {name:<34} {_shown(row)}")
        else:
            print(f"{key:<40} {_shown(value)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
