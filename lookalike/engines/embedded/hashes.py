"""Which product has a picture of which perceptual hash: found out when it is first asked, and kept up to date from then on."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lookalike.engines.embedded.columns import Column, Mask
from lookalike.engines.embedded.database import Database
from lookalike.engines.embedded.names import Names

_SEEN, _HASH = b',"seen":[[', re.compile(rb'"phash":"([0-9a-f]{16})"')
_AT_ONCE = 5_000


class Hashes:
    """The hashes of a database's pictures by slot."""

    def __init__(self, database: Database) -> None:
        """All that are there: every body is read once. Raises: IndexDamaged."""
        self._column = Column()
        with database.reading() as connection:
            cursor = connection.execute("SELECT slot, body FROM documents")
            while some := cursor.fetchmany(_AT_ONCE):
                self._column.put([slot for slot, _ in some], [_hashes_in(body) for _, body in some])

    def put(self, slots: Sequence[int], told: Sequence[Mapping[str, Any]]) -> None:
        """Replace what some distinct slots hold by what their bodies tell."""
        self._column.put(slots, [tuple(dict.fromkeys(one["phash"] for _, one in body.get("seen", ()) if one["phash"])) for body in told])

    def clear(self, slot: int) -> None:
        """A slot holds nothing any more."""
        self._column.clear(slot)

    def ids(self, hashes: Sequence[str], limit: int, names: Names, alive: Mask) -> list[str]:
        """The ids of products that have a picture with one of these hashes; of an earlier hash first, then by id."""
        found: list[str] = []
        rest = self._column.matching(hashes, len(alive)) & alive
        for one in self._column.known(hashes) if rest.any() else ():
            mine = self._column.matching((one,), len(alive)) & rest
            rest &= ~mine
            found += sorted(names[int(slot)] for slot in np.flatnonzero(mine))
            if len(found) >= limit or not rest.any():
                break
        return found[:limit]


def _hashes_in(body: bytes) -> tuple[str, ...]:
    """What a stored body tells, without reading all of it: what is seen comes after the product, which holds no list of lists."""
    return tuple(dict.fromkeys(one.decode() for one in _HASH.findall(body, max(0, body.find(_SEEN)))))
