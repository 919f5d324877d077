"""The text leg: SQLite's FTS5, asked with quoted words only."""

import sqlite3
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from lookalike.engines import words
from lookalike.engines.embedded.columns import Mask
from lookalike.engines.embedded.database import Database

_TITLED = 100_000
"""Up to so many it counts whether the title has them; it costs another list."""
MOST_WEIGHED = 10_000
"""BM25 costs .8 µs a product, and says little of a word that so many have: beyond it words count as being there or not,
and twice where the title has them."""

_WEIGHTS = ", ".join(str(weight) for weight in words.COLUMNS.values())
_MATCHING = "FROM texts WHERE texts MATCH ?"
_WEIGHED = f"SELECT rowid, -bm25(texts, {_WEIGHTS}) {_MATCHING}"
_ALL = f"SELECT json_group_array(rowid) {_MATCHING}"  # one answer of text: a tenth of what so many rows cost

Slots = NDArray[np.intp]
Scores = NDArray[np.float64]


def scores(database: Database, asked: Collection[str], allowed: Mask) -> tuple[NDArray[np.float32], Mask]:
    """For each slot its text score 0…1, and whether it matches at all.

    Products with all words come above .5; where fewer than `words.ENOUGH` of the allowed ones have all, those with some
    words follow below. BM25 is divided by the best of either set.
    """
    size = len(allowed)
    found, mask = np.zeros(size, np.float32), np.zeros(size, np.bool_)
    if not asked:
        return found, mask
    quoted = [_quoted(word) for word in asked]
    with database.reading() as connection:
        slots, weights = _with_all(connection, quoted, size)
        if len(slots):
            found[slots] = 0.5 + 0.5 * weights / weights.max()
            mask[slots] = True
        if len(asked) > 1 and np.count_nonzero(allowed[slots]) < words.ENOUGH:
            slots, weights = _with_some(connection, quoted, size)
            some = ~mask[slots]
            slots, weights = slots[some], weights[some]
            if len(slots):
                found[slots] = 0.5 * weights / weights.max()
                mask[slots] = True
    return found, mask


def one_with(database: Database, word: str) -> bool:
    """Whether any product has a word: as cheap as a look at its list can be. Raises: IndexDamaged."""
    with database.reading() as connection:
        return connection.execute(f"SELECT rowid {_MATCHING} LIMIT 1", (_quoted(word),)).fetchone() is not None


def _with_all(connection: sqlite3.Connection, quoted: Sequence[str], size: int) -> tuple[Slots, Scores]:
    expression = " AND ".join(quoted)
    if not _too_many(connection, expression):
        return _weighed(connection, expression, size)
    slots = _listed(connection, expression, size)
    weights = np.ones(size)
    if len(slots) <= _TITLED:
        weights[_listed(connection, f"{{title}} : ({expression})", size)] = 2.0
    return slots, weights[slots]


def _with_some(connection: sqlite3.Connection, quoted: Sequence[str], size: int) -> tuple[Slots, Scores]:
    """Rare words weigh by BM25; a common one adds its rarity, once for each product that has it."""
    expression = " OR ".join(quoted)
    if not _too_many(connection, expression):
        return _weighed(connection, expression, size)
    rare: list[str] = []
    common: list[str] = []
    for word in quoted:
        (common if _too_many(connection, word) else rare).append(word)
    weights, mask = np.zeros(size), np.zeros(size, np.bool_)
    for word in rare:
        slots, own = _weighed(connection, word, size)
        weights[slots] += own
        mask[slots] = True
    for word in common:
        slots = _listed(connection, word, size)
        weights[slots] += max(1e-6, float(np.log((size - len(slots) + 0.5) / (len(slots) + 0.5))))
        mask[slots] = True
    slots = np.flatnonzero(mask)
    return slots, weights[slots]


def _too_many(connection: sqlite3.Connection, expression: str) -> bool:
    counted = f"SELECT count(*) FROM (SELECT 1 {_MATCHING} LIMIT {MOST_WEIGHED + 1})"  # noqa: S608 - constants of ours
    return int(connection.execute(counted, (expression,)).fetchone()[0]) > MOST_WEIGHED


def _weighed(connection: sqlite3.Connection, expression: str, size: int) -> tuple[Slots, Scores]:
    rows = connection.execute(_WEIGHED, (expression,)).fetchall()
    table = np.array(rows, np.float64).reshape(-1, 2)
    slots = table[:, 0].astype(np.intp)
    known = slots < size  # another process may have added more since we last looked
    return slots[known], table[known, 1]


def _listed(connection: sqlite3.Connection, expression: str, size: int) -> Slots:
    told = connection.execute(_ALL, (expression,)).fetchone()[0]
    slots = np.fromstring(told[1:-1], np.int64, sep=",") if len(told) > 2 else np.empty(0, np.int64)
    return np.asarray(slots[slots < size], np.intp)


def _quoted(word: str) -> str:
    """A string of FTS5's query language: whatever is in it, it is a word and no operator."""
    return '"' + word.replace('"', '""') + '"'
