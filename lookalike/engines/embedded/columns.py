"""The values of one field for every slot: dictionary-coded, typed, with any number of elements."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.filters import Range
from lookalike.domain.product import CATEGORY_JOINT
from lookalike.domain.values import Scalar
from lookalike.engines.counting import Key, order_key
from lookalike.engines.embedded.folding import FoldedTexts

Mask = NDArray[np.bool_]
Ints = NDArray[np.int32]
Floats = NDArray[np.float64]

_NONE, _MANY = -1, -2


class Strip:
    """A numpy array that grows at its end."""

    def __init__(self, dtype: type, fill: float = 0) -> None:
        self._all: NDArray[Any] = np.full(1024, fill, dtype)
        self._fill = fill
        self.size = 0

    def __len__(self) -> int:
        return self.size

    def resize(self, size: int) -> NDArray[Any]:
        """At least `size` entries, new ones filled; a view of the first `size`, good until the next call."""
        if size > len(self._all):
            grown = np.full(max(size, 2 * len(self._all)), self._fill, self._all.dtype)
            grown[: self.size] = self._all[: self.size]
            self._all = grown
        self.size = max(self.size, size)
        return self._all[:size]

    def all(self) -> NDArray[Any]:
        """A view of every entry, good until the next call of another method."""
        return self._all[: self.size]

    def append(self, values: object, count: int) -> int:
        """Add `count` values at the end; where they begin."""
        begin = self.size
        self.resize(begin + count)[begin:] = values
        return begin


class Column:
    """One field. `dense` holds the code of a product's only element, or says that it has none, or many: those are in the pool.

    `hierarchical`: a value stands for all below it too (categories).
    """

    def __init__(self, *, hierarchical: bool = False) -> None:
        self.values: list[Scalar] = []
        self.texts = FoldedTexts(self.values)
        self._codes: dict[Key, int] = {}
        self._strings: dict[str, int] = {}
        self._dense = Strip(np.int32, _NONE)
        self._owners, self._pool = Strip(np.int32), Strip(np.int32, _NONE)
        self._spans: dict[int, tuple[int, int]] = {}
        self._dead = 0
        self._below: defaultdict[str, list[int]] | None = defaultdict(list) if hierarchical else None
        self._numbers: tuple[int, Floats] = 0, np.empty(0)
        self._ranks: tuple[int, Floats] = 0, np.empty(0)

    def put(self, slots: Sequence[int], elements: Sequence[Sequence[Scalar]]) -> None:
        """Replace what some distinct slots hold."""
        known, spans, strings = self._codes, self._spans, self._strings
        found: list[int] = []
        for slot, one in zip(slots, elements, strict=True):
            if slot in spans:
                self._forget(slot)
            if len(one) == 1:
                value = one[0]
                code = strings.get(value) if type(value) is str else known.get(order_key(value))
                found.append(self._code(value) if code is None else code)
                continue
            codes = list(dict.fromkeys(map(self._code, one)))
            if len(codes) > 1:
                begin = self._pool.append(codes, len(codes))
                self._owners.append(slot, len(codes))
                spans[slot] = begin, begin + len(codes)
            found.append(_MANY if len(codes) > 1 else codes[0] if codes else _NONE)
        if found:
            self._dense.resize(max(max(slots) + 1, self._dense.size))[np.asarray(slots)] = found

    def clear(self, slot: int) -> None:
        """A slot holds nothing any more."""
        if slot < self._dense.size:
            self.put((slot,), ((),))

    def matching(self, options: Iterable[Scalar], size: int) -> Mask:
        """Which of the first `size` slots have an element that equals (or lies below) one of `options`."""
        return self._having(self._wanted(options), size)

    def within(self, span: Range, size: int) -> Mask:
        """Which slots have a number within the range."""
        numbers = self.numbers()
        inside = ~np.isnan(numbers)
        for edge, compare in ((span.gt, np.greater), (span.gte, np.greater_equal), (span.lt, np.less), (span.lte, np.less_equal)):
            if edge is not None:
                inside &= compare(numbers, edge)
        return self._having(np.flatnonzero(inside), size)

    def existing(self, size: int) -> Mask:
        """Which slots have an element."""
        return np.asarray(self.dense(size) != _NONE)

    def counts(self, chosen: NDArray[np.intp] | None, mask: Mask) -> NDArray[np.int64]:
        """How many of the chosen slots have each code. `chosen` are the slots of `mask`; None: all are."""
        dense = self.dense(len(mask))
        found = np.bincount((dense if chosen is None else dense[chosen]) + 2, minlength=len(self.values) + 2)[2:]
        owners, pool = self._entries()
        if len(pool):
            alive = mask[owners] & (pool >= 0)
            found = found + np.bincount(pool[alive], minlength=len(self.values))
        return found

    def span_counts(self, spans: Iterable[tuple[float, float | None]], mask: Mask) -> list[int]:
        """How many of the slots have a number from (included) to (excluded)."""
        return [int(np.count_nonzero(self.within(Range("", gte=low, lt=high), len(mask)) & mask)) for low, high in spans]

    def keys(self, size: int, *, largest: bool) -> Floats:
        """A number for each slot that sorts like its smallest (or largest) element; NaN where it has none."""
        table = np.append(self.ranks(), (np.nan, np.nan))  # for _MANY and _NONE, which are -2 and -1
        found = np.asarray(table[self.dense(size)], np.float64)
        owners, pool = self._entries()
        alive = pool >= 0
        pick = np.fmax if largest else np.fmin
        pick.at(found, owners[alive], table[pool[alive]])
        return found

    def rank_of(self, value: Scalar) -> float:
        """Where a value stands among the ranks: its own, or between its neighbours where no product has it any more."""
        code = self._codes.get(order_key(value))
        if code is not None:
            return float(self.ranks()[code])
        less = sum(order_key(one) < order_key(value) for one in self.values)
        return less - 0.5

    def ranks(self) -> Floats:
        """The place of each code in the order of values."""
        if self._ranks[0] != len(self.values):
            numbers = self.numbers()
            if len(numbers) and not np.isnan(numbers).any():
                order = np.argsort(numbers, kind="stable")
            else:
                order = np.array(sorted(range(len(self.values)), key=lambda code: order_key(self.values[code])), np.intp)
            ranks = np.empty(len(self.values))
            ranks[order] = np.arange(len(self.values))
            self._ranks = len(self.values), ranks
        return self._ranks[1]

    def numbers(self) -> Floats:
        """The number that each code stands for; NaN for strings and booleans."""
        known, numbers = self._numbers
        if known != len(self.values):
            fresh = [np.nan if isinstance(one, bool | str) else float(one) for one in self.values[known:]]
            numbers = np.append(numbers, fresh)
            self._numbers = len(self.values), numbers
        return numbers

    def element(self, slot: int, *, largest: bool) -> Scalar | None:
        """The element that a slot is sorted by."""
        code = int(self._dense.resize(max(slot + 1, self._dense.size))[slot])
        if code == _NONE:
            return None
        if code != _MANY:
            return self.values[code]
        begin, end = self._spans[slot]
        found = [self.values[one] for one in self._entries()[1][begin:end]]
        best: Scalar = max(found, key=order_key) if largest else min(found, key=order_key)
        return best

    def prefix_table(self, shares: Mapping[str, float]) -> NDArray[np.float32]:
        """For a hierarchical column: for each code the sum of the shares of all the paths that it is or lies below.

        Two zeros at the end stand for "none" and "many", so that `dense` can index it.
        """
        found = np.zeros(len(self.values) + 2, np.float32)
        assert self._below is not None
        for path, share in shares.items():
            if path in self._below:
                found[self._below[path]] += np.float32(share)
        return found

    def paths(self) -> list[str]:
        """For a hierarchical column, every path that some value is or lies below."""
        return list(self._below or ())

    def dense(self, size: int) -> Ints:
        """The code of each slot's only element; -1: none, -2: many."""
        return self._dense.resize(size)

    def _code(self, value: Scalar) -> int:
        key = order_key(value)
        code = self._codes.get(key)
        if code is None:
            code = self._codes[key] = len(self.values)
            if isinstance(value, str):
                self._strings[value] = code
            self.values.append(value)
            if self._below is not None:
                steps = str(value).split(CATEGORY_JOINT)
                for depth in range(1, len(steps) + 1):
                    self._below[CATEGORY_JOINT.join(steps[:depth])].append(code)
        return code

    def _wanted(self, options: Iterable[Scalar]) -> NDArray[np.intp]:
        if self._below is not None:
            found = [code for one in options for code in self._below.get(str(one), ())]
        else:
            found = [code for one in options if (code := self._codes.get(order_key(one))) is not None]
        return np.array(found, np.intp)

    def _having(self, codes: NDArray[np.intp], size: int) -> Mask:
        dense = self.dense(size)
        if not len(codes):
            return np.zeros(size, np.bool_)
        if len(codes) == 1:
            found = dense == codes[0]
        else:
            table = np.zeros(len(self.values) + 2, np.bool_)
            table[codes] = True
            found = table[dense]
        owners, pool = self._entries()
        if len(pool):
            table = np.zeros(len(self.values) + 1, np.bool_)
            table[codes] = True
            found[owners[table[pool]]] = True
        return np.asarray(found)

    def _entries(self) -> tuple[Ints, Ints]:
        return self._owners.all(), self._pool.all()

    def _forget(self, slot: int) -> None:
        begin, end = self._spans.pop(slot)
        self._entries()[1][begin:end] = _NONE
        self._dead += end - begin
        if self._dead > 10_000 and 2 * self._dead > self._pool.size:
            self._compact()

    def _compact(self) -> None:
        _, pool = self._entries()
        kept = {slot: pool[begin:end].copy() for slot, (begin, end) in self._spans.items()}
        self._owners, self._pool, self._dead = Strip(np.int32), Strip(np.int32, _NONE), 0
        for slot, codes in kept.items():
            begin = self._pool.append(codes, len(codes))
            self._owners.append(slot, len(codes))
            self._spans[slot] = begin, begin + len(codes)
