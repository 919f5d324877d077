"""Fetching from a picture server that behaves in every bad way."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from lookalike.errors import PictureUnavailable
from lookalike.pictures.http import WebLimits, WebPictures

LIMITS = WebLimits(most_bytes=50_000, seconds=2.0, parallel=8, per_host=8, redirects=3, attempts=2)


class Shop:
    """An image server on 127.0.0.1, which the guard lets through by name; `calls` are the paths asked for."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.most_at_once = self._now = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(20)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        self.calls.append(path)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            return await self._told(request, path)
        finally:
            self._now -= 1

    async def _told(self, request: web.Request, path: str) -> web.StreamResponse:
        kind, _, rest = path.partition("/")
        if kind == "good":
            await asyncio.sleep(0.02)
            return web.Response(body=b"picture " + rest.encode())
        if kind == "status":
            return web.Response(status=int(rest))
        if kind == "later":  # once busy, then good
            return web.Response(status=429, headers={"Retry-After": "0"}) if self.calls.count(path) == 1 else web.Response(body=b"picture")
        if kind == "never":
            return web.Response(status=503, headers={"Retry-After": "3600"})
        if kind == "to":
            return web.Response(status=302, headers={"Location": rest if "://" in rest else f"/{rest}"})
        if kind == "loop":
            return web.Response(status=302, headers={"Location": f"/loop/{len(self.calls)}"})
        answer = web.StreamResponse(headers={"Content-Length": "2000000000"} if kind == "announced" else {})
        await answer.prepare(request)
        for _ in range(10_000):
            await answer.write(b"x" * (1 if kind == "drip" else 10_000))
            await asyncio.sleep(0.1 if kind == "drip" else 0)
        return answer


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    opened = Shop()
    yield opened
    opened.close()


@pytest.fixture
def pictures(shop: Shop) -> Iterator[WebPictures]:
    opened = WebPictures(LIMITS, [f"127.0.0.1:{shop.port}"])
    yield opened
    opened.close()


def reason(call: Any) -> str:
    with pytest.raises(PictureUnavailable) as caught:
        call()
    assert str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        *(("status/404", "not_found"), ("status/410", "not_found"), ("status/403", "http_error"), ("status/500", "http_error")),
        *(
            ("never/x", "http_error"),
            ("loop/x", "http_error"),
            ("endless/x", "too_large"),
            ("announced/x", "too_large"),
            ("drip/x", "timed_out"),
        ),
        *(("to/http://127.0.0.1:1/x", "refused_address"), ("to/http://169.254.169.254/latest", "refused_address")),
        *(("to/file:///etc/passwd", "bad_reference"), ("to/http://[", "bad_reference"), ("to/http://u:p@1.1.1.1/", "refused_address")),
    ],
)
def test_each_way_to_fail_has_its_reason(shop: Shop, pictures: WebPictures, path: str, wanted: str) -> None:
    """Within the time limit, and without a connection to where none may go."""
    began = time.monotonic()
    assert reason(lambda: pictures.fetch(f"http://127.0.0.1:{shop.port}/{path}")) == wanted
    assert time.monotonic() - began < LIMITS.seconds + 2


def test_good_pictures_arrive_beside_bad_ones(shop: Shop, pictures: WebPictures) -> None:
    """In order, side by side, after a redirect and after 'later'."""
    base = f"http://127.0.0.1:{shop.port}"
    wanted = [f"{base}/good/{number}" for number in range(20)]
    found = pictures.fetch_all([*wanted, f"{base}/status/404", f"{base}/to/good/moved", f"{base}/later/x", "http://127.0.0.1:1/x"])
    assert found[:20] == [f"picture {number}".encode() for number in range(20)]
    assert isinstance(found[20], PictureUnavailable)
    assert found[21:23] == [b"picture moved", b"picture"]
    assert isinstance(found[23], PictureUnavailable)
    assert 1 < shop.most_at_once <= LIMITS.per_host


def test_a_server_that_is_not_there_is_tried_again_then_told(pictures: WebPictures, shop: Shop) -> None:
    """No whole answer is a failed connection."""
    dead = WebPictures(LIMITS, ["127.0.0.1:1"])
    assert reason(lambda: dead.fetch("http://127.0.0.1:1/x")) == "connection_failed"
    dead.close()


def test_after_closing_nothing_is_fetched(shop: Shop) -> None:
    """And closing twice, or before the first fetch, is nothing."""
    pictures = WebPictures(LIMITS, [f"127.0.0.1:{shop.port}"])
    pictures.close()
    pictures.close()
    assert reason(lambda: pictures.fetch(f"http://127.0.0.1:{shop.port}/good/x")) == "connection_failed"


def test_an_environment_proxy_is_not_used(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would look names up anew, behind the guard's back."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    pictures = WebPictures(LIMITS, [f"127.0.0.1:{shop.port}"])
    assert pictures.fetch(f"http://127.0.0.1:{shop.port}/good/x") == b"picture x"
    pictures.close()
