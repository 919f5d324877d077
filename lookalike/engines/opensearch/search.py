"""A search: the best of each leg from OpenSearch, made one ranking here with the arithmetic that all engines share."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.domain import fusion
from lookalike.domain.analysis import Recipe
from lookalike.domain.document import Document
from lookalike.domain.filters import Exists
from lookalike.domain.query import EngineHit, EnginePage, EngineQuery, Sort
from lookalike.engines.legs import DIVERSIFIED, legs_of, order_of
from lookalike.engines.opensearch import counts, documents, plan, reading, scoring
from lookalike.engines.opensearch.filters import clause, every
from lookalike.engines.paging import Position

Json = dict[str, Any]
Ask = Callable[[Sequence[Json]], list[Json]]

_STEP = 1_000
"""Products that a walk along a sorted field reads at once, where groups have to be passed."""


@dataclass(slots=True)
class Found:
    """The raw scores of one signal: `whole` says that nothing else in the result has one."""

    scores: dict[str, float] = field(default_factory=dict)
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Ranked:
    """A product in its place."""

    id: str
    score: float


class Search:
    """One query. `ask` sends searches, several at once, and answers in order."""

    def __init__(self, ask: Ask, query: EngineQuery, recipe: Recipe, *, exact_below: int, window: int) -> None:
        self._ask, self._query, self._recipe = ask, query, recipe
        self._legs = legs_of(query)
        self._plan = self._made(exact_below, window)
        self._active: dict[str, float] = {}
        self._strongest: list[float] = []
        self._told: dict[str, dict[str, float]] = {}
        """Each active leg's scores of what was ranked, NaN where it found nothing."""

    def page(self) -> EnginePage:
        """The answer."""
        query, plan_ = self._query, self._plan
        sort = order_of(query, self._legs)
        signals = [] if sort is not None else plan_.signals
        strongest = plan_.strongest() if plan_.text is not None and "text" in self._legs.weights else []
        counted, *told = self._ask([plan_.counted(), *strongest, *(plan_.best(signal) for signal in signals)])
        result = counted["aggregations"]["result"]
        total = result["doc_count"]
        self._active = {leg: weight for leg, weight in self._legs.weights.items() if result[leg]["doc_count"]}
        self._strongest = [_highest(one) for one in told[: len(strongest)]]
        notices: tuple[str, ...] = ()
        if sort is not None:
            shown, following = self._sorted(sort)
        else:
            found = {signal: self._read(signal, one) for signal, one in zip(signals, told[len(strongest) :], strict=True)}
            ranked = self._ranked(found)
            if query.group_by is not None:
                ranked = self._grouped(ranked)
            shown, following = self._cut(ranked)
            if following is None and len({name for one in found.values() for name in one.scores}) < total:
                notices = (f"Only the best {plan_.window:,} of each signal are ranked; {total:,} products fit. Narrow the search.",)
        facets = {
            request.name: counts.read_facet(request, counted["aggregations"][f"facet {place}"])
            for place, request in enumerate(query.facets)
        }
        hits = self._hits(shown)
        strategy = "exact" if plan_.exact else "hnsw"
        return EnginePage(hits, total, facets=facets, next=following, strategy=strategy, notices=notices)

    def _made(self, exact_below: int, window: int) -> plan.Plan:
        """The plan, once it is known how rare the words are and how many vectors there would be to compare."""
        query, legs = self._query, self._legs
        stems = scoring.stems_of(legs.words) if "text" in legs.weights else ()
        visual = "picture" in legs.weights or "colour" in legs.weights
        if not stems and not visual:
            return plan.Plan(query, legs, window, True, None, True)
        allowed = [clause(query.filter), *plan.banned(legs)]
        (told,) = self._ask([scoring.statistics(stems, allowed)])
        counted, products = told["aggregations"], told["hits"]["total"]["value"]
        text = plan.text_statistics(stems, counted, products) if stems else None
        exact = query.strategy == "exact" or (query.strategy == "auto" and counted["vectors"]["doc_count"] <= exact_below)
        return plan.Plan(query, legs, window, exact or not visual, text, text is None or plan.few_have_all(counted))

    def _read(self, signal: str, told: Json) -> Found:
        hits = told["hits"]
        graph = signal in ("picture", "colour") and not self._plan.exact
        whole = len(hits["hits"]) == hits["total"]["value"] and not graph
        return Found({hit["sort"][-1]: hit["_score"] for hit in hits["hits"]}, whole)

    # Scores

    def _ranked(self, found: dict[str, Found]) -> list[Ranked]:
        """All that some signal found, best first."""
        ids = sorted({name for one in found.values() for name in one.scores})
        scores = fusion.mean(self._weighted(ids, found), len(ids)).tolist()
        return [Ranked(name, score) for score, name in sorted(zip(scores, ids, strict=True), key=lambda one: (-one[0], one[1]))]

    def _weighted(self, ids: Sequence[str], found: dict[str, Found]) -> list[tuple[float, NDArray[np.float32]]]:
        legs = self._leg_scores(ids, found)
        self._told = {leg: dict(zip(ids, scores.tolist(), strict=True)) for leg, scores in legs.items()}
        return [(weight, np.nan_to_num(legs[leg], nan=0.0)) for leg, weight in self._active.items()]

    def _leg_scores(self, ids: Sequence[str], found: dict[str, Found]) -> dict[str, NDArray[np.float32]]:
        """Each active leg's score of each product, NaN where it found nothing. What no signal told yet is looked up."""
        if not ids:
            return {leg: np.zeros(0, np.float32) for leg in self._active}
        wanted = set(self._plan.signals) | ({"category"} & self._active.keys())
        nearest_counts = "colour" in self._active and self._query.vector is not None
        if nearest_counts:
            wanted.discard("colour")
        missing = {
            signal: [name for name in ids if name not in known.scores]
            for signal in sorted(wanted)
            if not (known := found.get(signal, Found())).whole
        }
        missing = {signal: names for signal, names in missing.items() if names}
        bodies = [self._plan.lookup(signal, names) for signal, names in missing.items()]
        told = self._ask([*bodies, *([scoring.values(ids, ["data"])] if nearest_counts else [])]) if bodies or nearest_counts else []
        scores = {signal: dict(found[signal].scores) if signal in found else {} for signal in wanted}
        for signal, answer in zip(missing, told, strict=False):
            scores[signal] |= {hit["sort"][-1]: hit["_score"] for hit in answer["hits"]["hits"]}
        raw = {signal: np.array([one.get(name, np.nan) for name in ids], np.float64) for signal, one in scores.items()}
        return {leg: self._leg(leg, raw, ids, told[-1] if nearest_counts else None) for leg in self._active}

    def _leg(self, leg: str, raw: dict[str, NDArray[np.float64]], ids: Sequence[str], data: Json | None) -> NDArray[np.float32]:
        if leg == "text":
            return self._text(raw)
        if leg == "colour" and data is not None:
            return self._colours(ids, data)
        if leg in ("picture", "colour"):
            cosines = np.where(raw[leg] >= 1, raw[leg] - 1, 1 - 1 / np.maximum(raw[leg], 1e-9)).astype(np.float32)
            cosines[np.isnan(raw[leg])] = np.nan
            return fusion.picture_score(cosines) if leg == "picture" else fusion.colour_score(cosines)
        return np.minimum(raw[leg], 1.0).astype(np.float32)

    def _text(self, raw: dict[str, NDArray[np.float64]]) -> NDArray[np.float32]:
        """Products with all words above .5, those with some below, each set divided by its best."""
        scores = 0.5 + 0.5 * raw["every word"] / self._strongest[0]
        if "some words" in raw:
            some = raw["some words"]
            scores = np.where(np.isnan(scores), 0.5 * some / self._strongest[1] if self._strongest[1] else some, scores)
        return scores.astype(np.float32)

    def _colours(self, ids: Sequence[str], data: Json) -> NDArray[np.float32]:
        """The colours of the object that is nearest in looks."""
        assert self._query.vector is not None
        assert self._query.colour is not None
        places = {name: place for place, name in enumerate(ids)}
        cosines = np.full(len(ids), np.nan, np.float32)
        having = [(hit["fields"]["id"][0], hit["fields"]["data"][0]) for hit in data["hits"]["hits"] if "data" in hit["fields"]]
        if not having:
            return cosines
        matrix, starts = documents.many_rows([told for _, told in having], self._recipe)
        size = self._recipe.dimension
        alike = _dots(matrix[:, :size], self._query.vector)
        colours = _dots(matrix[:, size:], self._query.colour)
        for (name, _), start, end in zip(having, starts, starts[1:], strict=False):
            nearest = start if end == start + 1 else start + int(np.argmax(alike[start:end]))
            cosines[places[name]] = colours[nearest]
        return fusion.colour_score(cosines)

    # Pages

    def _cut(self, ranked: list[Ranked]) -> tuple[list[Ranked], str | None]:
        """One page of the ranking, and the token of the next."""
        query = self._query
        if query.diversity > 0:
            start = 0 if query.after is None else int(Position.read(query.after, "offset").key or 0)
            left = self._spread(ranked)[start:]
            shown = left[: query.limit]
            last = Position("offset", start + len(shown))
        else:
            left = ranked
            if query.after is not None:
                after = Position.read(query.after, "score")
                passed = (-float(after.key or 0.0), after.id)
                left = [one for one in ranked if (-one.score, one.id) > passed]
            shown = left[: query.limit]
            last = Position("score", shown[-1].score, shown[-1].id) if shown else Position("score", None)
        return shown, last.token() if len(left) > len(shown) else None

    def _spread(self, ranked: list[Ranked]) -> list[Ranked]:
        best = ranked[:DIVERSIFIED]
        vectors = np.zeros((len(best), self._recipe.dimension), np.float32)
        if best:
            (told,) = self._ask([scoring.values([one.id for one in best], ["data"])])
            data = {hit["fields"]["id"][0]: hit["fields"].get("data", [None])[0] for hit in told["hits"]["hits"]}
            for row, one in enumerate(best):
                matrix = documents.rows(data.get(one.id), self._recipe)[:, : self._recipe.dimension]
                if len(matrix):
                    vector = self._query.vector
                    vectors[row] = matrix[0 if vector is None else int(np.argmax(_dots(matrix, vector)))]
        picked = fusion.diversified([one.score for one in best], vectors, self._query.diversity, len(best))
        return [best[row] for row in picked] + ranked[DIVERSIFIED:]

    def _grouped(self, ranked: list[Ranked]) -> list[Ranked]:
        """The best of each group."""
        assert self._query.group_by is not None
        groups = self._groups([one.id for one in ranked])
        shown: set[Any] = set()
        kept = []
        for one in ranked:
            group = groups.get(one.id)
            if group is None or group not in shown:
                kept.append(one)
            if group is not None:
                shown.add(group)
        return kept

    def _groups(self, ids: Sequence[str]) -> dict[str, Any]:
        if not ids:
            return {}
        by = self._query.group_by or ""
        name = counts.group_field(by)
        (told,) = self._ask([scoring.values(ids, [name])])
        return {hit["fields"]["id"][0]: counts.group_of(by, hit["fields"].get(name, [])) for hit in told["hits"]["hits"]}

    # Sorted by a field

    def _sorted(self, sort: Sort) -> tuple[list[Ranked], str | None]:
        """A page in the order of a field: the products that have it, then those that lack it, by id."""
        query = self._query
        after = None if query.after is None else Position.read(query.after, "field")
        rows = self._walk(sort, after) if query.group_by is None else self._walk_groups(sort, after)
        shown = rows[: query.limit]
        following = Position("field", shown[-1][0], shown[-1][1]).token() if len(rows) > len(shown) else None
        scores = fusion.mean(self._weighted([name for _, name in shown], {}), len(shown)).tolist()
        return [Ranked(name, score) for (_, name), score in zip(shown, scores, strict=True)], following

    def _walk(self, sort: Sort, after: Position | None, count: int | None = None) -> list[tuple[Any, str]]:
        """(value, id) of the next products, one more than the page holds; the value is None for those that lack the field."""
        count = self._query.limit + 1 if count is None else count
        rows: list[tuple[Any, str]] = []
        if after is None or after.key is not None:
            body = self._in_order(sort, count, having=True)
            if after is not None:
                body["search_after"] = [after.id] if sort.field == "id" else [after.key, after.id]
            rows += [(hit["sort"][0], hit["sort"][-1]) for hit in self._ask([body])[0]["hits"]["hits"]]
        if len(rows) < count:
            body = self._in_order(sort, count - len(rows), having=False)
            if after is not None and after.key is None:
                body["search_after"] = [after.id]
            rows += [(None, hit["sort"][-1]) for hit in self._ask([body])[0]["hits"]["hits"]]
        return rows

    def _walk_groups(self, sort: Sort, after: Position | None) -> list[tuple[Any, str]]:
        """The same with one product for each group: what pages before have shown is walked again, to know its groups."""
        following = self._walk(sort, after, 1)
        if not following:
            return []
        shown: set[Any] = set()
        kept: list[tuple[Any, str]] = []
        passed, last = False, None
        while len(kept) <= self._query.limit:
            rows = self._walk(sort, last, _STEP)
            groups = self._groups([name for _, name in rows])
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

    def _in_order(self, sort: Sort, count: int, *, having: bool) -> Json:
        present = clause(Exists(sort.field))
        told = present if having else {"bool": {"must_not": [present]}}
        candidates = self._plan.candidates
        return {
            "size": count,
            "query": every([*self._plan.allowed, *([] if candidates is None else [candidates]), told]),
            "sort": counts.order(sort) if having else [{"id": "asc"}],
            "track_total_hits": False,
            "_source": False,
            "stored_fields": "_none_",
        }

    # Hits

    def _hits(self, shown: Sequence[Ranked]) -> tuple[EngineHit, ...]:
        if not shown:
            return ()
        ids = [one.id for one in shown]
        (told,) = self._ask([scoring.held(ids, documents.HELD)])
        kept = {hit["_id"]: reading.decoded(hit["_id"], hit["_source"], self._recipe) for hit in told["hits"]["hits"]}
        return tuple(self._hit(kept[one.id], one.score) for one in shown if one.id in kept)

    def _hit(self, document: Document, score: float) -> EngineHit:
        legs = {leg: scores[document.id] for leg, scores in self._told.items() if not math.isnan(scores[document.id])}
        has = documents.tag_scores(document)
        similarity, place = None, None
        if self._query.vector is not None and document.seen:
            vectors = np.stack([one.vector for seen in document.seen for one in seen.analysis.objects])
            cosines = _dots(vectors, self._query.vector)
            best = int(np.argmax(cosines))
            similarity, place = float(cosines[best]), documents.places(document)[best]
        return EngineHit(
            product=document.product,
            score=score,
            version=document.version,
            similarity=similarity,
            picture=place and place[0],
            object=place and place[1],
            legs={leg: value for leg, value in legs.items() if leg not in ("tags", "category") or value > 0},
            tags=tuple(told for tag, told in reversed(self._legs.tags.items()) if tag in has),
        )


def _dots(matrix: NDArray[np.floating], vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Summed in float64, so that every engine rounds to the same float32."""
    return np.asarray(matrix.astype(np.float64) @ vector.astype(np.float64), np.float32)


def _highest(told: Json) -> float:
    hits = told["hits"]["hits"]
    return float(hits[0]["_score"]) if hits else 0.0
