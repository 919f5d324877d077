"""A rebuild under another recipe and the way back, while others search and write: what failed, what was lost, who had to wait.

    python -m benchmarks.opensearch_rebuild [--url http://127.0.0.1:9200] [--documents 20000] [--searches 50] [--writes 20] [--json]

Searchers and writers have engines of their own, as other processes have. A write is a change of price (the product is read, and put
with its vectors), every tenth a removal and every tenth a new product. A writer that is told to wait (`Unavailable`, HTTP 503 with
Retry-After) sends its write again; only what was answered counts as written. A search that raises anything counts as failed. After the
rebuild and after the rollback every product is compared with the last write that was answered. Without --url a node is started
(Java, Maven).
"""

import argparse
import json
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from urllib.parse import urlsplit

import numpy as np

from benchmarks.engine import Shop, made_up
from benchmarks.opensearch_engine import served
from benchmarks.results import Found, Target
from lookalike.domain.analysis import Recipe
from lookalike.domain.document import Document
from lookalike.domain.query import EngineQuery
from lookalike.engines.opensearch import open_opensearch
from lookalike.errors import RecipeMismatch, Unavailable
from lookalike.ports.engine import KeepsPrevious, RolledBack, SearchEngine, Write

OLD, NEW = Recipe("before", 64, 16), Recipe("after", 64, 16)
_AT_ONCE = 500
_SEARCHERS, _WRITERS = 6, 16


@dataclass(slots=True)
class Load:
    """What searchers and writers saw. `written`: the price of each product that was last answered, None where it was removed."""

    searches: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    written: dict[str, float | None] = field(default_factory=dict)
    writes: int = 0
    waits: list[float] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: seconds of rebuild and rollback, what was lost after each, and the load in between."""

    rebuild_s: float
    rollback_s: float
    lost_after_rebuild: list[str]
    lost_after_rollback: list[str]
    searches: int
    searches_per_s: float
    failed_searches: list[str]
    search_p50_ms: float
    search_slowest_ms: float
    writes: int
    writes_per_s: float
    waits: int
    longest_wait_s: float
    rolled_back: RolledBack


def under(recipe: Recipe, document: Document, turn: int) -> Document:
    """The same product and pictures, as another recipe sees them."""
    seen = []
    for one in document.seen:
        objects = tuple(replace(it, vector=np.roll(it.vector, turn)) for it in one.analysis.objects)
        seen.append(replace(one, analysis=replace(one.analysis, recipe_id=recipe.id, objects=objects)))
    return replace(document, seen=tuple(seen), version=0)


@contextmanager
def load(open_one: Callable[[], SearchEngine], shop: Shop, searches: float, writes: float) -> Iterator[Load]:
    """Search and write at so many a second, while the block runs."""
    seen, stop, lock = Load(), threading.Event(), threading.Lock()

    def paced(run: Callable[[SearchEngine, int], None], each_s: float, start: int, step: int) -> None:
        engine = open_one()
        following, turn = time.monotonic(), start
        while not stop.is_set():
            run(engine, turn)
            turn, following = turn + step, following + each_s
            stop.wait(max(0.0, following - time.monotonic()))
        engine.close()

    def search(engine: SearchEngine, turn: int) -> None:
        began = time.perf_counter()
        try:
            page = engine.search(EngineQuery(vector=shop.queries[turn % len(shop.queries)], weights={"picture": 1.0}, limit=10))
            problem = None if page.hits else "nothing found"
        except Exception as error:  # noqa: BLE001 - every kind of failure is counted
            problem = f"{type(error).__name__}: {error}"
        with lock:
            seen.searches.append(time.perf_counter() - began)
            seen.failures += [] if problem is None else [problem]

    def write(engine: SearchEngine, turn: int) -> None:
        began, name = time.monotonic(), f"sku-{turn * 7 % len(shop.vectors)}"
        while True:
            try:
                answered = _changed(engine, shop, name, turn)
                break
            except (Unavailable, RecipeMismatch) as error:  # the index went to the other recipe between reading and writing
                stop.wait(getattr(error, "retry_after_seconds", 0.1) / 10)
        with lock:
            seen.writes += 1
            seen.written |= answered
            seen.waits += [time.monotonic() - began]

    threads = [threading.Thread(target=paced, args=(search, _SEARCHERS / searches, n, _SEARCHERS)) for n in range(_SEARCHERS)]
    threads += [threading.Thread(target=paced, args=(write, _WRITERS / writes, n, _WRITERS)) for n in range(_WRITERS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        seen.seconds = time.monotonic() - began
        for thread in threads:
            thread.join()


def _changed(engine: SearchEngine, shop: Shop, name: str, turn: int) -> dict[str, float | None]:
    """Write once: what the index has to say of the products from now on. Raises: Unavailable, RecipeMismatch."""
    if turn % 10 == 0:
        engine.remove([name])
        return {name: None}
    if turn % 10 == 1:
        new = replace(shop.document(turn % len(shop.vectors)).product, id=f"new-{turn}", price=float(turn))
        engine.put([Write(Document(new))])
        return {new.id: float(turn)}
    (found,) = engine.get([name])
    if found is None:
        found = Document(replace(shop.document(0).product, id=name))
    engine.put([Write(replace(found, product=replace(found.product, price=float(turn))))])
    return {name: float(turn)}


def lost(engine: SearchEngine, written: Mapping[str, float | None]) -> list[str]:
    """The products of which the index says something else than the last write that was answered."""
    there = {one.id: one.product.price for one in engine.documents()}
    return [name for name, price in written.items() if there.get(name) != price]


def run(url: str, alias: str, *, documents: int, searches: float, writes: float, tell: Callable[[str], None] = lambda _: None) -> Outcome:
    """The whole of it on the server at `url`."""
    shop = made_up(documents, OLD)
    with ExitStack() as stack:

        def open_one() -> SearchEngine:
            return open_opensearch(f"opensearch://{urlsplit(url).netloc}/{alias}", settings={"replicas": "0"})

        engine = open_one()
        stack.callback(engine.close)
        engine.prepare(OLD)
        for start in range(0, documents, _AT_ONCE):
            engine.put([Write(shop.document(number)) for number in range(start, min(documents, start + _AT_ONCE))])
        tell(f"{documents:,} products are there; searching and writing begin")
        with load(open_one, shop, searches, writes) as seen:
            took = [time.monotonic()]
            with engine.rebuild(NEW) as fresh:
                batch: list[Document] = []
                for one in engine.documents():
                    batch.append(under(NEW, one, 1))
                    if len(batch) == _AT_ONCE:
                        fresh.put([Write(it) for it in batch])
                        batch = []
                fresh.put([Write(it) for it in batch])
            took.append(time.monotonic())
            tell("rebuilt")
            until(seen, seen.writes + 20)
        lost_first = lost(engine, seen.written)
        with load(open_one, shop, searches, writes) as after:
            after.written |= seen.written
            until(after, 20)
            took.append(time.monotonic())
            assert isinstance(engine, KeepsPrevious)
            done = engine.rollback()
            took.append(time.monotonic())
            tell("rolled back")
            until(after, after.writes + 20)
        lost_then = lost(engine, after.written)
        seconds = seen.seconds + after.seconds
        times, waits = seen.searches + after.searches, seen.waits + after.waits
        return Outcome(
            rebuild_s=took[1] - took[0],
            rollback_s=took[3] - took[2],
            lost_after_rebuild=lost_first,
            lost_after_rollback=lost_then,
            searches=len(times),
            searches_per_s=len(times) / seconds,
            failed_searches=seen.failures + after.failures,
            search_p50_ms=statistics.median(times) * 1000,
            search_slowest_ms=max(times) * 1000,
            writes=seen.writes + after.writes,
            writes_per_s=(seen.writes + after.writes) / seconds,
            waits=sum(one > 1.0 for one in waits),
            longest_wait_s=max(waits),
            rolled_back=done,
        )


def until(seen: Load, writes: int) -> None:
    """Let the load go on until so many writes were answered."""
    pause, end = threading.Event(), time.monotonic() + 60
    while seen.writes < writes and time.monotonic() < end:
        pause.wait(0.05)


def main(argv: list[str] | None = None) -> Found:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url")
    parser.add_argument("--version", default="3.6.0")
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--searches", type=float, default=50.0, help="a second")
    parser.add_argument("--writes", type=float, default=20.0, help="a second")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(argv)
    found, alias = Found(), f"bench-{uuid.uuid4().hex[:8]}"
    with served(options.url, options.version) as url:
        try:
            told = run(
                url,
                alias,
                documents=options.documents,
                searches=options.searches,
                writes=options.writes,
                tell=lambda what: print(what, file=sys.stderr, flush=True),
            )
        finally:
            _clean(url, alias)
    found.add(
        "failed searches", len(told.failed_searches), "", target=Target("≤", 0), what=f"of {told.searches:,}, {told.searches_per_s:.0f}/s"
    )
    found.add(
        "lost writes after the rebuild",
        len(told.lost_after_rebuild),
        "",
        target=Target("≤", 0),
        what=f"of {told.writes:,}, {told.writes_per_s:.0f}/s",
    )
    found.add("lost writes after the rollback", len(told.lost_after_rollback), "", target=Target("≤", 0))
    found.add("rebuild", told.rebuild_s, "s", what=f"{options.documents:,} products")
    found.add("rollback", told.rollback_s, "s", what=f"{told.rolled_back.carried:,} carried, {told.rolled_back.removed:,} removed")
    found.add("a search, p50", told.search_p50_ms, "ms", what=f"slowest {told.search_slowest_ms:,.0f} ms")
    found.add("the longest that a write had to wait", told.longest_wait_s, "s", what=f"{told.waits} above one second")
    if options.json:
        print(json.dumps(asdict(told)))
    else:
        for one in found.results:
            print(f"{one.name:38s} {one.ours:10,.2f} {one.unit} {({None: '', True: 'met', False: 'MISSED'})[one.met]} {one.what}")
        print(*(told.failed_searches + told.lost_after_rebuild + told.lost_after_rollback)[:10], sep="\n")
    return found


def _of(count: int, a_second: float) -> str:
    return f"of {count:,}, {a_second:.0f}/s"


def _clean(url: str, alias: str) -> None:
    from opensearchpy import OpenSearch

    raw = OpenSearch([url])
    raw.indices.delete(index=f"{alias}-*", params={"expand_wildcards": "all"})
    raw.close()


if __name__ == "__main__":
    main()
