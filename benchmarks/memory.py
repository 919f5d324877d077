"""Does memory stay flat while a catalogue is read, and what does an index cost while it is served?"""

import json
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.processes import run, serving
from benchmarks.results import Bar, Chart, Found, Target

TITLE = "Memory"
ABOUT = (
    "Resident memory in MB (10⁶ bytes) of the real commands. Ingest: the largest at any moment of `lookalike index`; each size goes on "
    "where the one before stopped. Serving: once searches have been answered, against the vectors alone as fp32."
)
MB = 1e6


def measure(bench: Bench) -> Found:
    """Ingest at three sizes, serving at one."""
    found = Found()
    sizes = [bench.size(full, quick) for full, quick in ((1_000, 100), (5_000, 200), (20_000, 400))]
    source = bench.folder / "rows.jsonl"
    _rows(source, bench.pictures(sizes[-1]), sizes[-1])
    peaks = []
    for size in sizes:
        bench.tell(f"memory: index, {size:,} rows")
        done = run("index", str(source), "--as", "jsonl", "--limit", str(size), "--index", str(bench.folder / "rows.lookalike"), "--json")
        counts = json.loads(done.out)["counts"]
        if counts["failed"]:
            raise RuntimeError(f"Some rows were not indexed: {counts}.")
        peaks.append(done.peak_mb)
        first = peaks[0] if len(peaks) > 1 else None
        found.add(f"`lookalike index`, {size:,} rows, peak", done.peak_mb, "MB", first, f"{sizes[0]:,} rows")
    bench.tell("memory: serve")
    empty, filled = _served(bench.folder / "nothing.lookalike"), _served(bench.filled())
    raw = bench.documents * 256 * 4 / MB
    name = f"`lookalike serve`, {bench.documents:,} products"
    found.add("`lookalike serve`, empty index", empty, "MB")
    found.add(name, filled, "MB")
    found.add(f"{name}, above the empty index", filled - empty, "MB", raw, "vectors as fp32")
    # The index grows with its products; ingest itself must hold nothing. Small sizes tell nothing of so small a difference.
    growth = (peaks[-1] - peaks[1]) * MB / 1000 / (sizes[-1] - sizes[1])
    held = (filled - empty) * MB / 1000 / bench.documents
    target = None if bench.quick else Target("≤", 1.5, "ratio")
    found.add(
        f"ingest, each row from {sizes[1]:,} to {sizes[-1]:,}", growth, "kB", held, "a product of an index that is served", target=target
    )
    bars = [Bar("index, peak", f"{size:,} rows", peak, "ours") for size, peak in zip(sizes, peaks, strict=True)]
    bars += [Bar("serve", "empty", empty, "ours"), Bar("serve", f"{bench.documents:,} products", filled, "ours")]
    found.charts.append(Chart("memory", "Resident memory", "MB", (*bars, Bar("serve", "vectors as fp32 alone", raw, "bound"))))
    return found


def _served(index: Path) -> float:
    with serving("serve", "--index", str(index)) as server:
        for _ in range(20):
            server.post("/v1/search", json.dumps({"text": "red shoe", "facets": ["brand"], "limit": 24}).encode())
            server.post("/v1/search", json.dumps({"like": [{"vector": [1.0] * 256}], "limit": 24}).encode())
        return server.memory_mb()


def _rows(path: Path, pictures: list[Path], count: int) -> None:
    """So many products; where there are fewer pictures some share one."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            picture = str(pictures[number % len(pictures)])
            title = f"Product number {number} of a long catalogue"
            told = {
                "id": f"p{number}",
                "title": title,
                "category": f"Shop > Part {number % 40}",
                "price": number % 500,
                "pictures": [picture],
            }
            file.write(json.dumps(told) + "\n")
