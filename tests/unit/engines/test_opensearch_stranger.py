"""Something else answers where OpenSearch should be: it is named, and nothing of it is believed."""

import json
from collections.abc import Callable

import pytest
from support.stranger import Answer, stranger

from lookalike.bootstrap import build
from lookalike.domain.query import EngineQuery
from lookalike.engines.opensearch import open_opensearch
from lookalike.engines.opensearch.address import parse_address
from lookalike.engines.opensearch.client import Client
from lookalike.errors import Unavailable, WrongServer
from lookalike.ports.engine import SearchEngine
from lookalike.settings import load
from lookalike.testing.fakes import TOY_RECIPE
from query_api.app import create_app
from query_api.options import Options

GREETING = json.dumps({"version": {"distribution": "opensearch", "number": "3.6.0"}})


ASKED: dict[str, Callable[[SearchEngine], object]] = {
    "prepare": lambda engine: engine.prepare(TOY_RECIPE),
    "search": lambda engine: engine.search(EngineQuery()),
    "get": lambda engine: engine.get(["a"]),
    "remove": lambda engine: engine.remove(["a"]),
}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ((200, "text/html; charset=utf-8", "<!doctype html><title>It works!</title>"), "It works!"),
        ((404, "text/html", "<h1>Not Found</h1>"), "404"),
        ((404, "application/json", '{"detail": "Not Found"}'), "404"),
        ((200, "application/json", '{"status": "ok"}'), '{"status": "ok"}'),
        ((200, "application/json", "[1, 2]"), "[1, 2]"),
        ((404, "application/json", "[1, 2]"), "404"),
        ((200, "application/json", "{"), "{"),
        ((200, None, "hello"), "hello"),
        ((200, "text/plain", "hello"), "hello"),
        ((200, "application/json", ""), "''"),
        ((200, "application/json", '{"version": {"number": "8.1.0"}, "tagline": "You Know, for Search"}'), "elasticsearch 8.1.0"),
    ],
)
def test_a_stranger_is_told_from_opensearch(answer: Answer, found: str) -> None:
    with stranger(lambda _: answer) as address:
        engine = open_opensearch(f"opensearch://{address}/products")
        for ask in ASKED.values():
            with pytest.raises(WrongServer) as told:
                ask(engine)
            assert "is not OpenSearch" in str(told.value)
            assert found in str(told.value)
            assert address in str(told.value)
            assert "LOOKALIKE_INDEX" in str(told.value)
        status = engine.status()
        assert (status.ready, "is not OpenSearch" in status.message) == (False, True)
        engine.close()


@pytest.mark.parametrize("page", [(200, "text/html", "<p>Back soon"), (200, "application/json", '{"maintenance": true}')])
def test_a_page_that_comes_between_later_is_told_too(page: Answer) -> None:
    """The server was OpenSearch when it was met."""
    with stranger(lambda path: (200, "application/json", GREETING) if path == "/" else page) as address:
        client = Client(parse_address(f"opensearch://{address}/products", {}))
        for ask in (
            lambda: client.search("products", [{}]),
            lambda: client.held("products", ["a"], ["digest"]),
            lambda: client.bulk("products", [({"delete": {"_id": "a"}}, None)], refresh="false"),
        ):
            with pytest.raises(WrongServer, match="is not OpenSearch"):
                ask()
        client.close()


@pytest.mark.parametrize("status", [401, 403, 429, 502, 503])
def test_the_word_of_a_proxy_counts_by_its_status(status: int) -> None:
    """Its page is not OpenSearch's, and what it says may still be true of the way there."""
    with stranger(lambda _: (status, "text/html", "<h1>From a proxy</h1>")) as address:
        told = open_opensearch(f"opensearch://{address}/products").status().message
    assert "is not OpenSearch" not in told
    assert address in told


def test_visitors_are_told_nothing_of_the_stranger() -> None:
    with stranger(lambda _: (200, "text/html", "<p>intranet")) as address:
        with build(load(index=f"opensearch://{address}/products"), read_only=True) as house:
            client = create_app(house, Options()).test_client()
            answers = [client.post("/v1/search", json={"text": "shoe"}), client.get("/v1/products/a"), client.get("/readyz")]
        for answer in answers:
            assert (answer.status_code, int(answer.headers["Retry-After"]) >= 1) == (503, True)
            assert "127.0.0.1" not in answer.text
            assert "intranet" not in answer.text
    assert issubclass(WrongServer, Unavailable)
