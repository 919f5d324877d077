"""A search: the best of each leg from OpenSearch, made one ranking here with the arithmetic that all engines share."""

import itertools
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lookalike.domain import fusion
from lookalike.domain.analysis import Recipe
from lookalike.domain.filters import EVERYTHING
from lookalike.domain.query import EngineHit, EnginePage, EngineQuery
from lookalike.engines.legs import DIVERSIFIED, legs_of, order_of
from lookalike.engines.opensearch import counts, documents, hits, plan, scoring
from lookalike.engines.opensearch.filters import clause
from lookalike.engines.opensearch.walking import Ask, Row, Walk, groups_of
from lookalike.engines.paging import Position

Json = dict[str, Any]

_SORT, _SCORE, _LAST = operator.itemgetter("sort"), operator.itemgetter("_score"), operator.itemgetter(-1)
"""Of a hit, of a thousand at a time: a loop in Python takes twice as long."""

_HELD_AT_ONCE = 100
"""A page of more products than these asks for their sources when it knows which they are."""


@dataclass(slots=True)
class Found:
    """The raw scores of one signal, best first: `whole` says that nothing else in the result has one."""

    ids: Sequence[str] = ()
    scores: Sequence[float] = ()
    whole: bool = False


class Ranked(NamedTuple):
    """A product in its place; `row` is where the arrays of the legs' scores tell of it."""

    id: str
    score: float
    row: int


class Search:
    """One query. `ask` sends searches, several at once, and answers in order; `learn` is told how many products have vectors,
    where that had to be asked."""

    def __init__(self, ask: Ask, query: EngineQuery, recipe: Recipe, limits: plan.Limits, learn: Callable[[int], None]) -> None:
        self._ask, self._query, self._recipe, self._learn = ask, query, recipe, learn
        self._legs = legs_of(query)
        self._plan = self._made(limits)
        self._active: dict[str, float] = {}
        self._strongest: list[float] = []
        self._sources: dict[str, Json] = {}
        self._told: dict[str, NDArray[np.float32]] = {}
        """Each active leg's scores of what was ranked, NaN where it found nothing."""

    def page(self) -> EnginePage:
        """The answer."""
        query, plan_ = self._query, self._plan
        sort = order_of(query, self._legs)
        walk = None if sort is None else Walk(self._ask, query, plan_, sort)
        enough, held = self._enough()
        first = [plan_.best(signal, enough, held) for signal in plan_.signals] if walk is None else walk.first(held)
        strongest = plan_.strongest() if plan_.text is not None and "text" in self._legs.weights else []
        if walk is None and plan_.counts_itself:
            told, counted = self._ask([plan_.counting(first[0])]), {}
            total = told[0]["hits"]["total"]["value"]
            found = dict.fromkeys(self._legs.weights, total) | self._counts(told[0].get("aggregations", {}))
        else:
            counted, *told = self._ask([plan_.counted(), *strongest, *first])
            total = counted["aggregations"]["result"]["doc_count"]
            found = self._counts(counted["aggregations"]["result"])
        self._active = {leg: weight for leg, weight in self._legs.weights.items() if found[leg]}
        self._strongest = [_highest(one) for one in told[: len(strongest)]]
        answers = told[len(strongest) :]
        for answer in answers:
            self._keep(answer)
        notices: tuple[str, ...] = ()
        if walk is not None:
            shown, following = self._walked(walk.rows(answers))
        else:
            shown, following, ranked = self._best(answers, enough)
            if following is None and ranked < total:
                notices = (f"Only the best {plan_.window:,} of each signal are ranked; {total:,} products fit. Narrow the search.",)
        facets = {
            request.name: counts.read_facet(request, counted["aggregations"][f"facet {place}"])
            for place, request in enumerate(query.facets)
        }
        strategy = "exact" if plan_.exact else "hnsw"
        return EnginePage(self._hits(shown), total, facets=facets, next=following, strategy=strategy, notices=notices)

    def categories(self) -> list[tuple[str | None, float]]:
        """The category and the cosine of what looks nearest; no source is read."""
        body = {**self._plan.best("picture", min(self._query.limit, self._plan.window)), "docvalue_fields": ["category"]}
        (told,) = self._ask([body])
        return [(hit.get("fields", {}).get("category", [None])[0], scoring.cosine_of(hit["_score"])) for hit in told["hits"]["hits"]]

    def _counts(self, told: Json) -> dict[str, int]:
        """How many each leg found, of those that were counted."""
        return {leg: told[leg]["doc_count"] for leg in self._legs.weights if leg in told}

    def _enough(self) -> tuple[int, list[str] | None]:
        """How many of each signal are enough, and what of their sources to ask for in the same request: where one ranking comes
        from OpenSearch, the pages' products and one more; else the window. No sources of more than are shown, nor of many."""
        query, window = self._query, self._plan.window
        held = documents.HELD if query.limit < _HELD_AT_ONCE else None
        if order_of(query, self._legs) is not None:
            return query.limit + 1, held
        alone = self._plan.together or len(self._legs.weights) == 1
        if not alone or query.group_by is not None or query.diversity > 0:
            return window, None
        passed = 0 if query.after is None else Position.read(query.after, "score").start
        return min(window, passed + query.limit + 1), None if passed else held

    def _best(self, answers: Sequence[Json], enough: int) -> tuple[list[Ranked], str | None, int]:
        """A page of the ranking, the token of the next, and how many were ranked; `answers` hold the best of each signal."""
        plan_ = self._plan
        found = {signal: self._read(signal, one) for signal, one in zip(plan_.signals, answers, strict=True)}
        if plan_.together:
            told = found[plan.TOGETHER]
            ranked = [Ranked(name, score, row) for row, (name, score) in enumerate(zip(told.ids, told.scores, strict=True))]
        else:
            ranked = self._ranked(found)
        many = len(ranked) if plan_.together else len(next(iter(self._told.values()), ()))
        if self._query.group_by is not None:
            ranked = self._grouped(ranked)
        shown, following = self._cut(ranked)
        cut_short = enough < plan_.window and any(len(one.ids) == enough for one in found.values())
        if cut_short and (following is None or (not plan_.together and self._undecided(found, shown[-1]))):
            again = self._ask([plan_.best(signal, plan_.window) for signal in plan_.signals])
            return self._best(again, plan_.window)
        return shown, following, many

    def _undecided(self, found: dict[str, Found], last: Ranked) -> bool:
        """Whether what was not fetched may, rounded to a score, be level with the last one shown, and before it by its id."""
        (scores,) = self._told.values()
        end = 0
        for one in found.values():
            end += len(one.ids)
            level = last.id not in one.ids or one.scores[one.ids.index(last.id)] == one.scores[-1]
            if one.ids and not level and scores[end - 1] >= scores[last.row]:
                return True
        return False

    def _made(self, limits: plan.Limits) -> plan.Plan:
        """The plan, once it is known how rare the words are and how many vectors there would be to compare."""
        query, legs = self._query, self._legs
        stems = scoring.stems_of(legs.words) if "text" in legs.weights else ()
        visual = "picture" in legs.weights or "colour" in legs.weights
        if not stems and not visual:
            return plan.Plan(query, legs, limits.window, True, None, True)
        allowed = [*([] if query.filter == EVERYTHING else [clause(query.filter)]), *plan.banned(legs)]
        if not stems and (sure := limits.surely_exact(query.strategy, filtered=bool(allowed))) is not None:
            return plan.Plan(query, legs, limits.window, sure, None, True, limits.rescored)
        (told,) = self._ask([scoring.statistics(stems, allowed)])
        counted, products = told["aggregations"], told["hits"]["total"]["value"]
        self._learn(counted["every vector"]["doc_count"])
        text = plan.text_statistics(stems, counted, products) if stems else None
        exact = query.strategy == "exact" or (query.strategy == "auto" and counted["vectors"]["doc_count"] <= limits.exact_below)
        few = text is None or plan.few_have_all(counted)
        return plan.Plan(query, legs, limits.window, exact or not visual, text, few, limits.rescored)

    def _read(self, signal: str, told: Json) -> Found:
        answer = told["hits"]
        graph = signal in ("picture", "colour") and not self._plan.exact
        whole = len(answer["hits"]) == answer["total"]["value"] and not graph
        return Found(_ids_of(answer["hits"]), list(map(_SCORE, answer["hits"])), whole)

    # Scores

    def _ranked(self, found: dict[str, Found]) -> list[Ranked]:
        """What some signal found, best first: all of it, or so many as this page can show."""
        query = self._query
        ids = list(dict.fromkeys(itertools.chain.from_iterable(one.ids for one in found.values())))
        scores = self._mean(ids, found)
        rows = np.arange(len(ids))
        if query.group_by is None and query.diversity == 0:
            rows = _contenders(scores, query.limit + 1, None if query.after is None else Position.read(query.after, "score"))
        ranked = [Ranked(ids[row], score, row) for row, score in zip(rows.tolist(), scores[rows].tolist(), strict=True)]
        return sorted(ranked, key=lambda one: (-one.score, one.id))

    def _mean(self, ids: Sequence[str], found: dict[str, Found]) -> NDArray[np.float32]:
        """The score of each product."""
        self._told = self._leg_scores(ids, found)
        legs = [(weight, self._told[leg]) for leg, weight in self._active.items()]
        return fusion.mean([(weight, np.where(np.isnan(told), np.float32(0), told)) for weight, told in legs], len(ids))

    def _leg_scores(self, ids: Sequence[str], found: dict[str, Found]) -> dict[str, NDArray[np.float32]]:
        """Each active leg's score of each product, NaN where it found nothing. What no signal told yet is looked up."""
        if not ids:
            return {leg: np.zeros(0, np.float32) for leg in self._active}
        wanted = set(self._plan.signals) | ({"category"} & self._active.keys())
        if "colour" in self._active and self._query.vector is not None:
            wanted = wanted - {"colour"} | {plan.NEAREST_COLOUR}
        if found and len(self._legs.weights) == 1:
            wanted &= found.keys()
            found = {signal: Found(one.ids, one.scores, whole=True) for signal, one in found.items()}  # no product is in two of them
        known = {signal: found.get(signal, Found()) for signal in sorted(wanted)}
        rows = dict(zip(ids, range(len(ids)), strict=True))
        missing = {signal: list(rows.keys() - set(one.ids)) for signal, one in known.items() if not one.whole}
        missing = {signal: names for signal, names in missing.items() if names}
        bodies = [self._plan.lookup(signal, names) for signal, names in missing.items()]
        told = dict(zip(missing, self._ask(bodies) if bodies else [], strict=True))
        raw = {signal: np.full(len(ids), np.nan) for signal in known}
        for signal, one in known.items():
            raw[signal][list(map(rows.__getitem__, one.ids))] = one.scores
            if signal in told:
                found_now = told[signal]["hits"]["hits"]
                raw[signal][list(map(rows.__getitem__, _ids_of(found_now)))] = list(map(_SCORE, found_now))
        return {leg: self._leg(leg, raw) for leg in self._active}

    def _leg(self, leg: str, raw: dict[str, NDArray[np.float64]]) -> NDArray[np.float32]:
        if leg == "text":
            return self._text(raw)
        if leg == "colour" and plan.NEAREST_COLOUR in raw:
            return fusion.colour_score(raw[plan.NEAREST_COLOUR].astype(np.float32))
        if leg in ("picture", "colour"):
            cosines = (raw[leg] - 1).astype(np.float32)
            below = raw[leg] < 1
            if below.any():
                cosines[below] = 1 - 1 / raw[leg][below]
            return fusion.picture_score(cosines) if leg == "picture" else fusion.colour_score(cosines)
        return np.minimum(raw[leg], 1.0).astype(np.float32)

    def _text(self, raw: dict[str, NDArray[np.float64]]) -> NDArray[np.float32]:
        """Products with all words above .5, those with some below, each set divided by its best."""
        scores = 0.5 + 0.5 * raw["every word"] / self._strongest[0]
        if "some words" in raw:
            some = raw["some words"]
            scores = np.where(np.isnan(scores), 0.5 * some / self._strongest[1] if self._strongest[1] else some, scores)
        return scores.astype(np.float32)

    # Pages

    def _walked(self, rows: Sequence[Row]) -> tuple[list[Ranked], str | None]:
        """One page of a walk in the order of a field, and the token of the next."""
        shown = rows[: self._query.limit]
        following = Position("field", shown[-1][0], shown[-1][1]).token() if len(rows) > len(shown) else None
        if self._plan.together or not self._legs.weights:
            return [Ranked(name, 0.0, row) for row, (_, name) in enumerate(shown)], following
        scores = self._mean([name for _, name in shown], {}).tolist()
        return [Ranked(name, score, row) for row, ((_, name), score) in enumerate(zip(shown, scores, strict=True))], following

    def _cut(self, ranked: list[Ranked]) -> tuple[list[Ranked], str | None]:
        """One page of the ranking, and the token of the next."""
        query = self._query
        if query.diversity > 0:
            start = 0 if query.after is None else int(Position.read(query.after, "offset").key or 0)
            left = self._spread(ranked)[start:]
            shown = left[: query.limit]
            last = Position("offset", start + len(shown))
        else:
            left, start = ranked, 0
            if query.after is not None:
                after = Position.read(query.after, "score")
                passed, start = (-float(after.key or 0.0), after.id), after.start
                left = [one for one in ranked if (-one.score, one.id) > passed]
            shown = left[: query.limit]
            last = Position("score", shown[-1].score, shown[-1].id, start + len(shown)) if shown else Position("score", None)
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
                    vectors[row] = matrix[0 if vector is None else int(np.argmax(hits.dots(matrix, vector)))]
        picked = fusion.diversified([one.score for one in best], vectors, self._query.diversity, len(best))
        return [best[row] for row in picked] + ranked[DIVERSIFIED:]

    def _grouped(self, ranked: list[Ranked]) -> list[Ranked]:
        """The best of each group."""
        assert self._query.group_by is not None
        groups = groups_of(self._ask, self._query, [one.id for one in ranked])
        shown: set[Any] = set()
        kept = []
        for one in ranked:
            group = groups.get(one.id)
            if group is None or group not in shown:
                kept.append(one)
            if group is not None:
                shown.add(group)
        return kept

    # Hits

    def _keep(self, answer: Json) -> None:
        """Remember the sources of an answer that has them."""
        self._sources |= {hit["_id"]: hit["_source"] for hit in answer["hits"]["hits"] if "_source" in hit}

    def _hits(self, shown: Sequence[Ranked]) -> tuple[EngineHit, ...]:
        missing = [one.id for one in shown if one.id not in self._sources]
        if missing:
            self._keep(self._ask([scoring.held(missing, documents.HELD)])[0])
        tags = dict(reversed(self._legs.tags.items()))
        there = [one for one in shown if one.id in self._sources]  # the others were removed in between
        if self._plan.together:
            if order_of(self._query, self._legs) is not None:
                weighed = [hits.Shown(one.id, self._sources[one.id], None) for one in there]
            elif len(self._legs.weights) == 1:
                weighed = [self._alike(one) for one in there]
            else:
                weighed = [hits.Shown(one.id, self._sources[one.id], self._shared(one.score)) for one in there]
            return hits.hits_of(weighed, self._query, tags, self._recipe, self._active)
        rows = [one.row for one in there]
        legs = [scores[rows].tolist() for scores in self._told.values()]
        told = [
            hits.Shown(one.id, self._sources[one.id], one.score, dict(zip(self._told, each, strict=True)))
            for one, each in zip(there, zip(*legs, strict=True) if legs else [()] * len(there), strict=True)
        ]
        return hits.hits_of(told, self._query, tags, self._recipe)

    def _alike(self, one: Ranked) -> hits.Shown:
        """What only its looks were compared of."""
        cosine = scoring.cosine_of(one.score)
        return hits.Shown(one.id, self._sources[one.id], min(1.0, (1.0 + cosine) / 2), None, cosine)  # rounding may make it more than 1

    def _shared(self, score: float) -> float:
        """The score of what OpenSearch scored together: it does not know which legs found nothing, which then do not count."""
        return min(1.0, score * sum(self._legs.weights.values()) / (sum(self._active.values()) or 1.0))


def _contenders(scores: NDArray[np.float32], count: int, after: Position | None) -> NDArray[np.intp]:
    """The rows of those that may be among the next `count`, all that are level with the last of them included."""
    rows, sure = np.arange(len(scores)), scores
    if after is not None:
        passed = np.float32(after.key or 0.0)
        rows, sure = np.flatnonzero(scores <= passed), scores[scores < passed]
    if len(sure) > count:
        place = len(sure) - count
        rows = rows[scores[rows] >= np.partition(sure, place)[place]]
    return rows


def _ids_of(found: Sequence[Json]) -> list[str]:
    """Ids of hits: every order of ours ends with them."""
    return list(map(_LAST, map(_SORT, found)))


def _highest(told: Json) -> float:
    best = told["hits"]["hits"]
    return float(best[0]["_score"]) if best else 0.0
