"""From the filter language to OpenSearch's: pure, clause by clause."""

from collections.abc import Sequence
from typing import Any

from lookalike.domain.filters import All, AnyOf, Exists, Filter, Match, Not, Range
from lookalike.domain.values import Scalar
from lookalike.engines.opensearch import fields

Json = dict[str, Any]

EVERYTHING: Json = {"match_all": {}}
NOTHING: Json = {"match_none": {}}


def clause(rule: Filter) -> Json:
    """The query that a filter means, for use where no score counts."""
    if isinstance(rule, All):
        return every([clause(part) for part in rule.parts])
    if isinstance(rule, AnyOf):
        return some([clause(part) for part in rule.parts])
    if isinstance(rule, Not):
        return {"bool": {"must_not": [clause(rule.part)]}}
    if isinstance(rule, Exists):
        return {"term": {"present": rule.field}}
    return _range(rule) if isinstance(rule, Range) else _match(rule)


def every(parts: Sequence[Json]) -> Json:
    """All clauses hold; no clauses: everything."""
    return parts[0] if len(parts) == 1 else {"bool": {"filter": list(parts)}} if parts else EVERYTHING


def some(parts: Sequence[Json]) -> Json:
    """Some clause holds; no clauses: nothing."""
    return parts[0] if len(parts) == 1 else {"bool": {"should": list(parts), "minimum_should_match": 1}} if parts else NOTHING


def terms(field: str, values: Sequence[Any]) -> Json:
    """Some element of the field is one of the values; no values: nothing."""
    return {"terms": {field: list(values)}} if values else NOTHING


def _match(rule: Match) -> Json:
    name = fields.attribute(rule.field)
    if name is not None:
        return terms("attributes", list(dict.fromkeys(fields.entry(name, value) for value in rule.values)))
    if rule.field == "category":
        return terms("category_levels", [fields.clipped(str(value)) for value in rule.values])
    return terms(rule.field, [_term(value) for value in rule.values if _fits(rule.field, value)])


def _fits(field: str, value: Scalar) -> bool:
    """Whether the value has the type of the product's own field: another type equals none of its elements."""
    if field in fields.BOOLEANS:
        return isinstance(value, bool)
    if field in fields.NUMBERS:
        return not isinstance(value, bool | str)
    return isinstance(value, str)


def _term(value: Scalar) -> Scalar:
    return fields.clipped(value) if isinstance(value, str) else value


def _range(rule: Range) -> Json:
    """One `range` clause, as two would be content with two different elements of a list."""
    bounds: Json = {}
    if rule.gt is not None and (rule.gte is None or rule.gt >= rule.gte):
        bounds["gt"] = rule.gt
    elif rule.gte is not None:
        bounds["gte"] = rule.gte
    if rule.lt is not None and (rule.lte is None or rule.lt <= rule.lte):
        bounds["lt"] = rule.lt
    elif rule.lte is not None:
        bounds["lte"] = rule.lte
    name = fields.attribute(rule.field)
    if name is not None:
        lowest, highest = fields.number_bounds(name)
        bounds = {edge: fields.entry(name, value) for edge, value in bounds.items()}
        if not bounds.keys() & {"gt", "gte"}:
            bounds["gte"] = lowest
        if not bounds.keys() & {"lt", "lte"}:
            bounds["lt"] = highest
        return {"range": {"attributes": bounds}}
    return {"range": {rule.field: bounds}} if rule.field in fields.NUMBERS else NOTHING
