"""From a query to what OpenSearch is asked: body by body, and each body is run on a real server.

The bodies stand in tests/data/opensearch_bodies.json; `python tests/unit/engines/test_opensearch_bodies.py` writes them anew.
"""

import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookalike.domain.filters import All, AnyOf, Exists, Match, Not, Range
from lookalike.domain.query import EngineQuery, FacetRequest, Sort
from lookalike.engines.legs import legs_of
from lookalike.engines.opensearch import counts, fields, filters, reading, scoring
from lookalike.engines.opensearch.mapping import MAJORS, Layout, index_body, mapping_for, recipe_of
from lookalike.engines.opensearch.plan import Plan
from lookalike.errors import IndexProblem, IndexTooNew
from lookalike.testing.documents import RECIPE

Json = dict[str, Any]
GOLDEN = Path(__file__).parents[2] / "data" / "opensearch_bodies.json"


def bodies() -> dict[str, Json]:
    """Every kind of body that the engine sends."""
    vector, colour = np.eye(1, 16, dtype=np.float32)[0], np.eye(1, 6, dtype=np.float32)[0]
    statistics = scoring.TextStatistics(("red", "shoe"), (0.5, 1.25), 7.5)
    rule = All((Match("brand", ("Acme",)), Range("price", gte=10, lt=50), Not(Match("in_stock", (False,)))))
    query = EngineQuery(
        vector=vector,
        colour=colour,
        words="red shoes",
        tags=("Boot",),
        not_tags=("sale",),
        categories={"Clothing > Shoes": 0.75},
        weights={"picture": 0.6, "text": 0.2, "tags": 0.1, "category": 0.1, "colour": 0.1},
        filter=rule,
        min_similarity=0.25,
        facets=(
            FacetRequest("brand", "brand", limit=5),
            FacetRequest("attributes.fit=x", "fit=x"),
            FacetRequest("price", "price", ranges=(0, 25, 50)),
            FacetRequest("attributes.size", "size", ranges=(30, 40)),
            FacetRequest("category", "level", depth=1),
        ),
    )
    exact, graph = (Plan(query, legs_of(query), 1000, told, statistics, few=told) for told in (True, False))
    rough = Plan(query, legs_of(query), 1000, False, statistics, few=False, rescored=True)
    looks = {"picture": 0.7, "category": 0.1, "colour": 0.1}
    nearest, through = (Plan(one, legs_of(one), 1000, told, None, few=True) for one, told in _alone(replace(query, weights=looks)))
    plain = EngineQuery(categories={"Tea": 1.0}, weights={"category": 1.0})
    found = {f"exact {signal}": exact.best(signal, 1000) for signal in exact.signals}
    found |= {f"graph {signal}": graph.best(signal, 1000) for signal in ("picture", "colour")}
    found |= {
        "exact together": nearest.counting(nearest.best("together", 11, ["told"])),
        "graph together": through.best("together", 11, ["told"]),
        "graph rescored": rough.best("picture", 1000),
        "category alone": Plan(plain, legs_of(plain), 1000, True, None, few=True).best("category", 11, ["told"]),
        "look up nearest colour": exact.lookup("nearest colour", ["sku-1"]),
        "look up tags": exact.lookup("tags", ["sku-1", "sku-2"]),
        "counts": exact.counted(),
        "strongest words": exact.strongest()[1],
        "statistics": scoring.statistics(("red", "shoe"), [filters.clause(rule)]),
        "values": scoring.values(["sku-1"], ["data"]),
        "held": scoring.held(["sku-1"], ["told"]),
        "suggestions": reading.suggesting("te (x"),
        "no legs": {"query": filters.clause(All()), "sort": counts.order(Sort("created", descending=True))},
        "sorted by price": {"query": filters.clause(Exists("price")), "sort": counts.order(Sort("price"))},
        "sorted by attribute": {
            "query": filters.clause(Exists("attributes.size")),
            "sort": counts.order(Sort("attributes.size", descending=True)),
        },
    }
    for name, one in {
        "filter category": Match("category", ("Clothing", 1)),
        "filter types": All((Match("price", (10, "10", True)), Match("in_stock", (1,)), Match("attributes.mixed", (True, 1, 1.0, "1")))),
        "filter one element": Range("attributes.size", gt=36, gte=30, lt=41),
        "filter half open": Range("attributes.size", lte=0),
        "filter nothing": AnyOf((Match("brand", ()), Range("title", gte=1), AnyOf())),
        "filter not": Not(AnyOf((Exists("attributes.fits"), Match("created", (0.0,))))),
    }.items():
        found[name] = {"query": filters.clause(one)}
    return found


def _alone(query: EngineQuery) -> list[tuple[EngineQuery, bool]]:
    """A query by looks, exact with its facets left out, and through the graph."""
    return [(replace(query, facets=()), True), (query, False)]


def test_queries_become_these_bodies() -> None:
    assert json.loads(json.dumps(bodies())) == json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("values", [[-1e300, -2.5, -1e-300, 0.0, 1e-300, 1, 36.5, 41, 1e300]])
def test_numbers_in_terms_sort_as_numbers(values: list[float]) -> None:
    told = [fields.sortable(value) for value in values]
    assert told == sorted(told)
    assert [fields.number_of(one) for one in told] == values
    assert fields.sortable(-0.0) == fields.sortable(0)


def test_entries_of_different_attributes_never_meet() -> None:
    """A name may hold what separates it from its value."""
    pairs = [("a=b", "c"), ("a", "b=c"), ("a%3Db", "c"), ("a", True), ("a", 1), ("a", "1"), ("a", ""), ("ab", "")]
    told = [fields.entry(fields.attribute(f"attributes.{name}") or "", value) for name, value in pairs]
    assert len(set(told)) == len(pairs)
    assert [fields.value_of(fields.attribute(f"attributes.{name}") or "", one) for (name, _), one in zip(pairs, told, strict=True)] == [
        value for _, value in pairs
    ]


def test_long_texts_stay_apart() -> None:
    """Lucene takes terms of 32,766 bytes."""
    one, other = "東" * 100_000, "東" * 99_999 + "x"
    assert fields.clipped(one) != fields.clipped(other)
    assert len(fields.clipped(one).encode()) <= 32_766


def test_an_index_says_its_recipe() -> None:
    for major in MAJORS:
        told = index_body((major, 19), RECIPE, Layout(shards=2, replicas=0))
        assert recipe_of(told["mappings"], "x") == RECIPE
        told["mappings"]["_meta"]["lookalike"]["format"] = 99
        with pytest.raises(IndexTooNew):
            recipe_of(told["mappings"], "x")
    with pytest.raises(IndexProblem, match="not made by Lookalike"):
        recipe_of({"properties": {}}, "x")
    with pytest.raises(IndexProblem, match="OpenSearch 1"):
        mapping_for(1)


METHOD = {"name": "hnsw", "engine": "faiss", "space_type": "innerproduct"}
LAYOUTS: dict[str, tuple[Layout, Json]] = {
    "faiss": (Layout(engine="faiss"), {"method": METHOD | {"parameters": {"m": 16, "ef_construction": 128}}}),
    "fp16": (
        Layout(engine="faiss", encoder="fp16"),
        {"method": METHOD | {"parameters": {"encoder": {"name": "sq", "parameters": {"type": "fp16"}}, "m": 16, "ef_construction": 128}}},
    ),
    "on disk": (
        Layout(engine="faiss", mode="on_disk"),
        {"space_type": "innerproduct", "data_type": "float", "mode": "on_disk", "compression_level": "16x"},
    ),
}
"""The shapes of OpenSearch's documentation (k-NN vector, "faiss 16-bit scalar quantization" and "disk-based vector search")."""


@pytest.mark.parametrize("name", LAYOUTS)
def test_faiss_is_asked_for_as_it_is_documented(name: str) -> None:
    layout, shape = LAYOUTS[name]
    for version in ((2, 19), (3, 5)):
        body = index_body(version, RECIPE, layout)["mappings"]
        assert body["properties"]["objects"]["properties"]["vector"] == {"type": "knn_vector", "dimension": 16, **shape}
        assert body["_meta"]["lookalike"]["rescored"] == (name == "on disk")


@pytest.mark.opensearch
@pytest.mark.parametrize("name", LAYOUTS)
def test_the_server_takes_the_mappings_of_faiss(opensearch: str, name: str) -> None:
    """As far as a server without faiss' native libraries, which ends at the first document, can tell."""
    from opensearchpy import OpenSearch

    client = OpenSearch([opensearch.replace("opensearch", "http", 1)])
    index, body = f"faiss-{uuid.uuid4().hex}", index_body(_version(client), RECIPE, replace(LAYOUTS[name][0], replicas=0))
    client.indices.create(index=index, body=body)
    told = client.indices.get_mapping(index=index)[index]["mappings"]["properties"]["objects"]["properties"]["vector"]
    client.indices.delete(index=index)
    client.close()
    told.get("method", {}).get("parameters", {}).get("encoder", {}).get("parameters", {}).pop("bits", None)  # 3.6 wants them
    assert LAYOUTS[name][1].items() <= (told | {"data_type": "float"}).items()  # the default, which it does not repeat


def _version(client: Any) -> tuple[int, int]:
    major, minor, *_ = client.info()["version"]["number"].split(".")
    return int(major), int(minor)


@pytest.mark.opensearch
def test_the_server_takes_mapping_and_bodies(opensearch: str) -> None:
    """As index, as template, and every body; a field that is not told is refused."""
    from opensearchpy import OpenSearch, RequestError

    client = OpenSearch([opensearch.replace("opensearch", "http", 1)])
    name = f"bodies-{uuid.uuid4().hex}"
    template = {"index_patterns": [f"{name}-*"], "template": mapping_for(_version(client)[0])}
    client.indices.put_index_template(name=name, body=template)
    client.indices.delete_index_template(name=name)
    body = index_body(_version(client), RECIPE, Layout(replicas=0))
    client.indices.create(index=name, body=body)
    told = client.indices.get_mapping(index=name)[name]["mappings"]
    assert told["_meta"] == body["mappings"]["_meta"]
    assert told["properties"].keys() == body["mappings"]["properties"].keys()
    with pytest.raises(RequestError, match="strict_dynamic_mapping"):
        client.index(index=name, body={"colour": "red"})
    client.index(index=name, body={"id": "sku-1", "words": "red|8 shoe|1", "length": 2, "present": ["id"]}, params={"refresh": "true"})
    for label, one in bodies().items():
        answer = client.search(index=name, body=one)
        assert answer["_shards"]["failed"] == 0, label
    client.indices.delete(index=name)
    client.close()


if __name__ == "__main__":
    lines = [f"{json.dumps(name)}: {json.dumps(body, sort_keys=True)}" for name, body in bodies().items()]  # a body a line
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
