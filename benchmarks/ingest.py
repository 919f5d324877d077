"""`lookalike index` and `products:bulk` against the bound that decoder and network set: 1 ÷ (t_model + t_decode).

The same pictures on the same cores, in turns.
"""

import csv
import json
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import simplejpeg

from benchmarks.bench import Bench, cache_folder
from benchmarks.processes import run, serving
from benchmarks.results import Bar, Chart, Found, Target
from lookalike import bootstrap
from lookalike.analysers.local import cores
from lookalike.domain.product import Product
from lookalike.pictures.decode import PillowDecoder
from lookalike.services.changes import Change
from lookalike.services.intake import Intake
from lookalike.settings import load
from lookalike.vision.efficientnet_lite.cards import card_of
from lookalike.vision.efficientnet_lite.windows import windows_of
from lookalike.vision.efficientnet_lite.zoo import model_of, precision_here
from lookalike.vision.preparation import square
from lookalike.vision.seeing import open_seer
from lookalike.vision.sessions import open_session

TITLE = "Ingest"
ABOUT = (
    "Products a second of `lookalike index` as a process, by the `seconds` that it reports, on JPEGs with a CSV of titles; and of "
    "`POST /v1/products:bulk` to `lookalike serve`, from the first byte sent until the job is done, the same JPEGs. The bound "
    "does nothing but decode each JPEG with libjpeg-turbo and run the network on a ready input, one thread a core, bytes in memory: "
    "the network whole, while ours leaves white ground out of its first blocks (docs/decisions/0140)."
)
T = TypeVar("T")
KEPT = 128
"""Inputs of the bare network that are kept ready: how long it takes does not depend on what is on a picture."""


def measure(bench: Bench) -> Found:
    """The rates in turns, and where a picture's time goes on one thread."""
    found, rounds = Found(), bench.size(5, 1)
    pictures = bench.pictures(bench.size(5_000, 250))
    source = bench.folder / "pictures.csv"
    _catalogue(source, pictures)
    contents = [one.read_bytes() for one in pictures]
    precision, side = precision_here("auto"), card_of("lite0").input_side
    session, windowed = (open_session(model_of("lite0", precision, windows)) for windows in (False, True))
    ready = [square(simplejpeg.decode_jpeg(one, "RGB"), side)[None] for one in contents[:KEPT]]

    def decode(number: int) -> None:
        simplejpeg.decode_jpeg(contents[number], "RGB")

    def see(number: int) -> None:
        session.run(["vector", "logits"], {"pictures": ready[number % len(ready)]})

    def see_windows(number: int) -> None:
        picture = ready[number % len(ready)]
        windowed.run(["vector", "logits"], {"pictures": picture, "windows": windows_of(picture)})

    def both(number: int) -> None:
        decode(number)
        see(number)

    both(0)
    raw, ours, bulk, whole, cpu, raw_cpu = [], [], [], [], [], []
    for turn in range(rounds):
        bench.tell(f"ingest: round {turn + 1} of {rounds}, {len(pictures):,} pictures through decoder and network alone")
        began = time.process_time()
        raw.append(_rate(both, len(contents)))
        raw_cpu.append((time.process_time() - began) / len(pictures) * 1000)
        bench.tell(f"ingest: round {turn + 1} of {rounds}, lookalike index")
        index = bench.folder / "ingest.lookalike"
        done = run("index", str(source), "--as", "csv", "--map", "title=name", "--index", str(index), "--json")
        told = json.loads(done.out)
        if told["counts"]["indexed"] != len(pictures):
            raise RuntimeError(f"Not every picture was indexed: {told['counts']}.")
        ours.append(len(pictures) / told["seconds"])
        whole.append(len(pictures) / done.seconds)
        cpu.append(done.cpu_seconds / len(pictures) * 1000)
        shutil.rmtree(index)
        bench.tell(f"ingest: round {turn + 1} of {rounds}, products:bulk")
        bulk.append(_bulk_rate(bench, index, pictures))
        shutil.rmtree(index)
    rate, bound = statistics.median(ours), statistics.median(raw)
    found.add(f"`lookalike index`, {len(pictures):,} pictures", rate, "/s", bound, "decoder + network", target=Target("≥", 0.9, "ratio"))
    found.add("`products:bulk`, the same", statistics.median(bulk), "/s", bound, "decoder + network", target=Target("≥", 0.9, "ratio"))
    found.add("`lookalike index` with the process's own start", statistics.median(whole), "/s", bound, "decoder + network")
    found.add("CPU a picture, start included", statistics.median(cpu), "ms", statistics.median(raw_cpu), "decoder + network")
    spread, bulk_spread = (", ".join(f"{one / other:.2f}" for one, other in zip(some, raw, strict=True)) for some in (ours, bulk))
    kind = "fashion" if bench.shared else "the sample shop"
    found.notes.append(
        f"Ratios of the rounds: {spread}; bulk {bulk_spread}. Pictures of {kind}, {precision} arithmetic, {cores()} threads."
    )
    bench.tell("ingest: time by stage, one thread")
    stages = _stages(bench, pictures[: bench.size(512, 64)], see_windows)
    total = sum(stages.values())
    for name, milliseconds in stages.items():
        found.add(f"stage: {name}", milliseconds, "ms", total, "all stages, one thread")
    bars = (
        Bar("", "decoder + network alone", bound, "bound"),
        *(
            Bar("", name, one, "ours", f"ratio {one / bound:.2f}")
            for name, one in (("lookalike index", rate), ("products:bulk", statistics.median(bulk)))
        ),
    )
    found.charts.append(Chart("ingest", f"Pictures a second on {cores()} cores", "/s", bars))
    shares = tuple(Bar("", name, value, "ours", f"{value / total:.0%}") for name, value in stages.items())
    found.charts.append(Chart("ingest-stages", "Where a picture's time goes, one thread", "ms", shares))
    return found


def _bulk_rate(bench: Bench, index: Path, pictures: Sequence[Path]) -> float:
    """Products a second of one bulk request to a server of its own, until its job is done. Raises: RuntimeError."""
    rows = [json.dumps({"id": f"p{number}", "title": f"Product {one.stem}", "pictures": [str(one)]}) for number, one in enumerate(pictures)]
    body = "\n".join(rows).encode()
    with serving("serve", "--index", str(index), environment={"LOOKALIKE_PICTURE_ROOT": str(pictures[0].parent)}) as server:
        began = time.perf_counter()
        job = server.post("/v1/products:bulk", body, "application/x-ndjson")
        while job["state"] in ("queued", "running"):
            time.sleep(0.1)
            job = server.get(f"/v1/jobs/{job['id']}")
        took = time.perf_counter() - began
    if job["counts"]["done"] != len(pictures):
        raise RuntimeError(f"Not every picture was indexed: {job}.")
    return len(pictures) / took


def _stages(bench: Bench, pictures: Sequence[Path], see: Callable[[int], None]) -> dict[str, float]:
    """CPU milliseconds a picture: read and write by the indexer's own steps, the seer's rest by what it takes beyond the network."""
    with bootstrap.build(load(index=str(bench.folder / "stages.lookalike"))) as house:
        intake = Intake(house.engine, house.analyser, house.pictures, house.recipe)
        changes = [
            Change(number, "put", f"p{number}", Product(f"p{number}", title=f"Product {number}", pictures=(str(one),)))
            for number, one in enumerate(pictures)
        ]
        groups = [changes[start : start + 64] for start in range(0, len(changes), 64)]
        batches, read = _cpu(lambda: [intake.read(group) for group in groups])
        contents = [one.read_bytes() for one in pictures]
        decoder, seer = PillowDecoder(), open_seer("default", cache_folder())
        seer.warm_up()
        decoded, decode = _cpu(lambda: [(decoder.decode(one), None) for one in contents])
        _, network = _cpu(lambda: _each(see, range(len(contents))))
        _, whole = _cpu(lambda: [seer.analyse(decoded[start : start + 8]) for start in range(0, len(decoded), 8)])
        looked = [intake.look(one) for one in batches]
        _, write = _cpu(lambda: [intake.write(one) for one in looked])
    each = 1000 / len(pictures)
    told = {"read": read, "decode": decode, "network": network, "rest of seeing": max(0.0, whole - network), "write": write}
    return {name: seconds * each for name, seconds in told.items()}


def _cpu(work: Callable[[], T]) -> tuple[T, float]:
    began = time.process_time()
    return work(), time.process_time() - began


def _each(work: Callable[[int], None], numbers: range) -> None:
    for number in numbers:
        work(number)


def _rate(work: Callable[[int], None], count: int) -> float:
    """Calls a second, one thread a core."""
    began = time.perf_counter()
    with ThreadPoolExecutor(cores()) as pool:
        shares = [range(start, count, cores()) for start in range(cores())]
        list(pool.map(lambda share: _each(work, share), shares))
    return count / (time.perf_counter() - began)


def _catalogue(path: Path, pictures: Sequence[Path]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "name", "picture"])
        rows.writerows([f"p{number}", f"Product {one.stem}", str(one)] for number, one in enumerate(pictures))
