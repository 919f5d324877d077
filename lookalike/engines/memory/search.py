"""A search over a list of documents, as plainly as the words of `EngineQuery` can be turned into Python."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lookalike.domain import filters, fusion
from lookalike.domain.analysis import Vector
from lookalike.domain.document import Document
from lookalike.domain.query import EngineHit, EnginePage, EngineQuery, FacetCount, FacetRequest, Sort
from lookalike.domain.values import Scalar
from lookalike.engines import counting
from lookalike.engines.counting import Key
from lookalike.engines.legs import DIVERSIFIED, Legs, legs_of, order_of
from lookalike.engines.memory.bm25 import TextIndex
from lookalike.engines.paging import Position


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product on its way to the page."""

    document: Document
    nearest: tuple[float, int, int] | None
    colour: float | None
    text: float | None
    tags: float
    category: float
    score: float = 0.0

    @property
    def id(self) -> str:
        """The product's."""
        return self.document.id

    def matches(self, legs: Legs) -> bool:
        """Whether picture, colour, text or tags found it, or the category where nothing else is asked."""
        asked = legs.weights
        return (
            not asked
            or ("picture" in asked and self.nearest is not None)
            or ("colour" in asked and self.colour is not None)
            or ("text" in asked and self.text is not None)
            or ("tags" in asked and self.tags > 0)
            or (legs.sole_category and self.category > 0)
        )

    def leg(self, name: str) -> float:
        """The score of one leg, 0…1; 0 where it found nothing."""
        if name == "picture":
            return 0.0 if self.nearest is None else float(fusion.picture_score(np.array([self.nearest[0]], np.float32))[0])
        if name == "colour":
            return 0.0 if self.colour is None else float(fusion.colour_score(np.array([self.colour], np.float32))[0])
        if name == "text":
            return self.text or 0.0
        return self.tags if name == "tags" else self.category

    def found_by(self, name: str) -> bool:
        """Whether a leg found it at all."""
        if name == "picture":
            return self.nearest is not None
        if name == "colour":
            return self.colour is not None
        return self.text is not None if name == "text" else self.leg(name) > 0


def cosine(one: Vector, other: Vector) -> float:
    """The dot product, summed in float64 so that every engine rounds to the same float32."""
    return float(np.float32(np.dot(one.astype(np.float64), other.astype(np.float64))))


def own_tags(document: Document) -> dict[str, float]:
    """Casefolded tags: an own one counts 1, a predicted one its probability."""
    found: dict[str, float] = {}
    for name, score in document.predicted_tags().items():
        found[name.casefold()] = max(score, found.get(name.casefold(), 0.0))
    return found | {tag.casefold(): 1.0 for tag in document.product.tags}


class Search:
    """One query against one state of the index."""

    def __init__(self, documents: Mapping[str, Document], texts: TextIndex, query: EngineQuery) -> None:
        self._documents, self._query = documents, query
        self._legs = legs_of(query)
        found = self._fitting(query.filter)
        self._text_scores = texts.scores(self._legs.words, [one.id for one in found]) if "text" in self._legs.weights else {}
        self._found = self._candidates(found)

    def page(self) -> EnginePage:
        """The answer."""
        query = self._query
        ranked = self._ranked()
        if query.group_by is not None:
            ranked = _grouped(ranked, query.group_by)
        sort = order_of(query, self._legs)
        if sort is not None:
            left = ranked if query.after is None else _after_value(ranked, sort, Position.read(query.after, "field"))
            shown = left[: query.limit]
            last = shown and Position("field", _element(shown[-1], sort), shown[-1].id)
        elif query.diversity > 0:
            start = 0 if query.after is None else _offset(Position.read(query.after, "offset"))
            left = self._spread(ranked)[start:]
            shown = left[: query.limit]
            last = shown and Position("offset", start + len(shown))
        else:
            left = ranked if query.after is None else _after_score(ranked, Position.read(query.after, "score"))
            shown = left[: query.limit]
            last = shown and Position("score", shown[-1].score, shown[-1].id)
        facets = {request.name: self._facet(request) for request in query.facets}
        following = last.token() if last and len(left) > len(shown) else None
        return EnginePage(tuple(map(self._hit, shown)), len(self._found), facets=facets, next=following)

    def _fitting(self, rule: filters.Filter) -> list[Document]:
        """The products that the filter and `not_tags` leave."""
        banned = self._legs.not_tags
        return [one for one in self._documents.values() if filters.fits(rule, one.read) and not (banned and banned & own_tags(one).keys())]

    def _candidates(self, documents: Iterable[Document]) -> list[Candidate]:
        query = self._query
        found = [one for one in map(self._candidate, documents) if one.matches(self._legs)]
        if query.min_similarity is None or query.vector is None:
            return found
        return [one for one in found if one.nearest is not None and one.nearest[0] >= query.min_similarity]

    def _candidate(self, document: Document) -> Candidate:
        query, legs = self._query, self._legs
        nearest, colour = _nearest(document, query.vector), None
        if query.colour is not None:
            colour = _colour(document, query.colour, nearest)
        has = own_tags(document) if legs.tags else {}
        tags = sum(has.get(tag, 0.0) for tag in legs.tags) / len(legs.tags) if legs.tags else 0.0
        category = fusion.category_score(document.product.category, query.categories) if query.categories else 0.0
        return Candidate(document, nearest, colour, self._text_scores.get(document.id), tags, category)

    def _ranked(self) -> list[Candidate]:
        found = self._found
        active = {leg: weight for leg, weight in self._legs.weights.items() if any(one.found_by(leg) for one in found)}
        parts = [(weight, np.array([one.leg(leg) for one in found], np.float32)) for leg, weight in active.items()]
        scored = [replace(one, score=float(score)) for one, score in zip(found, fusion.mean(parts, len(found)), strict=True)]
        scored.sort(key=lambda one: (-one.score, one.id))
        sort = order_of(self._query, self._legs)
        return scored if sort is None else _sorted(scored, sort)

    def _spread(self, ranked: list[Candidate]) -> list[Candidate]:
        best = ranked[:DIVERSIFIED]
        size = max((len(one.document.seen[0].analysis.main.vector) for one in best if one.document.seen), default=1)
        vectors = np.zeros((len(best), size), np.float32)
        for row, one in enumerate(best):
            if one.document.seen:
                vectors[row] = _vector_of(one)
        order = fusion.diversified([one.score for one in best], vectors, self._query.diversity, len(best))
        return [best[row] for row in order] + ranked[DIVERSIFIED:]

    def _hit(self, one: Candidate) -> EngineHit:
        has = own_tags(one.document)
        return EngineHit(
            product=one.document.product,
            score=one.score,
            version=one.document.version,
            similarity=one.nearest and one.nearest[0],
            picture=one.nearest and one.nearest[1],
            object=one.nearest and one.nearest[2],
            legs={leg: one.leg(leg) for leg in self._legs.weights if one.found_by(leg)},
            tags=tuple(told for tag, told in reversed(self._legs.tags.items()) if tag in has),
        )

    def _facet(self, request: FacetRequest) -> tuple[FacetCount, ...]:
        rule = filters.without_field(self._query.filter, request.field)
        counted = [one.document for one in self._candidates(self._fitting(rule))]
        if request.ranges is not None:
            answer = []
            for low, high in counting.spans(request.ranges):
                span = filters.Range(request.field, gte=low, lt=high)
                answer.append(counting.span_count(low, high, sum(filters.fits(span, one.read) for one in counted)))
            return tuple(answer)
        depth = request.depth if request.field == "category" else None
        counts: Counter[Key] = Counter()
        for one in counted:
            elements = {counting.order_key(value) for value in one.read(request.field)}
            counts.update({(kind, counting.level(str(value), depth)) for kind, value in elements} if depth else elements)
        return counting.ordered_counts(counts, request)


def _nearest(document: Document, vector: Vector | None) -> tuple[float, int, int] | None:
    """(cosine, picture, object) of the object nearest to the query; of equal ones the first."""
    if vector is None:
        return None
    found = [(cosine(one.vector, vector), seen.picture, place) for seen in document.seen for place, one in enumerate(seen.analysis.objects)]
    return max(found, key=lambda one: (one[0], -one[1], -one[2]), default=None)


def _colour(document: Document, colour: Vector, nearest: tuple[float, int, int] | None) -> float | None:
    """The cosine of the colours of the nearest object; without a picture in the query, of the best object."""
    found = [
        cosine(one.colour_vector, colour)
        for seen in document.seen
        for place, one in enumerate(seen.analysis.objects)
        if nearest is None or (seen.picture, place) == nearest[1:]
    ]
    return max(found, default=None)


def _vector_of(one: Candidate) -> Vector:
    seen = {seen.picture: seen.analysis for seen in one.document.seen}
    if one.nearest is None:
        return one.document.seen[0].analysis.main.vector
    return seen[one.nearest[1]].objects[one.nearest[2]].vector


def _element(one: Candidate, sort: Sort) -> Scalar | None:
    """What a product is sorted by: the smallest element ascending, the largest descending; None where it has none."""
    pick: Callable[..., Scalar] = max if sort.descending else min
    found = one.document.read(sort.field)
    return pick(found, key=counting.order_key) if found else None


def _sorted(found: Sequence[Candidate], sort: Sort) -> list[Candidate]:
    by_id = sorted(found, key=lambda one: one.id)
    having = [(one, value) for one in by_id if (value := _element(one, sort)) is not None]
    having.sort(key=lambda pair: counting.order_key(pair[1]), reverse=sort.descending)  # stable: ties stay in the order of ids
    return [one for one, _ in having] + [one for one in by_id if _element(one, sort) is None]


def _after_value(ranked: Sequence[Candidate], sort: Sort, last: Position) -> list[Candidate]:
    def follows(one: Candidate) -> bool:
        value = _element(one, sort)
        if value is None or last.key is None:
            return value is None and (last.key is not None or one.id > last.id)
        mine, theirs = counting.order_key(value), counting.order_key(last.key)
        if mine == theirs:
            return one.id > last.id
        return mine < theirs if sort.descending else mine > theirs

    return [one for one in ranked if follows(one)]


def _after_score(ranked: Sequence[Candidate], last: Position) -> list[Candidate]:
    return [one for one in ranked if (-one.score, one.id) > (-float(last.key or 0.0), last.id)]


def _offset(last: Position) -> int:
    return int(last.key or 0)


def _grouped(ranked: Sequence[Candidate], field: str) -> list[Candidate]:
    """The best of each group; a product with several values belongs to the group of its smallest."""
    shown: set[Key] = set()
    kept: list[Candidate] = []
    for one in ranked:
        value = _element(one, Sort(field))
        if value is None or counting.order_key(value) not in shown:
            kept.append(one)
        if value is not None:
            shown.add(counting.order_key(value))
    return kept
