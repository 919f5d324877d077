"""What HTTP adds: the same queries over `POST /v1/search` and by network and engine called in this process, in turns."""

import base64
import json
import re
import socket
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bench import SAMPLE, Bench, cache_folder
from benchmarks.processes import Serving, serving
from benchmarks.results import Bar, Chart, Found, Target
from lookalike import bootstrap
from lookalike.domain.query import EngineQuery
from lookalike.domain.query_parsing import parse_search
from lookalike.pictures.decode import PillowDecoder
from lookalike.settings import load
from lookalike.vision.seeing import open_seer

TITLE = "API"
ABOUT = (
    "p50 of a request to `lookalike serve` from its first byte sent to its last byte read, one at a time on an open connection, against "
    "the same work called in this process; both in turns, the same pictures and words, no picture twice. The promise is of the difference."
)
PICTURE = {"picture": 1, "text": 0, "tags": 0, "category": 0, "colour": 0}
WORDS = ("red shoe", "plain lamp", "leather bag", "small bowl", "wooden chair")
FILTER = {"price": {"gte": 10, "lt": 100}}
WARM_UP = 5
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
Asked = dict[str, Any]


class _Fresh:
    """Pictures whose bytes nobody has seen: the server remembers what it saw in a picture, and would not look again."""

    def __init__(self, originals: list[bytes]) -> None:
        self._originals, self.kind = originals, ""

    def of(self, number: int) -> bytes:
        """A JPEG with a comment of its own right behind its first marker (ITU T.81, B.2.4.5)."""
        original, comment = self._originals[number % len(self._originals)], f"{self.kind} {number}".encode()
        return original[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + original[2:]


class _Line:
    """An open connection. What is asked is written out beforehand, and of an answer only the last byte is waited for: the clock shall
    not count what a client's library does."""

    def __init__(self, server: Serving) -> None:
        self._host = f"{server.host}:{server.port}"
        self._socket = socket.create_connection((server.host, server.port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def written(self, asked: Asked) -> bytes:
        """A request to `/v1/search`."""
        body = json.dumps(asked).encode()
        head = f"POST /v1/search HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def ask(self, request: bytes) -> None:
        """Send it, and read what comes. Raises: RuntimeError where that is no answer of status 200."""
        self._socket.sendall(request)
        told, end = b"", -1
        while end < 0 or len(told) < end:
            part = self._socket.recv(1 << 20)
            told += part
            if not part:
                raise RuntimeError(f"The server hung up after {told[:200]!r}.")
            if end < 0 and (head := told.find(b"\r\n\r\n")) >= 0:
                length = _LENGTH.search(told, 0, head)
                if not told.startswith(b"HTTP/1.1 200 ") or length is None:
                    raise RuntimeError(f"A search was answered with {told[:400]!r}.")
                end = head + 4 + int(length[1])

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def measure(bench: Bench) -> Found:
    """Three kinds of request."""
    found, times = Found(), bench.size(500, 30)
    originals = [one.read_bytes() for one in sorted((SAMPLE / "queries").glob("*.jpg"))]
    pictures = _Fresh(originals)
    index = bench.filled()
    decoder, seer = PillowDecoder(), open_seer("default", cache_folder())
    bench.tell("api: a server and a house over the same index")
    with serving("serve", "--index", str(index)) as server, _house(index) as house, closing(_Line(server)) as line:

        def seen(number: int) -> EngineQuery:
            picture = decoder.decode(pictures.of(number))
            vector = seer.analyse([(picture, None)])[0].main.vector
            return EngineQuery(vector=vector, weights={"picture": 1.0}, limit=24)

        def by_picture(number: int, more: Asked) -> Asked:
            return {"like": [{"picture": {"base64": base64.b64encode(pictures.of(number)).decode()}}], "limit": 24, **more}

        def words(number: int) -> Asked:
            return {"text": WORDS[number % len(WORDS)], "filter": FILTER, "facets": ["brand"], "limit": 24}

        def worded(number: int) -> EngineQuery:
            asked = parse_search(words(number))
            return EngineQuery(words=asked.text, weights={"text": 1.0}, filter=asked.filter, facets=asked.facets, limit=24)

        kinds: list[tuple[str, str, Callable[[int], Asked], Callable[[int], object], bool]] = [
            ("picture alone", "network + engine", lambda n: by_picture(n, {"weights": PICTURE, "category": "off"}),
             lambda n: house.engine.search(seen(n)), True),
            ("words, filter and facet", "engine", words, lambda n: house.engine.search(worded(n)), True),
            ("picture, all else left out", "`Searcher.search`", lambda n: by_picture(n, {}),
             lambda n: house.searcher.search(parse_search(by_picture(n, {}))), False),
        ]  # fmt: skip
        bars = []
        for name, beside, asked, inside, promised in kinds:
            bench.tell(f"api: {name}, {times} times")
            pictures.kind = name
            requests = [line.written(asked(number)) for number in range(times + WARM_UP)]
            http, own = _in_turns(partial(_asked, line, requests), inside, times)
            over, under = float(np.median(http)), float(np.median(own))
            found.add(f"{name}, p50", over, "ms", under, beside)
            found.add(f"{name}, p99", float(np.percentile(http, 99)), "ms", float(np.percentile(own, 99)), beside)
            found.add(f"{name}, what HTTP adds at p50", over - under, "ms", target=Target("≤", 3) if promised else None)
            bars += [Bar(name, "HTTP", over, "ours"), Bar(name, beside.strip("`"), under, "bound")]
    found.notes.append(
        f"{times} requests of each kind, {bench.documents:,} products in the index, {len(originals)} pictures of the sample shop."
    )
    found.charts.append(Chart("api", "One search at a time, p50", "ms", tuple(bars)))
    return found


def _house(index: Path) -> bootstrap.House:
    """The same index, beside the server that holds it."""
    return bootstrap.build(load(index=str(index)), read_only=True)


def _asked(line: _Line, requests: list[bytes], number: int) -> None:
    line.ask(requests[number])


def _in_turns(one: Callable[[int], object], other: Callable[[int], object], times: int) -> tuple[list[float], list[float]]:
    """Milliseconds of both, warmed up; who goes first changes every time."""
    took: tuple[list[float], list[float]] = ([], [])
    for number in range(times + WARM_UP):
        for which in (0, 1) if number % 2 else (1, 0):
            began = time.perf_counter()
            (one, other)[which](number)
            if number >= WARM_UP:
                took[which].append((time.perf_counter() - began) * 1000)
    return took
