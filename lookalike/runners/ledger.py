"""The ledger: every run and bulk job with its options, counts and end, in a small SQLite file beside the index.

runs/
├── ledger.sqlite    runs, the failures of bulk jobs, and which catalogue brought which product (`members`)
└── OWNER.lock       held by a process that has runs; where nobody holds it, its open runs were killed

It tells; what is unchanged is decided by the digests in the index alone (docs/decisions/0040, 0057). Where it is damaged it
is put aside, and a new one begun: nothing indexed depends on it.
"""

import contextlib
import datetime
import errno
import fcntl
import json
import logging
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeVar

from lookalike.domain.commands import RowFailure
from lookalike.domain.runs import RunRecord
from lookalike.errors import IndexProblem, LookalikeError, StorageFull, Unavailable
from lookalike.runners.members import MEMBER_TABLES, Members

FOLDER, FILE = "runs", "ledger.sqlite"
MOST_KEPT = 1000
"""Ended runs that are remembered."""
_TABLES = f"""
CREATE TABLE IF NOT EXISTS runs (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, state TEXT NOT NULL, owner TEXT NOT NULL,
  source TEXT, scope TEXT, options TEXT NOT NULL, started TEXT NOT NULL, updated TEXT NOT NULL, finished TEXT,
  total INTEGER, position INTEGER NOT NULL DEFAULT 0, counts TEXT NOT NULL, message TEXT, dead_letters TEXT
);
CREATE TABLE IF NOT EXISTS failures (run INTEGER NOT NULL, row INTEGER NOT NULL, told TEXT NOT NULL, PRIMARY KEY (run, row)) WITHOUT ROWID;
{MEMBER_TABLES}
"""
_COLUMNS = "id, kind, state, started, updated, finished, source, scope, options, total, position, counts, message, dead_letters, owner"
_END = """
UPDATE runs SET state = ?, position = ?, counts = ?, updated = ?, finished = ?, message = ?, dead_letters = ? WHERE id = ?
"""
_FORGET = """
DELETE FROM runs WHERE number IN
  (SELECT number FROM runs WHERE state NOT IN ('queued', 'running') ORDER BY number DESC LIMIT -1 OFFSET ?)
"""
_DAMAGED, _FULL, _BUSY, _REFUSED = {11, 26}, {13}, {5, 6}, {8, 14}
_WRITING = {778, 1034, 1290, 1546, 4618, 4874, 5386}  # SQLITE_IOERR_…: WRITE, FSYNC, DIR_FSYNC, TRUNCATE, SHM*
_KILLED = "Its process ended without a word."
_Answer = TypeVar("_Answer")
_log = logging.getLogger(__name__)


class Ledger:
    """The ledger of one index; `folder` is the index's, None keeps it in memory. Nothing is opened before it is needed.

    Threads may call it at once, and several processes may have one file. What returned survives the end of the process.
    Every method raises: StorageFull, Unavailable, IndexProblem.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = None if folder is None else folder / FOLDER
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._writable = False
        self._owner: _Owner | None = None
        self.members = Members(self._do, None if self._folder is None else self._folder / FILE)

    def begin(
        self,
        run_id: str,
        kind: str,
        state: str = "running",
        *,
        source: str | None = None,
        scope: str | None = None,
        options: Mapping[str, Any] | None = None,
        total: int | None = None,
        counts: Mapping[str, int] | None = None,
        at: str | None = None,
    ) -> None:
        """Enter a run of this process, begun `at` that moment (ISO 8601; None: now). The oldest of those that ended are forgotten."""

        def enter(connection: sqlite3.Connection) -> None:
            owner, now = self._own(), at or _now()
            told = (run_id, kind, state, owner, source, scope, _json(options or {}), now, now, total, _json(counts or {}))
            connection.execute(
                "INSERT INTO runs (id, kind, state, owner, source, scope, options, started, updated, total, counts) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                told,
            )
            connection.execute(_FORGET, (MOST_KEPT,))
            connection.execute("DELETE FROM failures WHERE run NOT IN (SELECT number FROM runs)")

        self._do(enter, writing=True)

    def note(
        self,
        run_id: str,
        *,
        position: int,
        counts: Mapping[str, int],
        failures: Sequence[RowFailure] = (),
        seen: Sequence[str] = (),
    ) -> None:
        """Write how far a run is, in one transaction; it runs now, if it waited. `seen`: products that its source has."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE runs SET state = 'running', position = ?, counts = ?, updated = ? WHERE id = ?",
                (position, _json(counts), _now(), run_id),
            )
            _write_failures(connection, run_id, failures)
            Members.write(connection, run_id, seen)

        self._do(write, writing=True)

    def end(
        self,
        run_id: str,
        state: str,
        *,
        position: int,
        counts: Mapping[str, int],
        failures: Sequence[RowFailure] = (),
        message: str | None = None,
        dead_letters: str | None = None,
        at: str | None = None,
    ) -> None:
        """Write how a run ended, and when (None: now): done, failed or cancelled."""

        def write(connection: sqlite3.Connection) -> None:
            now = at or _now()
            told = (state, position, _json(counts), now, now, message, dead_letters, run_id)
            connection.execute(_END, told)
            _write_failures(connection, run_id, failures)

        self._do(write, writing=True)

    def find(self, run_id: str) -> RunRecord | None:
        """The run of that id; None where there is none, or it was forgotten."""
        found = self._records("WHERE id = ?", (run_id,))
        return found[0] if found else None

    def failures(self, run_id: str) -> list[RowFailure]:
        """The failures of a bulk job by row; those of other runs are in their dead letters."""

        def read(connection: sqlite3.Connection) -> list[RowFailure]:
            asked = "SELECT told FROM failures WHERE run = (SELECT number FROM runs WHERE id = ?) ORDER BY row"
            return [RowFailure(**json.loads(row[0])) for row in connection.execute(asked, (run_id,))]

        return self._do(read, writing=False, absent=[])

    def latest(self, limit: int = 20, *, scope: str | None = None) -> list[RunRecord]:
        """The newest first; with `scope` only those that bring its products."""
        where, told = ("", ()) if scope is None else ("WHERE scope = ?", (scope,))
        return self._records(f"{where} ORDER BY number DESC LIMIT ?", (*told, limit))

    def close(self) -> None:
        """Give the file back. What this process has not ended counts as killed from now on."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if self._owner is not None:
                self._owner.release()
                self._owner = None

    def _records(self, rest: str, told: tuple[Any, ...]) -> list[RunRecord]:
        def read(connection: sqlite3.Connection) -> list[RunRecord]:
            return [self._record(row) for row in connection.execute(f"SELECT {_COLUMNS} FROM runs {rest}", told)]  # noqa: S608 — ours

        return self._do(read, writing=False, absent=[])

    def _record(self, row: Sequence[Any]) -> RunRecord:
        *told, owner = row
        told[8], told[11] = json.loads(told[8]), json.loads(told[11])
        if told[2] in ("queued", "running") and not self._alive(owner):
            told[2], told[5], told[12] = "killed", told[4], _KILLED
        return RunRecord(*told)

    def _alive(self, owner: str) -> bool:
        if self._owner is not None and owner == self._owner.token:
            return True
        return self._folder is not None and _Owner.holds(self._folder, owner)

    def _own(self) -> str:
        if self._owner is None:
            self._owner = _Owner(self._folder)
        return self._owner.token

    def _do(self, act: Callable[[sqlite3.Connection], _Answer], *, writing: bool, absent: _Answer | None = None) -> _Answer:
        """Run `act` on the ledger, for writing in a transaction. `absent` is the answer where there is no ledger to read."""
        with self._lock, _guarded(self._folder):
            for last in (False, True):
                try:
                    connection = self._opened(writing)
                    if connection is None:
                        assert absent is not None
                        return absent
                    if not writing:
                        return act(connection)
                    with _transaction(connection):
                        return act(connection)
                except (sqlite3.DatabaseError, ValueError, TypeError) as error:
                    if last or self._folder is None or not _damaged(error):
                        raise
                    self._let_go()
                    if not writing and absent is not None:
                        _log.warning("The ledger of runs in %s is damaged (%s); the next run begins a new one.", self._folder, error)
                        return absent
                    self._put_aside(error)
        raise AssertionError("the second attempt returns or raises")

    def _opened(self, writing: bool) -> sqlite3.Connection | None:
        if self._connection is not None and (self._writable or not writing):
            return self._connection
        self._let_go()
        if self._folder is None:
            self._connection, self._writable = _connect(":memory:"), True
        else:
            path = self._folder / FILE
            if not writing and not path.exists():
                return None
            if writing:
                self._folder.mkdir(parents=True, exist_ok=True)
            self._connection, self._writable = _connect(f"{path.absolute().as_uri()}?mode={'rwc' if writing else 'rw'}"), writing
        if self._writable:
            if self._folder is not None:
                self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.executescript(f"BEGIN IMMEDIATE;{_TABLES}COMMIT;")
            self._bury(self._connection)
        elif not self._connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'members'").fetchone()[0]:
            self._let_go()  # whoever began it was killed before its tables were there
        return self._connection

    def _bury(self, connection: sqlite3.Connection) -> None:
        """Write down which runs were killed, and remove the locks of their processes."""
        asked = "SELECT DISTINCT owner FROM runs WHERE state IN ('queued', 'running')"
        dead = [owner for (owner,) in connection.execute(asked) if not self._alive(owner)]
        change = "UPDATE runs SET state = 'killed', finished = updated, message = ? WHERE owner = ? AND state IN ('queued', 'running')"
        with _transaction(connection):
            connection.executemany(change, [(_KILLED, owner) for owner in dead])
        if self._folder is not None:
            for lock in self._folder.glob("*.lock"):
                if not self._alive(lock.stem):
                    lock.unlink(missing_ok=True)

    def _let_go(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _put_aside(self, error: Exception) -> None:
        assert self._folder is not None
        aside = f"damaged-{_now().replace(':', '')}.sqlite"
        for end in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                (self._folder / f"{FILE}{end}").replace(self._folder / f"{aside}{end}")
        _log.warning("The ledger of runs is damaged (%s); it lies in %s now, and a new one is begun.", error, self._folder / aside)


class _Owner:
    """This process, to others: it lives as long as its lock is held; the kernel gives it back however the process ends."""

    def __init__(self, folder: Path | None) -> None:
        self.token = secrets.token_hex(8)
        self._file: TextIO | None = None
        if folder is not None:
            self._path = folder / f"{self.token}.lock"
            fresh = folder / f".{self.token}"
            self._file = fresh.open("w")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fresh.replace(self._path)  # locked before anybody can find it, or it would be taken for a dead one's

    @staticmethod
    def holds(folder: Path, token: str) -> bool:
        """Whether the process of that token lives."""
        try:
            with (folder / f"{token}.lock").open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def release(self) -> None:
        if self._file is not None:
            self._path.unlink(missing_ok=True)
            self._file.close()


def _connect(where: str) -> sqlite3.Connection:
    connection = sqlite3.connect(where, uri=where != ":memory:", isolation_level=None, check_same_thread=False)
    for pragma in ("busy_timeout = 20000", "synchronous = NORMAL", "cell_size_check = ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.rollback()


@contextmanager
def _guarded(folder: Path | None) -> Iterator[None]:
    """Turns errors of SQLite and of the file system into ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise _mapped(folder, error) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StorageFull(f"The disk is full: {folder} could not be written. Make room, then try again.") from error
        raise IndexProblem(
            f"The ledger of runs in {folder} cannot be written: {error.strerror}. Check the folder's permissions."
        ) from error


def _damaged(error: Exception) -> bool:
    """Whether the file says something that we never wrote; other errors of SQLite say nothing of that."""
    if isinstance(error, sqlite3.DatabaseError):
        return getattr(error, "sqlite_errorcode", 0) & 255 in _DAMAGED
    return not isinstance(error, UnicodeEncodeError)


def _mapped(folder: Path | None, error: sqlite3.Error) -> LookalikeError:
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & 255
    if code in _FULL or extended in _WRITING:
        return StorageFull(f"The disk refuses more: the ledger in {folder} could not be written ({error}). Make room, then try again.")
    if code in _BUSY:
        return Unavailable(
            f"The ledger in {folder} is busy with another process ({error}). Try again.", 1.0, "The list of jobs is busy. Try again."
        )
    if code in _REFUSED:
        return IndexProblem(f"The ledger in {folder} cannot be opened for this ({error}). Check the folder's permissions.")
    return IndexProblem(f"The ledger in {folder} cannot be used ({error}). Remove that folder: nothing indexed depends on it.")


def _write_failures(connection: sqlite3.Connection, run_id: str, failures: Sequence[RowFailure]) -> None:
    # As ASCII: the id of a row that is wrong may be no text that UTF-8 can write.
    change = "INSERT OR REPLACE INTO failures SELECT number, ?, ? FROM runs WHERE id = ?"
    connection.executemany(change, [(one.row, _json(one.as_json()), run_id) for one in failures])


def _json(told: Mapping[str, Any]) -> str:
    return json.dumps(dict(told))


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
