"""Benchmarks, small but real: the command, its file and its page."""

import subprocess
import sys
from pathlib import Path

from benchmarks import results

ROOT = Path(__file__).parents[2]


def test_a_quick_run_measures_what_the_page_shows(tmp_path: Path) -> None:
    """The real API against a real server. How fast this machine is does not matter here; that figures make sense does."""
    line = [sys.executable, "-m", "benchmarks", "api", "ingest", "--quick", "--out", str(tmp_path)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode in (0, 1), done.stderr
    reports = results.load(tmp_path / "benchmarks.json")
    assert {name: one.error for name, one in reports.items()} == {"api": None, "ingest": None}
    api = {one.name: one for one in reports["api"].results}
    assert api["words, filter and facet, p50"].ours > 0
    stages = {one.name: one for one in reports["ingest"].results if one.name.startswith("stage")}
    assert sum(one.ratio or 0 for one in stages.values()) > 0.99
    assert stages["stage: network"].ours > stages["stage: read"].ours
    told = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "## API" in told
    assert "## Ingest" in told
    assert all((tmp_path / "pictures" / f"{chart.name}.svg").is_file() for one in reports.values() for chart in one.charts)
