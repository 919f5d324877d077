"""What OpenSearch tells of itself and of one index: version, health, size, counters of its k-NN."""

from collections.abc import Mapping
from typing import Any

from lookalike.engines.opensearch.client import Client

Json = dict[str, Any]
SUMMED = (
    "graph_memory_usage",
    "hit_count",
    "miss_count",
    "eviction_count",
    "load_exception_count",
    "knn_query_requests",
    "knn_query_with_filter_requests",
    "script_query_requests",
    "script_query_errors",
    "graph_query_errors",
    "graph_index_errors",
)
"""Counters of each node, since it started; here of all nodes together."""


def figures(client: Client, index: str) -> Json:
    """Of `index` and its cluster. Raises: Unavailable, IndexProblem."""
    with client.asked() as raw:
        version = raw.info()["version"]["number"]
        health = raw.cluster.health(index=index)
        store = raw.indices.stats(index=index, metric="store,docs")["_all"]["total"]
        told = raw.transport.perform_request("GET", "/_plugins/_knn/stats")
    return {
        "version": version,
        "health": health["status"],
        "unassigned_shards": int(health["unassigned_shards"]),
        "nodes": int(health["number_of_nodes"]),
        "size_bytes": int(store["store"]["size_in_bytes"]),
        "deleted_documents": int(store["docs"]["deleted"]),
        "knn": knn(told),
    }


def knn(told: Mapping[str, Any]) -> Json:
    """The answer of `_plugins/_knn/stats` for all nodes together: sums of counters, the fullest memory, any alarm."""
    nodes = list(told["nodes"].values())
    found: Json = {name: sum(int(node.get(name, 0)) for node in nodes) for name in SUMMED}
    found["graph_memory_usage_percentage"] = max((float(node.get("graph_memory_usage_percentage") or 0.0) for node in nodes), default=0.0)
    found["cache_capacity_reached"] = any(bool(node.get("cache_capacity_reached")) for node in nodes)
    found["circuit_breaker_triggered"] = bool(told.get("circuit_breaker_triggered"))
    return found
