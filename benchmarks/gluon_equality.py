"""Equality of GluonCV and ONNX for each network, by name; writes the table of docs/gluon.md. Needs the environment of `make gluon`.

`.venv-gluon/bin/python -m benchmarks.gluon_equality [NAME …]`: random weights (seed 7), each network in a process of its own, so that
one's memory is free for the next. Rows of networks that are not named stay as they are.
"""

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lookalike.vision.gluon.networks import NETWORKS, network_named

PAGE = Path(__file__).resolve().parents[1] / "docs" / "gluon.md"
BEGIN, END = "<!-- equality, by benchmarks/gluon_equality.py -->", "<!-- end of equality -->"
HEAD = "| network | output | input | compared | spread | max \\|Δ\\| | apart | ties | ONNX, MB | CPU s | memory, MB |"
SEED, PICTURES = 7, 2
REGIONS = 100
"""That Faster R-CNN looks at again: with GluonCV's 1,000 it takes 8 GB and three minutes."""


def measured(name: str) -> list[str]:
    """The rows of one network, as lines of the table. Raises: NetworkRefused where it is not equal."""
    from lookalike.vision.gluon.importing import import_network
    from lookalike.vision.networks.zoo import Zoo

    began, network = time.process_time(), network_named(name)
    with tempfile.TemporaryDirectory(prefix="lookalike-gluon-") as folder:
        done = import_network(name, Zoo(Path(folder)), None, SEED, pictures=PICTURES, proposals=REGIONS if network.proposals else 0)
    megabytes, seconds = (done.card.files.network.bytes or 0) / 1e6, time.process_time() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    high, wide = network.size
    costs = f"{megabytes:,.0f} | {seconds:,.0f} | {memory:,.0f}"
    return [
        f"| {name} | {one.output} | {high} × {wide} | {one.compared:,} | {one.spread:.2g} | {one.difference:.1e} "
        f"| {one.apart} | {one.ties} | {costs} |"
        for one in done.proof
    ]


def main(names: list[str]) -> int:
    """Measure, print, write. The status is 1 where a network could not be exported or is not equal."""
    from lookalike.vision.gluon.runtime import versions

    before = _rows(PAGE.read_text(encoding="utf-8"))
    failed = []
    for name in names or list(NETWORKS):
        line = [sys.executable, "-W", "ignore", "-m", "benchmarks.gluon_equality", "--one", name]
        ended = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=False)
        told = [one for one in ended.stdout.splitlines() if one.startswith("[")]
        if ended.returncode or not told:
            failed.append(name)
            continue
        before[name] = json.loads(told[-1])
        print("\n".join(before[name]), flush=True)
        _write(before, versions())
    print(f"failed: {', '.join(failed)}" if failed else "equal: every network that was asked for")
    return 1 if failed else 0


def _rows(page: str) -> dict[str, list[str]]:
    """What the page holds already, by network."""
    found: dict[str, list[str]] = {}
    for line in page.partition(BEGIN)[2].partition(END)[0].splitlines():
        if (told := re.match(r"\| (\S+) \|", line)) and told[1] in NETWORKS:
            found.setdefault(told[1], []).append(line)
    return found


def _write(rows: dict[str, list[str]], versions: dict[str, str]) -> None:
    about = ", ".join(f"{name} {number}" for name, number in versions.items())
    lines = [f"{PICTURES} random pictures, random weights of seed {SEED}; {about}.", "", HEAD, "|" + "---|" * 11]
    lines += [line for name in NETWORKS for line in rows.get(name, [])]
    page = PAGE.read_text(encoding="utf-8")
    start, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    PAGE.write_text(page[:start] + "\n" + "\n".join(lines) + "\n" + page[end:], encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measured(sys.argv[2]), ensure_ascii=False))
    else:
        sys.exit(main(sys.argv[1:]))
