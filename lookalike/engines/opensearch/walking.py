"""Products in the order of a field, and the groups that they are in."""

from collections.abc import Callable, Sequence
from typing import Any

from lookalike.domain.filters import Exists
from lookalike.domain.query import EngineQuery, Sort
from lookalike.engines.opensearch import counts, scoring
from lookalike.engines.opensearch.filters import clause, every
from lookalike.engines.opensearch.plan import Plan
from lookalike.engines.paging import Position

Json = dict[str, Any]
Ask = Callable[[Sequence[Json]], list[Json]]
Row = tuple[Any, str]
"""(value, id) of a product; the value is None where it lacks the field."""

_STEP = 1_000
"""Products that are read at once where groups have to be passed."""


class Walk:
    """A page in the order of a field: the products that have it, then those that lack it, by id."""

    def __init__(self, ask: Ask, query: EngineQuery, plan: Plan, sort: Sort) -> None:
        self._ask, self._query, self._plan, self._sort = ask, query, plan, sort
        self._start = None if query.after is None else Position.read(query.after, "field")

    def first(self, held: Sequence[str] | None) -> list[Json]:
        """The body that the walk begins with, with what is `held` of the sources; none where groups are to be passed."""
        return [] if self._query.group_by is not None else [self._body(self._start, self._query.limit + 1, held)]

    def rows(self, answers: Sequence[Json]) -> list[Row]:
        """The page's products and one more; `answers` are those to `first`."""
        if self._query.group_by is not None:
            return self._one_of_each_group()
        return self._next(self._start, self._query.limit + 1, answers)

    def _next(self, after: Position | None, count: int, answers: Sequence[Json] = ()) -> list[Row]:
        having = after is None or after.key is not None
        (told,) = answers or self._ask([self._body(after, count)])
        rows = [(hit["sort"][0] if having else None, hit["sort"][-1]) for hit in told["hits"]["hits"]]
        if having and len(rows) < count:
            (told,) = self._ask([self._body(Position("field", None), count - len(rows))])
            rows += [(None, hit["sort"][-1]) for hit in told["hits"]["hits"]]
        return rows

    def _one_of_each_group(self) -> list[Row]:
        """What pages before have shown is walked again, to know its groups."""
        following = self._next(self._start, 1)
        if not following:
            return []
        shown: set[Any] = set()
        kept: list[Row] = []
        passed, last = False, None
        while len(kept) <= self._query.limit:
            rows = self._next(last, _STEP)
            groups = groups_of(self._ask, self._query, [name for _, name in rows])
            for value, name in rows:
                group = groups.get(name)
                passed = passed or name == following[0][1]
                if passed and (group is None or group not in shown):
                    kept.append((value, name))
                if group is not None:
                    shown.add(group)
            if len(rows) < _STEP:
                break
            last = Position("field", rows[-1][0], rows[-1][1])
        return kept

    def _body(self, after: Position | None, count: int, held: Sequence[str] | None = None) -> Json:
        """The next `count` after a product: of those that have the field, or, where it lacks it, of those that lack it."""
        having = after is None or after.key is not None
        present, candidates = clause(Exists(self._sort.field)), self._plan.candidates
        told = present if having else {"bool": {"must_not": [present]}}
        body = {
            "size": count,
            "query": every([*self._plan.allowed, *([] if candidates is None else [candidates]), told]),
            "sort": counts.order(self._sort) if having else [{"id": "asc"}],
            "track_total_hits": False,
            **scoring.fetched(held),
        }
        if after is not None and after.id:
            body["search_after"] = [after.key, after.id] if having and self._sort.field != "id" else [after.id]
        return body


def groups_of(ask: Ask, query: EngineQuery, ids: Sequence[str]) -> dict[str, Any]:
    """The group of each product, None where it stands alone."""
    if not ids:
        return {}
    by = query.group_by or ""
    name = counts.group_field(by)
    (told,) = ask([scoring.values(ids, [name])])
    return {hit["fields"]["id"][0]: counts.group_of(by, hit["fields"].get(name, [])) for hit in told["hits"]["hits"]}
