"""Filters as masks over slots."""

import functools
from collections.abc import Iterable

import numpy as np

from lookalike.domain import filters
from lookalike.domain.filters import All, AnyOf, Exists, Filter, Match, Not
from lookalike.engines.embedded.columns import Mask
from lookalike.engines.embedded.state import State


class Sieve:
    """Evaluates the filters of one query; clauses that come again (for facets) are evaluated once."""

    def __init__(self, state: State, not_tags: frozenset[str]) -> None:
        self._state = state
        self._size = state.size
        self._base = state.alive()
        if not_tags:
            self._base = self._base & ~state.tags.any_of(not_tags, self._size)
        self._clauses: dict[int, Mask] = {}  # by identity: Match(f, (1,)) equals Match(f, (True,)), and means another thing

    def allowed(self, rule: Filter) -> Mask:
        """The products that the filter and `not_tags` leave. Not to be written to."""
        found = self._base
        for clause in filters.conjuncts(rule):
            known = self._clauses.get(id(clause))
            if known is None:
                known = self._clauses[id(clause)] = self._mask(clause)
            found = found & known
        return found

    def _mask(self, rule: Filter) -> Mask:
        if isinstance(rule, All):
            return self._joined(np.logical_and, rule.parts, empty=True)
        if isinstance(rule, AnyOf):
            return self._joined(np.logical_or, rule.parts, empty=False)
        if isinstance(rule, Not):
            return np.asarray(~self._mask(rule.part))
        if rule.field == "id":
            return self._by_id(rule)
        column = self._state.column(rule.field)
        if column is None:
            return np.zeros(self._size, np.bool_)
        if isinstance(rule, Match):
            return column.matching(rule.values, self._size)
        return column.existing(self._size) if isinstance(rule, Exists) else column.within(rule, self._size)

    def _joined(self, join: np.ufunc, parts: Iterable[Filter], *, empty: bool) -> Mask:
        return functools.reduce(join, map(self._mask, parts), np.full(self._size, empty))

    def _by_id(self, rule: Filter) -> Mask:
        """Ids are looked up: a column of them would hold every string twice."""
        if isinstance(rule, Exists):
            return np.ones(self._size, np.bool_)
        found = np.zeros(self._size, np.bool_)
        if isinstance(rule, Match):
            slots = [slot for one in rule.values if isinstance(one, str) and (slot := self._state.names.slot_of(one)) >= 0]
            found[np.array(slots, np.intp)] = True
        return found
