"""Completions, and which fields there are."""

from collections.abc import Iterator

import numpy as np

from lookalike.domain.product import CATEGORY_JOINT
from lookalike.engines import counting
from lookalike.engines.embedded.state import State
from lookalike.engines.words import folded, starts_a_word


def fields(state: State) -> list[str]:
    """The canonical fields that some product has."""
    written = state.fields()
    found = []
    for name in written:
        column = state.columns.get(name)
        if column is None or column.existing(state.size).any():  # no column: one that is made when it is asked for
            found.append(name)
    return sorted(found)


def suggestions(state: State, prefix: str, limit: int) -> list[tuple[str, str, int]]:
    """(text, kind, count), best first."""
    asked = folded(prefix).strip()
    return counting.suggestion_order(_found(state, asked), asked)[:limit]


def _found(state: State, asked: str) -> Iterator[tuple[str, str, int]]:
    alive = state.alive()
    for kind in ("title", "brand"):
        column = state.column(kind)
        if column is not None:
            counts = column.counts(None, alive)
            yield from ((text, kind, int(counts[code])) for code, text in column.texts.starting(asked) if counts[code])
    column = state.column("category")
    if column is not None:
        for path in column.paths():
            if starts_a_word(asked, folded(path.rpartition(CATEGORY_JOINT)[2])):
                count = int(np.count_nonzero(column.matching((path,), state.size)))
                if count:
                    yield path, "category", count
    yield from _tags(state, asked)


def _tags(state: State, asked: str) -> Iterator[tuple[str, str, int]]:
    columns = [column for name in ("tags", "predicted_tags") if (column := state.column(name)) is not None]
    for tag in dict.fromkeys(text for column in columns for _, text in column.texts.starting(asked)):
        having = np.zeros(state.size, np.bool_)
        for column in columns:
            having |= column.matching((tag,), state.size)
        if having.any():
            yield tag, "tag", int(np.count_nonzero(having))
