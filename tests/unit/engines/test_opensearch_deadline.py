"""Whoever waits for OpenSearch waits until the request's deadline, not for the client's own time-out."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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


@pytest.fixture
def dripping() -> Iterator[str]:
    """A server whose answers to searches come byte by byte, ten a second."""

    class Drip(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(b'{"version": {"distribution": "opensearch", "number": "3.6.0"}}', 0)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(b'{"responses": []}' + b" " * 200, 0.1)

        def _answer(self, body: bytes, pause: float) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):  # the client has gone
                for at in range(len(body)) if pause else ():
                    self.wfile.write(body[at : at + 1])
                    ended.wait(pause)
                self.wfile.write(body if not pause else b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — the name is the library's
            """Nothing: a test's output is no log."""

    ended = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Drip) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"opensearch://127.0.0.1:{server.server_port}/products"
        ended.set()
        server.shutdown()
        thread.join()


def test_an_answer_that_never_ends_costs_no_more_than_the_deadline(dripping: str) -> None:
    """Each byte comes long before the time-out: it counts for all of them together."""
    client = Client(parse_address(dripping, {"timeout": "30"}))
    began = time.monotonic()
    with waiting_until(began + 0.5), pytest.raises(Unavailable, match="did not answer in time"):
        client.search("products", [{"size": 0}])
    assert 0.3 < time.monotonic() - began < 5
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
