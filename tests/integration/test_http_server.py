"""The server itself, over real sockets: what is broken, endless, slow or too much is refused, and the others are served."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.served import served
from toy_house import encoded, picture, toy_house

from lookalike.errors import InvalidSetting
from query_api import server as server_module
from query_api.app import create_app
from query_api.front import BEGAN
from query_api.options import Options
from query_api.server import BoundedServer, bind, make_server
from query_api.turns import turn_in

Address = tuple[str, int]


@contextlib.contextmanager
def running(app: Any, options: Options) -> Iterator[tuple[Address, BoundedServer]]:
    """A server in a thread, on a free port."""
    listening = bind("127.0.0.1", 0)
    server = make_server(app, listening, options)
    with served(server):
        yield listening.getsockname(), server


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    options = Options(max_body=100_000, threads=4)
    with toy_house() as house, running(create_app(house, options), options) as (where, _):
        yield where


def answer_to(address: Address, request: bytes) -> tuple[int, dict[str, Any], http.client.HTTPMessage]:
    """Status, body and headers that raw bytes are answered with."""
    with socket.create_connection(address, timeout=20) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        reply = http.client.HTTPResponse(connection)
        reply.begin()
        body = reply.read()
        return reply.status, json.loads(body), reply.headers


HEAD = b"POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("status", "request_bytes"),
    [
        (200, HEAD + b"Content-Length: 2\r\n\r\n{}"),
        (200, HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"),
        (400, HEAD + b"Content-Length: x\r\n\r\n{}"),
        (400, HEAD + b"Content-Length: -1\r\n\r\n{}"),
        (400, HEAD + b"Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}"),
        (400, HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
        (400, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 9000),
        (400, HEAD + b"Transfer-Encoding: gzip\r\n\r\n"),
        (400, b"\x16\x03\x01\x02\0\x01\0\r\n\r\n"),
        (413, HEAD + b"Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n{}\r\n0\r\n\r\n"),
        (413, HEAD + b"Content-Length: 100001\r\n\r\n" + b" " * 100_001),
        (413, HEAD + b"Content-Length: 9000000\r\n\r\n" + b" " * 9_000_000),
        (431, HEAD + b"X: " + b"a" * 100_000 + b"\r\n\r\n"),
        (404, b"GET /v1/products/a%2Fb HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, b"GET /v1/products/%ff HTTP/1.1\r\nHost: x\r\n\r\n"),
    ],
)
def test_broken_and_oversized_requests_are_told_so(address: Address, status: int, request_bytes: bytes) -> None:
    """In the one error shape, and before the client is cut off: it can read why."""
    found, told, headers = answer_to(address, request_bytes)
    assert found == status
    if status >= 400:
        assert (headers["Content-Type"], told["status"]) == ("application/problem+json", status)
        assert told["request_id"] == headers["X-Request-Id"]


def test_a_body_without_end_is_stopped(address: Address) -> None:
    """At the limit, not at the client's leisure."""
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 200 << 20:
                connection.sendall(b"10000\r\n" + b" " * 65_536 + b"\r\n")
                sent += 65_536
    assert sent < 200 << 20


def test_bodies_that_are_too_large_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """They stay in memory, so their sum is bounded; once those before are gone, the same is taken again."""
    monkeypatch.setattr(server_module, "LARGE_BODY", 1_000)
    monkeypatch.setattr(server_module, "LARGEST_SUM", 150_000)
    options = Options(max_body=100_000, threads=2)
    body = b'{"limit": 1' + b" " * 90_000 + b"}"
    whole = HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    with toy_house() as house, running(create_app(house, options), options) as (address, server):
        with socket.create_connection(address, timeout=20) as half:
            half.sendall(whole[:-1])
            while server.held() < 90_000:
                pass
            refused = answer_to(address, whole)
            half.sendall(whole[-1:])
            reply = http.client.HTTPResponse(half)
            reply.begin()
            assert reply.status == 200
        assert (refused[0], refused[2]["Retry-After"]) == (429, "2")
        while server.held():
            pass
        assert answer_to(address, whole)[0] == 200


def test_half_sent_requests_hold_up_nobody(address: Address) -> None:
    """More of them than there are threads."""
    with contextlib.ExitStack() as stack:
        for number in range(20):
            slow = stack.enter_context(socket.create_connection(address, timeout=20))
            slow.sendall(HEAD + (b"X-Slow: ", b"Content-Length: 50\r\n\r\n{")[number % 2])
        body = json.dumps({"like": [{"picture": {"base64": encoded(picture(0.1))}}]}).encode()
        status, _, _ = answer_to(address, HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    assert status == 200


def test_one_connection_serves_many_requests(address: Address) -> None:
    """Keep-alive survives answers, refusals of the application included."""
    connection = http.client.HTTPConnection(*address, timeout=20)
    with contextlib.closing(connection):
        for body, status in ((b"{}", 200), (b"{", 400), (b'{"limit": 0}', 422), (b"{}", 200)):
            connection.request("POST", "/v1/search", body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            reply.read()
            assert reply.status == status


def test_who_would_wait_too_long_is_told_when_to_come_back() -> None:
    """One works, one waits, the next gets 429 before it waits."""
    begun, go_on = threading.Event(), threading.Event()
    arrived: list[float] = []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        arrived.append(environ[BEGAN])
        if environ["PATH_INFO"] == "/work":
            begun.set()
            go_on.wait(20)
        start_response("200 OK", [("Content-Length", "2")])
        return [b"{}"]

    found: list[int] = []

    def ask() -> None:
        found.append(answer_to(address, b"GET /work HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")[0])

    with running(app, Options(threads=1, waiting=1)) as (address, server):
        first = threading.Thread(target=ask)
        first.start()
        assert begun.wait(20)
        second = threading.Thread(target=ask)
        second.start()
        while server.task_dispatcher.waiting() < 1:
            pass
        told: list[Any] = []

        def ask_too_late() -> None:
            status, _, headers = answer_to(address, b"GET /work HTTP/1.1\r\nHost: x\r\n\r\n")
            found.append(-status)
            told.append((int(headers["Retry-After"]) >= 1, turn_in(headers["Set-Cookie"].partition(";")[0]) is not None))

        refused = threading.Thread(target=ask_too_late)
        refused.start()
        while server.task_dispatcher.waiting() < 2:
            pass
        freed = time.monotonic()
        go_on.set()
        for thread in (first, second, refused):
            thread.join(20)
    assert sorted(found) == [-429, 200, 200]
    assert told == [(True, True)], "a time, and a turn to come back with"
    assert max(arrived) < freed, "the deadline of the one that waited runs since it came, not since it was its turn"


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}


def test_the_command_tells_its_address_when_it_is_ready_and_stops_when_told() -> None:
    """Nothing is printed before searches are answered; SIGTERM is a clean end."""
    program = "from toy_house import toy_house; from query_api.command import run; run(toy_house(), '127.0.0.1', 0)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=_environment()) as process:
        assert process.stdout is not None
        told = process.stdout.readline()
        port = int(told.split("http://127.0.0.1:")[1].split()[0])
        status, answer, _ = answer_to(("127.0.0.1", port), b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        process.send_signal(signal.SIGTERM)
        assert (status, answer["status"], process.wait(30)) == (200, "ready", 0)


def test_a_server_whose_networks_do_not_answer_says_so_and_ends() -> None:
    """It would never be ready; whoever started it shall know why."""
    program = (
        "from lookalike.errors import MissingDependency; from toy_house import toy_house; from query_api.command import run\n"
        "def refuse(looks, deadline=None): raise MissingDependency('a-network', 'seeing')\n"
        "house = toy_house(); house.analyser.analyse = refuse; run(house, '127.0.0.1', 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=_environment(), timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "MissingDependency: This needs a-network" in done.stderr


def test_a_port_that_is_taken_is_said_to_be_so() -> None:
    """With what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(InvalidSetting, match="--port"):
        bind("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(InvalidSetting, match="LOOKALIKE_HOST"):
        bind("no such host.invalid", 0)
