"""What OpenSearch Dashboards asks for a saved visualization: its `visState.aggs` as the body of a search.

As Dashboards does it: buckets inside each other in their order, metrics in the innermost, the aggregation's number as its name.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]
METRICS = frozenset({"count", "max", "min", "sum", "avg", "cardinality", "percentiles"})


def read(file: Path) -> list[Json]:
    """The saved objects of an NDJSON file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def title_of(saved: Json, objects: Sequence[Json]) -> str:
    """The index pattern that a visualization or search reads."""
    source = json.loads(saved["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    (wanted,) = [one["id"] for one in saved["references"] if one["name"] == source["indexRefName"]]
    (pattern,) = [one for one in objects if one["type"] == "index-pattern" and one["id"] == wanted]
    return str(pattern["attributes"]["title"])


def query_of(saved: Json) -> Json:
    """The documents that it counts."""
    told = json.loads(saved["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]
    return _lucene(told)


def aggs_of(saved: Json) -> list[Json]:
    """The aggregations of a visualization, as saved."""
    found: list[Json] = json.loads(saved["attributes"]["visState"])["aggs"]
    return found


def body(saved: Json) -> Json:
    """The search that draws a visualization."""
    aggs = [one for one in aggs_of(saved) if one["enabled"]]
    metrics = {one["id"]: {one["type"]: _metric(one)} for one in aggs if one["type"] in METRICS - {"count"}}
    counted = {one["id"] for one in aggs if one["type"] == "count"}
    inner: Json = metrics
    for one in reversed([one for one in aggs if one["type"] not in METRICS]):
        bucket = _bucket(one, counted)
        inner = {one["id"]: bucket | ({"aggs": inner} if inner else {})}
    return {"size": 0, "track_total_hits": True, "query": query_of(saved)} | ({"aggs": inner} if inner else {})


def latest(saved: Json, size: int) -> Json:
    """The search behind a saved search."""
    order = [{name: {"order": direction}} for name, direction in saved["attributes"]["sort"]]
    return {"size": size, "query": query_of(saved), "sort": order}


def leaves(aggs: Sequence[Json], answer: Json) -> list[tuple[tuple[str, ...], Json]]:
    """The innermost buckets of an answer with their keys; () and the whole where nothing is divided."""
    steps = [one["id"] for one in aggs if one["type"] not in METRICS]
    found: list[tuple[tuple[str, ...], Json]] = [((), answer.get("aggregations", {}))]
    for step in steps:
        found = [((*keys, key), bucket) for keys, one in found for key, bucket in _buckets(one[step]["buckets"])]
    return found


def _buckets(told: Any) -> list[tuple[str, Json]]:
    if isinstance(told, Mapping):
        return [(str(key), dict(one)) for key, one in told.items()]
    return [(str(one.get("key_as_string", one["key"])), one) for one in told]


def _metric(one: Json) -> Json:
    told = one["params"]
    return {"field": told["field"]} | ({"percents": told["percents"]} if one["type"] == "percentiles" else {})


def _bucket(one: Json, counted: set[str]) -> Json:
    told, kind = one["params"], one["type"]
    if kind == "terms":
        by = "_count" if told["orderBy"] in counted else told["orderBy"]
        return {"terms": {"field": told["field"], "size": told["size"], "order": {by: told["order"]}}}
    if kind == "date_histogram":
        interval = "1m" if told["interval"] == "auto" else told["interval"]
        return {"date_histogram": {"field": told["field"], "fixed_interval": interval, "min_doc_count": told["min_doc_count"]}}
    if kind == "histogram":
        return {"histogram": {"field": told["field"], "interval": told["interval"], "min_doc_count": 1}}
    if kind == "filters":
        return {"filters": {"filters": {one["label"]: _lucene(one["input"]) for one in told["filters"]}}}
    raise AssertionError(f"This reader does not know the bucket {kind!r}: teach it, or the test proves nothing.")


def _lucene(told: Json) -> Json:
    assert told["language"] == "lucene", "Dashboards translates kuery itself; only Lucene's syntax goes to OpenSearch as it stands"
    return {"query_string": {"query": told["query"], "analyze_wildcard": True}} if told["query"] else {"match_all": {}}
