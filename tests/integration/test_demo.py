"""`lookalike demo`: what `make run` starts."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TOY = str(Path(__file__).with_name("toy_cli.py"))
SAMPLE = Path(__file__).parents[2] / "lookalike" / "sample_shop" / "products.jsonl"


@contextmanager
def demo(index: Path, **environment: str) -> Iterator[tuple[str, float]]:
    """The demo with a toy for a network; gives its address once it is ready, and how many seconds that took."""
    line = [sys.executable, TOY, "demo", "--index", str(index), "--port", "0"]
    began = time.monotonic()
    process = subprocess.Popen(line, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        told = next((line for line in process.stdout if "ready" in line), None)
        assert told is not None, process.stderr.read()
        yield next(word for word in told.split() if word.startswith("http://")), time.monotonic() - began
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0


def count(address: str) -> int:
    with urllib.request.urlopen(f"{address}/readyz", timeout=20) as answer:
        told: int = json.loads(answer.read())["documents"]
        return told


def test_the_sample_shop_is_indexed_once_and_served(tmp_path: Path) -> None:
    """The second start looks at nothing again; and a version that sees differently builds it anew by itself."""
    wanted = sum(1 for line in SAMPLE.read_text(encoding="utf-8").splitlines() if line.strip())
    index = tmp_path / "demo.lookalike"
    with demo(index) as (address, _):
        assert count(address) == wanted
    with demo(index, TOY_SLOW="0.5") as (address, seconds):  # looking at all again would take minutes
        assert count(address) == wanted
        assert seconds < 30
    with demo(index, TOY_RECIPE="other") as (address, _):
        assert count(address) == wanted
