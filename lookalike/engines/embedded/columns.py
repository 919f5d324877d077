"""The values of one field for every slot: dictionary-coded, typed, with any number of elements."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.filters import Range
from lookalike.domain.product import CATEGORY_JOINT
from lookalike.domain.values import Scalar
from lookalike.engines.counting import order_key
from lookalike.engines.embedded.folding import FoldedTexts
from lookalike.engines.embedded.pool import Arrays, Pool
from lookalike.engines.embedded.strips import Strip

Mask = NDArray[np.bool_]
Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Elements = Scalar | Sequence[Scalar]
"""What a product has in a field: one value, or a list of any length."""

_NONE, _MANY = -1, -2
_COMPACTED_FROM = 10_000

_MARK = "\0"


def pooled(value: Scalar) -> str:
    """A value as a text that no other value has: 1 and 1.0 are equal, 1, true and "1" are not."""
    if isinstance(value, str):
        return value if value[:1] != _MARK else f"{_MARK}s{value}"
    if isinstance(value, bool):
        return f"{_MARK}t" if value else f"{_MARK}f"
    return f"{_MARK}n{value + 0.0!r}"  # + 0.0 makes a float of it, and 0 of -0


def unpooled(text: str) -> Scalar:
    """The value that `pooled` made a text of."""
    if text[:1] != _MARK:
        return text
    kind, told = text[1], text[2:]
    if kind == "s":
        return told
    return kind == "t" if kind in "tf" else float(told)


class Column:
    """One field. `dense` holds the code of a product's only element, or says that it has none, or many: those are in the pool.

    `hierarchical`: a value stands for all below it too (categories).
    """

    def __init__(self, *, hierarchical: bool = False) -> None:
        self.hierarchical = hierarchical
        self._values = Pool()
        self.texts = FoldedTexts(self._values)
        self._dense = Strip(np.int32, _NONE)
        self._owners, self._pool = Strip(np.int32), Strip(np.int32, _NONE)
        self._begins, self._counts = Strip(np.int32), Strip(np.int32)
        self._numbers = Strip(np.float64, np.nan)
        self._dead = 0
        self._below: defaultdict[str, list[int]] = defaultdict(list)
        self._ranks: tuple[int, Floats] = 0, np.empty(0)
        self._numeric: tuple[int, NDArray[np.intp], Floats] = 0, np.empty(0, np.intp), np.empty(0)
        self._kept: dict[str, Any] = {}
        """What was told of all slots, until something is put: a shop's front page asks for nothing else."""

    def __len__(self) -> int:
        """Distinct values, those that no product has any more included."""
        return len(self._values)

    def value(self, code: int) -> Scalar:
        """The value that a code stands for; numbers are floats."""
        return unpooled(self._values[code])

    def put(self, slots: Sequence[int], elements: Sequence[Elements]) -> None:
        """Replace what some distinct slots hold."""
        if not slots:
            return
        self._kept = {}
        dense = self._dense.resize(max(max(slots) + 1, self._dense.size))
        places = np.asarray(slots)
        for slot in places[dense[places] == _MANY]:
            self._forget(int(slot))
        found, many = self._coded(elements)
        dense = self._dense.resize(self._dense.size)
        dense[places] = found
        if many:
            self._put_many(places[list(many)], list(many.values()))

    def clear(self, slot: int) -> None:
        """A slot holds nothing any more."""
        if slot < self._dense.size:
            self.put((slot,), ((),))

    def known(self, options: Sequence[Scalar]) -> list[Scalar]:
        """Those of some values that a product has or had."""
        return [one for one in options if self._values.find(pooled(one)) >= 0]

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
        """How many of the chosen slots have each code. `chosen` are the slots of `mask`; None: all are. Not to be written to."""
        if chosen is not None:
            return self._singles(chosen, len(mask)) + self._manifold(mask)
        found: NDArray[np.int64] | None = self._kept.get("counts")
        if found is None:
            found = self._kept["counts"] = self._singles(None, len(mask)) + self._manifold(None)
        return found

    def span_counts(self, spans: Iterable[tuple[float, float | None]], chosen: NDArray[np.intp] | None, mask: Mask) -> list[int]:
        """How many of the chosen slots, told as for `counts`, have a number from (included) to (excluded)."""
        codes, numbers = self._by_number()
        below = np.append(0, np.cumsum(self._singles(chosen, len(mask))[codes]))
        owners, pool = self._entries()
        alive = mask[owners] & (pool >= 0)
        owners, several = owners[alive], self.numbers()[pool[alive]]
        found = []
        for low, high in spans:
            begin, end = np.searchsorted(numbers, (low, np.inf if high is None else high), side="left")
            count = int(below[end if high is not None else -1] - below[begin])
            if len(owners):  # who has several numbers within the span counts once
                count += len(np.unique(owners[(several >= low) & (several < high if high is not None else True)]))
            found.append(count)
        return found

    def keys(self, size: int, *, largest: bool) -> Floats:
        """A number for each slot that sorts like its smallest (or largest) element; NaN where it has none. Not to be written to."""
        name = "largest" if largest else "smallest"
        kept: Floats | None = self._kept.get(name)
        if kept is not None and len(kept) == size:
            return kept
        table = np.append(self.ranks(), (np.nan, np.nan))  # for _MANY and _NONE, which are -2 and -1
        found = np.asarray(table[self.dense(size)], np.float64)
        owners, pool = self._entries()
        alive = pool >= 0
        pick = np.fmax if largest else np.fmin
        pick.at(found, owners[alive], table[pool[alive]])
        self._kept[name] = found
        return found

    def rank_of(self, value: Scalar) -> float:
        """Where a value stands among the ranks: its own, or between its neighbours where no product has it any more."""
        code = self._values.find(pooled(value))
        if code >= 0:
            return float(self.ranks()[code])
        key = order_key(value)
        return sum(order_key(unpooled(one)) < key for one in self._values.texts()) - 0.5

    def ranks(self) -> Floats:
        """The place of each code in the order of values."""
        if self._ranks[0] != len(self._values):
            numbers = self.numbers()
            if len(numbers) and not np.isnan(numbers).any():
                order = np.argsort(numbers, kind="stable")
            else:
                keys = [order_key(unpooled(one)) for one in self._values.texts()]
                order = np.array(sorted(range(len(keys)), key=keys.__getitem__), np.intp)
            ranks = np.empty(len(self._values))
            ranks[order] = np.arange(len(self._values))
            self._ranks = len(self._values), ranks
        return self._ranks[1]

    def _by_number(self) -> tuple[NDArray[np.intp], Floats]:
        """The codes of numbers in the order of these, and the numbers."""
        if self._numeric[0] != len(self._values):
            codes = np.argsort(self.numbers(), kind="stable")  # NaN, which stands for all else, comes last
            numbers = self.numbers()[codes]
            count = len(numbers) - int(np.count_nonzero(np.isnan(numbers)))
            self._numeric = len(self._values), codes[:count], numbers[:count]
        return self._numeric[1:]

    def numbers(self) -> Floats:
        """The number that each code stands for; NaN for strings and booleans."""
        return self._numbers.all()

    def element(self, slot: int, *, largest: bool) -> Scalar | None:
        """The element that a slot is sorted by."""
        code = int(self._dense.resize(max(slot + 1, self._dense.size))[slot])
        if code == _NONE:
            return None
        if code != _MANY:
            return self.value(code)
        begin = int(self._begins.all()[slot])
        found = [self.value(int(one)) for one in self._pool.all()[begin : begin + int(self._counts.all()[slot])]]
        best: Scalar = max(found, key=order_key) if largest else min(found, key=order_key)
        return best

    def prefix_table(self, shares: Mapping[str, float]) -> NDArray[np.float32]:
        """For a hierarchical column: for each code the sum of the shares of all the paths that it is or lies below.

        Two zeros at the end stand for "none" and "many", so that `dense` can index it.
        """
        found = np.zeros(len(self._values) + 2, np.float32)
        for path, share in shares.items():
            if path in self._below:
                found[self._below[path]] += np.float32(share)
        return found

    def paths(self) -> list[str]:
        """For a hierarchical column, every path that some value is or lies below."""
        return list(self._below)

    def dense(self, size: int) -> Ints:
        """The code of each slot's only element; -1: none, -2: many."""
        return self._dense.resize(size)

    def arrays(self) -> Arrays:
        """All of it, for `Column.held`; values that nobody has any more are left out where they are the majority."""
        used = np.unique(np.concatenate([self._dense.all(), self._pool.all()]))
        used = used[used >= 0]
        if len(self) > max(_COMPACTED_FROM, 2 * len(used)):
            self._keep(used)
        return {
            **{f"values.{name}": array for name, array in self._values.arrays().items()},
            "numbers": self._numbers.all(),
            "dense": self._dense.all(),
            "owners": self._owners.all(),
            "pool": self._pool.all(),
            "begins": self._begins.all(),
            "counts": self._counts.all(),
        }

    @classmethod
    def held(cls, arrays: Mapping[str, NDArray[Any]], *, hierarchical: bool) -> "Column":
        """The column that `arrays` told; it keeps using them."""
        column = cls(hierarchical=hierarchical)
        column._values = Pool.held({name: arrays[f"values.{name}"] for name in ("blob", "ends", "hashes", "order")})
        column.texts = FoldedTexts(column._values)
        column._numbers = Strip(np.float64, np.nan, arrays["numbers"])
        column._dense = Strip(np.int32, _NONE, arrays["dense"])
        column._owners, column._pool = Strip(np.int32, 0, arrays["owners"]), Strip(np.int32, _NONE, arrays["pool"])
        column._begins, column._counts = Strip(np.int32, 0, arrays["begins"]), Strip(np.int32, 0, arrays["counts"])
        column._dead = int(np.count_nonzero(arrays["pool"] == _NONE))
        column._place_below(0)
        return column

    def _keep(self, used: NDArray[Any]) -> None:
        """Only those values, numbered anew."""
        table = np.full(len(self) + 2, _NONE, np.int32)  # its last two entries are for _MANY and _NONE
        table[-2] = _MANY
        table[used] = np.arange(len(used))
        self._kept, self._numeric = {}, (0, np.empty(0, np.intp), np.empty(0))
        self._values = self._values.kept(used.tolist())
        self.texts = FoldedTexts(self._values)
        self._numbers = Strip(np.float64, np.nan, self._numbers.all()[used])
        self._dense = Strip(np.int32, _NONE, table[self._dense.all()])
        self._pool = Strip(np.int32, _NONE, table[self._pool.all()])
        self._ranks = 0, np.empty(0)
        self._below.clear()
        self._place_below(0)

    def _coded(self, elements: Sequence[Elements]) -> tuple[NDArray[np.int32], dict[int, list[str]]]:
        """The dense entry for each of some products, and by place the distinct elements of those that have many."""
        kinds = set(map(type, elements))
        if kinds == {str}:  # the common case, and no loop of ours
            texts = cast(Sequence[str], elements)
            return np.array(self._numbered(map(pooled, texts) if _MARK in "".join(texts) else texts), np.int32), {}
        if kinds <= {int, float, bool, str}:
            return np.array(self._numbered(map(pooled, cast(Sequence[Scalar], elements))), np.int32), {}
        single: list[str] = []
        many: dict[int, list[str]] = {}
        at: list[int] = []
        found = np.full(len(elements), _NONE, np.int32)
        for place, one in enumerate(elements):
            if isinstance(one, str | int | float):
                single.append(pooled(one))
                at.append(place)
            elif one:
                distinct = list(dict.fromkeys(map(pooled, one)))
                if len(distinct) == 1:
                    single += distinct
                    at.append(place)
                else:
                    found[place], many[place] = _MANY, distinct
        found[at] = self._numbered(single)
        return found, many

    def _numbered(self, texts: Iterable[str]) -> list[int]:
        """The codes of pooled values; new ones are added."""
        known = len(self._values)
        found = self._values.codes(texts)
        if len(self._values) > known:
            fresh = map(unpooled, self._values.texts(known))
            self._numbers.append([np.nan if isinstance(one, bool | str) else float(one) for one in fresh], len(self._values) - known)
            self._place_below(known)
        return found

    def _place_below(self, start: int) -> None:
        if self.hierarchical:
            for code, text in enumerate(self._values.texts(start), start):
                steps = text.split(CATEGORY_JOINT)
                for depth in range(1, len(steps) + 1):
                    self._below[CATEGORY_JOINT.join(steps[:depth])].append(code)

    def _put_many(self, slots: NDArray[np.intp], texts: Sequence[Sequence[str]]) -> None:
        lengths = np.array([len(one) for one in texts])
        begin = self._pool.append(self._numbered(itertools.chain.from_iterable(texts)), int(lengths.sum()))
        self._owners.append(np.repeat(slots, lengths), int(lengths.sum()))
        size = max(int(slots.max()) + 1, self._begins.size)
        self._begins.resize(size)[slots] = begin + np.cumsum(lengths) - lengths
        self._counts.resize(size)[slots] = lengths

    def _wanted(self, options: Iterable[Scalar]) -> NDArray[np.intp]:
        if self.hierarchical:
            found = [code for one in options for code in self._below.get(str(one), ())]
        else:
            found = [code for one in options if (code := self._values.find(pooled(one))) >= 0]
        return np.array(found, np.intp)

    def _having(self, codes: NDArray[np.intp], size: int) -> Mask:
        dense = self.dense(size)
        if not len(codes):
            return np.zeros(size, np.bool_)
        if len(codes) == 1:
            found = dense == int(codes[0])  # NumPy's own integer would have all of them widened
        else:
            table = np.zeros(len(self._values) + 2, np.bool_)
            table[codes] = True
            found = table[dense]
        owners, pool = self._entries()
        if len(pool):
            table = np.zeros(len(self._values) + 1, np.bool_)
            table[codes] = True
            found[owners[table[pool]]] = True
        return np.asarray(found)

    def _singles(self, chosen: NDArray[np.intp] | None, size: int) -> NDArray[np.int64]:
        """How many of the chosen slots have each code as their only element."""
        if chosen is None and (kept := self._kept.get("singles")) is not None:
            return np.asarray(kept)
        dense = self.dense(size)
        found = np.bincount((dense if chosen is None else dense.take(chosen)) + 2, minlength=len(self._values) + 2)[2:]
        if chosen is None:
            self._kept["singles"] = found
        return found

    def _manifold(self, mask: Mask | None) -> NDArray[np.int64]:
        """How many of the slots of a mask (None: of all) have each code as one of several elements."""
        owners, pool = self._entries()
        others = pool if mask is None else np.where(mask.take(owners), pool, _NONE)  # faster than taking some out
        return np.bincount(others + 1, minlength=len(self._values) + 1)[1:]

    def _entries(self) -> tuple[Ints, Ints]:
        return self._owners.all(), self._pool.all()

    def _forget(self, slot: int) -> None:
        begin, count = int(self._begins.all()[slot]), int(self._counts.all()[slot])
        self._pool.all()[begin : begin + count] = _NONE
        self._counts.all()[slot] = 0
        self._dead += count
        if self._dead > _COMPACTED_FROM and 2 * self._dead > self._pool.size:
            self._compact()

    def _compact(self) -> None:
        """Drop the dead entries; those of a slot stay side by side."""
        alive = self._pool.all() != _NONE
        self._owners, self._pool = Strip(np.int32, 0, self._owners.all()[alive]), Strip(np.int32, _NONE, self._pool.all()[alive])
        owners, starts = np.unique(self._owners.all(), return_index=True)
        self._begins.all()[owners] = starts
        self._dead = 0
