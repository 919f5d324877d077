"""How long one waits: for the help, for a server over a filled index, for the sample shop the second time."""

import json
import statistics
import time
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.processes import Serving, forget, run, serving
from benchmarks.results import Found, Target

TITLE = "Start"
ABOUT = "Commands as processes, from their start. Cold: no network in the cache yet, and the index dropped from the system's page cache."
QUERY = json.dumps({"text": "red shoe", "limit": 10}).encode()


def measure(bench: Bench) -> Found:
    """Medians; the CPU seconds beside them tell how much of a wait is work."""
    found, times = Found(), bench.size(5, 1)
    bench.tell("start: lookalike --help")
    run("--help")  # writes the bytecode of what a command imports, where there is none yet
    help_runs = [run("--help") for _ in range(times)]
    found.add("`lookalike --help`", statistics.median(one.seconds for one in help_runs), "s")
    _demo(bench, found, min(times, 3))
    index = bench.filled()
    _opening(bench, found, index)
    cold = {"LOOKALIKE_CACHE_DIR": str(bench.folder / "cold")}
    bench.tell("start: serve, cold")
    forget(index)
    first, cpu = _first_answer(index, cold)
    name = f"`lookalike serve` to its first answer, {bench.documents:,} products"
    found.add(f"{name}, cold", first, "s", what=f"{cpu:.1f} s of CPU, converting the network included")
    bench.tell("start: serve, warm")
    warm = [_first_answer(index, {}) for _ in range(min(times, 3))]
    found.add(
        f"{name}, warm", statistics.median(one for one, _ in warm), "s", what=f"{statistics.median(cpu for _, cpu in warm):.1f} s of CPU"
    )
    return found


def _demo(bench: Bench, found: Found, times: int) -> None:
    index = bench.folder / "demo.lookalike"
    bench.tell("start: demo, the first time")
    with serving("demo", "--index", str(index)) as first:
        pass
    found.add("`lookalike demo`, first start", first.seconds, "s", what="the sample shop is indexed; the network is in the cache")
    bench.tell("start: demo, again")
    again: list[Serving] = []
    for _ in range(times):
        with serving("demo", "--index", str(index)) as one:
            again.append(one)
    cpu = statistics.median(one.cpu_seconds for one in again)
    seconds = statistics.median(one.seconds for one in again)
    found.add("`lookalike demo`, second start", seconds, "s", target=Target("≤", 5), what=f"{cpu:.1f} s of CPU")


def _opening(bench: Bench, found: Found, index: Path) -> None:
    from lookalike.engines.embedded import open_embedded

    bench.tell("start: opening the index")
    took = []
    for _ in range(3):
        began = time.perf_counter()
        open_embedded(str(index), read_only=True).close()
        took.append(time.perf_counter() - began)
    size = sum(one.stat().st_size for one in index.rglob("*") if one.is_file())
    began = time.perf_counter()
    for one in index.rglob("*"):
        if one.is_file():
            one.read_bytes()
    read = time.perf_counter() - began
    found.add(f"opening {bench.documents:,} products", statistics.median(took), "s", read, f"reading its {size / 1e6:,.0f} MB")


def _first_answer(index: Path, environment: dict[str, str]) -> tuple[float, float]:
    began = time.perf_counter()
    with serving("serve", "--index", str(index), environment=environment) as server:
        answer = server.post("/v1/search", QUERY)
        seconds = time.perf_counter() - began
        if not answer["hits"]:
            raise RuntimeError("The server found nothing in a filled index.")
        return seconds, server.cpu_seconds
