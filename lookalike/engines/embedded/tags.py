"""Casefolded tags with a weight for each product that has them: 1 for its own, a probability for predicted ones."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lookalike.engines.embedded.columns import Mask, Strip

_DEAD = -1


class TagTable:
    """Entries (slot, tag, weight), those of a slot side by side."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._codes: dict[str, int] = {}
        self._owners, self._entries, self._weights = Strip(np.int32), Strip(np.int32, _DEAD), Strip(np.float32)
        self._begins, self._counts = Strip(np.int32), Strip(np.int32)

    def put(self, slots: Sequence[int], tags: Sequence[Mapping[str, float]]) -> None:
        """Replace the tags of some distinct slots."""
        if not slots:
            return
        size = max(max(slots) + 1, self._begins.size)
        begins, counts = self._begins.resize(size), self._counts.resize(size)
        places = np.asarray(slots)
        for slot in places[counts[places] > 0]:
            self._entries.all()[begins[slot] : begins[slot] + counts[slot]] = _DEAD
        lengths = np.array([len(one) for one in tags])
        codes = [self._code(tag) for one in tags for tag in one]
        begin = self._entries.append(codes, len(codes))
        self._owners.append(np.repeat(places, lengths), len(codes))
        self._weights.append([weight for one in tags for weight in one.values()], len(codes))
        begins[places] = begin + np.cumsum(lengths) - lengths
        counts[places] = lengths

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
            code = self._codes.get(tag)
            if code is not None:
                places = np.flatnonzero(entries == code)
                yield self._owners.all()[places], self._weights.all()[places]

    def _code(self, tag: str) -> int:
        code = self._codes.get(tag)
        if code is None:
            code = self._codes[tag] = len(self._names)
            self._names.append(tag)
        return code
