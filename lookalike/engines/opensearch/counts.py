"""Facets and orders: what OpenSearch is asked, and how its answer is read."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from lookalike.domain.filters import Filter, Range, without_field
from lookalike.domain.query import FacetCount, FacetRequest, Sort
from lookalike.domain.values import Scalar
from lookalike.engines import counting
from lookalike.engines.opensearch import fields
from lookalike.engines.opensearch.filters import clause

Json = dict[str, Any]

MOST_CATEGORIES = 10_000
"""So many different paths are folded into levels; OpenSearch gives 65,535 buckets at most."""

_NEVER = "\x00"
"""No entry is that. With an `exclude` beside it OpenSearch 2.19 reads `include` without the short cut for prefixes, which fails
with an index out of bounds where the prefix is the last in the index."""

_ORDER = [{"_count": "desc"}, {"_key": "asc"}]

_FIRST = (
    "String name = params.name; String marks = params.marks; int at = name.length(); String found = ''; "
    "for (String told : doc['attributes']) { "
    "if (told.length() > at && told.startsWith(name) && marks.indexOf(told.substring(at, at + 1)) >= 0) "
    "{ if (params.last) { found = told; } else { return told; } } } return found"
)
"""The smallest or the largest element of an attribute: doc values come in order."""


def facet(request: FacetRequest, rule: Filter) -> Json:
    """The aggregation of a facet, which its own field's filter does not narrow."""
    return {"filter": clause(without_field(rule, request.field)), "aggs": {"values": _values(request)}}


def _values(request: FacetRequest) -> Json:
    if request.ranges is not None:
        spans = counting.spans(request.ranges)
        told = {str(place): clause(Range(request.field, gte=low, lt=high)) for place, (low, high) in enumerate(spans)}
        return {"filters": {"filters": told}}
    name = fields.attribute(request.field)
    if name is not None:
        included = {"include": fields.entries_pattern(name), "exclude": _NEVER}
        return {"terms": {"field": "attributes", **included, "size": request.limit, "order": _ORDER}}
    size = MOST_CATEGORIES if request.field == "category" and request.depth else request.limit
    return {"terms": {"field": request.field, "size": size, "order": _ORDER}}


def read_facet(request: FacetRequest, told: Json) -> tuple[FacetCount, ...]:
    """The counts of a facet's aggregation."""
    buckets = told["values"]["buckets"]
    if request.ranges is not None:
        spans = enumerate(counting.spans(request.ranges))
        return tuple(counting.span_count(low, high, buckets[str(place)]["doc_count"]) for place, (low, high) in spans)
    name = fields.attribute(request.field)
    if request.field != "category" or not request.depth:  # as they come: by number, then in the order of our own keys
        if request.field in fields.STRINGS:
            return tuple(FacetCount(bucket["key"], bucket["doc_count"]) for bucket in buckets)
        return tuple(FacetCount(counting.plain(_value(request.field, name, bucket)), bucket["doc_count"]) for bucket in buckets)
    counts: Counter[counting.Key] = Counter()
    for bucket in buckets:
        counts[counting.order_key(counting.level(bucket["key"], request.depth))] += bucket["doc_count"]
    return counting.ordered_counts(counts, request)


def _value(field: str, name: str | None, bucket: Json) -> Scalar:
    if name is not None:
        return fields.value_of(name, bucket["key"])
    return bool(bucket["key"]) if field in fields.BOOLEANS else bucket["key"]


def order(sort: Sort) -> list[Json]:
    """The order of the products that have the field; ties by id."""
    direction = "desc" if sort.descending else "asc"
    name = fields.attribute(sort.field)
    if name is None:
        if sort.field == "id":
            return [{"id": {"order": direction}}]
        return [{sort.field: {"order": direction, "mode": "max" if sort.descending else "min"}}, {"id": "asc"}]
    marks = fields.BOOLEAN_MARK + fields.NUMBER_MARK + fields.STRING_MARK
    told = {"name": name, "marks": marks, "last": sort.descending}
    script = {"lang": "painless", "source": _FIRST, "params": told}
    return [{"_script": {"type": "string", "order": direction, "script": script}}, {"id": "asc"}]


def group_field(field: str) -> str:
    """The field whose values say in which group a product is."""
    return "attributes" if fields.attribute(field) is not None else field


def group_of(field: str, values: Sequence[Any]) -> Scalar | None:
    """The group of a product: its smallest element; None where it stands alone."""
    name = fields.attribute(field)
    if name is None:
        return min(values, default=None)
    marks = (fields.BOOLEAN_MARK, fields.NUMBER_MARK, fields.STRING_MARK)
    return min((one for one in values if one.startswith(name) and one[len(name) : len(name) + 1] in marks), default=None)
