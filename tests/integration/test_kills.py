"""`kill -9` while the real command indexes; `benchmarks/kills.py` does the same with fifty kills and five thousand pictures."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_kills_change_nothing_and_no_finished_picture_is_looked_at_again() -> None:
    """Five kills at random moments: the index equals the undisturbed one to the byte, and only what was in flight is seen twice."""
    line = [sys.executable, str(ROOT / "benchmarks" / "kills.py"), "--made", "--pictures", "200", "--kills", "5", "--slow", "0.01"]
    done = subprocess.run([*line, "--embedder", "mean-colour", "--json"], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    assert found["kills_that_landed"] >= 3
    assert found["equal"]
    assert found["looked_again"] == 0
    assert found["looks_undisturbed"] == found["pictures"] == 200
    assert found["looks"] >= 200
    assert found["most_lost_by_a_kill"] <= found["in_flight_at_most"]
    assert found["looks_of_a_further_run"] == 0
