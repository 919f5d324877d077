"""Counting values of the products that a query found."""

from collections import Counter

import numpy as np

from lookalike.domain import filters
from lookalike.domain.query import FacetCount, FacetRequest
from lookalike.engines import counting
from lookalike.engines.counting import Key
from lookalike.engines.embedded.candidates import Candidates, Slots
from lookalike.engines.embedded.columns import Column, Mask


class Facets:
    """The counts of one query; masks that several facets share are made once."""

    def __init__(self, found: Candidates) -> None:
        self._found = found
        self._own = {filters.own_field(clause) for clause in filters.conjuncts(found.query.filter)}
        self._all: Slots | None = None

    def count(self, request: FacetRequest) -> tuple[FacetCount, ...]:
        """One facet, without its own field's top-level filter."""
        found = self._found
        column = found.state.column(request.field)
        if request.field in self._own:
            mask = found.counted(filters.without_field(found.query.filter, request.field))
            chosen = np.flatnonzero(mask)
        else:
            mask = found.mask
            if self._all is None:
                self._all = np.flatnonzero(mask)
            chosen = self._all
        if request.ranges is not None:
            spans = counting.spans(request.ranges)
            counts = [0] * len(spans) if column is None else column.span_counts(spans, _some(chosen, mask), mask)
            return tuple(counting.span_count(low, high, count) for (low, high), count in zip(spans, counts, strict=True))
        if column is None:
            return ()
        return _values(column, request, mask, chosen)


def _some(chosen: Slots, mask: Mask) -> Slots | None:
    return None if len(chosen) == len(mask) else chosen


def _values(column: Column, request: FacetRequest, mask: Mask, chosen: Slots) -> tuple[FacetCount, ...]:
    counts = column.counts(_some(chosen, mask), mask)
    codes = np.flatnonzero(counts)
    if request.field == "category" and request.depth is not None:
        levels: Counter[Key] = Counter()
        for code, count in zip(codes.tolist(), counts[codes].tolist(), strict=True):
            levels[counting.order_key(counting.level(str(column.value(code)), request.depth))] += count
        return counting.ordered_counts(levels, request)
    if len(codes) > request.limit:
        least = np.partition(counts[codes], -request.limit)[-request.limit]
        codes = codes[counts[codes] >= least]
    if len(codes) > request.limit:  # many equal counts: only the ranks of the values can tell
        codes = codes[np.lexsort((column.ranks()[codes], -counts[codes]))[: request.limit]]
    some = zip(codes.tolist(), counts[codes].tolist(), strict=True)
    return counting.ordered_counts({counting.order_key(column.value(code)): count for code, count in some}, request)
