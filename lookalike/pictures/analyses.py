"""What was seen in the bytes, beside the bytes: analyses in one file of bounded size."""

import sqlite3
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from lookalike.domain.analysis import Analysis, unpacked
from lookalike.pictures.cache_file import CacheFile
from lookalike.ports.analyses import LookKey, name_of

_SCHEMA = """
CREATE TABLE IF NOT EXISTS analyses (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, used INTEGER NOT NULL, sum INTEGER NOT NULL, body BLOB NOT NULL, vectors BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS by_use ON analyses (used)
"""
_VERSION = 1
_DAY_SECONDS = 86_400
_DROPPED_AT_ONCE = 256


class AnalysisFile:
    """AnalysisCache in a file; without a path in memory. Above `most_bytes` what was used longest ago goes, by the day."""

    def __init__(self, path: Path | None, most_bytes: int) -> None:
        self._file, self._most_bytes = CacheFile(path, _SCHEMA, _VERSION), most_bytes

    def find(self, keys: Sequence[LookKey]) -> dict[LookKey, Analysis]:
        """What is remembered of these."""
        today = int(time.time()) // _DAY_SECONDS

        def found(connection: sqlite3.Connection) -> dict[LookKey, Analysis]:
            seen, stale = {}, []
            for key in keys:
                row = connection.execute("SELECT id, used, sum, body, vectors FROM analyses WHERE key = ?", (name_of(key),)).fetchone()
                analysis = None if row is None else _read(key, *row[2:])
                if analysis is not None:
                    seen[key] = analysis
                    if row[1] < today:  # once a day: a use costs no write
                        stale.append((today, row[0]))
            if stale:
                connection.executemany("UPDATE analyses SET used = ? WHERE id = ?", stale)
            return seen

        return self._file.run(found, {}) if keys and self._most_bytes > 0 else {}

    def keep(self, seen: Mapping[LookKey, Analysis]) -> None:
        """Remember; what is oldest makes room."""
        today = int(time.time()) // _DAY_SECONDS
        rows = [(name_of(key), today, *_written(one)) for key, one in seen.items()]

        def kept(connection: sqlite3.Connection) -> None:
            connection.executemany("REPLACE INTO analyses (key, used, sum, body, vectors) VALUES (?, ?, ?, ?, ?)", rows)
            while _bytes_used(connection) > self._most_bytes:
                oldest = "SELECT id FROM analyses ORDER BY used, id LIMIT ?"
                gone = connection.execute(f"DELETE FROM analyses WHERE id IN ({oldest})", (_DROPPED_AT_ONCE,))  # noqa: S608 — our own text
                if gone.rowcount < 1:
                    break

        if rows and self._most_bytes > 0:
            self._file.run(kept, None)

    def close(self) -> None:
        """Give back the file."""
        self._file.close()


def _bytes_used(connection: sqlite3.Connection) -> int:
    """Of the file, without what is free in it."""
    pages, free, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size"))
    return int((pages - free) * size)


def _written(analysis: Analysis) -> tuple[int, bytes, bytes]:
    """(checksum, JSON, vectors), to the last digit, so that it does not matter who saw it first."""
    told, vectors = analysis.packed()
    body = msgspec.json.encode(told)
    return zlib.crc32(vectors, zlib.crc32(body)), body, vectors


def _read(key: LookKey, told_sum: int, body: bytes, vectors: bytes) -> Analysis | None:
    """The analysis of a row; None where it is another's or a disk has spoiled it."""
    if zlib.crc32(vectors, zlib.crc32(body)) != told_sum:
        return None
    try:
        told = msgspec.json.decode(body)
        ours = (told["digest"], told["recipe"]) == (key.digest, key.recipe_id)
        return unpacked(told, vectors) if ours else None
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):  # a version of ours that told something else
        return None
