"""One database with what is derived from it: reading and writing documents."""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lookalike.domain.analysis import Recipe
from lookalike.domain.document import Document
from lookalike.engines.embedded import amending, loading, recall, rows, state
from lookalike.engines.embedded.database import Database, insert
from lookalike.engines.embedded.folder import REMEDY
from lookalike.engines.embedded.locks import ReadersOrWriter
from lookalike.engines.embedded.rows import Row
from lookalike.engines.legs import verify_documents
from lookalike.engines.told import DAMAGED
from lookalike.errors import IndexDamaged, IndexProblem, RecipeMismatch
from lookalike.ports.engine import Amendable, Amendment, Write, Written

_KEPT_CHANGES = 300_000
"""Other processes that read follow the changes; one that fell behind by more than this reads everything anew."""

_READ_ANEW = 20_000
"""A reader that fell so far behind reads the cache, which the writer has brought up to date more lately."""
CACHED_FROM = 1000
"""A smaller index opens in a blink without a cache of what is derived from it."""
_SAVED_AFTER = 5_000, 250_000
"""The cache is written after so many changes: half of the products, within these bounds. A kill costs reading those."""
_SAVED_AT_CLOSE = 100
"""When the index is closed, the cache is written where more than one product in so many was changed since."""

_PUT = (
    "INSERT INTO documents (slot, id, version, digest, text_mark, vector_mark, body, mark) VALUES {} "
    "ON CONFLICT (slot) DO UPDATE SET version = excluded.version, digest = excluded.digest, text_mark = excluded.text_mark, "
    "vector_mark = excluded.vector_mark, body = excluded.body, mark = excluded.mark"
)
_PUT_TEXTS = "INSERT OR REPLACE INTO texts (rowid, title, brand, tags, category, description) VALUES {}"
_PUT_VECTORS = "INSERT OR REPLACE INTO vectors (slot, data) VALUES {}"
_NEWEST_AND_OLDEST = "SELECT coalesce((SELECT max(number) FROM changes), 0), coalesce((SELECT min(number) FROM changes), 0)"
_ON_TWO_CORES = 1000
"""So many rows of words and vectors are stored while the state is told of them. For fewer, waiting for Python's lock costs too much."""
_AT_ONCE = 256
"""Products that one statement reads."""
_GET = "SELECT d.slot, d.id, d.version, d.digest, d.vector_mark, d.body, d.mark, v.data FROM documents d LEFT JOIN vectors v USING (slot)"


_Inserts = Sequence[tuple[str, Sequence[tuple[object, ...]]]]
"""As `database.insert` takes them."""


@dataclass(slots=True)
class _Batch:
    """What a transaction changes, to be told to the state once it is committed."""

    versions: dict[str, int]
    rows: dict[int, tuple[Row, int, int]]
    removed: list[int]
    amended: dict[int, amending.Amended] = field(default_factory=dict)


class Store:
    """Everything of one database file. Calls that write are the caller's to keep apart."""

    def __init__(self, path: Path, *, writable: bool, codes_from: int, create: bool = False) -> None:
        self._codes_from = codes_from
        self.database = Database(path, writable=writable)
        try:
            if create and not self.database.is_made():
                self.database.create()
            with self.database.guarded():
                self.state, self._last_change, self._saved_change = loading.load(self.database, codes_from)
        except BaseException:
            self.database.close()
            raise
        self.lock = ReadersOrWriter()
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="lookalike-commit")
        self.closed = False
        measured = self.state.recall
        recall.keep_known(self.state, 4.0)  # mostly the cache knows it: opening should not wait for it
        if writable:
            self._save_if(0 if self.state.recall is not measured else max(1, self.state.count // _SAVED_AT_CLOSE))

    @property
    def recipe(self) -> Recipe | None:
        """The recipe of its vectors."""
        return self.state.recipe

    def prepare(self, recipe: Recipe) -> bool:
        """Take the recipe where there is none yet; whether anything changed. Raises: RecipeMismatch."""
        known = self.state.recipe
        if known is not None and known.id == recipe.id:
            return False
        if known is not None and self.state.count:
            raise RecipeMismatch(known.id, recipe.id)
        with self.database.transaction() as connection, self.lock.writing():
            connection.execute("UPDATE meta SET value = ? WHERE key = 'recipe'", (json.dumps(recipe.as_json()),))
            connection.execute("COMMIT")
            self.state.adopt(recipe)
        return True

    def encoded(self, writes: Sequence[Write]) -> list[Row]:
        """The rows to store, their vectors checked. Raises: RecipeMismatch, IndexProblem, InvalidInput."""
        documents = [write.document for write in writes]
        verify_documents(documents, self.state.recipe)
        return rows.encode(documents)

    def put(self, writes: Sequence[Write], encoded: Sequence[Row]) -> list[Written]:
        """Store rows; all that do not conflict, or none."""
        batch, written = _Batch({}, {}, []), []
        slots = self._new_slots()
        where: dict[str, int] = {}
        versions = self.state.versions.all()
        known = self.state.names.slots_of([row.id for row in encoded])
        for write, row, old in zip(writes, encoded, known, strict=True):
            slot = where.get(row.id, -1)
            if slot < 0:
                slot = old
                version = int(versions[slot]) if slot >= 0 else 0
            else:
                version = batch.versions[row.id]
            if write.if_version is not None and write.if_version != version:
                written.append(Written(row.id, version, created=False, conflict=True))
                continue
            if slot < 0:
                slot = next(slots)
            where[row.id] = slot
            batch.versions[row.id] = version + 1
            batch.rows[slot] = (row, version + 1, row.mark(version + 1))
            written.append(Written(row.id, version + 1, created=version == 0))
        if batch.rows:
            self._commit(batch)
        return written

    def remove(self, ids: Sequence[str], if_version: Mapping[str, int] = {}) -> list[bool]:
        """Remove products; those in `if_version` only at that version."""
        known = {name: slot for name in ids if (slot := self.state.names.slot_of(name)) >= 0}
        versions = self.state.versions.all()
        there = {name for name, slot in known.items() if if_version.get(name) in (None, int(versions[slot]))}
        first = {name: at for at, name in reversed(list(enumerate(ids)))}
        if there:
            self._commit(_Batch({}, {}, sorted(known[name] for name in there)))
        return [name in there and first[name] == at for at, name in enumerate(ids)]

    def get(self, ids: Sequence[str]) -> list[Document | None]:
        """The documents in order. Raises: IndexDamaged."""
        found: dict[str, Document] = {}
        names = list(dict.fromkeys(ids))
        with self.database.reading() as connection:
            for start in range(0, len(names), _AT_ONCE):
                some = names[start : start + _AT_ONCE]
                marks = ", ".join("?" * len(some))
                for row in connection.execute(f"{_GET} WHERE d.id IN ({marks})", some).fetchall():
                    found[row[1]] = self._document(row)
        return [found.get(name) for name in ids]

    def in_slot(self, slot: int) -> Document | None:
        """The document of a slot that is alive. None where another process has removed it meanwhile. Raises: IndexDamaged."""
        with self.database.reading() as connection:
            row = connection.execute(f"{_GET} WHERE d.slot = ?", (slot,)).fetchone()
            if row is not None:
                return self._document(row)
        if self.database.writer is not None:
            raise IndexDamaged(f"{self.database.path} is damaged: product number {slot} is gone. {REMEDY}")
        return None

    def amendable(self, ids: Sequence[str]) -> list[Amendable | None]:
        """See `AmendsProducts`. Raises: IndexDamaged."""
        names = list(dict.fromkeys(ids))
        with self.database.reading() as connection:
            some = [amending.read(connection, names[start : start + _AT_ONCE]) for start in range(0, len(names), _AT_ONCE)]
        found = {one.product.id: one for part in some for one in part}
        return [found.get(name) for name in ids]

    def amend(self, amendments: Sequence[Amendment]) -> list[Written]:
        """Change rows; those that do not conflict."""
        batch, written = _Batch({}, {}, []), []
        known, versions = self.state.names.slot_of, self.state.versions.all()
        for one in amendments:
            slot = known(one.product.id)
            version = int(versions[slot]) if slot >= 0 else 0
            if version != one.of.version or slot in batch.amended:
                written.append(Written(one.product.id, version, created=False, conflict=True))
                continue
            batch.amended[slot] = amending.amended(one)
            written.append(Written(one.product.id, version + 1, created=False))
        if batch.amended:
            self._commit(batch)
        return written

    def digests(self, ids: Sequence[str]) -> dict[str, str]:
        """The digests of those that are there."""
        found: dict[str, str] = {}
        with self.database.reading() as connection:
            for name in ids:
                if self.state.names.slot_of(name) < 0:
                    continue
                row = connection.execute("SELECT digest FROM documents WHERE id = ?", (name,)).fetchone()
                if row is not None:
                    found[name] = row[0]
        return found

    def documents(self) -> Iterator[Document]:
        """Every document in the order of ids, each verified, from one snapshot. Raises: IndexDamaged."""
        with self.database.guarded():
            connection = self.database.snapshot()
        try:
            with self.database.guarded():
                meta = dict(connection.execute("SELECT key, value FROM meta"))
                cursor = connection.execute(f"{_GET} ORDER BY d.id")
            count, total = 0, 0
            while True:
                with self.database.guarded():
                    row = cursor.fetchone()
                if row is None:
                    break
                count += 1
                total ^= row[6]
                yield self._document(row)
            if (count, total) != (meta.get("count"), meta.get("sum")):
                raise IndexDamaged(f"{self.database.path} is damaged: {count} products can be read of {meta.get('count')}. {REMEDY}")
        finally:
            self.database.release(connection)

    def check(self, writing: AbstractContextManager[object]) -> list[str]:
        """A sentence for each fault. Raises nothing that it can tell. `writing` keeps other writers away for a while."""
        found: list[str] = []

        def attempt(what: Callable[[], object]) -> None:
            try:
                with self.database.guarded():
                    what()
            except IndexProblem as error:
                found.append(str(error))

        def pages() -> None:
            with self.database.reading() as connection:
                found.extend(f"SQLite: {row[0]}" for row in connection.execute("PRAGMA integrity_check(20)") if row[0] != "ok")

        def texts() -> None:
            with writing:
                if self.database.writer is not None:
                    self.database.writer.execute("INSERT INTO texts (texts, rank) VALUES ('integrity-check', 1)")

        for one in (pages, texts, lambda: [None for _ in self.documents()]):
            attempt(one)
        return found

    def catch_up(self) -> None:
        """Apply what another process wrote since the last look. Raises: IndexDamaged."""
        with self.database.reading() as connection:
            connection.execute("BEGIN")
            newest = connection.execute(_NEWEST_AND_OLDEST).fetchone()
            meta = dict(connection.execute("SELECT key, value FROM meta"))
            recipe = self.state.recipe
            changed_recipe = meta.get("recipe") != (None if recipe is None else json.dumps(recipe.as_json()))
            if newest[0] == self._last_change and not changed_recipe:
                return
            with self.lock.writing():
                if newest[1] > self._last_change + 1 or newest[0] > self._last_change + _READ_ANEW or changed_recipe:
                    self._load()
                    return
                changes = connection.execute("SELECT DISTINCT slot FROM changes WHERE number > ?", (self._last_change,))
                loading.refresh(self.state, connection, sorted(row[0] for row in changes.fetchall()))
                self._last_change = newest[0]

    def close(self, *, save: bool = True) -> None:
        """Wait for searches to end, then give back the files; the cache is brought up to date where it is worth it."""
        if save and not self.closed and self.database.writer is not None:
            self._save_if(max(1, self.state.count // _SAVED_AT_CLOSE), measured=1.25)
        with self.lock.writing():
            self.closed = True
            self._beside.shutdown()
            self.database.close()

    def _load(self) -> None:
        """Read the state anew, as the last commit left it. Raises: IndexDamaged."""
        self.state, self._last_change, self._saved_change = loading.load(self.database, self._codes_from)

    def _save_if(self, changes: int, measured: float = 2.0) -> None:
        """Write the cache where so much changed since it was written. It spares work: where it cannot be written, so be it.

        The recall in it is measured anew where the index is `measured` times as large as when it was, or smaller by as much.
        """
        if self.state.count < CACHED_FROM or self._last_change - self._saved_change < changes:
            return
        recall.keep_known(self.state, measured)
        with contextlib.suppress(OSError):
            with self.lock.writing():
                told, arrays = loading.told(self.state, self._last_change)
            loading.save(self.database, self.state, told, arrays)
            self._saved_change = self._last_change

    def _new_slots(self) -> Iterator[int]:
        yield from iter(self.state.free[:])
        slot = self.state.size
        while True:
            yield slot
            slot += 1

    def _commit(self, batch: _Batch) -> None:
        now = self.state
        marks = now.row_marks.all()
        changed = [*batch.rows, *batch.removed, *batch.amended]
        total = 0
        for slot in changed:
            total ^= int(marks[slot]) if slot in now else 0
        for mark in (*(mark for _, _, mark in batch.rows.values()), *(one.mark for one in batch.amended.values())):
            total ^= mark
        new = {slot for slot in batch.rows if slot not in now}
        added = len(new) - len(batch.removed)
        vector_marks, text_marks = now.vector_marks.all(), now.text_marks.all()
        vectored = [slot for slot, (row, *_) in batch.rows.items() if slot in new or vector_marks[slot] != row.vector_mark]
        texted = [slot for slot, (row, *_) in batch.rows.items() if slot in new or text_marks[slot] != row.text_mark]
        with self.database.transaction() as connection:
            stored = [
                (slot, row.id, version, row.digest, row.text_mark, row.vector_mark, row.body, mark)
                for slot, (row, version, mark) in batch.rows.items()
            ]
            insert(connection, _PUT, stored)
            connection.executemany(
                amending.UPDATE, ((one.version, one.digest, one.body, one.mark, slot) for slot, one in batch.amended.items())
            )
            texts = [(slot, *batch.rows[slot][0].texts) for slot in texted]
            with_data = [(slot, batch.rows[slot][0].data) for slot in vectored]
            gone = [(slot,) for slot in batch.removed]
            connection.executemany("DELETE FROM vectors WHERE slot = ?", [*gone, *((slot,) for slot, data in with_data if not data)])
            connection.executemany("DELETE FROM documents WHERE slot = ?", gone)
            connection.executemany("DELETE FROM texts WHERE rowid = ?", gone)
            insert(connection, "INSERT INTO changes (slot) VALUES {}", [(slot,) for slot in changed])
            connection.execute("UPDATE meta SET value = value + ? WHERE key = 'count'", (added,))
            connection.execute("UPDATE meta SET value = (value | ?1) - (value & ?1) WHERE key = 'sum'", (total,))  # exclusive or
            last = connection.execute("SELECT max(number) FROM changes").fetchone()[0]
            if last // 10_000 != (last - len(changed)) // 10_000:
                connection.execute("DELETE FROM changes WHERE number < ?", (last - _KEPT_CHANGES,))
            with self.lock.writing():
                inserts = (_PUT_TEXTS, texts), (_PUT_VECTORS, [one for one in with_data if one[1]])
                self._finish(connection, inserts, lambda: self._apply(batch, vectored))
                self._last_change = last
        least, most = _SAVED_AFTER
        self._save_if(max(least, min(most, now.count // 2)))

    def _finish(self, connection: sqlite3.Connection, inserts: _Inserts, apply: Callable[[], None]) -> None:
        """Insert what is left, commit, and tell the state; of many rows both at once, on two cores. Raises: sqlite3.Error."""
        if sum(len(rows) for _, rows in inserts) < _ON_TWO_CORES:
            _committed(connection, inserts)
            apply()
            return
        committing = self._beside.submit(_committed, connection, inserts)
        try:
            apply()
            committing.result()
        except BaseException:  # the state was told what is not stored, or was told half of it
            wait([committing])
            self._load()
            raise

    def _apply(self, batch: _Batch, vectored: Sequence[int]) -> None:
        for slot in batch.removed:
            self.state.remove(slot)
        self.state.put(
            [
                state.Entry(slot, row.id, version, row.told, row.text_mark, row.vector_mark, mark)
                for slot, (row, version, mark) in batch.rows.items()
            ]
        )
        self.state.amend(batch.amended)
        if vectored:
            chosen = [batch.rows[slot][0] for slot in vectored]
            self.state.put_vectors(vectored, [row.places for row in chosen], [row.data for row in chosen])
        free = set(self.state.free) & batch.rows.keys()
        if free:
            self.state.free = [slot for slot in self.state.free if slot not in free]
        self.state.tidy()

    def _document(self, row: Sequence[Any]) -> Document:
        slot, name, version, digest, vector_mark, body, mark, data = row
        recipe = self.state.recipe
        data = data or b""
        try:
            if rows.row_mark(name, version, digest, body, vector_mark) != mark or rows.mark(data) != vector_mark:
                raise ValueError("its checksum is another")
            wide, colours = (recipe.dimension, recipe.colour_dimension) if recipe else (1, 0)
            return rows.decode(body, data, version=version, digest=digest, dimension=wide, colour_dimension=colours)
        except DAMAGED as error:
            raise rows.damaged_row(slot, error) from error


def _committed(connection: sqlite3.Connection, inserts: _Inserts) -> None:
    for sql, stored in inserts:
        insert(connection, sql, stored)
    connection.execute("COMMIT")
