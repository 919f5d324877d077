"""How a state comes to be: from the cache file and what changed since, or, where that is not to be trusted, from every row."""

import gc
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.domain.analysis import Recipe
from lookalike.engines.embedded import cache
from lookalike.engines.embedded.database import Database
from lookalike.engines.embedded.folder import REMEDY
from lookalike.engines.embedded.pool import Arrays
from lookalike.engines.embedded.rows import damaged_row
from lookalike.engines.embedded.state import Entry, State
from lookalike.engines.embedded.vectors import Home
from lookalike.engines.told import DAMAGED, places_of
from lookalike.errors import IndexDamaged

FORMAT = 1
_AT_ONCE = 2000
_DOCUMENTS = "SELECT slot, id, version, body, text_mark, vector_mark, mark FROM documents"


@contextmanager
def without_collecting() -> Iterator[None]:
    """A million small objects come, and none goes in a circle: the collector would look at all of them again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def load(database: Database, codes_from: int) -> tuple[State, int, int]:
    """Everything of a database, the number of the last change in it, and the one that the cache knew (0: none).

    Raises: IndexDamaged.
    """
    with database.reading() as connection, without_collecting():
        connection.execute("BEGIN")
        meta = dict(connection.execute("SELECT key, value FROM meta"))
        recipe = _recipe(database, meta)
        last = connection.execute("SELECT coalesce(max(number), 0) FROM changes").fetchone()[0]
        home = None if database.writer is None else Home(database.path, _next_home(database))
        try:
            state, cached = _cached(database, connection, State(database, recipe, codes_from, home), last)
            if _found(state) == (meta.get("count"), meta.get("sum")):
                return _free(state), last, cached
        except cache.Stale:
            pass  # everything in it can be had from the database
        state = State(database, recipe, codes_from, home)
        cursor = connection.execute(f"{_DOCUMENTS} ORDER BY slot")
        while stored := cursor.fetchmany(_AT_ONCE):
            _take(state, connection, stored)
        if _found(state) != (meta.get("count"), meta.get("sum")):
            raise IndexDamaged(
                f"{database.path} is damaged: of {meta.get('count')} products {state.count} can be read, or some were changed. {REMEDY}"
            )
    return _free(state), last, 0


def told(state: State, last: int) -> tuple[dict[str, Any], Arrays]:
    """What `save` writes of a state after its change number `last`; puts the vectors into their files. Raises: OSError."""
    if state.vectors is not None:
        state.vectors.file()
    about, arrays = state.arrays()
    recipe = None if state.recipe is None else state.recipe.id
    return {"format": FORMAT, "last": last, "recipe": recipe} | about, arrays


def save(database: Database, state: State, about: dict[str, Any], arrays: Arrays) -> None:
    """Write the cache; searches may go on meanwhile. Raises: OSError."""
    cache.write(cache_path(database), about, arrays)
    kept = set()
    if state.vectors is not None and state.vectors.home is not None:
        kept = {state.vectors.home.pictures.name, state.vectors.home.colours.name}
    for pattern in (f"{database.path.stem}.*.vectors", f"{database.path.stem}.*.colours"):
        for one in database.path.parent.glob(pattern):
            if one.name not in kept:
                one.unlink(missing_ok=True)  # who has it mapped keeps seeing it


def refresh(state: State, connection: sqlite3.Connection, slots: Sequence[int]) -> None:
    """Read some slots anew after they were written. Raises: IndexDamaged."""
    for start in range(0, len(slots), _AT_ONCE):
        part = slots[start : start + _AT_ONCE]
        marks = ",".join("?" * len(part))
        stored = connection.execute(f"{_DOCUMENTS} WHERE slot IN ({marks}) ORDER BY slot", part).fetchall()
        for slot in set(part) - {row[0] for row in stored}:
            state.remove(slot)
        _take(state, connection, stored)


def cache_path(database: Database) -> Path:
    """Where the cache of a database lies."""
    return database.path.with_suffix(".columns")


def _next_home(database: Database) -> int:
    """A generation that no file has: what lies there may be half of something."""
    names = [one.name.split(".")[1] for one in database.path.parent.glob(f"{database.path.stem}.*.vectors")]
    return 1 + max((int(name) for name in names if name.isdecimal()), default=0)


def _found(state: State) -> tuple[int, int]:
    return state.count, int(np.bitwise_xor.reduce(state.row_marks.all(), initial=0))


def _free(state: State) -> State:
    state.free = np.flatnonzero(~state.alive()).tolist()
    return state


def _cached(database: Database, connection: sqlite3.Connection, state: State, last: int) -> tuple[State, int]:
    """The state of the cache, and what changed since. Raises: Stale, IndexDamaged."""
    told, arrays = cache.read(cache_path(database))
    recipe = None if state.recipe is None else state.recipe.id
    if (told["format"], told["recipe"]) != (FORMAT, recipe) or told["last"] > last:
        raise cache.Stale("it is of another state")
    oldest = connection.execute("SELECT coalesce(min(number), 0) FROM changes").fetchone()[0]
    if last > told["last"] and oldest > told["last"] + 1:
        raise cache.Stale("it is too old")
    state.hold(told, arrays)
    changed = connection.execute("SELECT DISTINCT slot FROM changes WHERE number > ?", (told["last"],)).fetchall()
    refresh(state, connection, sorted(row[0] for row in changed))
    return state, told["last"]


def _take(state: State, connection: sqlite3.Connection, stored: Sequence[Sequence[Any]]) -> None:
    """Take some rows with their vectors. Raises: IndexDamaged."""
    entries, places = [], {}
    slot = -1
    try:
        for row in stored:
            slot, name, version, body, text_mark, vector_mark, mark = row
            told = json.loads(body)
            if slot not in state or int(state.vector_marks.all()[slot]) != vector_mark:
                places[slot] = places_of(told)
            entries.append(Entry(slot, name, version, told, text_mark, vector_mark, mark))
        state.put(entries)
    except DAMAGED as error:
        raise damaged_row(slot, error) from error
    if state.vectors is None or not places:
        return
    marks = ",".join("?" * len(places))
    having = connection.execute(f"SELECT slot, data FROM vectors WHERE slot IN ({marks}) ORDER BY slot", list(places)).fetchall()  # noqa: S608
    try:
        if {slot for slot, own in places.items() if own} != {row[0] for row in having}:
            raise ValueError("vectors are missing")
        for slot in places.keys() - {row[0] for row in having}:
            state.vectors.forget(slot)
        slots = [row[0] for row in having]
        state.put_vectors(slots, [places[slot] for slot in slots], [row[1] for row in having])
    except DAMAGED as error:
        raise IndexDamaged(f"The vectors of the index are damaged ({error}). {REMEDY}") from error


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
