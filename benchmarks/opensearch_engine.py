"""What our OpenSearch engine costs beside OpenSearch itself: `engine.search` against the very same bodies sent raw.

    python -m benchmarks.opensearch_engine [--url http://127.0.0.1:9200] [--documents 100000] [--dimension 256] [--queries 60] [--json]

When the index is filled, OpenSearch is given time until it merges no more, and each kind of search is run untimed until Java has
compiled what is hot. Then each query runs once untimed, which records its bodies and fills the server's caches; then in turn, the first
changing with each query, `engine.search` and the recorded bodies sent raw: by opensearch-py's `msearch` as it comes, which reads the
JSON, ranks nothing and makes no hits; and, only for orientation, by the same with our JSON (msgspec). `plain` is what somebody would
write by hand instead (k = 100, or a match on the words, with the products' source): another question. Without --url a node is started
(Java, Maven). `--keep NAME` leaves the filled index under that name, and finds it there the next time.
"""

import argparse
import contextlib
import importlib
import json
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from opensearchpy import OpenSearch

from benchmarks import engine as embedded
from benchmarks.bench import ROOT
from benchmarks.engine import Shop, made_up
from benchmarks.results import Found, Target
from benchmarks.words import ADJECTIVES, NOUNS
from lookalike.domain.analysis import Recipe
from lookalike.domain.document import Document
from lookalike.domain.filters import EVERYTHING, Filter, Match
from lookalike.domain.query import EngineQuery, FacetRequest
from lookalike.domain.values import Scalar
from lookalike.engines.opensearch.address import parse_address
from lookalike.engines.opensearch.client import Client
from lookalike.engines.opensearch.engine import OpenSearchEngine
from lookalike.engines.opensearch.filters import clause
from lookalike.engines.opensearch.scoring import nearest
from lookalike.ports.engine import Write

Json = dict[str, Any]
FILTERS: dict[str, Filter] = {
    "no filter": EVERYTHING,
    "filter 50 %": Match("attributes.half", (True,)),
    "filter 5 %": Match("attributes.twentieth", (3,)),
    "filter .5 %": Match("attributes.two_hundredth", ("7",)),
}
FACETS = (
    *(FacetRequest(name, name) for name in ("brand", "category", "attributes.twentieth")),
    FacetRequest("price", "price", ranges=(0, 25, 50, 100)),
)
_AT_ONCE = 1_000
SETTLING_SECONDS, WARM_SECONDS = 120, 4
"""At most so long for merges; so long for each kind of search."""


class Recording(Client):
    """A client that remembers the searches it was asked."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.asked_for: list[list[Json]] = []

    def search(self, index: str, bodies: Sequence[Json]) -> list[Json]:
        """As the client does."""
        self.asked_for.append(list(bodies))
        return super().search(index, bodies)


def document(shop: Shop, number: int) -> Document:
    """One of the shop's products, with attributes for the filters."""
    made = shop.document(number)
    told: dict[str, Scalar] = {"half": number % 2 == 0, "twentieth": number // 2 % 20, "two_hundredth": str(number // 3 % 200)}
    return replace(made, product=replace(made.product, attributes=told))


def allowed(name: str, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which documents a filter leaves, said another way."""
    masks = {
        "no filter": numbers >= 0,
        "filter 50 %": numbers % 2 == 0,
        "filter 5 %": numbers // 2 % 20 == 3,
        "filter .5 %": numbers // 3 % 200 == 7,
    }
    return np.asarray(masks[name], np.bool_)


def fill(engine: OpenSearchEngine, shop: Shop, tell: Callable[[str], None]) -> float:
    """Put the whole shop, by two threads; products a second."""
    engine.prepare(shop.recipe)
    count, began = len(shop.vectors), time.perf_counter()
    starts = iter(range(0, count, _AT_ONCE))
    failures: list[BaseException] = []

    def put() -> None:
        try:
            for start in starts:
                tell(f"filling the index: {start:,} of {count:,} products")
                engine.put([Write(document(shop, number)) for number in range(start, min(count, start + _AT_ONCE))])
        except BaseException as error:  # noqa: BLE001 - said by the thread that waits
            failures.append(error)

    threads = [threading.Thread(target=put) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return count / (time.perf_counter() - began)


def queries(shop: Shop) -> dict[str, Callable[[int], EngineQuery]]:
    """Each kind of search, for the n-th visitor."""
    asked, colours = shop.queries, shop.colours

    def pictured(n: int, **more: Any) -> EngineQuery:
        return EngineQuery(**{"vector": asked[n % len(asked)], "weights": {"picture": 1.0}, "limit": 10} | more)

    def worded(n: int) -> str:
        return f"{ADJECTIVES[n % 14]} {NOUNS[n % 16]}"

    found: dict[str, Callable[[int], EngineQuery]] = {
        name: lambda n, rule=rule: pictured(n, filter=rule)  # type: ignore[misc]
        for name, rule in FILTERS.items()
    }
    return found | {
        "words": lambda n: EngineQuery(words=worded(n), weights={"text": 1.0}, limit=10),
        "facets": lambda n: pictured(n, facets=FACETS),
        "colours": lambda n: pictured(n, colour=colours[n * 97 % len(colours)], weights={"picture": 0.7, "colour": 0.3}),
        "words and picture": lambda n: pictured(n, words=worded(n), weights={"picture": 0.7, "text": 0.3}),
        "all legs": lambda n: pictured(
            n,
            words=worded(n),
            tags=(NOUNS[n % 16],),
            categories={embedded.CATEGORIES[n % 64]: 0.6},
            colour=colours[n * 97 % len(colours)],
            weights={"picture": 0.5, "text": 0.2, "tags": 0.1, "category": 0.1, "colour": 0.1},
        ),
        "newest": lambda n: EngineQuery(limit=24, filter=list(FILTERS.values())[n % 4]),
    }


def by_hand(query: EngineQuery) -> Json | None:
    """The body that somebody would write without us; None where that takes more than one."""
    if set(query.weights) == {"picture"} and not query.facets and query.vector is not None:
        rule = [] if query.filter == EVERYTHING else [clause(query.filter)]
        return {"size": query.limit, "query": nearest("vector", query.vector, 100, rule), "_source": ["told"]}
    if set(query.weights) == {"text"}:
        return {"size": query.limit, "query": {"match": {"words": query.words}}, "_source": ["told"]}
    return None


def compare(
    engine: OpenSearchEngine, client: Recording, raw: OpenSearch, alias: str, make: Callable[[int], EngineQuery], times: int
) -> dict[str, float]:
    """ms at p50 and CPU of this process, ours and raw, in turn on the same queries."""
    timed: dict[str, list[tuple[float, float]]] = {"ours": [], "raw": [], "raw, our JSON": [], "plain": []}

    def clock(name: str, run: Callable[[], object]) -> None:
        wall, spent = time.perf_counter(), time.thread_time()
        run()
        timed[name].append((time.perf_counter() - wall, time.thread_time() - spent))

    requests = 0
    with client.asked() as lean:
        for n in range(times):
            query = make(n)
            client.asked_for.clear()
            engine.search(query)
            recorded = [[line for body in bodies for line in ({}, body)] for bodies in client.asked_for]
            requests = max(requests, len(recorded))

            def replay(by: OpenSearch, recorded: list[list[Json]] = recorded) -> None:
                for lines in recorded:
                    by.msearch(body=lines, index=alias)

            runs: list[tuple[str, Callable[[], object]]] = [
                ("ours", partial(engine.search, query)),
                ("raw", partial(replay, raw)),
                ("raw, our JSON", partial(replay, lean)),
            ]
            for place in range(3):
                clock(*runs[(n + place) % 3])
            hand = by_hand(query)
            if hand is not None:
                clock("plain", lambda hand=hand: raw.search(body=hand, index=alias))  # type: ignore[misc]
    found = {"requests": float(requests)}
    for name, rows in timed.items():
        if rows:
            found[f"{name}_ms"] = statistics.median(wall for wall, _ in rows) * 1000
            found[f"{name}_cpu_ms"] = statistics.median(spent for _, spent in rows) * 1000
    found["pairwise"] = statistics.median(one[0] / other[0] for one, other in zip(timed["ours"], timed["raw"], strict=True))
    return found


def recall(engine: OpenSearchEngine, shop: Shop, name: str, times: int) -> tuple[float, str]:
    """recall@10 against exact comparison of what the filter leaves, and how it was searched."""
    kept = np.flatnonzero(allowed(name, np.arange(len(shop.vectors))))
    part, right = shop.vectors[kept], 0
    for query in shop.queries[:times]:
        exact = {f"sku-{kept[row]}" for row in np.argpartition(-(part @ query), 10)[:10]}
        page = engine.search(EngineQuery(vector=query, weights={"picture": 1}, filter=FILTERS[name], limit=10))
        right += len(exact & {hit.id for hit in page.hits})
    return right / (10 * times), page.strategy


def settle(engine: OpenSearchEngine, client: Recording, alias: str, shop: Shop, tell: Callable[[str], None]) -> None:
    """Wait until OpenSearch does nothing but answer: until no segments are merged, and hot code is compiled."""
    until = time.monotonic() + SETTLING_SECONDS
    tell("waiting until no segments are merged")
    with client.asked() as lean:
        while lean.indices.stats(index=alias, metric="merge")["_all"]["total"]["merges"]["current"] and time.monotonic() < until:
            time.sleep(0.5)
    tell("searching until Java has compiled what is hot")
    for make in queries(shop).values():
        end = time.monotonic() + WARM_SECONDS
        for n in range(100_000):
            engine.search(make(n))
            if time.monotonic() > end:
                break


def measure(url: str, options: argparse.Namespace, tell: Callable[[str], None]) -> Found:
    """Fill an index on the server at `url`, measure, and delete it unless it is to be kept."""
    alias = options.keep or f"bench-{uuid.uuid4().hex[:8]}"
    address = parse_address(f"opensearch://{urlsplit(url).netloc}/{alias}", {"replicas": "0", "timeout": "120"})
    client = Recording(address)
    engine, found = OpenSearchEngine(address, client, writable=True), Found()
    raw = OpenSearch(hosts=[{"host": host, "port": port} for host, port in address.hosts], timeout=120)
    shop = made_up(options.documents, Recipe("benchmark", options.dimension, 58), max(options.queries, 100))
    try:
        if not options.keep or engine.status().documents != options.documents:
            found.add("filled, engine.put by two threads", fill(engine, shop, tell), "products/s")
        settle(engine, client, alias, shop, tell)
        for name in FILTERS:
            tell(f"recall: {name}")
            share, strategy = recall(engine, shop, name, min(50, len(shop.queries)))
            found.add(f"{name}, recall@10", share, "", what=f"strategy {strategy}", target=Target("≥", 0.95))
        for name, make in queries(shop).items():
            tell(f"ours and raw: {name}")
            row = compare(engine, client, raw, alias, make, options.queries)
            what = f"{row['requests']:.0f} requests; pair by pair {row['pairwise']:.2f}"
            found.add(
                f"{name}, p50",
                row["ours_ms"],
                "ms",
                row["raw_ms"],
                "the same bodies by opensearch-py as it comes",
                target=Target("≤", 1.1, "ratio"),
                what=what,
            )
            found.add(f"{name}, p50", row["ours_ms"], "ms", row["raw, our JSON_ms"], "the same bodies, raw with our JSON")
            found.add(f"{name}, CPU of the client, p50", row["ours_cpu_ms"], "ms", row["raw_cpu_ms"], "the same bodies, raw")
            if "plain_ms" in row:
                found.add(f"{name}, p50", row["ours_ms"], "ms", row["plain_ms"], "by hand, k = 100")
        found.notes.append(
            f"{options.documents:,} products × {options.dimension}-d, OpenSearch {(engine.status().details or {})['version']}."
        )
    finally:
        if not options.keep:
            with client.asked() as lean:
                lean.indices.delete(index=f"{alias}-*", params={"expand_wildcards": "all"})
        engine.close()
        raw.close()
    return found


@contextlib.contextmanager
def served(url: str | None, version: str) -> Iterator[str]:
    """The server at `url`, or a node of this run."""
    if url is not None:
        yield url
        return
    sys.path.insert(0, str(ROOT / "tests"))
    opensearch_node = importlib.import_module("stack.opensearch")
    with opensearch_node.running(version) as started:
        yield started


def main(argv: list[str] | None = None) -> Found:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url")
    parser.add_argument("--version", default="3.6.0")
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--keep", metavar="NAME", help="leave the filled index under this name, and use it where it is there")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(argv)
    with served(options.url, options.version) as url:
        found = measure(url, options, lambda what: print(what, file=sys.stderr, flush=True))
    if options.json:
        told = [
            {"name": one.name, "ours": one.ours, "unit": one.unit, "peer": one.peer, "peer_name": one.peer_name} for one in found.results
        ]
        print(json.dumps({"notes": found.notes, "results": told}))
        return found
    for one in found.results:
        beside = "" if one.peer is None else f"  {one.peer_name}: {one.peer:.2f} {one.unit}, ratio {one.ratio:.2f}"
        verdict = {None: "", True: "  met", False: "  MISSED"}[one.met]
        print(f"{one.name:34s} {one.ours:10.2f} {one.unit}{beside}{verdict}  {one.what}")
    print(*found.notes, sep="\n")
    return found


if __name__ == "__main__":
    main()
