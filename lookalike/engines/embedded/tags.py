"""Casefolded tags with a weight for each product that has them: 1 for its own, a probability for predicted ones."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.engines.embedded.columns import Mask
from lookalike.engines.embedded.pool import Arrays, Pool
from lookalike.engines.embedded.strips import Strip

_DEAD = -1
_COMPACTED_FROM = 10_000


class TagTable:
    """Entries (slot, tag, weight), those of a slot side by side."""

    def __init__(self) -> None:
        self._names = Pool()
        self._owners, self._entries, self._weights = Strip(np.int32), Strip(np.int32, _DEAD), Strip(np.float32)
        self._begins, self._counts = Strip(np.int32), Strip(np.int32)
        self._dead = 0

    def put(self, slots: Sequence[int], tags: Sequence[Mapping[str, float]]) -> None:
        """Replace the tags of some distinct slots."""
        if not slots:
            return
        size = max(max(slots) + 1, self._begins.size)
        begins, counts = self._begins.resize(size), self._counts.resize(size)
        places = np.asarray(slots)
        for slot in places[counts[places] > 0]:
            self._entries.all()[begins[slot] : begins[slot] + counts[slot]] = _DEAD
            self._dead += int(counts[slot])
        lengths = np.array([len(one) for one in tags])
        codes = self._names.codes(tag for one in tags for tag in one)
        begin = self._entries.append(codes, len(codes))
        self._owners.append(np.repeat(places, lengths), len(codes))
        self._weights.append([weight for one in tags for weight in one.values()], len(codes))
        begins[places] = begin + np.cumsum(lengths) - lengths
        counts[places] = lengths
        if self._dead > _COMPACTED_FROM and 2 * self._dead > self._entries.size:
            self._compact()

    def arrays(self) -> Arrays:
        """All of it, for `TagTable.held`."""
        names = {f"names.{name}": array for name, array in self._names.arrays().items()}
        return names | {name: strip.all() for name, strip in self._strips().items()}

    @classmethod
    def held(cls, arrays: Mapping[str, NDArray[Any]]) -> "TagTable":
        """The table that `arrays` told; it keeps using them."""
        table = cls()
        table._names = Pool.held({name: arrays[f"names.{name}"] for name in ("blob", "ends", "hashes", "order")})
        table._owners, table._entries = Strip(np.int32, 0, arrays["owners"]), Strip(np.int32, _DEAD, arrays["entries"])
        table._weights = Strip(np.float32, 0, arrays["weights"])
        table._begins, table._counts = Strip(np.int32, 0, arrays["begins"]), Strip(np.int32, 0, arrays["counts"])
        table._dead = int(np.count_nonzero(arrays["entries"] == _DEAD))
        return table

    def _strips(self) -> dict[str, Strip]:
        return {
            "owners": self._owners,
            "entries": self._entries,
            "weights": self._weights,
            "begins": self._begins,
            "counts": self._counts,
        }

    def _compact(self) -> None:
        """Drop the dead entries; those of a slot stay side by side."""
        alive = self._entries.all() != _DEAD
        self._owners = Strip(np.int32, 0, self._owners.all()[alive])
        self._entries = Strip(np.int32, _DEAD, self._entries.all()[alive])
        self._weights = Strip(np.float32, 0, self._weights.all()[alive])
        owners, starts = np.unique(self._owners.all(), return_index=True)
        self._begins.all()[owners] = starts
        self._dead = 0

    def of(self, slot: int) -> list[str]:
        """The casefolded tags of a slot."""
        if slot >= self._begins.size:
            return []
        begin, count = (int(one.all()[slot]) for one in (self._begins, self._counts))
        return [self._names[code] for code in self._entries.all()[begin : begin + count]]

    def scores(self, tags: Collection[str], size: int) -> NDArray[np.float32]:
        """For each slot the mean over `tags` (casefolded, distinct) of how much it has them."""
        total = np.zeros(size, np.float64)
        for owners, weights in self._having(tags):
            total[owners] += weights
        return np.asarray(total / len(tags), np.float32)

    def any_of(self, tags: Collection[str], size: int) -> Mask:
        """Which slots have one of the tags."""
        found = np.zeros(size, np.bool_)
        for owners, _ in self._having(tags):
            found[owners] = True
        return found

    def _having(self, tags: Iterable[str]) -> Iterable[tuple[NDArray[np.generic], NDArray[np.generic]]]:
        entries = self._entries.all()
        for tag in tags:
            code = self._names.find(tag)
            if code >= 0:
                places = np.flatnonzero(entries == code)
                yield self._owners.all()[places], self._weights.all()[places]
