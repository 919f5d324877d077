"""The environment of `make gluon`, for tests that run something in it."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-gluon" / "bin" / "python"


def python() -> str:
    """Its Python; the test is skipped where there is none."""
    if not PYTHON.exists():
        pytest.skip("no environment with MXNet here: make gluon")
    return str(PYTHON)


def run(*words: str, seconds: float) -> subprocess.CompletedProcess[str]:
    """Run its Python on these words, quietly, in the root of the tree."""
    # threads that spin while they wait would take the cores from whatever else runs here
    told = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [python(), "-W", "ignore", *words], env=told, cwd=ROOT, text=True, capture_output=True, timeout=seconds, check=False
    )
