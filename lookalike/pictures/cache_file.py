"""A SQLite file that can be made again: nobody waits for the disk, and one that is damaged is begun anew."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

Value = TypeVar("Value")
_LOG = logging.getLogger(__name__)
_WAIT_SECONDS = 5.0
_BREATH_SECONDS = 0.02


class CacheFile:
    """What is in it survives the process, `kill -9` included; after a power cut the last of it may be missing.

    Threads and processes may use it at once. `schema` is a script that may run again; `version` says which one made a file:
    a file of another is thrown away. `path` None keeps everything in memory. It is opened by the first use. Where it cannot
    be used (a full disk, a folder that may not be written) a warning is logged once, and nothing is remembered.
    """

    def __init__(self, path: Path | None, schema: str, version: int) -> None:
        self._path, self._schema, self._version = path, schema, version
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._useless = False

    def run(self, work: Callable[[sqlite3.Connection], Value], otherwise: Value) -> Value:
        """What `work` gives, in a transaction of its own; `otherwise` where the file cannot be used."""
        with self._lock:
            if self._useless:
                return otherwise
            try:
                return self._worked(work)
            except sqlite3.OperationalError as error:  # locked for long, full, read-only: the next time may be better
                return self._without(error, otherwise)
            except (sqlite3.DatabaseError, OSError) as error:
                return self._anew(error, otherwise)

    def close(self) -> None:
        """Give back the file; nothing is remembered after it."""
        with self._lock:
            self._useless = True
            self._shut()

    def _worked(self, work: Callable[[sqlite3.Connection], Value]) -> Value:
        if self._connection is None:
            self._connection = self._opened()
        with self._connection as connection:
            return work(connection)

    def _opened(self) -> sqlite3.Connection:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path or ":memory:", timeout=_WAIT_SECONDS, check_same_thread=False)
        try:
            connection.execute("PRAGMA page_size = 16384")  # of a new file: rows of 2 KB would leave half of a 4 KB page empty
            _into_wal(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            (found,) = connection.execute("PRAGMA user_version").fetchone()
            if found not in (0, self._version):
                raise sqlite3.DatabaseError(f"version {found}, not {self._version}")
            connection.executescript(self._schema)
            connection.execute(f"PRAGMA user_version = {self._version}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _without(self, error: Exception, otherwise: Value) -> Value:
        _LOG.warning("%s cannot be used just now: %s. It only saves work; all else goes on.", self._path, error)
        return otherwise

    def _anew(self, error: Exception, otherwise: Value) -> Value:
        self._shut()
        try:
            for ending in ("", "-wal", "-shm"):
                if self._path is not None:
                    self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
            with closing(self._opened()):
                _LOG.warning("%s was damaged or of another version (%s), and is begun anew.", self._path, error)
        except (sqlite3.Error, OSError) as again:
            self._useless = True
            return self._without(again, otherwise)
        return otherwise

    def _shut(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _into_wal(connection: sqlite3.Connection) -> None:
    """Where two processes make a new file at once, SQLite tells one of them at once that it is locked, whatever its time-out."""
    end = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(_BREATH_SECONDS)
        else:
            return
