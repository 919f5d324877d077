"""The saved objects of OpenSearch Dashboards, told as a table of panels: `make docs` writes them, line by line, as NDJSON.

Their shape is that of an export: OpenSearch Dashboards keeps Kibana 7.10's (`migrationVersion` says which). All queries are
in the Lucene syntax, which is handed to OpenSearch as it stands (`query_string`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drawing import params

FILE = Path(__file__).resolve().parents[2] / "mappings" / "opensearch" / "dashboards" / "lookalike.ndjson"
EVENTS, PRODUCTS = "lookalike-events", "lookalike-products"
TITLES = {EVENTS: "lookalike-events-*", PRODUCTS: "products"}
VERSIONS = {"index-pattern": "7.6.0", "visualization": "7.10.0", "search": "7.9.3", "dashboard": "7.9.3"}
PANEL_VERSION = "2.19.1"
WIDTH, HEIGHT = 48, 14
"""Columns of a dashboard, and rows of a panel."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Panel:
    """A visualization: of which pattern, which documents, and how they are aggregated. `width` in columns."""

    id: str
    title: str
    kind: str
    pattern: str
    query: str
    aggs: Sequence[Json]
    width: int = 24


def agg(kind: str, schema: str = "metric", **params: Any) -> Json:
    """An aggregation without its number, which its place gives it."""
    return {"enabled": True, "type": kind, "schema": schema, "params": params}


def count(label: str = "") -> Json:
    """How many documents."""
    return agg("count", customLabel=label) if label else agg("count")


def metric(kind: str, name: str, label: str) -> Json:
    """max, sum, avg of a field."""
    return agg(kind, field=name, customLabel=label)


def percentiles(name: str, label: str) -> Json:
    """p50, p95 and p99 of a field."""
    return agg("percentiles", field=name, percents=[50, 95, 99], customLabel=label)


def terms(name: str, label: str, size: int = 10, schema: str = "segment") -> Json:
    """The most frequent values of a field."""
    return agg("terms", schema, field=name, orderBy="1", order="desc", size=size, otherBucket=False, missingBucket=False, customLabel=label)


def over_time() -> Json:
    """Time from left to right."""
    fixed = {"useNormalizedOpenSearchInterval": True, "scaleMetricValues": False, "drop_partials": False, "min_doc_count": 1}
    return agg("date_histogram", "segment", field="timestamp", interval="auto", extended_bounds={}, **fixed)


def filters(told: Mapping[str, str]) -> Json:
    """A bucket for each query, by label."""
    return agg(
        "filters", "group", filters=[{"input": {"query": query, "language": "lucene"}, "label": label} for label, query in told.items()]
    )


PANELS: tuple[Panel, ...] = (
    # The catalogue: what lies in the index
    Panel("products", "Products", "metric", PRODUCTS, "", [count("Products")], 12),
    Panel(
        "gaps",
        "Products that lack something",
        "metric",
        PRODUCTS,
        "",
        [
            count("Products"),
            filters(
                {
                    "no picture was seen": "NOT seen:true",
                    "without a price": "NOT present:price",
                    "without a category": "NOT present:category",
                    "without a title": "NOT present:title",
                    "out of stock": "in_stock:false",
                }
            ),
        ],
        36,
    ),
    Panel("categories", "Category mix", "pie", PRODUCTS, "", [count("Products"), terms("category", "Category", 20)]),
    Panel("tags", "Tags that the networks gave", "tagcloud", PRODUCTS, "", [count("Products"), terms("predicted_tags", "Tag", 60)]),
    Panel("quality", "Pictures with a flaw", "table", PRODUCTS, "", [count("Products"), terms("quality", "Flaw", 10, "bucket")]),
    Panel("colours", "Colours", "pie", PRODUCTS, "", [count("Products"), terms("predicted_colours", "Colour", 20)]),
    Panel("recipes", "Recipe mix", "pie", EVENTS, "kind:(search OR ingest)", [count("Events"), terms("recipe", "Recipe")]),
    Panel("documents", "Products over time", "line", EVENTS, "kind:state", [metric("max", "documents", "Products"), over_time()]),
    # Ingest
    Panel(
        "rows",
        "Rows of runs and jobs",
        "histogram",
        EVENTS,
        "kind:ingest",
        [
            *(metric("sum", f"counts.{name}", name) for name in ("indexed", "done", "unchanged", "removed", "failed")),
            over_time(),
        ],
    ),
    Panel(
        "intake",
        "Where an ingest's time goes, seconds of work",
        "histogram",
        EVENTS,
        "kind:ingest",
        [*(metric("sum", f"stage_seconds.{name}", name) for name in ("fetch", "decode", "analyse", "engine")), over_time()],
    ),
    Panel("reasons", "Why rows failed", "table", EVENTS, "kind:failure", [count("Rows"), terms("reason", "Reason", 20, "bucket")]),
    Panel(
        "runs",
        "Runs and jobs by end",
        "table",
        EVENTS,
        "kind:ingest",
        [
            count("Runs"),
            metric("avg", "rows_per_second", "Rows a second"),
            terms("origin", "From", 5, "bucket"),
            terms("outcome", "End", 5, "bucket"),
        ],
    ),
    # Searches
    Panel(
        "outcomes",
        "Searches by outcome",
        "area",
        EVENTS,
        "kind:search",
        [count("Searches"), over_time(), terms("outcome", "Outcome", 6, "group")],
    ),
    Panel("latency", "Time to answer, ms", "line", EVENTS, "kind:search", [percentiles("took_ms.total", "ms"), over_time()]),
    Panel(
        "stages",
        "Time by stage, ms",
        "table",
        EVENTS,
        "kind:search",
        [percentiles(f"took_ms.{stage}", stage) for stage in ("fetch", "decode", "analyse", "engine", "http", "total")],
        48,
    ),
    Panel(
        "zero-results",
        "Words that find nothing",
        "table",
        EVENTS,
        "kind:search AND outcome:empty",
        [count("Searches"), terms("user_query.keyword", "Words", 50, "bucket")],
    ),
    Panel(
        "low-similarity",
        "Pictures that find nothing alike, by the category they were taken for",
        "table",
        EVENTS,
        "kind:search AND low_similarity:true",
        [count("Searches"), metric("avg", "best_similarity", "Best cosine, mean"), terms("predicted_category", "Category", 50, "bucket")],
    ),
    Panel(
        "similarity",
        "How alike the best hit is",
        "histogram",
        EVENTS,
        "kind:search",
        [
            count("Searches"),
            agg("histogram", "segment", field="best_similarity", interval=0.1, min_doc_count=False, has_extended_bounds=False),
        ],
    ),
    Panel("words", "What is searched", "tagcloud", EVENTS, "kind:search", [count("Searches"), terms("user_query.keyword", "Words", 50)]),
    Panel(
        "actions",
        "What shoppers do with hits",
        "table",
        EVENTS,
        "kind:action",
        [
            count("Events"),
            metric("avg", "event_attributes.position.ordinal", "Place among the hits, mean"),
            terms("action_name", "Action", 10, "bucket"),
        ],
    ),
    Panel("degraded", "Answered without the networks", "metric", EVENTS, "kind:search AND degraded:true", [count("Searches")], 12),
    # Operation
    Panel(
        "queues",
        "What waits",
        "line",
        EVENTS,
        "kind:state",
        [*(metric("max", f"queue.{name}", name) for name in ("http", "looks", "jobs", "events")), over_time()],
    ),
    Panel(
        "knn",
        "k-NN: queries since the nodes started",
        "line",
        EVENTS,
        "kind:state",
        [
            metric("max", "knn.knn_query_requests", "k-NN queries"),
            metric("max", "knn.knn_query_with_filter_requests", "with a filter"),
            metric("max", "knn.script_query_requests", "exact, by script"),
            over_time(),
        ],
    ),
    Panel(
        "knn-memory",
        "k-NN: memory and errors",
        "table",
        EVENTS,
        "kind:state",
        [
            metric("max", "knn.graph_memory_usage_percentage", "graph memory, % of its limit"),
            metric("max", "knn.eviction_count", "evictions"),
            metric("max", "knn.graph_query_errors", "errors of queries"),
            metric("max", "knn.graph_index_errors", "errors of indexing"),
            terms("engine.version", "OpenSearch", 5, "bucket"),
        ],
    ),
    Panel("size", "Size of the index, bytes", "line", EVENTS, "kind:state", [metric("max", "engine.size_bytes", "Bytes"), over_time()]),
    Panel("health", "Health of the engine", "pie", EVENTS, "kind:state", [count("Minutes"), terms("engine.status", "Health", 5)]),
)
FAILURES = "lookalike-failures"
"""A saved search: the latest rows that failed."""
BOARDS: Mapping[str, tuple[str, Sequence[str]]] = {
    "lookalike-catalogue": (
        "Lookalike: catalogue",
        ("products", "gaps", "categories", "tags", "quality", "colours", "recipes", "documents", "rows", "reasons", FAILURES),
    ),
    "lookalike-searches": (
        "Lookalike: searches",
        ("outcomes", "latency", "stages", "zero-results", "low-similarity", "similarity", "words", "actions", "degraded"),
    ),
    "lookalike-operation": ("Lookalike: operation", ("queues", "latency", "knn", "knn-memory", "size", "health", "intake", "runs")),
}


def objects() -> Iterator[Json]:
    """Everything, in an order in which what is referred to comes first."""
    for name, title in TITLES.items():
        attributes = {"title": title} | ({"timeFieldName": "timestamp"} if name == EVENTS else {})
        yield _object("index-pattern", name, attributes, [])
    for panel in PANELS:
        yield _visualization(panel)
    yield _failures()
    for name, (title, places) in BOARDS.items():
        yield _board(name, title, places)


def text() -> str:
    """The file."""
    return "".join(json.dumps(one, sort_keys=True) + "\n" for one in objects())


def _object(kind: str, name: str, attributes: Json, references: list[Json]) -> Json:
    return {"type": kind, "id": name, "attributes": attributes, "references": references, "migrationVersion": {kind: VERSIONS[kind]}}


def _source(query: str, **more: Any) -> Json:
    return {"searchSourceJSON": json.dumps({"query": {"query": query, "language": "lucene"}, "filter": [], **more}, sort_keys=True)}


def _indexed(pattern: str) -> tuple[Json, list[Json]]:
    name = "kibanaSavedObjectMeta.searchSourceJSON.index"
    return {"indexRefName": name}, [{"name": name, "type": "index-pattern", "id": pattern}]


def _visualization(panel: Panel) -> Json:
    named, references = _indexed(panel.pattern)
    aggs = [{"id": str(number), **one} for number, one in enumerate(panel.aggs, 1)]
    state = {"title": panel.title, "type": panel.kind, "params": params(panel.kind, panel.aggs), "aggs": aggs}
    attributes = {
        "title": panel.title,
        "description": "",
        "version": 1,
        "uiStateJSON": "{}",
        "visState": json.dumps(state, sort_keys=True),
        "kibanaSavedObjectMeta": _source(panel.query, **named),
    }
    return _object("visualization", f"lookalike-{panel.id}", attributes, references)


def _failures() -> Json:
    named, references = _indexed(EVENTS)
    attributes = {
        "title": "Latest failures",
        "description": "Rows of catalogues that did not arrive whole",
        "hits": 0,
        "version": 1,
        "columns": ["origin", "object_id", "reason", "message", "run"],
        "sort": [["timestamp", "desc"]],
        "kibanaSavedObjectMeta": _source("kind:failure", highlightAll=True, version=True, **named),
    }
    return _object("search", FAILURES, attributes, references)


def _board(name: str, title: str, places: Sequence[str]) -> Json:
    widths = {panel.id: panel.width for panel in PANELS}
    panels, references = [], []
    left = top = 0
    for number, place in enumerate(places):
        width = widths.get(place, WIDTH)
        if left + width > WIDTH:
            left, top = 0, top + HEIGHT
        grid = {"x": left, "y": top, "w": width, "h": HEIGHT, "i": str(number)}
        panels.append(
            {
                "version": PANEL_VERSION,
                "gridData": grid,
                "panelIndex": str(number),
                "embeddableConfig": {},
                "panelRefName": f"panel_{number}",
            }
        )
        kind, target = ("search", place) if place == FAILURES else ("visualization", f"lookalike-{place}")
        references.append({"name": f"panel_{number}", "type": kind, "id": target})
        left += width
    attributes = {
        "title": title,
        "description": "",
        "hits": 0,
        "version": 1,
        "timeRestore": True,
        "timeFrom": "now-24h",
        "timeTo": "now",
        "refreshInterval": {"pause": False, "value": 60_000},
        "optionsJSON": json.dumps({"hidePanelTitles": False, "useMargins": True}, sort_keys=True),
        "panelsJSON": json.dumps(panels, sort_keys=True),
        "kibanaSavedObjectMeta": _source(""),
    }
    return _object("dashboard", name, attributes, references)
