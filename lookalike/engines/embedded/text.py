"""The text leg: SQLite's FTS5, asked with quoted words only."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from lookalike.engines import words
from lookalike.engines.embedded.columns import Mask
from lookalike.engines.embedded.database import Database

_WEIGHTS = ", ".join(str(weight) for weight in words.COLUMNS.values())
_FOUND = f"SELECT rowid, -bm25(texts, {_WEIGHTS}) FROM texts WHERE texts MATCH ?"  # noqa: S608 - numbers of ours


def scores(database: Database, asked: Collection[str], allowed: Mask) -> tuple[NDArray[np.float32], Mask]:
    """For each slot its text score 0…1, and whether it matches at all.

    Products with all words come above .5; where fewer than `words.ENOUGH` of the allowed ones have all, those with some
    words follow below. BM25 is divided by the best of either set.
    """
    size = len(allowed)
    found, mask = np.zeros(size, np.float32), np.zeros(size, np.bool_)
    if not asked:
        return found, mask
    slots, bm25 = _matching(database, " AND ".join(map(_quoted, asked)), size)
    if len(slots):
        found[slots] = 0.5 + 0.5 * bm25 / bm25.max()
        mask[slots] = True
    if len(asked) > 1 and np.count_nonzero(allowed[slots]) < words.ENOUGH:
        slots, bm25 = _matching(database, " OR ".join(map(_quoted, asked)), size)
        some = ~mask[slots]
        slots, bm25 = slots[some], bm25[some]
        if len(slots):
            found[slots] = 0.5 * bm25 / bm25.max()
            mask[slots] = True
    return found, mask


def _matching(database: Database, expression: str, size: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    with database.reading() as connection:
        rows = connection.execute(_FOUND, (expression,)).fetchall()
    table = np.array(rows, np.float64).reshape(-1, 2)
    slots = table[:, 0].astype(np.intp)
    known = slots < size  # another process may have added more since we last looked
    return slots[known], table[known, 1]


def _quoted(word: str) -> str:
    """A string of FTS5's query language: whatever is in it, it is a word and no operator."""
    return '"' + word.replace('"', '""') + '"'
