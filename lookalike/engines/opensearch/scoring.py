"""What each signal asks OpenSearch for: pure, body by body.

A leg's body answers ids with the leg's own raw score; `lookalike.domain.fusion` makes one score of them (docs/decisions/0071).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lookalike.domain.analysis import Vector
from lookalike.domain.query import EngineQuery
from lookalike.engines import words
from lookalike.engines.opensearch.documents import LONGEST_WORD, levels
from lookalike.engines.opensearch.filters import every, some, terms

Json = dict[str, Any]

SEEN: Json = {"term": {"seen": True}}

_PRODUCT: Json = {"term": {"present": "id"}}
"""Every product, and no nested object. OpenSearch 2.19 takes a filter that holds a range, a number or a `not` for one on nested
objects, and finds something else, unless a clause beside it can only be about products (docs/decisions/0071)."""

_BM25 = (
    "double total = 0; double room = params.k1 * (1 - params.b + params.b * doc['length'].value / params.average); "
    "for (int i = 0; i < params.stems.length; i++) { double often = termFreq('words', params.stems[i]); "
    "if (often > 0) { total += params.rarity[i] * (often * (params.k1 + 1)) / (often + room); } } return total"
)
"""`lookalike.engines.memory.bm25`, where the weights of the columns are in the term frequencies already."""

_TAGS = (
    "double total = 0; for (String told : doc['tag_scores']) { int at = told.lastIndexOf('='); "
    "if (params.tags.contains(told.substring(0, at))) { total += Double.parseDouble(told.substring(at + 1)); } } "
    "return total / params.tags.length"
)

_NEAREST_COLOUR = (
    "double nearestColour(org.apache.lucene.util.BytesRef told, List looks, List colours) { "
    "byte[] raw = told.bytes; int size = looks.size(); int width = size + colours.size(); "
    "int objects = told.length / (2 * width); int nearest = 0; double best = -1e9; "
    "for (int row = 0; row < objects && objects > 1; row++) { double alike = 0; for (int i = 0; i < size; i++) { "
    "alike += (double) looks.get(i) * half(raw, told.offset + 2 * (row * width + i)); } "
    "if (alike > best) { best = alike; nearest = row; } } "
    "double total = 0; int start = told.offset + 2 * (nearest * width + size); "
    "for (int i = 0; i < width - size; i++) { total += (double) colours.get(i) * half(raw, start + 2 * i); } "
    "return Math.max(0.0, total) } "
)
_HALF = (
    "double half(byte[] raw, int at) { int bits = (raw[at] & 255) | ((raw[at + 1] & 255) << 8); int power = (bits >> 10) & 31; "
    "double size = power == 0 ? "
    "(bits & 1023) * 5.9604644775390625E-8 : Float.intBitsToFloat(((power + 112) << 23) | ((bits & 1023) << 13)); "
    "return (bits & 32768) == 0 ? size : -size; } "
)
"""An fp16 of our doc value; 65,504 and more, which are no parts of unit vectors, are not read rightly."""

_LOOKS_TOGETHER = (
    "double cosine = _score >= 1 ? _score - 1.0 : 1.0 - 1.0 / _score; "
    "double total = params.picture * Math.min(1.0, Math.max(0.0, (1.0 + cosine) * 0.5)); "
)
_COLOUR_TOGETHER = "total += params.colour * Math.min(1.0, nearestColour(doc['data'].value, params.looks, params.colours)); "
_CATEGORY_TOGETHER = (
    "double agreed = 0; for (String level : doc['category_levels']) "
    "{ if (params.levels.containsKey(level)) { agreed += (double) params.levels.get(level); } } "
    "total += params.category * Math.min(1.0, agreed); "
)
"""`lookalike.domain.fusion`, where `_score` is what OpenSearch scores for the inner product of the nearest object."""


@dataclass(frozen=True, slots=True)
class TextStatistics:
    """Of the whole index: how rare each stem is, and how long a product's texts are in the mean."""

    stems: tuple[str, ...]
    rarity: tuple[float, ...]
    average: float


def stems_of(asked: Mapping[str, str]) -> tuple[str, ...]:
    """The terms of a query's words."""
    return tuple(dict.fromkeys(stem[:LONGEST_WORD] for stem in asked))


def all_words(stems: Sequence[str]) -> Json:
    """Products that have every word."""
    return every([{"term": {"words": stem}} for stem in stems])


def some_words(stems: Sequence[str]) -> Json:
    """Products that have some of the words, but not all."""
    return {"bool": {"filter": [terms("words", stems)], "must_not": [all_words(stems)]}}


def any_word(stems: Sequence[str]) -> Json:
    """Products that have one of the words at least."""
    return terms("words", stems)


def bm25(matching: Json, statistics: TextStatistics) -> Json:
    """BM25 of the products that match."""
    told = {
        "stems": list(statistics.stems),
        "rarity": list(statistics.rarity),
        "average": statistics.average,
        "k1": words.K1,
        "b": words.B,
    }
    return {"script_score": {"query": matching, "script": {"lang": "painless", "source": _BM25, "params": told}}}


def tags_share(tags: Sequence[str]) -> Json:
    """The share of the tags that a product has, a predicted one by its probability."""
    script = {"lang": "painless", "source": _TAGS, "params": {"tags": list(tags)}}
    return {"script_score": {"query": terms("tag_names", tags), "script": script}}


def category_weights(categories: Mapping[str, float]) -> dict[str, float]:
    """What each level of the predicted paths adds to the score of a product that lies in it or below."""
    found: dict[str, float] = {}
    for path, probability in categories.items():
        steps = levels(path)
        for level in steps:
            found[level] = found.get(level, 0.0) + probability / len(steps)
    return {level: weight for level, weight in found.items() if weight > 0}


def in_categories(categories: Mapping[str, float]) -> Json:
    """Products of which a predicted path says something."""
    return terms("category_levels", list(category_weights(categories)))


def category_agreement(categories: Mapping[str, float]) -> Json:
    """How far a product's category agrees, from the root."""
    levels_told = category_weights(categories).items()
    return some([{"constant_score": {"filter": {"term": {"category_levels": level}}, "boost": weight}} for level, weight in levels_told])


def nearest_colour(looks: Vector, colours: Vector) -> Json:
    """The cosine of the colours of that object of a product which is nearest in looks, none below 0: from the fp16 doc value."""
    told = {"looks": asked(looks), "colours": asked(colours)}
    source = _HALF + _NEAREST_COLOUR + "return nearestColour(doc['data'].value, params.looks, params.colours)"
    return {"script_score": {"query": SEEN, "script": {"lang": "painless", "source": source, "params": told}}}


def together(found: Json, query: EngineQuery, weights: Mapping[str, float]) -> Json:
    """The weighted mean of looks, colours and category for what looks have `found`; the weights count, whatever a leg finds."""
    assert query.vector is not None
    whole = sum(weights.values())
    told: Json = {leg: weight / whole for leg, weight in weights.items()}
    functions, source = "", _LOOKS_TOGETHER
    if "colour" in weights:
        assert query.colour is not None
        functions, source = _HALF + _NEAREST_COLOUR, source + _COLOUR_TOGETHER
        told |= {"looks": asked(query.vector), "colours": asked(query.colour)}
    if "category" in weights:
        source += _CATEGORY_TOGETHER
        told["levels"] = category_weights(query.categories)
    script = {"lang": "painless", "source": f"{functions}{source}return total", "params": told}
    return {"script_score": {"query": found, "script": script}}


def asked(vector: Vector) -> list[float]:
    """A unit vector of a query as JSON: to 1e-9, which is more than float32 keeps of a score."""
    found: list[float] = np.round(vector.astype(np.float64), 9).tolist()
    return found


def compared(field: str, vector: Vector, least: float | None = None) -> Json:
    """Every vector compared: the best of a product's objects; with `least`, only those of that cosine at least."""
    script = {
        "lang": "knn",
        "source": "knn_score",
        "params": {"field": f"objects.{field}", "query_value": asked(vector), "space_type": "innerproduct"},
    }
    scored: Json = {"query": {"match_all": {}}, "script": script}
    if least is not None:
        scored["min_score"] = told_score(least)
    return {"nested": {"path": "objects", "score_mode": "max", "query": {"script_score": scored}}}


def nearest(field: str, vector: Vector, count: int, filters: Sequence[Json], *, rescored: bool = False) -> Json:
    """The graph (HNSW) asked for `count` products that fit the filters; `rescored`: of three times as many, compared exactly."""
    knn: Json = {"vector": asked(vector), "k": count, "method_parameters": {"ef_search": count}}
    if rescored:
        knn["rescore"] = {"oversample_factor": 3.0}
    if filters:
        knn["filter"] = {"bool": {"filter": [_PRODUCT, *filters]}}
    return {"nested": {"path": "objects", "score_mode": "max", "query": {"knn": {f"objects.{field}": knn}}}}


def told_score(cosine: float) -> float:
    """What OpenSearch scores for an inner product."""
    return 1.0 + cosine if cosine >= 0 else 1.0 / (1.0 - cosine)


def cosine_of(score: float) -> float:
    """The inner product that OpenSearch scored so."""
    return score - 1.0 if score >= 1.0 else 1.0 - 1.0 / score


def best(scoring: Json, filters: Sequence[Json], count: int, held: Sequence[str] | None = None) -> Json:
    """The body for the best `count` of a leg: ids and scores, and what is `held` of the source; else nothing else is fetched."""
    return {
        "size": count,
        "query": {"bool": {"must": [scoring], "filter": list(filters)}},
        "sort": [{"_score": "desc"}, {"id": "asc"}],
        "track_total_hits": True,
        **fetched(held),
    }


def fetched(held: Sequence[str] | None) -> Json:
    """The part of a body that says what of the source is answered: some fields of it, or nothing at all."""
    return {"_source": False, "stored_fields": "_none_"} if held is None else {"_source": list(held)}


def values(ids: Sequence[str], names: Sequence[str]) -> Json:
    """The body for some fields of some products."""
    return {
        "size": len(ids),
        "query": {"terms": {"id": list(ids)}},
        "sort": ["_doc"],
        "track_total_hits": False,
        "_source": False,
        "stored_fields": "_none_",
        "docvalue_fields": ["id", *names],
    }


def held(ids: Sequence[str], names: Sequence[str]) -> Json:
    """The body for the documents of some products."""
    return {"size": len(ids), "query": {"terms": {"id": list(ids)}}, "sort": ["_doc"], "track_total_hits": False, "_source": list(names)}


def statistics(stems: Sequence[str], allowed: Sequence[Json]) -> Json:
    """The body for what must be known first: of the index, of each stem, and of what the filter leaves."""
    counts: Json = {f"stem {place}": {"filter": {"term": {"words": stem}}} for place, stem in enumerate(stems)}
    if stems:
        counts["length"] = {"sum": {"field": "length"}}
        counts["every word"] = {"filter": every([*allowed, all_words(stems)])}
    counts["vectors"] = {"filter": every([*allowed, SEEN])}
    counts["every vector"] = {"filter": SEEN}
    return {"size": 0, "query": {"match_all": {}}, "track_total_hits": True, "aggs": counts}
