"""One SQLite file: its tables, its connections, and its errors in our words."""

import itertools
import queue
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lookalike.engines.embedded.folder import REMEDY
from lookalike.engines.words import COLUMNS, TOKENIZER
from lookalike.errors import IndexDamaged, IndexProblem, StorageFull, Unavailable

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE documents (
  slot INTEGER PRIMARY KEY, id TEXT NOT NULL, version INTEGER NOT NULL, digest TEXT NOT NULL, text_mark INTEGER NOT NULL,
  vector_mark INTEGER NOT NULL, body BLOB NOT NULL, mark INTEGER NOT NULL
);
CREATE UNIQUE INDEX documents_id ON documents (id);
CREATE TABLE vectors (slot INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE changes (number INTEGER PRIMARY KEY, slot INTEGER NOT NULL);
INSERT INTO meta VALUES ('format', 1), ('recipe', NULL), ('count', 0), ('sum', 0);
"""
_TEXTS = f"CREATE VIRTUAL TABLE texts USING fts5({', '.join(COLUMNS)}, tokenize='{TOKENIZER}');"
_PRAGMAS = (
    "PRAGMA busy_timeout = 20000",
    "PRAGMA cell_size_check = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16000",
    # Pages that change again and again (the words' and the ids') reach the database once in 32 MB of log, not in 4
    "PRAGMA wal_autocheckpoint = 8000",
    # After kill -9 nothing acknowledged is lost: the operating system has it. After a power cut the last transactions
    # may be missing, the file is whole. FULL would cost an fsync for each write.
    "PRAGMA synchronous = NORMAL",
)
_CORRUPT, _FULL, _IO, _BUSY, _CANNOT_OPEN, _READ_ONLY, _NOT_A_DATABASE = {11}, {13}, {10}, {5, 6}, {14}, {8}, {26}
_ROWS_AT_ONCE = 1000
_WRITING = {778, 1034, 1290, 1546, 4618, 4874, 5386}  # SQLITE_IOERR_…: WRITE, FSYNC, DIR_FSYNC, TRUNCATE, SHM*


def mapped(path: Path, error: sqlite3.Error) -> IndexProblem | Unavailable:
    """What a database error means for whoever uses the index."""
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & 255
    if code in _FULL or extended in _WRITING:
        return StorageFull(
            f"The disk refuses more: {path} could not be written ({error}). Make room, then try again; nothing stored is lost."
        )
    if code in _BUSY:
        return Unavailable(f"{path.parent} is busy with another process ({error}). Try again.", 1.0)
    if code in _CANNOT_OPEN or code in _READ_ONLY:
        return IndexProblem(f"{path} cannot be opened for this ({error}). Check the permissions of its folder.")
    return IndexDamaged(f"{path} is damaged: {error}. {REMEDY}")


def insert(connection: sqlite3.Connection, sql: str, stored: Sequence[tuple[object, ...]]) -> None:
    """Insert rows where `sql` says `{}`, as many a statement as SQLite takes: a statement a row costs a third more, and a thread that
    runs those waits for Python's lock after each."""
    if not stored:
        return
    width = len(stored[0])
    most = min(_ROWS_AT_ONCE, connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // width)
    one = f"({', '.join('?' * width)})"
    for start in range(0, len(stored), most):
        some = stored[start : start + most]
        connection.execute(sql.format(", ".join([one] * len(some))), list(itertools.chain.from_iterable(some)))


class Database:
    """Connections to one file: one for writing, any number for reading, handed from thread to thread."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        self.path = path
        self._writable = writable
        self._idle: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._all: list[sqlite3.Connection] = []
        self._closed = False
        with self.guarded():
            self.writer = self._connect() if writable else None

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turns SQLite's errors into ours. Raises: IndexDamaged, StorageFull, Unavailable, IndexProblem."""
        try:
            yield
        except sqlite3.ProgrammingError as error:
            if self._closed:
                raise IndexProblem("This index is closed. Open it again.") from error
            raise
        except sqlite3.Error as error:
            raise mapped(self.path, error) from error
        except UnicodeDecodeError as error:
            raise IndexDamaged(f"{self.path} is damaged: a text in it is not UTF-8. {REMEDY}") from error

    def create(self) -> None:
        """Make the tables of a new file."""
        assert self.writer is not None
        with self.guarded():
            self.writer.execute("PRAGMA journal_mode = WAL")
            self.writer.executescript(f"BEGIN IMMEDIATE;{_TABLES}{_TEXTS}COMMIT;")

    def is_made(self) -> bool:
        """Whether the tables are there."""
        with self.reading() as connection:
            return bool(connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'meta'").fetchone()[0])

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for this thread, for a while."""
        with self.guarded():
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                connection = self._connect(query_only=True)
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.rollback()
                self._idle.put(connection)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The writer, in a transaction that the caller's last statement ends; rolled back where the block raises."""
        assert self.writer is not None
        with self.guarded():
            self.writer.execute("BEGIN IMMEDIATE")
            try:
                yield self.writer
                if self.writer.in_transaction:
                    self.writer.execute("COMMIT")
            finally:
                if self.writer.in_transaction:
                    self.writer.rollback()

    def snapshot(self) -> sqlite3.Connection:
        """A connection of its own that keeps seeing this moment; the caller closes it."""
        connection = self._connect(query_only=True)
        connection.execute("BEGIN")
        connection.execute("SELECT value FROM meta WHERE key = 'count'").fetchone()
        return connection

    def release(self, connection: sqlite3.Connection) -> None:
        """Close a connection that nobody else uses."""
        self._all.remove(connection)
        connection.close()

    def renew(self) -> None:
        """Give up the connections that nobody uses just now: they remember pages, and new ones read what is there."""
        while True:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                return
            self.release(connection)

    def close(self) -> None:
        """Give back every connection; the last one tidies the write-ahead log."""
        self._closed = True
        with self.guarded():
            for connection in self._all:
                connection.close()

    def _connect(self, *, query_only: bool = False) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = None
        # mode=ro cannot open a write-ahead log whose -shm is gone, so readers ask for rw where they may
        modes = ("rwc",) if self._writable else ("rw", "ro", "ro&immutable=1")
        for mode in modes:
            try:
                connection = sqlite3.connect(
                    f"{self.path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
                )
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                break
            except sqlite3.OperationalError as error:
                if connection is not None:
                    connection.close()
                if mode == modes[-1] or error.sqlite_errorcode & 255 not in _CANNOT_OPEN | _READ_ONLY:
                    raise
        assert connection is not None
        self._all.append(connection)
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        if query_only:
            connection.execute("PRAGMA query_only = ON")
        return connection
