"""Micro-batches: what visitors who send a picture at once do to the size of batches, the time of an answer and the pictures a second.

So many clients, each with one picture on its way at any time and no picture twice, ask one `lookalike worker` through a real
Redis; beside it the same networks and pictures in this process, without either. Needs redis-server and celery.

    python -m benchmarks.micro_batches [--clients 1 2 4] [--seconds 10] [--pictures DIR] [--out DIR] [--json]

Writes micro-batches.json, and pictures/micro-batches-size.svg, -latency.svg and -rate.svg into --out (var/benchmarks).
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from benchmarks.bench import ROOT, SAMPLE, machine, telling
from benchmarks.chart import svg
from benchmarks.processes import COMMAND, ended, environment_of
from benchmarks.results import Bar, Chart
from lookalike.analysers.celery import CeleryAnalyser, open_celery
from lookalike.bootstrap import analyser_of, recipe_of, warm_up
from lookalike.broker.connection import connect
from lookalike.broker.figures import LookFigures, figures
from lookalike.ports.vision import Look, PictureAnalyser
from lookalike.settings import Settings, load

CLIENTS = (1, 2, 4, 8, 16, 32, 64)
DEADLINE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Level:
    """What so many clients met. Milliseconds of an answer; pictures a second; `batch` is the mean size of the worker's batches,
    `batches` how many there were of each size; `busy` the share of the time that the networks worked; `asker_ms` this process'
    CPU for one picture."""

    clients: int
    looks: int
    p50_ms: float
    p95_ms: float
    rate: float
    batch: float
    batches: dict[str, int]
    busy: float
    asker_ms: float


def main(argv: Sequence[str] | None = None) -> int:
    """The command; 0, or 1 where a picture was not answered."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--clients", type=int, nargs="+", default=list(CLIENTS))
    options.add_argument("--seconds", type=float, default=10.0, help="for each number of clients")
    options.add_argument("--pictures", type=Path, help="a folder of JPEGs (default: what shoppers photograph in the sample shop)")
    options.add_argument("--out", type=Path, default=ROOT / "var" / "benchmarks")
    options.add_argument("--json", action="store_true")
    told = options.parse_args(argv)
    originals = [one.read_bytes() for one in sorted((told.pictures or SAMPLE / "queries").rglob("*.jpg"))]
    with telling() as tell:
        tell("micro-batches: the networks in this process")
        alone = raw_rate(originals, told.seconds)
        levels = []
        with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as folder, redis_server(Path(folder)) as url, worker(url):
            analyser, client = _analyser(url), connect(url)
            for clients in told.clients:
                tell(f"micro-batches: {clients} clients")
                levels.append(level(analyser, lambda: figures(client, analyser.recipe.id), originals, clients, told.seconds))
            analyser.close()
            client.close()
    found = {"machine": machine(), "raw_rate": round(alone, 2), "levels": [asdict(one) for one in levels]}
    _write(told.out, found, charts(levels, alone))
    print(json.dumps(found) if told.json else table(levels, alone))
    return 0


def level(analyser: PictureAnalyser, told: Callable[[], LookFigures], originals: Sequence[bytes], clients: int, seconds: float) -> Level:
    """Let so many clients ask for so long. Raises: what the analyser raises."""
    took: list[float] = []
    failures: list[Exception] = []
    before, cpu, began = told(), time.process_time(), time.perf_counter()
    until = began + seconds

    def client(number: int) -> None:
        turn = 0
        while time.perf_counter() < until and not failures:
            content = unseen(originals[(number + turn * clients) % len(originals)], f"{clients} {number} {turn}")
            asked = time.perf_counter()
            try:
                analyser.analyse([Look(content)], time.monotonic() + DEADLINE_SECONDS)
            except Exception as error:  # noqa: BLE001 — told by the thread that started this one
                failures.append(error)
            took.append((time.perf_counter() - asked) * 1000)
            turn += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    wall, cpu, after = time.perf_counter() - began, time.process_time() - cpu, told()
    sizes = {size: many - before.batch_sizes.get(size, 0) for size, many in after.batch_sizes.items()}
    looks = sum(size * many for size, many in sizes.items())
    busy = (after.counts["busy_ms"] - before.counts.get("busy_ms", 0)) / 1000 / wall
    return Level(
        clients=clients,
        looks=len(took),
        p50_ms=float(np.percentile(took, 50)),
        p95_ms=float(np.percentile(took, 95)),
        rate=len(took) / wall,
        batch=looks / max(1, sum(sizes.values())),
        batches={str(size): many for size, many in sorted(sizes.items()) if many},
        busy=busy,
        asker_ms=cpu * 1000 / len(took),
    )


def raw_rate(originals: Sequence[bytes], seconds: float) -> float:
    """Pictures a second of the same decoder and networks in this process, as many at once as they like."""
    analyser = analyser_of(load(analyser="local"))
    try:
        warm_up(analyser)
        looks, began, turn = 0, time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            analyser.analyse([Look(unseen(one, f"raw {turn}")) for one in originals])
            looks, turn = looks + len(originals), turn + 1
        return looks / (time.perf_counter() - began)
    finally:
        analyser.close()


def unseen(original: bytes, text: str) -> bytes:
    """The same JPEG with a comment of its own behind its first marker (ITU T.81, B.2.4.5): bytes that nobody remembers."""
    comment = text.encode()
    return original[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + original[2:]


def charts(levels: Sequence[Level], alone: float) -> list[Chart]:
    """Size of batches, time of an answer, pictures a second."""

    def label(one: Level) -> str:
        return f"{one.clients} client{'s' if one.clients > 1 else ''}"

    sizes = tuple(Bar("", label(one), one.batch, "ours", f"largest {max(map(int, one.batches), default=0)}") for one in levels)
    times = tuple(Bar("", label(one), one.p50_ms, "ours", f"p95 {one.p95_ms:.0f}") for one in levels)
    rates = (
        Bar("", "networks alone", alone, "bound"),
        *(Bar("", label(one), one.rate, "ours", f"{one.rate / alone:.2f}") for one in levels),
    )
    return [
        Chart("micro-batches-size", "Pictures in a batch, mean", "", sizes),
        Chart("micro-batches-latency", "Time of an answer, p50", "ms", times),
        Chart("micro-batches-rate", "Pictures a second, beside the networks alone", "/s", rates),
    ]


def table(levels: Sequence[Level], alone: float) -> str:
    """For the terminal, and for a page."""
    head = ["| clients | p50 ms | p95 ms | pictures/s | of the networks alone | batch, mean | batch, largest | asker's CPU, ms |"]
    head.append("|---:|---:|---:|---:|---:|---:|---:|---:|")
    rows = [
        f"| {one.clients} | {one.p50_ms:.1f} | {one.p95_ms:.1f} | {one.rate:.1f} | {one.rate / alone:.2f} | {one.batch:.2f} "
        f"| {max(map(int, one.batches), default=0)} | {one.asker_ms:.2f} |"
        for one in levels
    ]
    return "\n".join([*head, *rows, f"\nThe networks alone: {alone:.1f} pictures/s. {machine()}"])


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis of this run alone; ended with the block. Raises: RuntimeError where none is installed or it does not answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    line = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "no"]
    try:
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except FileNotFoundError as error:
        raise RuntimeError("There is no redis-server. Install it (Debian: apt-get install redis-server).") from error
    assert process.stdout is not None
    try:
        if not any("Ready to accept connections" in said for said in process.stdout):
            raise RuntimeError(f"redis-server ended with {process.wait()} before it was ready.")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        ended(process)


@contextmanager
def worker(url: str) -> Iterator[None]:
    """One worker process on all cores that keeps nothing of what it saw, from when it is ready; ended with the block."""
    told = environment_of({"LOOKALIKE_REDIS": url, "LOOKALIKE_SEEN_TTL": "0"})
    line = [*COMMAND, "worker", "--queues", "lookalike.looks", "--log-level", "warning"]
    process = subprocess.Popen(line, env=told, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        if not any("ready" in said for said in process.stdout):
            raise RuntimeError(f"lookalike worker ended with {process.wait()} before it was ready.")
        yield
    finally:
        ended(process)


def _analyser(url: str) -> CeleryAnalyser:
    settings: Settings = load(redis=url, queue_looks=10_000)
    return open_celery(recipe_of(settings), _elsewhere, _elsewhere, settings=settings)


def _elsewhere() -> NoReturn:
    raise RuntimeError("The networks are the worker's.")


def _write(out: Path, found: object, drawn: Sequence[Chart]) -> None:
    (out / "pictures").mkdir(parents=True, exist_ok=True)
    (out / "micro-batches.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    for chart in drawn:
        (out / "pictures" / f"{chart.name}.svg").write_text(svg(chart), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
