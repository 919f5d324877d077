"""Which catalogue brought which product: what a pass over a catalogue may prune.

A scope is a catalogue's name. A product is its member from the moment a run read it there; before it is written to the index,
so that a kill in between leaves a member too many, which harms nothing, and never one too few.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

MEMBER_TABLES = """
CREATE TABLE IF NOT EXISTS scopes (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS members (
  id TEXT NOT NULL, scope INTEGER NOT NULL, run INTEGER NOT NULL, PRIMARY KEY (id, scope)
) WITHOUT ROWID;
"""
PAGE = 500
_COUNT = "SELECT count(*) FROM members WHERE scope = (SELECT number FROM scopes WHERE name = :scope)"
_RELEASE = "DELETE FROM members WHERE id = :id AND scope = (SELECT number FROM scopes WHERE name = :scope)"
_NOT_OF_RUN = """
SELECT m.id, EXISTS (SELECT 1 FROM members o WHERE o.id = m.id AND o.scope <> m.scope) FROM members m
WHERE m.scope = (SELECT number FROM scopes WHERE name = :scope) AND m.id > :after
  AND m.run <> (SELECT number FROM runs WHERE id = :run)
ORDER BY m.id LIMIT :page
"""
_NOT_SEEN = """
SELECT m.id, EXISTS (SELECT 1 FROM members o WHERE o.id = m.id AND o.scope <> m.scope) FROM members m
WHERE m.scope = (SELECT number FROM scopes WHERE name = :scope) AND m.id > :after
  AND NOT EXISTS (SELECT 1 FROM seen WHERE seen.id = m.id)
ORDER BY m.id LIMIT :page
"""
Stray = tuple[str, bool]
"""A member that a pass did not see, and whether another catalogue has it as well."""


class Doing(Protocol):
    """`Ledger`'s way to its file."""

    def __call__(self, act: Any, *, writing: bool, absent: Any = None) -> Any:
        """What `act(connection)` answers; `absent` where there is no file to read."""


class Members:
    """The members of every scope. Raises as the `Ledger` that it belongs to."""

    def __init__(self, do: Doing, path: Path | None) -> None:
        self._do, self._path = do, path

    @staticmethod
    def write(connection: sqlite3.Connection, run_id: str, ids: Sequence[str]) -> None:
        """Note that a run has seen products, inside a transaction; nothing where the run has no scope."""
        if not ids:
            return
        run = connection.execute("SELECT number, scope FROM runs WHERE id = ?", (run_id,)).fetchone()
        if run is None or run[1] is None:
            return
        connection.execute("INSERT OR IGNORE INTO scopes (name) VALUES (?)", (run[1],))
        scope = connection.execute("SELECT number FROM scopes WHERE name = ?", (run[1],)).fetchone()[0]
        change = "INSERT INTO members VALUES (?, ?, ?) ON CONFLICT (id, scope) DO UPDATE SET run = excluded.run"
        connection.executemany(change, [(name, scope, run[0]) for name in ids])

    def count(self, scope: str) -> int:
        """How many a scope has."""

        def read(connection: sqlite3.Connection) -> int:
            return int(connection.execute(_COUNT, {"scope": scope}).fetchone()[0])

        return int(self._do(read, writing=False, absent=0))

    def strays(self, scope: str, run_id: str) -> Iterator[list[Stray]]:
        """Members that this run has not seen, by id, a page at a time; those told may be released meanwhile."""
        after = ""
        while True:
            told = {"scope": scope, "run": run_id, "after": after, "page": PAGE}

            def read(connection: sqlite3.Connection, told: dict[str, Any] = told) -> list[Stray]:
                return _strays(connection, _NOT_OF_RUN, told)

            page = self._do(read, writing=False, absent=[])
            if not page:
                return
            yield page
            after = page[-1][0]

    def release(self, scope: str, ids: Sequence[str]) -> None:
        """These are members no longer."""

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(_RELEASE, [{"id": name, "scope": scope} for name in ids])

        self._do(write, writing=True)

    @contextmanager
    def sighting(self, scope: str) -> Iterator["Sighting"]:
        """What a pass would see that writes nothing: kept in a file of the system's own that goes with the block."""
        there = self._path is not None and self._do(lambda _: True, writing=False, absent=False)
        with closing(sqlite3.connect("", uri=True, isolation_level=None)) as connection:
            connection.execute("CREATE TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID")
            if there and self._path is not None:
                connection.execute("ATTACH ? AS ledger", (f"{self._path.absolute().as_uri()}?mode=ro",))
            yield Sighting(connection, scope, there=there)


class Sighting:
    """The products that a pass which writes nothing has seen so far."""

    def __init__(self, connection: sqlite3.Connection, scope: str, *, there: bool) -> None:
        self._connection, self._scope, self._there = connection, scope, there

    def see(self, ids: Sequence[str]) -> None:
        """The source has these."""
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT OR IGNORE INTO seen VALUES (?)", [(name,) for name in ids])
        self._connection.execute("COMMIT")

    def strays(self) -> Iterator[list[Stray]]:
        """Members that were not seen, by id, a page at a time."""
        after = ""
        while self._there and (page := _strays(self._connection, _NOT_SEEN, {"scope": self._scope, "after": after, "page": PAGE})):
            yield page
            after = page[-1][0]


def _strays(connection: sqlite3.Connection, asked: str, told: dict[str, Any]) -> list[Stray]:
    return [(name, bool(shared)) for name, shared in connection.execute(asked, told)]
