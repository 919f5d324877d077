"""The embedded engine against its peers in one run: hnswlib, faiss HNSW and exact numpy, at 100,000 × 256-d.

    python -m benchmarks.engine [--documents 100000] [--dimension 256] [--queries 200] [--json]

Vectors are synthetic and clustered, titles are made up of a shop's words. `p50` is the whole of `engine.search()`: filter,
ranking, total, and the ten products read from the database. Compare figures of one run only.
"""

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import hnswlib
import numpy as np
from numpy.typing import NDArray

from benchmarks.words import ADJECTIVES, NOUNS
from lookalike.domain.analysis import Analysis, Recipe, SeenObject, Tag
from lookalike.domain.document import Document, Seen
from lookalike.domain.filters import EVERYTHING, Filter, Match
from lookalike.domain.geometry import WHOLE
from lookalike.domain.product import Product
from lookalike.domain.query import EngineQuery, FacetRequest
from lookalike.engines.embedded import open_embedded
from lookalike.ports.engine import SearchEngine, Write

BRANDS = [f"brand {n}" for n in range(300)]
CATEGORIES = [f"Shop > Part {n // 8} > Kind {n}" for n in range(64)]
FILTERS: dict[str, Filter] = {
    "none": EVERYTHING,
    "50 %": Match("attributes.half", (True,)),
    "10 %": Match("attributes.tenth", (3,)),
    "1 %": Match("attributes.hundredth", ("7",)),
}
FACETS = (
    *(FacetRequest(name, name) for name in ("brand", "category", "attributes.tenth", "tags")),
    FacetRequest("price", "price", ranges=(0, 25, 50, 100)),
)
BATCH = 1000
WHOLE_FAISS: Any = faiss  # its stubs know less than it can


def clustered(rng: np.random.Generator, centres: NDArray[Any], count: int) -> NDArray[np.float32]:
    """Unit vectors around random centres, as embeddings of a shop's kinds lie."""
    found = centres[rng.integers(0, len(centres), count)] + rng.normal(size=(count, centres.shape[1])) * 0.9
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def document(number: int, vector: NDArray[np.float32], colour: NDArray[np.float32], recipe: Recipe, price: float) -> Document:
    """A product of a made-up shop."""
    noun, adjective = NOUNS[number % 16], ADJECTIVES[number // 16 % 14]
    product = Product(
        id=f"sku-{number}",
        title=f"{adjective} {noun} {ADJECTIVES[number // 7 % 14]} {number % 997}",
        description=f"A {adjective} {noun} for every day, easy to clean, made to last.",
        brand=BRANDS[number * 7 % 300],
        category=CATEGORIES[number * 5 % 64],
        price=price,
        tags=(adjective, noun),
        in_stock=number % 3 > 0,
        created=f"2025-0{1 + number % 9}-{10 + number % 18}T10:00:00Z",
        pictures=("stored:abc",),
        attributes={"half": number % 2 == 0, "tenth": number // 2 % 10, "hundredth": str(number // 3 % 100)},
    )
    seen = SeenObject(WHOLE, vector, colour, noun, 0.9)
    analysis = Analysis(recipe.id, f"{number:064x}", 400, 400, (seen,), (Tag(noun, 0.8), Tag("thing", 0.3)), (), (), "0" * 16)
    return Document(product, (Seen(0, analysis),), digest=f"{number:064x}")


def p50(run: Callable[..., object], times: int) -> float:
    """The median of so many calls, in ms."""
    run(0)
    took = []
    for number in range(times):
        began = time.perf_counter()
        run(number)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


def allowed(name: str, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which documents a filter leaves, said another way."""
    masks: dict[str, NDArray[np.bool_]] = {
        "none": numbers >= 0,
        "50 %": numbers % 2 == 0,
        "10 %": numbers // 2 % 10 == 3,
        "1 %": numbers // 3 % 100 == 7,
    }
    return masks[name]


def searches(engine: SearchEngine, vectors: NDArray[np.float32], queries: NDArray[np.float32], recall_of: int) -> dict[str, Any]:
    """Recall and latency of picture searches with each filter, and the same by exact numpy and by peers in the same run."""
    numbers, found = np.arange(len(vectors)), {}
    peers = hnswlib.Index("ip", vectors.shape[1])
    peers.init_index(len(vectors), ef_construction=100, M=16)
    peers.add_items(vectors, num_threads=2)
    peers.set_ef(100)
    peers.set_num_threads(1)
    graph = faiss.IndexHNSWFlat(vectors.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction, graph.hnsw.efSearch = 100, 100
    graph.add(vectors)
    faiss.omp_set_num_threads(1)
    for name, rule in FILTERS.items():
        mask = allowed(name, numbers)
        kept = numbers[mask]
        part = vectors[mask]
        parameters = _graph_parameters(mask)
        right, graph_right, peers_right, total = 0, 0, 0, 0
        for query in queries[:recall_of]:
            exact = set(kept[np.argpartition(-(part @ query), 10)[:10]])
            page = engine.search(EngineQuery(vector=query, weights={"picture": 1}, filter=rule, limit=10))
            right += len(exact & {int(hit.id[4:]) for hit in page.hits})
            graph_found = graph.search(query[None], 10, params=parameters)[1][0]
            graph_right += len(exact & set(graph_found))
            if name == "none":
                peers_right += len(exact & set(peers.knn_query(query[None], 10)[0][0]))
            total += 10
        row = {
            "strategy": page.strategy,
            "recall@10": right / total,
            "p50_ms": p50(lambda n, rule=rule: engine.search(_picture(queries[n % len(queries)], rule)), len(queries)),
            "numpy_ms": p50(lambda n, part=part: np.argpartition(-(part @ queries[n % len(queries)]), 10), 20),
            "faiss_hnsw_recall": graph_right / total,
            "faiss_hnsw_ms": p50(
                lambda n, parameters=parameters: graph.search(queries[n % len(queries)][None], 10, params=parameters), 100
            ),
        }
        if name == "none":
            row |= {
                "hnswlib_recall": peers_right / total,
                "hnswlib_ms": p50(lambda n: peers.knn_query(queries[n % len(queries)][None], 10), 100),
            }
        found[name] = row
    return found


def _picture(query: NDArray[np.float32], rule: Filter) -> EngineQuery:
    return EngineQuery(vector=query, weights={"picture": 1}, filter=rule, limit=10)


def _graph_parameters(mask: NDArray[np.bool_]) -> Any:
    if mask.all():
        return WHOLE_FAISS.SearchParametersHNSW(efSearch=100)
    selector = WHOLE_FAISS.IDSelectorBitmap(np.packbits(mask, bitorder="little"))
    return WHOLE_FAISS.SearchParametersHNSW(efSearch=100, sel=selector)


def memory_mb() -> float:
    """Resident memory of this process now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


@dataclass(frozen=True, slots=True)
class Shop:
    """Products of a made-up shop, and pictures that its visitors ask with."""

    recipe: Recipe
    vectors: NDArray[np.float32]
    colours: NDArray[np.float32]
    prices: NDArray[np.float64]
    queries: NDArray[np.float32]

    def document(self, number: int, price: float | None = None) -> Document:
        """One of its products, at its price or another."""
        told = float(self.prices[number]) if price is None else price
        return document(number, self.vectors[number], self.colours[number], self.recipe, told)


def made_up(count: int, recipe: Recipe, asked: int = 200) -> Shop:
    """A shop of `count` products, the same every time."""
    rng = np.random.default_rng(7)
    centres = rng.normal(size=(max(1, count // 100), recipe.dimension))
    vectors, queries = clustered(rng, centres, count), clustered(rng, centres, asked)
    colours = np.abs(clustered(rng, rng.normal(size=(50, recipe.colour_dimension)), count))
    return Shop(recipe, vectors, colours, rng.integers(100, 20_000, count) / 100, queries)


def fill(path: Path, shop: Shop, tell: Callable[[str], None] = lambda _: None) -> float:
    """Write a shop into a new index; products a second."""
    count, began = len(shop.vectors), time.perf_counter()
    engine = open_embedded(str(path))
    engine.prepare(shop.recipe)
    for start in range(0, count, BATCH):
        if start % max(BATCH, count // 5) < BATCH:
            tell(f"filling an index: {start:,} of {count:,} products")
        engine.put([Write(shop.document(number)) for number in range(start, min(count, start + BATCH))])
    engine.close()
    return count / (time.perf_counter() - began)


def measure(shop: Shop, path: Path, asked: int, tell: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Everything about the index at `path` that holds the shop; prices in it are changed."""
    count, queries, found = len(shop.vectors), shop.queries[:asked], dict[str, Any]()
    found |= {"documents": count, "dimension": shop.recipe.dimension}
    before = memory_mb()
    began = time.perf_counter()
    engine = open_embedded(str(path))
    try:
        found["open_seconds"] = time.perf_counter() - began
        found["memory_mb"] = memory_mb() - before
        found["disk_mb"] = sum(one.stat().st_size for one in path.rglob("*") if one.is_file()) / 1e6
        tell(f"engine: {count:,} vectors against hnswlib, faiss HNSW and exact numpy")
        found["search"] = searches(engine, shop.vectors, queries, min(asked, 100))
        tell("engine: facets, words, writes")
        plain = EngineQuery(facets=FACETS, limit=1)
        found["facets_all_ms"] = p50(lambda n: engine.search(plain), 30)
        half = EngineQuery(facets=FACETS, limit=1, filter=FILTERS["50 %"])
        found["facets_half_ms"] = p50(lambda n: engine.search(half), 30)
        for name, words in {"words_and_ms": "{a} {b} {n}", "words_or_ms": "{a} {b} unheard"}.items():
            found[name] = p50(lambda n, words=words: engine.search(_worded(words, n)), 40)
        mixed = {"picture": 0.6, "text": 0.2, "tags": 0.1, "category": 0.1}
        found["mixed_ms"] = p50(lambda n: engine.search(_mixed(queries[n % asked], mixed, n)), 40)
        found["newest_ms"] = p50(lambda n: engine.search(EngineQuery(limit=24)), 30)
        changed = [shop.document(n, float(n)) for n in range(0, count, max(1, count // 10_000))]
        began = time.perf_counter()
        for start in range(0, len(changed), BATCH):
            engine.put([Write(one) for one in changed[start : start + BATCH]])
        found["price_changes_per_second"] = len(changed) / (time.perf_counter() - began)
        began = time.perf_counter()
        for one in changed[:1000]:
            engine.put([Write(one)])
        found["single_writes_per_second"] = len(changed[:1000]) / (time.perf_counter() - began)
    finally:
        engine.close()
    return found


def _worded(pattern: str, n: int) -> EngineQuery:
    words = pattern.format(a=ADJECTIVES[n % 14], b=NOUNS[n % 16], n=n)
    return EngineQuery(words=words, weights={"text": 1}, limit=10)


def _mixed(query: NDArray[np.float32], weights: dict[str, float], n: int) -> EngineQuery:
    tags, categories = (NOUNS[n % 16],), {CATEGORIES[n % 64]: 0.6}
    return EngineQuery(
        vector=query, words=f"{ADJECTIVES[n % 14]} {NOUNS[n % 16]}", tags=tags, categories=categories, weights=weights, limit=10
    )


def main() -> None:
    """Measure and print: for sizes that the page does not show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    shop = made_up(options.documents, Recipe("benchmark", options.dimension, 32), options.queries)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.lookalike"
        built = fill(path, shop)
        found = measure(shop, path, options.queries) | {"built_documents_per_second": built}
    if options.json:
        print(json.dumps(found))
        return
    print(f"{options.documents:,} products × {options.dimension}-d, one thread a search")
    for name, row in found.pop("search").items():
        figures = (f"{key} {value if isinstance(value, str) else f'{value:.3f}'}" for key, value in row.items())
        ratios = f"exact numpy ÷ ours {row['numpy_ms'] / row['p50_ms']:.1f}, ours ÷ faiss HNSW {row['p50_ms'] / row['faiss_hnsw_ms']:.1f}"
        print(f"filter {name:5s} " + "  ".join(figures) + f"  ({ratios})")
    for key, value in found.items():
        print(f"{key:28s} {value:,.2f}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
