"""Our analysis cache keeps the public contract, and what a file promises besides."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from lookalike.pictures.analyses import AnalysisFile
from lookalike.ports.analyses import AnalysisCache
from lookalike.testing.analyses import AnalysisCacheContract, same, seen_pictures

_WRITER = """
import sys
from pathlib import Path
from lookalike.pictures.analyses import AnalysisFile
from lookalike.testing.analyses import seen_pictures
cache = AnalysisFile(Path(sys.argv[1]), 100_000_000)
for seed in range(int(sys.argv[2]), int(sys.argv[3])):
    cache.keep(seen_pictures(5, seed=seed))
    print(seed, flush=True)
"""


class TestMemory(AnalysisCacheContract):
    """Without a path."""

    def make_cache(self) -> AnalysisCache:
        """In memory."""
        return AnalysisFile(None, 1_000_000)


class TestFile(AnalysisCacheContract):
    """In a file."""

    @pytest.fixture(autouse=True)
    def _around(self, tmp_path: Path) -> None:
        self.path = tmp_path / "not" / "there" / "yet" / "analyses.sqlite"

    def make_cache(self) -> AnalysisCache:
        """In a folder that is made when it is needed."""
        return AnalysisFile(self.path, 1_000_000)

    def test_it_survives_the_process(self) -> None:
        """Another one finds what was kept."""
        cache, seen = self.make_cache(), seen_pictures(20)
        cache.keep(seen)
        cache.close()
        again = self.make_cache()
        found = again.find(list(seen))
        assert all(same(found.get(key), one) for key, one in seen.items())
        again.close()

    def test_nothing_that_was_kept_is_lost_by_a_kill_and_two_processes_may_write(self) -> None:
        """Each is killed in the middle of its writing; what it had reported is there, whole."""
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", _WRITER, str(self.path), str(first), str(first + 10_000)], stdout=subprocess.PIPE, text=True
            )
            for first in (10_000, 20_000)
        ]
        reported: list[int] = []
        for writer in writers:
            assert writer.stdout is not None
            reported += [int(writer.stdout.readline()) for _ in range(15)]
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
            assert writer.stdout is not None
            reported += [int(line) for line in writer.stdout if line.endswith("\n")]
            writer.wait(10)
            writer.stdout.close()
        cache = AnalysisFile(self.path, 100_000_000)
        assert len(reported) >= 30
        for seed in reported:
            seen = seen_pictures(5, seed=seed)
            found = cache.find(list(seen))
            assert all(same(found.get(key), one) for key, one in seen.items())
        cache.keep(seen_pictures(5))
        cache.close()

    def test_it_keeps_to_its_size_and_forgets_what_was_used_longest_ago(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """By the day; the file does not grow for ever."""
        old, used = seen_pictures(300, seed=1), seen_pictures(20, seed=2)
        cache, now = AnalysisFile(self.path, 1_000_000), time.time()
        cache.keep(used | old)
        monkeypatch.setattr(time, "time", lambda: now + 86_400)
        assert len(cache.find(list(used))) == 20
        for seed in range(3, 7):
            cache.keep(seen_pictures(300, seed=seed))
        assert len(cache.find(list(used))) == 20, "used yesterday, so older ones went"
        assert len(cache.find(list(old))) < 300
        cache.close()
        assert self.path.stat().st_size < 2_000_000

    def test_without_room_nothing_is_remembered(self) -> None:
        """And no file is made."""
        cache, seen = AnalysisFile(self.path, 0), seen_pictures(1)
        cache.keep(seen)
        assert cache.find(list(seen)) == {}
        cache.close()
        assert not self.path.exists()

    def test_what_a_disk_has_spoiled_is_not_found(self) -> None:
        """A row that changed is looked at again; a file that is no database is begun anew."""
        cache, seen = self.make_cache(), seen_pictures(3)
        cache.keep(seen)
        cache.close()
        with closing(sqlite3.connect(self.path)) as connection, connection:
            rows = connection.execute("SELECT id, body FROM analyses ORDER BY id").fetchall()
            told = json.loads(rows[0][1]) | {"width": 1}
            connection.execute("UPDATE analyses SET body = ? WHERE id = ?", (json.dumps(told).encode(), rows[0][0]))
        cache = self.make_cache()
        assert len(cache.find(list(seen))) == 2
        cache.close()
        self.path.write_bytes(b"no database at all " * 1000)
        cache = self.make_cache()
        assert cache.find(list(seen)) == {}
        cache.keep(seen)
        assert len(cache.find(list(seen))) == 3
        cache.close()
