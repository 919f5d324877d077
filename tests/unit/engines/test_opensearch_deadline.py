"""Whoever waits for OpenSearch waits until the request's deadline, not for the client's own time-out."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from toy_house import toy_house

from lookalike.domain.deadline import seconds_left, waiting_until
from lookalike.engines.opensearch.address import parse_address
from lookalike.engines.opensearch.client import Client
from lookalike.errors import Unavailable
from query_api.app import create_app
from query_api.options import Options


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening, contextlib.ExitStack() as held:
        listening.settimeout(20)

        def take() -> None:
            with contextlib.suppress(OSError):  # closed at the end
                while True:
                    held.enter_context(listening.accept()[0])

        threading.Thread(target=take, daemon=True).start()
        yield f"opensearch://127.0.0.1:{listening.getsockname()[1]}/products"


def test_an_opensearch_that_never_answers_costs_no_more_than_the_deadline(silent: str) -> None:
    client = Client(parse_address(silent, {"timeout": "30"}))
    began = time.monotonic()
    with waiting_until(began + 0.4), pytest.raises(Unavailable, match="did not answer in time"):
        client.search("products", [{"size": 0}])
    assert 0.3 < time.monotonic() - began < 5
    began = time.monotonic()
    with waiting_until(began - 1), pytest.raises(Unavailable, match="deadline"):
        client.search("products", [{"size": 0}])
    assert time.monotonic() - began < 1
    client.close()


def test_each_request_has_a_deadline_and_takes_it_with_it() -> None:
    """Threads of the server are used again: the next request, and what else a thread does, must not inherit it."""
    with toy_house() as house:
        app = create_app(house, Options(deadline_seconds=7))
        assert seconds_left() is None
        with app.test_request_context("/v1/search", method="POST"):
            app.preprocess_request()
            assert 5 < (seconds_left() or 0) <= 7
        assert seconds_left() is None
