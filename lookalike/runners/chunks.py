"""Rows in chunks that travel together."""

from collections.abc import Iterable, Iterator

from lookalike.ports.runner import Chunk

CHUNK_ROWS = 64
CHUNK_BYTES = 2_000_000
"""A chunk has at most so many rows, and, unless one row alone is larger, about so many characters."""


def chunked(lines: Iterable[tuple[str, str | None]]) -> Iterator[Chunk]:
    """Chunks of lines; beside each the product that it changes, where that is known."""
    rows: list[str] = []
    ids: set[str] = set()
    size = 0
    for line, name in lines:
        if rows and (len(rows) >= CHUNK_ROWS or size + len(line) > CHUNK_BYTES):
            yield Chunk(tuple(rows), frozenset(ids))
            rows, ids, size = [], set(), 0
        rows.append(line)
        size += len(line)
        if name is not None:
            ids.add(name)
    if rows:
        yield Chunk(tuple(rows), frozenset(ids))
