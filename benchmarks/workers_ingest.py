"""The same catalogue into OpenSearch by one process with two threads, and by two workers with one thread each.

    python -m benchmarks.workers_ingest [--pictures 5000] [--rounds 3] [--queries 200] [--opensearch opensearch://HOST:PORT] [--json]

The real commands, in turns, on pictures of ../shared (or LOOKALIKE_SHARED), else of the sample shop. Rates are those that the
command reports; what it costs is the CPU time of all of our processes, so that a busy machine tells something too. Without
`--opensearch` a node is started, by tests/support as for the tests, and so is Redis. Exit status 0 where both promises are kept:

* two workers index at .85 of the rate of one process with as many threads, or better;
* of the ten best hits of the embedded engine they find .95 on average.
"""

import argparse
import csv
import importlib
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.bench import ROOT, SAMPLE, shared_folder
from benchmarks.processes import COMMAND, cpu_of, run
from lookalike.bootstrap import House, build
from lookalike.domain.query_parsing import parse_search
from lookalike.settings import load

RATE, OVERLAP = 0.85, 0.95
WORKERS = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print what was found; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--opensearch", help="opensearch://HOST:PORT of a node that may be written to; its indexes are removed")
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="lookalike-workers-") as folder, _servers(told.opensearch) as (redis, opensearch):
        found = measure(Path(folder), redis, opensearch, told.pictures, told.rounds, told.queries)
    print(json.dumps(found) if told.json else "\n".join(f"{name}: {value}" for name, value in found.items()))
    return 0 if found["rate_ratio"] >= RATE and found["overlap_at_10"] >= OVERLAP else 1


def measure(folder: Path, redis: str, opensearch: str, pictures: int, rounds: int, queries: int) -> dict[str, Any]:
    """Rates of both in turns (products a second; CPU milliseconds a product), and what they find."""
    source, rows = folder / "catalogue.csv", _catalogue(folder / "catalogue.csv", pictures)
    shared = {"LOOKALIKE_REDIS": redis, "LOOKALIKE_ENGINE_SETTINGS": "replicas=0"}
    alone, together, alone_cpu, together_cpu = [], [], [], []
    with _removed(opensearch):
        for turn in range(rounds):
            index = f"{opensearch}/bench-inline-{turn}"
            environment = {**shared, "LOOKALIKE_THREADS": str(WORKERS), "XDG_DATA_HOME": str(folder / f"inline-{turn}")}
            seconds, cpu = _indexed(source, index, rows, environment)
            alone.append(rows / seconds)
            alone_cpu.append(cpu / rows * 1000)
            index = f"{opensearch}/bench-workers-{turn}"
            environment = {**shared, "LOOKALIKE_THREADS": "1", "LOOKALIKE_INDEX": index, "XDG_DATA_HOME": str(folder / f"workers-{turn}")}
            with _workers(environment) as ids:
                before = sum(map(cpu_of, ids))
                seconds, cpu = _indexed(source, index, rows, {**environment, "LOOKALIKE_RUNNER": "celery"})
                together_cpu.append((cpu + sum(map(cpu_of, ids)) - before) / rows * 1000)
            together.append(rows / seconds)
            print(f"round {turn + 1} of {rounds}: inline {alone[-1]:.1f}/s, workers {together[-1]:.1f}/s", file=sys.stderr)
        embedded = str(folder / "embedded.lookalike")
        _indexed(source, embedded, rows, {"LOOKALIKE_THREADS": str(WORKERS)})
        overlap = _overlap(embedded, f"{opensearch}/bench-workers-0", rows, queries)
    return {
        "products": rows,
        "workers": WORKERS,
        "inline_rates": [round(one, 2) for one in alone],
        "workers_rates": [round(one, 2) for one in together],
        "rate_ratio": round(statistics.median(together) / statistics.median(alone), 3),
        "inline_cpu_ms": [round(one, 2) for one in alone_cpu],
        "workers_cpu_ms": [round(one, 2) for one in together_cpu],
        "cpu_ratio": round(statistics.median(together_cpu) / statistics.median(alone_cpu), 3),
        "queries": min(queries, rows),
        "overlap_at_10": round(overlap, 4),
    }


def _indexed(source: Path, index: str, rows: int, environment: Mapping[str, str]) -> tuple[float, float]:
    """Seconds as the command reports them, and its own CPU seconds. Raises: RuntimeError where a product is missing."""
    done = run("index", str(source), "--map", "title=name", "--index", index, "--json", environment=environment)
    told = json.loads(done.out)
    if told["counts"]["indexed"] != rows:
        raise RuntimeError(f"Not every product was indexed: {told['counts']}.")
    return float(told["seconds"]), done.cpu_seconds


def _overlap(one: str, other: str, rows: int, queries: int) -> float:
    """How many of the ten best hits of `one` are among those of `other`, on average over products spread over the catalogue."""
    shares = []
    with build(load(index=one), read_only=True) as mine, build(load(index=other), read_only=True) as theirs:
        for number in range(0, rows, max(1, rows // queries)):
            wanted = _hits(mine, number)
            shares.append(len(wanted & _hits(theirs, number)) / max(1, len(wanted)))
    return statistics.mean(shares)


def _hits(house: House, number: int) -> set[str]:
    request = parse_search({"like": [{"product": f"p{number}"}], "weights": {"picture": 1}, "limit": 10})
    return {hit.id for hit in house.searcher.search(request).page.hits}


def _catalogue(path: Path, most: int) -> int:
    shared = shared_folder()
    folder = SAMPLE / "pictures" if shared is None else shared / "data" / "fashion" / "images"
    pictures = sorted(folder.glob("*.jpg"))[:most]
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "name", "picture"])
        rows.writerows([f"p{number}", f"Product {one.stem}", str(one)] for number, one in enumerate(pictures))
    return len(pictures)


@contextmanager
def _workers(environment: Mapping[str, str]) -> Iterator[list[int]]:
    """Two worker programs that are ready; the ids of all of their processes."""
    worker = importlib.import_module("support.worker_process").worker
    with ExitStack() as stack:
        started = [stack.enter_context(worker(environment, "--queues", "lookalike.ingest", line=list(COMMAND))) for _ in range(WORKERS)]
        yield [pid for one in started for pid in (one.pid, *one.ready)]


@contextmanager
def _servers(opensearch: str | None) -> Iterator[tuple[str, str]]:
    """Addresses of a Redis and an OpenSearch."""
    sys.path.insert(0, str(ROOT / "tests"))
    opensearch_node, redis_server = (importlib.import_module(name) for name in ("stack.opensearch", "support.redis_server"))
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server.running()).url
        if opensearch is None:
            node = stack.enter_context(opensearch_node.running(opensearch_node.VERSIONS[0]))
            opensearch = node.replace("http", "opensearch", 1)
        yield redis, opensearch.rstrip("/")


@contextmanager
def _removed(opensearch: str) -> Iterator[None]:
    """What the block makes there is gone after it."""
    from opensearchpy import OpenSearch

    with OpenSearch([opensearch.replace("opensearch", "http", 1)]) as client:
        try:
            yield
        finally:
            client.indices.delete(index="bench-*", params={"expand_wildcards": "all"})


if __name__ == "__main__":
    sys.exit(main())
