"""What is derived from the database and kept in memory: ids, versions, columns, tags, vectors. Rebuilt when an index opens."""

import bisect
import gc
import json
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Recipe
from lookalike.domain.values import Scalar
from lookalike.engines.embedded import rows
from lookalike.engines.embedded.columns import Column, Mask, Strip
from lookalike.engines.embedded.database import Database
from lookalike.engines.embedded.folder import REMEDY
from lookalike.engines.embedded.rows import DAMAGED, Told, damaged_row
from lookalike.engines.embedded.tags import TagTable
from lookalike.engines.embedded.vectors import Block, Vectors
from lookalike.errors import IndexDamaged

_LATE = frozenset({"id", "description", "url"})
"""Long or unique values that hardly anybody filters by: their columns are made when they are first asked for."""

_DEAD_ROWS = 10_000
_LOADED_AT_ONCE = 5000


class Entry(NamedTuple):
    """A stored row, as the state takes it; `told` is its body, the marks are checksums."""

    slot: int
    name: str
    version: int
    told: Told
    text_mark: int
    vector_mark: int
    mark: int


class State:
    """One database's content, by slot. The caller sees to it that nobody reads while something is changed."""

    def __init__(self, database: Database, recipe: Recipe | None, codes_from: int) -> None:
        self._database = database
        self._codes_from = codes_from
        self.slot_of: dict[str, int] = {}
        self.ids: list[str | None] = []
        self.versions, self.text_marks, self.vector_marks = Strip(np.int64), Strip(np.int64), Strip(np.int64)
        self.row_marks = Strip(np.int64)
        self._alive = Strip(np.bool_)
        self.free: list[int] = []
        """Slots that held nothing when the index was opened: new products come there first."""
        self.columns: dict[str, Column] = {}
        self._fields: list[tuple[str, ...]] = []
        self._shared: dict[tuple[str, ...], tuple[str, ...]] = {}  # most products have the same fields
        self.tags = TagTable()
        self.recipe = recipe
        self.vectors: Vectors | None = self._fresh_vectors()
        self._late = threading.Lock()
        self._ranked: tuple[NDArray[np.object_], NDArray[np.intp]] = np.empty(0, object), np.empty(0, np.intp)
        self._order = np.empty(0, np.intp)
        self._unranked: list[int] = []

    @property
    def size(self) -> int:
        """Slots, dead ones included."""
        return len(self.ids)

    @property
    def count(self) -> int:
        """Products."""
        return len(self.slot_of)

    def alive(self) -> Mask:
        """Which slots hold a product. Not to be written to."""
        return self._alive.resize(self.size)

    def adopt(self, recipe: Recipe) -> None:
        """Another recipe, for an index without vectors."""
        self.recipe = recipe
        self.vectors = self._fresh_vectors()

    def __contains__(self, slot: int) -> bool:
        """Whether a slot holds a product."""
        return 0 <= slot < self.size and bool(self.alive()[slot])

    def put(self, entries: Sequence[Entry]) -> None:
        """The fields of some products in distinct slots: all but their vectors."""
        if not entries:
            return
        size = max(self.size, 1 + max(one.slot for one in entries))
        self.ids += [None] * (size - len(self.ids))
        self._fields += [()] * (size - len(self._fields))
        for one in entries:
            self._name(one.slot, one.name)
            self.slot_of[one.name] = one.slot
        slots = np.array([one.slot for one in entries])
        for strip, values in (
            (self.versions, [one.version for one in entries]),
            (self.text_marks, [one.text_mark for one in entries]),
            (self.vector_marks, [one.vector_mark for one in entries]),
            (self.row_marks, [one.mark for one in entries]),
            (self._alive, True),
        ):
            strip.resize(size)[slots] = values
        self._put_fields(entries)
        self.tags.put([one.slot for one in entries], [rows.tags_of(one.told) for one in entries])

    def remove(self, slot: int) -> None:
        """A product, and its vectors."""
        if slot not in self:
            return
        name = self.ids[slot]
        if name is not None and self.slot_of.get(name) == slot:  # another slot may have the name by now
            del self.slot_of[name]
        self._alive.all()[slot] = False
        self.versions.all()[slot] = 0
        self.row_marks.all()[slot] = 0
        for field in {*self._fields[slot], *_LATE} & self.columns.keys():
            self.columns[field].clear(slot)
        self._fields[slot] = ()
        self.tags.put((slot,), ({},))
        if self.vectors is not None:
            self.vectors.forget(slot)

    def put_vectors(self, slots: Sequence[int], places: Sequence[Sequence[rows.Place]], data: Sequence[bytes]) -> None:
        """Replace the vectors of some distinct slots. Raises: ValueError where data and places differ in number."""
        if self.vectors is None:
            return
        for slot in slots:
            self.vectors.forget(slot)
        wide = self.vectors.dimension + self.vectors.colour_dimension
        matrix = np.frombuffer(b"".join(data), "<f2").reshape(-1, wide)
        flat = [place for one in places for place in one]
        if len(flat) != len(matrix):
            raise ValueError("vectors and objects differ in number")
        owners = np.repeat(np.asarray(slots, np.int32), [len(one) for one in places])
        order = np.argsort(owners, kind="stable")
        cut = self.vectors.dimension
        self.vectors.append(Block(owners[order], [flat[row] for row in order], matrix[order, :cut], matrix[order, cut:]))

    def tidy(self) -> None:
        """Drop dead vectors where they are more than the others."""
        if self.vectors is not None and self.vectors.dead > max(_DEAD_ROWS, len(self.vectors) // 2):
            self.vectors = self.vectors.compacted()

    def column(self, field: str) -> Column | None:
        """The values of a canonical field; None where no product ever had it."""
        if field in _LATE and field not in self.columns:
            with self._late:
                if field not in self.columns:
                    self.columns[field] = self._late_column(field)
        return self.columns.get(field)

    def id_ranks(self) -> NDArray[np.intp]:
        """The place of each slot in the order of ids: merged when asked, because sorting all at each write is too dear."""
        with self._late:
            if self._unranked:
                self._rank()
            return self._ranked[1]

    def id_rank(self, name: str) -> float:
        """Where an id stands among `id_ranks`: its own place, or between its neighbours."""
        ranks = self.id_ranks()
        slot = self.slot_of.get(name)
        if slot is not None:
            return float(ranks[slot])
        return bisect.bisect_left(self._ranked[0], name) - 0.5

    def _name(self, slot: int, name: str) -> None:
        old = self.ids[slot]
        if old == name:
            return
        if old is None:
            self._unranked.append(slot)
        else:  # another process removed a product and used its slot again
            if self.slot_of.get(old) == slot:
                del self.slot_of[old]
            self._ranked, self._order = (np.empty(0, object), np.empty(0, np.intp)), np.empty(0, np.intp)
            self._unranked = [one for one, known in enumerate(self.ids) if known is not None]
        self.ids[slot] = name

    def _rank(self) -> None:
        known, _ = self._ranked
        fresh = sorted((str(self.ids[slot]), slot) for slot in self._unranked)
        fresh_names = np.array([name for name, _ in fresh], object)
        at = np.searchsorted(known, fresh_names)
        names = np.insert(known, at, fresh_names)
        self._order = np.insert(self._order, at, [slot for _, slot in fresh])
        ranks = np.zeros(self.size, np.intp)
        ranks[self._order] = np.arange(len(names))
        self._ranked, self._unranked = (names, ranks), []

    def _fresh_vectors(self) -> Vectors | None:
        return None if self.recipe is None else Vectors(self.recipe.dimension, self.recipe.colour_dimension, self._codes_from)

    def _put_fields(self, entries: Sequence[Entry]) -> None:
        late = _LATE & self.columns.keys()
        gathered: defaultdict[str, tuple[list[int], list[tuple[Scalar, ...]]]] = defaultdict(lambda: ([], []))
        for one in entries:
            slot = one.slot
            found = rows.fields_of(one.told)
            for field in (*self._fields[slot], *late):
                if field not in found and field in self.columns:
                    self.columns[field].clear(slot)
            for field, elements in found.items():
                slots, values = gathered[field]
                slots.append(slot)
                values.append(elements)
            self._fields[slot] = self._shared.setdefault(kept := tuple(found), kept)
        for field, (slots, values) in gathered.items():
            if field in _LATE and field not in late:
                continue
            column = self.columns.get(field)
            if column is None:
                column = self.columns[field] = Column(hierarchical=field == "category")
            column.put(slots, values)

    def _late_column(self, field: str) -> Column:
        column = Column()
        if field == "id":
            column.put(list(self.slot_of.values()), [(name,) for name in self.slot_of])
            return column
        with self._database.reading() as connection:
            for slot, body in connection.execute("SELECT slot, body FROM documents"):
                values: Sequence[Scalar] = rows.fields_of(json.loads(body)).get(field, ())
                if values:
                    column.put((slot,), (values,))
        return column


@contextmanager
def _without_collecting() -> Iterator[None]:
    """A million small objects come, and none goes in a circle: the collector would look at all of them again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def load(database: Database, codes_from: int) -> tuple[State, int]:
    """Everything of a database, and the number of the last change in it. Raises: IndexDamaged."""
    with database.reading() as connection, _without_collecting():
        connection.execute("BEGIN")
        meta = dict(connection.execute("SELECT key, value FROM meta"))
        state = State(database, _recipe(database, meta), codes_from)
        last = connection.execute("SELECT coalesce(max(number), 0) FROM changes").fetchone()[0]
        places = _load_documents(state, connection)
        found = state.count, int(np.bitwise_xor.reduce(state.row_marks.all(), initial=0))
        if found != (meta.get("count"), meta.get("sum")):
            raise IndexDamaged(
                f"{database.path} is damaged: of {meta.get('count')} products {found[0]} can be read, or some were changed. {REMEDY}"
            )
        _load_vectors(state, connection, places)
    return state, last


def refresh(state: State, connection: sqlite3.Connection, slots: Sequence[int]) -> None:
    """Read some slots anew after another process wrote them. Raises: IndexDamaged."""
    for slot in slots:
        row = connection.execute("SELECT id, version, body, text_mark, vector_mark, mark FROM documents WHERE slot = ?", (slot,)).fetchone()
        if row is None:
            if slot < state.size:
                state.remove(slot)
            continue
        name, version, body, text_mark, vector_mark, mark = row
        fresh = slot >= state.size or not state.alive()[slot] or int(state.vector_marks.all()[slot]) != vector_mark
        try:
            told = json.loads(body)
            state.put([Entry(slot, name, version, told, text_mark, vector_mark, mark)])
            if fresh:
                data = connection.execute("SELECT data FROM vectors WHERE slot = ?", (slot,)).fetchone()
                state.put_vectors([slot], [rows.places(told)], [data[0] if data else b""])
        except DAMAGED as error:
            raise damaged_row(slot, error) from error


def _recipe(database: Database, meta: dict[str, object]) -> Recipe | None:
    told = meta.get("recipe")
    if told is None:
        return None
    try:
        one = json.loads(str(told))
        recipe = Recipe(one["name"], int(one["dimension"]), int(one["colour_dimension"]), dict(one["parts"]))
    except DAMAGED as error:
        raise IndexDamaged(f"{database.path} is damaged: its recipe cannot be read. Restore the folder from a backup.") from error
    if recipe.id != one.get("id"):
        raise IndexDamaged(f"{database.path} is damaged: its recipe is another than its name says. Restore the folder from a backup.")
    return recipe


def _load_documents(state: State, connection: sqlite3.Connection) -> dict[int, tuple[rows.Place, ...]]:
    """Fill in all but the vectors; the places of those products that have others than one object in their first picture."""
    places: dict[int, tuple[rows.Place, ...]] = {}
    cursor = connection.execute("SELECT slot, id, version, body, text_mark, vector_mark, mark FROM documents ORDER BY slot")
    while stored := cursor.fetchmany(_LOADED_AT_ONCE):
        entries: list[Entry] = []
        slot = -1
        try:
            for slot, name, version, body, *marks in stored:
                told = json.loads(body)
                entries.append(Entry(slot, name, version, told, *marks))
                own = rows.places(told)
                if own != _FIRST:
                    places[slot] = own
            state.put(entries)
        except DAMAGED as error:
            raise damaged_row(slot, error) from error
    state.free = [slot for slot, alive in enumerate(state.alive()) if not alive]
    return places


_FIRST: tuple[rows.Place, ...] = ((0, 0),)


def _load_vectors(state: State, connection: sqlite3.Connection, places: dict[int, tuple[rows.Place, ...]]) -> None:
    if state.vectors is None:
        return
    stored = [row for row in connection.execute("SELECT slot, data FROM vectors ORDER BY slot") if row[0] in state]
    slots = [row[0] for row in stored]
    try:
        having = int(np.count_nonzero(state.alive())) - sum(not own for own in places.values())
        if having != len(slots):
            raise ValueError("vectors are missing")
        state.put_vectors(slots, [places.get(slot, _FIRST) for slot in slots], [row[1] for row in stored])
    except DAMAGED as error:
        raise IndexDamaged(f"The vectors of the index are damaged ({error}). {REMEDY}") from error
