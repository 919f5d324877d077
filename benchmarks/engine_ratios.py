"""The embedded engine's figures as ratios: recall and latency against hnswlib, faiss HNSW and exact numpy, facets, writes."""

from typing import Any

from benchmarks import engine
from benchmarks.bench import Bench
from benchmarks.results import Bar, Chart, Found, Target
from lookalike.vision.seeing import recipe_of

TITLE = "Engine"
ABOUT = (
    "Picture searches, k = 10, one thread: the whole of `engine.search()` (filter, ranking, total, ten products read from the database) "
    "against the bare search of faiss HNSW (M 16, ef 100, with a selector), hnswlib (the same) and exact numpy, which answer row "
    "numbers only. Vectors are synthetic and clustered."
)


def measure(bench: Bench) -> Found:
    """On the filled index of this run."""
    found, path = Found(), bench.filled()
    told = engine.measure(engine.made_up(bench.documents, recipe_of("default")), path, bench.size(200, 40), bench.tell)
    bars: list[Bar] = []
    for name, row in told["search"].items():
        kind = "no filter" if name == "none" else f"filter {name}"
        _searches(found, bars, kind, row)
    found.add("facets over all products, p50", told["facets_all_ms"], "ms", target=Target("≤", 5), what="four fields and a price range")
    found.add("facets over half of them, p50", told["facets_half_ms"], "ms", target=Target("≤", 5))
    for key, name in (
        ("words_and_ms", "words, all found"),
        ("words_or_ms", "words, not all found"),
        ("mixed_ms", "picture, words, tags, category"),
    ):
        found.add(f"{name}, p50", told[key], "ms")
    found.add("newest first, p50", told["newest_ms"], "ms")
    for key, name in (
        ("price_changes_per_second", "price changes, 1,000 a write"),
        ("single_writes_per_second", "price changes, one a write"),
    ):
        found.add(name, told[key], "/s")
    raw = bench.documents * told["dimension"] * 4 / 1e6
    found.add("on disk", told["disk_mb"], "MB", raw, "vectors as fp32")
    found.notes.append(f"{bench.documents:,} products × {told['dimension']}-d.")
    found.charts.append(
        Chart("engine", f"Picture search, {bench.documents:,} × {told['dimension']}-d: p50 and recall@10", "ms", tuple(bars))
    )
    return found


def _searches(found: Found, bars: list[Bar], kind: str, row: dict[str, Any]) -> None:
    ours, graph, exact = row["p50_ms"], row["faiss_hnsw_ms"], row["numpy_ms"]
    found.add(f"{kind}, recall@10", row["recall@10"], "", row["faiss_hnsw_recall"], "faiss HNSW", target=Target("≥", 0.99))
    found.add(f"{kind}, p50", ours, "ms", graph, "faiss HNSW", target=Target("≤", 2), what=f"strategy {row['strategy']}")
    found.add(f"{kind}, p50", ours, "ms", exact, "exact numpy")
    bars.append(Bar(kind, "Lookalike, whole search", ours, "ours", f"recall {row['recall@10']:.3f}"))
    bars.append(Bar(kind, "faiss HNSW, bare", graph, "peer", f"recall {row['faiss_hnsw_recall']:.3f}"))
    if "hnswlib_ms" in row:
        found.add(f"{kind}, p50", ours, "ms", row["hnswlib_ms"], f"hnswlib, recall {row['hnswlib_recall']:.3f}")
        bars.append(Bar(kind, "hnswlib, bare", row["hnswlib_ms"], "peer", f"recall {row['hnswlib_recall']:.3f}"))
    bars.append(Bar(kind, "exact numpy, bare", exact, "bound", "recall 1"))
