"""OpenSearch answers what the memory engine answers, on a real server: filters, totals, facets, sorts, pages and groups exactly,
rankings up to rounding; and through the graph at a stated recall."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from test_engines import LEGS, check_alike, check_filters, check_rankings, check_two_hundred_queries, filled

from lookalike.domain.document import Document
from lookalike.domain.query import EngineQuery
from lookalike.engines.memory import open_memory
from lookalike.engines.opensearch import open_opensearch
from lookalike.ports.engine import SearchEngine
from lookalike.testing.documents import make_documents, make_query, make_sort
from lookalike.testing.engine_cases import ids, pages

pytestmark = pytest.mark.opensearch


@pytest.fixture(scope="module")
def engine(documents: list[Document], opensearch: str) -> Iterator[SearchEngine]:
    engine = open_opensearch(f"{opensearch}/congruence-{uuid.uuid4().hex}", settings={"replicas": "0"})
    yield filled(engine, documents)
    engine.close()


def test_two_hundred_filters_agree_exactly(memory: SearchEngine, engine: SearchEngine, documents: list[Document]) -> None:
    check_filters(memory, engine, documents, count=200, telling=90)


@pytest.mark.parametrize("legs", LEGS, ids="+".join)
def test_rankings_agree(memory: SearchEngine, engine: SearchEngine, documents: list[Document], legs: tuple[str, ...]) -> None:
    """Scores to 2e-6, the words' BM25 included: all legs are computed from the same figures."""
    check_rankings(memory, engine, documents, legs)


def test_sorts_pages_and_groups_agree(memory: SearchEngine, engine: SearchEngine, documents: list[Document]) -> None:
    rng = random.Random(23)
    for turn in range(36):
        query = make_query(rng, documents, legs=LEGS[turn % len(LEGS)])
        query = replace(query, sort=make_sort(rng) if rng.random() < 0.6 else None, limit=rng.randint(20, 90))
        check_alike(memory.search(query), engine.search(query))
        if rng.random() < 0.4:
            query = replace(query, group_by=rng.choice(["group", "brand", "attributes.mixed", "price", "id"]))
        exact = pages(memory, query)
        assert exact == pages(engine, query), query
        assert exact == ids(engine.search(replace(query, limit=1000)))


def test_diversity_agrees(memory: SearchEngine, engine: SearchEngine, documents: list[Document]) -> None:
    rng = random.Random(25)
    for _ in range(5):
        query = replace(make_query(rng, documents, legs=("picture", "text")), diversity=rng.uniform(0.1, 0.9), limit=30)
        check_alike(memory.search(query), engine.search(query), tolerance=1e-3)


def test_the_other_doors_agree(memory: SearchEngine, engine: SearchEngine, documents: list[Document]) -> None:
    assert memory.fields() == engine.fields()
    assert list(memory.documents()) == list(engine.documents())
    for prefix in ("r", "sho", "cr", "STRAS", "acme", "o'n", "cl", "qu", "東", "boot shirt", "%", "x", "", ".*", "a|b", "\\"):
        assert memory.suggest(prefix, 1000) == engine.suggest(prefix, 1000), prefix


@pytest.mark.timeout(600)
def test_two_hundred_queries_agree(opensearch: str, capsys: pytest.CaptureFixture[str]) -> None:
    """2,500 products, through HNSW and exactly: OpenSearch 2.19 once took filters on products for filters on objects."""
    many = make_documents(31, 2500, plain=True)
    oracle = filled(open_memory(""), many)
    engine = filled(open_opensearch(f"{opensearch}/graph-{uuid.uuid4().hex}", settings={"replicas": "0"}), many)
    version = (engine.status().details or {})["version"]
    told = check_two_hundred_queries(oracle, engine, many, ["hnsw", "auto"])
    with capsys.disabled():
        print(f"\nOpenSearch {version}: {told}")
    query = EngineQuery(vector=many[0].seen[0].analysis.main.vector, weights={"picture": 1.0})
    assert [engine.search(replace(query, strategy=one)).strategy for one in ("hnsw", "auto", "exact")] == ["hnsw", "exact", "exact"]
    engine.close()


def test_pages_end_with_the_window_and_say_so(engine: SearchEngine, opensearch: str) -> None:
    """A thousand are ranked; the rest is counted."""
    many = make_documents(32, 1200, plain=True)
    large = filled(open_opensearch(f"{opensearch}/window-{uuid.uuid4().hex}", settings={"replicas": "0"}), many)
    query = EngineQuery(vector=many[0].seen[0].analysis.main.vector, weights={"picture": 1.0}, limit=400)
    found = pages(large, query)
    assert len(found) == len(set(found)) == 1000 < large.search(query).total
    last = large.search(replace(query, limit=1000))
    assert last.next is None
    assert "1,000" in last.notices[0]
    large.close()
