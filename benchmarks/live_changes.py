"""What a change costs beside indexing: prices patched, products put again unchanged, in the same run on the same products.

    python benchmarks/live_changes.py [--rows 2000] [--pictures FOLDER] [--json]

The HTTP API over the default networks and an embedded index in a temporary folder, by `products:bulk` and one by one. The
pictures are those of the sample shop, or of FOLDER, each made another by a few bytes behind its end. CPU seconds are those of
all threads of the process; on a busy machine the ratio of these is the one to trust. Exit status 1 where a promise is missed:
patches at 1/20 of indexing, and no picture looked at by a patch or an unchanged put.
"""

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from lookalike.analysers.local import LocalAnalyser
from lookalike.bootstrap import build
from lookalike.cli.main import collect_seldom
from lookalike.ports.vision import Look
from lookalike.settings import load
from query_api.app import create_app
from query_api.options import Options

SINGLE = 200
"""Products that are also changed one by one."""
PROMISED = 1 / 20


class Counter:
    """How many pictures the analyser is shown."""

    def __init__(self) -> None:
        self.looks = 0
        inner = LocalAnalyser.analyse

        def analyse(one: LocalAnalyser, looks: Sequence[Look], deadline: float | None = None) -> Any:
            self.looks += len(looks)
            return inner(one, looks, deadline)

        setattr(LocalAnalyser, "analyse", analyse)  # noqa: B010 — the house builds its own analyser; this counts on its way


def measured(what: Callable[[], None], counter: Counter, rows: int) -> dict[str, float]:
    """Wall and CPU seconds of something, and the pictures it looked at."""
    looks, wall, cpu = counter.looks, time.perf_counter(), time.process_time()
    what()
    took = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    return {**took, "rows_per_second": rows / took["seconds"], "looks": counter.looks - looks}


def bulk(client: FlaskClient, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The job of some rows, once it has ended."""
    body = "".join(json.dumps(row) + "\n" for row in rows)
    job: Any = client.post("/v1/products:bulk", data=body, headers={"Content-Type": "application/x-ndjson"}).json
    while job["state"] in ("queued", "running"):
        time.sleep(0.02)
        job = client.get(f"/v1/jobs/{job['id']}").json
    if job["state"] != "done" or job["errors"]:
        raise SystemExit(f"The job ended as {job['state']}: {job['errors'][:3]}")
    told: dict[str, Any] = job
    return told


def run(count: int, pictures: Sequence[Path], folder: Path) -> dict[str, dict[str, float]]:
    """Every measurement."""
    root = folder / "pictures"
    root.mkdir()
    rows = []
    for number, source in zip(range(count), itertools.cycle(pictures), strict=False):
        (root / f"{number}.jpg").write_bytes(source.read_bytes() + number.to_bytes(4, "little"))
        rows.append({"id": f"p{number}", "title": f"{source.stem} number {number}", "price": 10.0, "pictures": [f"{number}.jpg"]})
    counter, found = Counter(), {}
    with build(load(index=str(folder / "bench.lookalike"), picture_root=root)) as house:
        client = create_app(house, Options(max_body=100_000_000)).test_client()
        bulk(client, [rows[0] | {"id": "warm"}])  # the networks are built by the first picture
        found["index"] = measured(lambda: void(bulk(client, rows)), counter, count)
        found["put unchanged"] = measured(lambda: void(bulk(client, rows)), counter, count)
        prices = [{"op": "patch", "id": row["id"], "product": {"price": 11.0, "in_stock": True}} for row in rows]
        found["patch"] = measured(lambda: void(bulk(client, prices)), counter, count)
        found["patch unchanged"] = measured(lambda: void(bulk(client, prices)), counter, count)
        few = rows[:SINGLE]

        def patches() -> None:
            for row in few:
                assert client.patch(f"/v1/products/{row['id']}", json={"price": 12}).status_code == 200

        def puts() -> None:
            for row in few:
                assert client.put(f"/v1/products/{row['id']}", json=row | {"price": 12, "in_stock": True}).status_code == 200

        found["patch, one by one"] = measured(patches, counter, len(few))
        found["put unchanged, one by one"] = measured(puts, counter, len(few))
    for one in found.values():
        one["ratio"] = found["index"]["rows_per_second"] / one["rows_per_second"]
    alike = [one for name, one in found.items() if "one by one" not in name]
    for one in alike:
        one["cpu_ratio"] = one["cpu_seconds"] / found["index"]["cpu_seconds"]
    return found


def void(_: object) -> None:
    """A call whose answer does not matter here."""


def main() -> None:
    """The command."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=2_000)
    options.add_argument("--pictures", type=Path)
    options.add_argument("--json", action="store_true")
    told = options.parse_args()
    collect_seldom()  # as `lookalike serve` does
    with as_file(files("lookalike") / "sample_shop") as sample, tempfile.TemporaryDirectory() as folder:
        pictures = sorted((told.pictures or sample).rglob("*.jpg"))
        found = run(told.rows, pictures, Path(folder))
    if told.json:
        print(json.dumps(found))
    else:
        for name, one in found.items():
            print(f"{name:26} {one['rows_per_second']:8.0f} rows/s   {one['ratio']:.4f} of indexing   {one['looks']:.0f} looks", end="")
            print(f"   CPU {one['cpu_ratio']:.4f}" if "cpu_ratio" in one else "")
    missed = min(found["patch"]["ratio"], found["patch"]["cpu_ratio"]) > PROMISED
    if missed or any(one["looks"] for name, one in found.items() if name != "index"):
        sys.exit("A promise is missed: patches take more than 1/20 of indexing, or a picture was looked at again.")


if __name__ == "__main__":
    main()
