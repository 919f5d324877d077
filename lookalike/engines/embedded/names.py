"""The ids of products and the slots that they have, both ways, and the order of ids."""

import bisect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.engines.embedded.pool import Arrays, Pool
from lookalike.engines.embedded.strips import Strip

_SORTED_ALONE = 4000
"""So many ids are sorted faster as strings than by the places of all ids."""
_RANKED_ANEW = 20_000


class Names:
    """Ids by slot and slots by id."""

    def __init__(self) -> None:
        self._pool = Pool()
        self._slots, self._codes = Strip(np.int32, -1), Strip(np.int32, -1)
        """By code the slot that has the id, by slot the code of its id; -1: none."""
        self._order: tuple[int, NDArray[np.int32], NDArray[np.float64]] = 0, np.empty(0, np.int32), np.empty(0)
        """How many codes were sorted, in which order they came, and the place of each."""
        self.count = 0
        """Ids that have a slot."""

    @property
    def size(self) -> int:
        """Slots that ever had an id."""
        return self._codes.size

    def __getitem__(self, slot: int) -> str:
        return self._pool[int(self._codes.all()[slot])]

    def slot_of(self, name: str) -> int:
        """The slot of an id; -1: none."""
        code = self._pool.find(name)
        return int(self._slots.all()[code]) if code >= 0 else -1

    def slots_of(self, names: Sequence[str]) -> list[int]:
        """As `slot_of`, of many."""
        codes, slots = self._pool.known(names), self._slots.all()
        return [int(slots[code]) if code >= 0 else -1 for code in codes]

    def put(self, slots: Sequence[int], names: Sequence[str]) -> None:
        """Give distinct slots their ids."""
        codes = np.array(self._pool.codes(names), np.int32)
        places = np.array(slots, np.intp)
        held = self._codes.resize(max(int(places.max()) + 1, self._codes.size))
        old = held[places]
        changed = old != codes
        if not changed.any():
            return
        owners = self._slots.resize(len(self._pool))
        gone = places[changed & (old >= 0)]
        still = gone[owners[held[gone]] == gone]  # another process may have used a slot again
        owners[held[still]] = -1
        self.count -= len(still)
        self.count += int(np.count_nonzero(owners[codes[changed]] < 0))
        held[places] = codes
        owners[codes] = places

    def remove(self, slot: int) -> None:
        """A slot has no id any more."""
        code = int(self._codes.all()[slot])
        if code >= 0 and int(self._slots.all()[code]) == slot:  # another slot may have the id by now
            self._slots.all()[code] = -1
            self.count -= 1
        self._codes.all()[slot] = -1

    def each(self) -> tuple[NDArray[np.intp], list[str]]:
        """Every slot that has an id, and the ids."""
        slots = np.flatnonzero(self._codes.all() >= 0)
        return slots, [self._pool[code] for code in self._codes.all()[slots].tolist()]

    def places(self, slots: NDArray[np.intp]) -> NDArray[np.float64]:
        """Numbers that sort like the ids of some slots."""
        codes = self._codes.all()[slots]
        if len(slots) > _SORTED_ALONE:
            return np.asarray(self._ranks()[codes])
        names = list(map(self._pool.__getitem__, codes.tolist()))
        found = np.empty(len(slots))
        found[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
        return found

    def after(self, slots: NDArray[np.intp], name: str) -> NDArray[np.bool_]:
        """Which of some slots have an id that comes after `name`."""
        codes = self._codes.all()[slots]
        if len(slots) > _SORTED_ALONE:
            return np.asarray(self._ranks()[codes] > self._rank_of(name))
        return np.fromiter((self._pool[code] > name for code in codes.tolist()), np.bool_, len(codes))

    def arrays(self) -> Arrays:
        """All of it, for `Names.held`; ids that nobody has any more are left out where they are the majority."""
        if len(self._pool) > 2 * self.count + _SORTED_ALONE:
            slots, names = self.each()
            fresh = Names()
            if len(slots):
                fresh.put(slots.tolist(), names)
            fresh._codes.resize(self.size)
            self.__dict__.update(fresh.__dict__)
        order = {"sorted": self._order[1]} if self._order[0] else {}
        pool = {f"pool.{name}": array for name, array in self._pool.arrays().items()}
        return order | pool | {"slots": self._slots.resize(len(self._pool)), "codes": self._codes.all()}

    @classmethod
    def held(cls, arrays: Mapping[str, NDArray[Any]]) -> "Names":
        """The names that `arrays` told; it keeps using them."""
        names = cls()
        names._pool = Pool.held({name: arrays[f"pool.{name}"] for name in ("blob", "ends", "hashes", "order")})
        names._slots, names._codes = Strip(np.int32, -1, arrays["slots"]), Strip(np.int32, -1, arrays["codes"])
        names.count = int(np.count_nonzero(arrays["slots"] >= 0))
        if "sorted" in arrays:
            names._sorted(arrays["sorted"])
        return names

    def _sorted(self, order: NDArray[np.int32]) -> None:
        ranks = np.empty(len(order))
        ranks[order] = np.arange(len(order))
        self._order = len(order), order, ranks

    def _ranks(self) -> NDArray[np.float64]:
        """The place of each code; those that came since all were sorted stand between their neighbours."""
        known, _order, ranks = self._order
        fresh = len(self._pool) - known
        if fresh > _RANKED_ANEW or (fresh and not known):
            texts = list(self._pool.texts())
            self._sorted(np.array(sorted(range(len(texts)), key=texts.__getitem__), np.int32))
            return self._order[2]
        late = sorted(range(known, len(self._pool)), key=self._pool.__getitem__)
        found = np.empty(len(self._pool))
        found[:known] = ranks
        for at, code in enumerate(late, 1):
            found[code] = self._before(self._pool[code]) - 1 + at / (len(late) + 1)
        return found

    def _rank_of(self, name: str) -> float:
        """Where an id stands among `_ranks`: its own place, or between its neighbours."""
        code = self._pool.find(name)
        if code >= 0:
            return float(self._ranks()[code])
        known = self._order[0]
        late = sorted(self._pool.texts(known))
        return self._before(name) - 1 + (bisect.bisect_left(late, name) + 0.5) / (len(late) + 1)

    def _before(self, name: str) -> int:
        """How many of the sorted codes come before an id."""
        return bisect.bisect_left(self._order[1], name, key=lambda code: self._pool[int(code)])
