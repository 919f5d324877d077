"""The one OpenSearch index of a test, as its engines and as OpenSearch itself see it."""

from collections.abc import Callable, Iterator

import pytest
from opensearchpy import OpenSearch

from lookalike.engines.opensearch import open_opensearch
from lookalike.ports.engine import SearchEngine


@pytest.fixture
def opened(opensearch_index: Callable[[str], str]) -> "Iterator[Callable[..., SearchEngine]]":
    """Opens the one index of the test; everything is closed in the end."""
    engines: list[SearchEngine] = []

    def open_one(**options: bool) -> SearchEngine:
        engines.append(open_opensearch(opensearch_index("shop"), settings={"replicas": "0"}, **options))
        return engines[-1]

    yield open_one
    for engine in engines:
        engine.close()


@pytest.fixture
def raw(opensearch: str) -> Iterator[OpenSearch]:
    client = OpenSearch([opensearch.replace("opensearch", "http", 1)])
    yield client
    client.close()
