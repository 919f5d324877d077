"""A page of results: order, cut, and what is told of each hit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.domain import fusion
from lookalike.domain.query import EngineHit, EnginePage, EngineQuery, Sort
from lookalike.engines.embedded import ranking
from lookalike.engines.embedded.candidates import Candidates, Slots
from lookalike.engines.embedded.database import Database
from lookalike.engines.embedded.facets import Facets
from lookalike.engines.embedded.names import Names
from lookalike.engines.embedded.originals import Floats
from lookalike.engines.embedded.ranking import best_first, segments
from lookalike.engines.embedded.rows import damaged_row, product_in
from lookalike.engines.embedded.state import State
from lookalike.engines.legs import DIVERSIFIED, legs_of, order_of
from lookalike.engines.paging import Position
from lookalike.engines.told import DAMAGED

_SMALL_PAGE = 100
"""Pages up to this size begin with the ladder's first rung."""

_MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class _Shown:
    """The products of a page in order, and where the next one goes on."""

    slots: Slots
    scores: Floats
    next: Position | None


class Search:
    """One query against one state; the caller holds the lock for reading."""

    def __init__(self, state: State, database: Database, query: EngineQuery, exact_below: int) -> None:
        self._state, self._database, self._query = state, database, query
        self._legs = legs_of(query)
        self._found = Candidates(state, database, query, self._legs)
        self._plan = ranking.plan(self._found, exact_below)

    def page(self) -> EnginePage:
        """The answer."""
        query = self._query
        sort = order_of(query, self._legs)
        if sort is not None:
            shown = self._by_field(sort)
        elif query.diversity > 0:
            shown = self._spread()
        else:
            shown = self._by_score()
        facets = Facets(self._found)
        return EnginePage(
            hits=self._hits(shown),
            total=int(np.count_nonzero(self._found.mask)),
            relation="gte" if self._found.cut else "eq",
            facets={request.name: facets.count(request) for request in query.facets},
            next=None if shown.next is None else shown.next.token(),
            strategy=self._plan.strategy,
        )

    def _by_score(self) -> _Shown:
        query = self._query
        after = None if query.after is None else Position.read(query.after, "score")
        start = after.start if after else self._start(query.limit)
        slots, scores, numbers = self._ranked(query.limit + 1, start, after)
        cut = slots[: query.limit]
        following = None
        if len(slots) > query.limit:
            last = query.limit - 1
            following = Position("score", float(scores[last]), self._id(cut[last]), start, int(numbers[last]))
        return _Shown(cut, scores[: query.limit], following)

    def _start(self, needed: int) -> int:
        return 0 if needed <= _SMALL_PAGE and self._query.group_by is None else 1

    def _ranked(self, needed: int, start: int, after: Position | None = None) -> tuple[Slots, Floats, NDArray[np.intp]]:
        """At least `needed` products in order, where there are so many, with their scores and segments."""
        names = self._state.names
        parts: list[tuple[Slots, Floats, NDArray[np.intp]]] = []
        groups = _Groups(self._found, self._query.group_by)
        have = 0
        for segment in segments(self._found, self._plan, start):
            keys = -segment.scores.astype(np.float64)
            order = best_first(keys, segment.slots, names.places, None if groups.asked or after else needed)
            order = order[groups.first(segment.slots[order])]
            if after is not None and segment.number < after.segment:
                continue
            if after is not None and segment.number == after.segment:
                order = order[_follows(keys[order], segment.slots[order], -float(after.key or 0.0), after.id, names)]
            parts.append((segment.slots[order], segment.scores[order], np.full(len(order), segment.number)))
            have += len(order)
            if have >= needed:
                break
        empty = (np.empty(0, np.intp), np.empty(0, np.float32), np.empty(0, np.intp))
        slots, scores, numbers = (np.concatenate(one) for one in zip(empty, *parts, strict=True))
        return slots, scores, numbers

    def _by_field(self, sort: Sort) -> _Shown:
        query, state = self._query, self._state
        after = None if query.after is None else Position.read(query.after, "field")
        slots = np.flatnonzero(self._found.mask)
        column = None if sort.field == "id" else state.column(sort.field)
        if sort.field == "id":
            values = state.names.places(slots)
        elif column is None:
            values = np.full(len(slots), np.nan)
        else:
            values = column.keys(state.size, largest=sort.descending).take(slots)
        sign = -1.0 if sort.descending else 1.0
        keys = sign * values
        keys[np.isnan(keys)] = np.inf
        groups = _Groups(self._found, query.group_by)
        order = best_first(keys, slots, state.names.places, None if groups.asked or after else query.limit + 1)
        order = order[groups.first(slots[order])]
        if after is not None:
            if sort.field == "id":
                later = state.names.after(slots[order], after.id)
                order = order[later if not sort.descending else ~later & (slots[order] != state.names.slot_of(after.id))]
            else:
                key = np.inf if after.key is None or column is None else sign * column.rank_of(after.key)
                order = order[_follows(keys[order], slots[order], key, after.id, state.names)]
        shown = slots[order[: query.limit]]
        following = None
        if len(order) > query.limit:
            last = int(shown[-1])
            element = None if column is None else column.element(last, largest=sort.descending)
            following = Position("field", self._id(last) if sort.field == "id" else element, self._id(last))
        return _Shown(shown, self._found.scores(shown, self._found.nearest(shown)), following)

    def _spread(self) -> _Shown:
        """The best ones in the order of maximal marginal relevance, then the rest."""
        query = self._query
        passed = 0 if query.after is None else int(Position.read(query.after, "offset").key or 0)
        needed = passed + query.limit + 1
        slots, scores, _ = self._ranked(max(needed, DIVERSIFIED), self._start(max(needed, DIVERSIFIED)))
        best = slots[:DIVERSIFIED]
        order = fusion.diversified(list(map(float, scores[: len(best)])), self._vectors(best), query.diversity, len(best))
        slots = np.concatenate([best[order], slots[DIVERSIFIED:]])[passed:]
        scores = np.concatenate([scores[: len(best)][order], scores[DIVERSIFIED:]])[passed:]
        following = Position("offset", passed + query.limit) if len(slots) > query.limit else None
        return _Shown(slots[: query.limit], scores[: query.limit], following)

    def _vectors(self, slots: Slots) -> Floats:
        """The vector by which each product was found, or that of its main object; zeros without any."""
        vectors = self._state.vectors
        if vectors is None:
            return np.zeros((len(slots), 1), np.float32)
        found = np.zeros((len(slots), vectors.dimension), np.float32)
        chosen = self._found.nearest(slots).rows
        all_rows, owners = vectors.rows_of(slots)
        mains, at = np.unique(owners, return_index=True)
        main_rows = np.full(len(slots), -1, np.intp)
        main_rows[mains] = all_rows[at]
        chosen = np.where((chosen >= 0) & (self._query.vector is not None), chosen, main_rows)
        having = np.flatnonzero(chosen >= 0)
        found[having] = vectors.pictures.read(chosen[having])
        return found

    def _hits(self, shown: _Shown) -> tuple[EngineHit, ...]:
        found, vectors = self._found, self._state.vectors
        nearest = found.nearest(shown.slots)
        legs = {leg: found.leg(leg, shown.slots, nearest).tolist() for leg in self._legs.weights}
        having = {leg: found.found_by(leg)[shown.slots].tolist() for leg in self._legs.weights}
        bodies = self._bodies(shown.slots)
        compared = self._query.vector is not None and vectors is not None
        hits = []
        each = zip(shown.slots.tolist(), shown.scores.tolist(), nearest.rows.tolist(), nearest.cosines.tolist(), strict=True)
        for at, (slot, score, row, cosine) in enumerate(each):
            if slot not in bodies:
                continue  # a writer in another process removed it a moment ago
            version, body = bodies[slot]
            try:
                product = product_in(body)
            except DAMAGED as error:
                raise damaged_row(slot, error) from error
            alike = compared and row >= 0
            picture, place = vectors.place(row) if alike and vectors is not None else (None, None)
            hits.append(
                EngineHit(
                    product=product,
                    score=score,
                    version=version,
                    similarity=cosine if alike else None,
                    picture=picture,
                    object=place,
                    legs={leg: told[at] for leg, told in legs.items() if having[leg][at]},
                    tags=self._tags(slot),
                )
            )
        return tuple(hits)

    def _tags(self, slot: int) -> tuple[str, ...]:
        if not self._legs.tags:
            return ()
        has = set(self._state.tags.of(slot))
        return tuple(told for tag, told in reversed(self._legs.tags.items()) if tag in has)

    def _bodies(self, slots: Slots) -> dict[int, tuple[int, bytes]]:
        found: dict[int, tuple[int, bytes]] = {}
        wanted = [int(slot) for slot in slots]
        with self._database.reading() as connection:
            for start in range(0, len(wanted), _MOST_AT_ONCE):
                part = wanted[start : start + _MOST_AT_ONCE]
                marks = ",".join("?" * len(part))
                for slot, version, body in connection.execute(
                    f"SELECT slot, version, body FROM documents WHERE slot IN ({marks})",  # noqa: S608 - question marks only
                    part,
                ):
                    found[slot] = (version, body)
        return found

    def _id(self, slot: int) -> str:
        return self._state.names[slot]


class _Groups:
    """Lets the first of each group pass, over all calls; products without the field always pass."""

    def __init__(self, found: Candidates, field: str | None) -> None:
        column = None if field in (None, "id") else found.state.column(str(field))
        self.asked = column is not None
        self._keys = None if column is None else column.keys(found.state.size, largest=False)
        self._taken: NDArray[np.float64] = np.empty(0)

    def first(self, slots: Slots) -> Sequence[int] | NDArray[np.intp] | slice:
        """The places of those that pass."""
        if self._keys is None:
            return slice(None)
        keys = self._keys[slots]
        grouped = np.flatnonzero(~np.isnan(keys) & ~np.isin(keys, self._taken))
        _, at = np.unique(keys[grouped], return_index=True)
        self._taken = np.concatenate([self._taken, keys[grouped[at]]])
        return np.sort(np.concatenate([grouped[at], np.flatnonzero(np.isnan(keys))]))


def _follows(keys: NDArray[np.float64], slots: Slots, key: float, name: str, names: Names) -> NDArray[np.bool_]:
    """Which entries come after a position."""
    found = np.asarray(keys > key)
    same = np.flatnonzero(keys == key)
    found[same] = names.after(slots[same], name)
    return found
