"""The two forms of an export against each other: size, documents a second out and in, peak memory.

    python -m benchmarks.export [--documents 20000] [--json]

Documents with all fields and vectors of the default recipe's size in a memory engine and an embedded one. Times are CPU seconds of a
fresh process a figure; "read" makes documents of the file and does nothing with them, "import" puts them into an embedded index,
"again" is the same import a second time.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from benchmarks.processes import status_mb
from lookalike.domain.analysis import Recipe
from lookalike.engines.embedded import open_embedded
from lookalike.ports.engine import SearchEngine, Write
from lookalike.services.export import export_lines, read_lines
from lookalike.services.importing import import_documents
from lookalike.services.packing import pack, unpack
from lookalike.testing.documents import make_documents

RECIPE = Recipe("benchmark", 256, 58)
FORMS = ("jsonl", "packed")


def opened(path: Path) -> SearchEngine:
    """An embedded index, prepared."""
    engine: SearchEngine = open_embedded(str(path))
    engine.prepare(RECIPE)
    return engine


def fill(path: Path, documents: int) -> None:
    """Make the index that is exported."""
    engine = opened(path)
    for start in range(0, documents, 1000):
        made = make_documents(start, min(1000, documents - start), recipe=RECIPE)
        engine.put([Write(replace(one, product=replace(one.product, id=f"{one.id}-{start}"))) for one in made])
    engine.close()


def step(form: str, what: str, index: Path, file: Path) -> dict[str, float]:
    """One measured step in this process."""
    engine = opened(index)
    done = 0
    began = time.process_time()
    if what == "export":
        parts: Iterable[bytes] = (
            pack(engine.documents(), RECIPE.id) if form == "packed" else (f"{one}\n".encode() for one in export_lines(engine.documents()))
        )
        with file.open("wb") as out:
            out.writelines(parts)
        done = engine.status().documents
    else:
        with file.open("rb") as source:
            batches = (unpack if form == "packed" else read_lines)(source, RECIPE)
            if what == "read":
                done = sum(len(batch) for batch in batches)
            else:
                *_, last = import_documents(batches, engine)
                done = last.written + last.unchanged
    spent = time.process_time() - began
    engine.close()
    return {"per_second": round(done / spent), "peak_mb": round(status_mb(os.getpid(), "VmHWM"), 1)}


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--step", nargs=4, help=argparse.SUPPRESS)
    told = parser.parse_args(argv)
    if told.step:
        form, what, index, file = told.step
        print(json.dumps(step(form, what, Path(index), Path(file))))
        return
    report: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder / "index", told.documents)
        for form in FORMS:
            file, target = folder / f"shop.{form}", folder / f"target-{form}"
            found: dict[str, object] = {}
            for what, index in (("export", folder / "index"), ("read", target), ("import", target), ("again", target)):
                words = [sys.executable, "-m", "benchmarks.export", "--step", form, what, str(index), str(file)]
                found[what] = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
            size = file.stat().st_size
            found |= {"bytes": size, "bytes_each": round(size / told.documents), "bytes_gzipped": len(gzip.compress(file.read_bytes(), 6))}
            report[form] = found
            if not told.json:
                print(form, json.dumps(found))
    if told.json:
        print(json.dumps(report))


if __name__ == "__main__":
    main()
