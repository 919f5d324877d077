"""A query, made ready: what limits it, what its candidates are, and the body of each of its legs."""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lookalike.domain import filters as language
from lookalike.domain.query import EngineQuery
from lookalike.engines import words
from lookalike.engines.legs import Legs
from lookalike.engines.opensearch import counts, scoring
from lookalike.engines.opensearch.filters import clause, every, some, terms

Json = dict[str, Any]

MARGIN = 1e-6
"""OpenSearch computes a cosine in float32: what is this close to a limit is let in."""

NEAREST_COLOUR = "nearest colour"
"""The signal that is only looked up: the colours of the object that is nearest in looks."""

TOGETHER = "together"
"""The signal that is the mean of all legs: looks find, colours and category only weigh, if they are asked for."""

_WEIGHING = {"colour", "category"}


@dataclass(frozen=True, slots=True)
class Limits:
    """Up to `exact_below` products with vectors every vector is compared; `window` of each signal are ranked; `rescored`: the
    graph knows the vectors only roughly. `vectors`: so many products have some, if that is known."""

    exact_below: int
    window: int
    rescored: bool = False
    vectors: int | None = None

    def surely_exact(self, strategy: str, *, filtered: bool) -> bool | None:
        """Whether every vector is compared; None where it depends on how many of them fit the filter."""
        if strategy != "auto":
            return strategy == "exact"
        if self.vectors is None or (filtered and self.vectors > self.exact_below):
            return None
        return self.vectors <= self.exact_below


@dataclass(frozen=True)
class Plan:
    """`text` is None without words that mean anything; `few`: so few products have all words that some are enough."""

    query: EngineQuery
    legs: Legs
    window: int
    exact: bool
    text: scoring.TextStatistics | None
    few: bool
    rescored: bool = False

    @functools.cached_property
    def signals(self) -> list[str]:
        """What is asked of OpenSearch: the legs, the words in two steps, the category only where it stands alone."""
        weights = self.legs.weights
        if self.together:
            return [TOGETHER]
        found: list[str] = [leg for leg in ("picture", "colour", "tags") if leg in weights]
        if "picture" in weights and 0 < weights.get("colour", 0) <= weights["picture"]:
            found.remove("colour")  # what looks unlike would not come up by its colours alone
        if "text" in weights and self.text is not None:
            found += ["every word", "some words"] if self.few else ["every word"]
        return [*found, "category"] if self.legs.sole_category else found

    @functools.cached_property
    def together(self) -> bool:
        """Whether OpenSearch makes the one ranking: looks find, and colours that weigh no more, or the category, may weigh in."""
        weights = self.legs.weights
        beside = weights.keys() - {"picture"}
        return "picture" in weights and beside <= _WEIGHING and weights.get("colour", 0) <= weights["picture"]

    @property
    def counts_itself(self) -> bool:
        """Whether the body of the best tells the total as well: all that fit are compared, and nothing else is found or counted."""
        visual = {"picture", "colour"}
        found = self.legs.weights.keys() & visual and self.legs.weights.keys() <= visual | _WEIGHING
        return bool(found) and self.exact and len(self.signals) == 1 and not self.query.facets

    @property
    def limits(self) -> list[Json]:
        """What holds whatever the filter is: `not_tags` and the least similarity."""
        return [*banned(self.legs), *least_similar(self.query)]

    @functools.cached_property
    def allowed(self) -> list[Json]:
        """What every product found fulfils."""
        return [*_told(clause(self.query.filter)), *self.limits]

    @functools.cached_property
    def candidates(self) -> Json | None:
        """What picture, colour, text or tags match; None without legs, where everything is found."""
        if not self.legs.weights:
            return None
        found = [self.matching(leg) for leg in self.legs.weights if leg != "category" or self.legs.sole_category]
        return some([one for place, one in enumerate(found) if one not in found[:place]])

    def matching(self, leg: str) -> Json:
        """The products that a leg finds."""
        if leg in ("picture", "colour"):
            return scoring.SEEN
        if leg == "text":
            stems = self.text.stems if self.text else ()
            return scoring.any_word(stems) if self.few else scoring.all_words(stems) if stems else terms("words", [])
        return terms("tag_names", list(self.legs.tags)) if leg == "tags" else scoring.in_categories(self.query.categories)

    def counted(self) -> Json:
        """The body for the total, for which legs found something, and for the facets."""
        inside = {leg: {"filter": self.matching(leg)} for leg in self.legs.weights}
        told: Json = {"result": {"filter": clause(self.query.filter), **({"aggs": inside} if inside else {})}}
        for place, request in enumerate(self.query.facets):
            told[f"facet {place}"] = counts.facet(request, self.query.filter)
        limits = [*self.limits, *([] if self.candidates is None else [self.candidates])]
        return {"size": 0, "track_total_hits": False, "query": every(limits), "aggs": told}

    def strongest(self) -> list[Json]:
        """The bodies for the best BM25 in the whole index: of all words, and of some."""
        assert self.text is not None
        stems = self.text.stems
        found = [scoring.all_words(stems), scoring.some_words(stems)][: 2 if self.few else 1]
        return [scoring.best(scoring.bm25(matching, self.text), [], 1) for matching in found]

    def best(self, signal: str, count: int, held: Sequence[str] | None = None) -> Json:
        """The body for the best `count` products of a signal, `window` at most; with what is `held` of their sources."""
        looks = "picture" if signal == TOGETHER else signal
        found, filters = self._scoring(looks), self.allowed
        if looks in ("picture", "colour") and not self.exact:
            vector = self.query.vector if looks == "picture" else self.query.colour
            assert vector is not None
            inside = [*_told(clause(self.query.filter)), *banned(self.legs)]
            named = "vector" if looks == "picture" else "colour"
            found, filters = scoring.nearest(named, vector, self.window, inside, rescored=self.rescored), least_similar(self.query)
        if signal == TOGETHER and len(self.legs.weights) > 1:
            found = scoring.together(found, self.query, self.legs.weights)
        return scoring.best(found, filters, count, held)

    def counting(self, body: Json) -> Json:
        """The body of the best that `counts_itself`, with what more is to be counted."""
        agreeing = {"category": {"filter": self.matching("category")}} if "category" in self.legs.weights else {}
        return {**body, **({"aggs": agreeing} if agreeing else {})}

    def lookup(self, signal: str, ids: Sequence[str]) -> Json:
        """The body for a signal's scores of given products: those that it does not find are not answered."""
        return scoring.best(self._scoring(signal), [terms("id", ids)], len(ids))

    def _scoring(self, signal: str) -> Json:
        query = self.query
        if signal == "picture":
            assert query.vector is not None
            return scoring.compared("vector", query.vector)
        if signal == "colour":
            assert query.colour is not None
            return scoring.compared("colour", query.colour)
        if signal == NEAREST_COLOUR:
            assert query.vector is not None
            assert query.colour is not None
            return scoring.nearest_colour(query.vector, query.colour)
        if signal == "tags":
            return scoring.tags_share(list(self.legs.tags))
        if signal == "category":
            return scoring.category_agreement(query.categories)
        assert self.text is not None
        stems = self.text.stems
        return scoring.bm25(scoring.all_words(stems) if signal == "every word" else scoring.some_words(stems), self.text)


def banned(legs: Legs) -> list[Json]:
    """The clause that `not_tags` means."""
    if not legs.not_tags:
        return []
    tags = sorted(legs.not_tags)
    return [{"bool": {"must_not": [terms("tag_names", tags), terms("tags_unlikely", tags)]}}]


def least_similar(query: EngineQuery) -> list[Json]:
    """The clause that `min_similarity` means."""
    if query.min_similarity is None or query.vector is None:
        return []
    return [scoring.compared("vector", query.vector, query.min_similarity - MARGIN)]


def text_statistics(stems: Sequence[str], told: Mapping[str, Any], products: int) -> scoring.TextStatistics | None:
    """What BM25 needs, of the answer to `scoring.statistics`; None where no product has any of the words."""
    found = [told[f"stem {place}"]["doc_count"] for place in range(len(stems))]
    if not any(found):
        return None
    rarity = tuple(max(1e-6, math.log((products - count + 0.5) / (count + 0.5))) for count in found)
    return scoring.TextStatistics(tuple(stems), rarity, told["length"]["value"] / products)


def few_have_all(told: Mapping[str, Any]) -> bool:
    """Whether products with only some of the words are found as well."""
    return bool(told["every word"]["doc_count"] < words.ENOUGH)


def _told(rule: Json) -> list[Json]:
    return [] if rule == clause(language.EVERYTHING) else [rule]
