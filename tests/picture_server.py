"""A picture server on a loopback address that answers in every bad way, by the path that is asked for."""

import asyncio
import contextlib
import email.utils
import gzip
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

DRIP_SECONDS = 0.05


@dataclass(slots=True)
class Asked:
    """A request: path, headers, and when it came by `time.time()`."""

    path: str
    headers: dict[str, str]
    at: float = field(default_factory=time.time)


class PictureServer:
    """Listens on `host` and a free port; `asked` are the requests.

    A path KIND/NAME is answered by `answer_KIND`.
    """

    def __init__(self, content: Callable[[str], bytes], host: str = "127.0.0.1", port: int = 0) -> None:
        self.content = content
        self.asked: list[Asked] = []
        self.most_at_once = self._now = 0
        self.etags: Counter[str] = Counter()
        self._socket = socket.create_server((host, port))
        self.host, self.port = host, self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(20)

    @property
    def base(self) -> str:
        """The URL that paths are joined to."""
        return f"http://{self.host}:{self.port}"

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [one.path for one in self.asked]

    def close(self) -> None:
        """Stop; whoever still waits for an answer gets none."""
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        ready.set()
        self._loop.run_forever()

    async def _start(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.rel_url.path.lstrip("/")
        self.asked.append(Asked(path, dict(request.headers)))
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            kind, _, rest = path.partition("/")
            return await getattr(self, f"answer_{kind}")(request, rest)
        finally:
            self._now -= 1

    async def answer_picture(self, _request: web.BaseRequest, rest: str) -> web.StreamResponse:
        return self._plain(rest)

    async def answer_slow(self, _request: web.BaseRequest, rest: str) -> web.StreamResponse:
        await asyncio.sleep(0.02)
        return self._plain(rest)

    async def answer_status(self, _request: web.BaseRequest, rest: str) -> web.StreamResponse:
        return web.Response(status=int(rest.partition("/")[0]))

    async def answer_later(self, request: web.BaseRequest, rest: str) -> web.StreamResponse:
        """Once 429 with Retry-After, then the picture."""
        seconds, _, name = rest.partition("/")
        return web.Response(status=429, headers={"Retry-After": seconds}) if self._first(request) else self._plain(name)

    async def answer_date(self, request: web.BaseRequest, rest: str) -> web.StreamResponse:
        """Once 503 with a Retry-After that is a date; the server's clock is an hour ahead."""
        seconds, _, name = rest.partition("/")
        now = time.time() + 3600
        told = {"Date": _http_date(now), "Retry-After": _http_date(now + int(seconds))}
        return web.Response(status=503, headers=told) if self._first(request) else self._plain(name)

    async def answer_wobbly(self, request: web.BaseRequest, rest: str) -> web.StreamResponse:
        return web.Response(status=503) if self._first(request) else self._plain(rest)

    async def answer_never(self, _request: web.BaseRequest, rest: str) -> web.StreamResponse:
        return web.Response(status=int(rest), headers={"Retry-After": "3600"})

    async def answer_silent(self, request: web.BaseRequest, rest: str) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response(status=500)

    async def answer_drip(self, request: web.BaseRequest, rest: str) -> web.StreamResponse:
        return await self._stream(request, self.content(rest)[:1], DRIP_SECONDS, {"Content-Length": "5000"})

    async def answer_endless(self, request: web.BaseRequest, rest: str) -> web.StreamResponse:
        return await self._stream(request, self.content(rest), 0)

    async def answer_huge(self, request: web.BaseRequest, rest: str) -> web.StreamResponse:
        return await self._stream(request, self.content(rest), 0, {"Content-Length": str(2 << 30)})

    async def answer_lies(self, request: web.BaseRequest, rest: str) -> web.StreamResponse:
        """Fewer bytes than announced, then an orderly end."""
        return await self._cut(request, self.content(rest), abort=False)

    async def answer_reset(self, request: web.BaseRequest, rest: str) -> web.StreamResponse:
        return await self._cut(request, self.content(rest), abort=True)

    async def answer_nohttp(self, request: web.BaseRequest, rest: str) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"SSH-2.0-OpenSSH_9.9\r\n")
        request.transport.close()
        return web.Response()

    async def answer_bomb(self, _request: web.BaseRequest, rest: str) -> web.StreamResponse:
        return web.Response(body=gzip.compress(bytes(20_000_000)), headers={"Content-Encoding": "gzip", "Content-Type": "image/png"})

    async def answer_packed(self, _request: web.BaseRequest, rest: str) -> web.StreamResponse:
        return web.Response(body=gzip.compress(self.content(rest)), headers={"Content-Encoding": "gzip", "Content-Type": "image/png"})

    async def answer_odd(self, _request: web.BaseRequest, rest: str) -> web.StreamResponse:
        return web.Response(body=self.content(rest), headers={"Content-Encoding": "br"})

    async def answer_page(self, _request: web.BaseRequest, rest: str) -> web.StreamResponse:
        return web.Response(text="<html>Please log in. " + "x" * 200, content_type="text/html")

    async def answer_text(self, _request: web.BaseRequest, rest: str) -> web.StreamResponse:
        return web.Response(body=self.content(rest), content_type="text/plain")

    async def answer_loop(self, _request: web.BaseRequest, rest: str) -> web.StreamResponse:
        return _to(f"/loop/{len(self.asked)}")

    async def answer_far(self, _request: web.BaseRequest, rest: str) -> web.StreamResponse:
        return _to(f"/far/{int(rest) - 1}") if int(rest) else self._plain("far")

    async def answer_to(self, request: web.BaseRequest, rest: str) -> web.StreamResponse:
        return _to(request.query["url"])

    async def answer_tagged(self, request: web.BaseRequest, rest: str) -> web.StreamResponse:
        """With an ETag, which changes when the test counts up `etags`."""
        etag = f'"{rest}-{self.etags[rest]}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(body=self.content(rest), headers={"ETag": etag, "Content-Type": "image/png"})

    async def answer_dated(self, request: web.BaseRequest, rest: str) -> web.StreamResponse:
        told = "Sat, 01 Nov 2025 00:00:00 GMT"
        if request.headers.get("If-Modified-Since") == told:
            return web.Response(status=304)
        return web.Response(body=self.content(rest), headers={"Last-Modified": told, "Content-Type": "image/png"})

    async def answer_insist(self, _request: web.BaseRequest, rest: str) -> web.StreamResponse:
        return web.Response(status=304)

    def _plain(self, name: str) -> web.StreamResponse:
        return web.Response(body=self.content(name), content_type="image/png")

    def _first(self, request: web.BaseRequest) -> bool:
        return self.paths().count(request.rel_url.path.lstrip("/")) == 1

    async def _cut(self, request: web.BaseRequest, content: bytes, *, abort: bool) -> web.StreamResponse:
        transport = request.transport
        assert transport is not None
        transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 9000\r\n\r\n" + content[:50])
        if abort:  # the other side gets a reset, not an end
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await asyncio.sleep(DRIP_SECONDS)
            transport.abort()
        else:
            transport.close()
        return web.Response()

    async def _stream(
        self, request: web.BaseRequest, chunk: bytes, pause: float, headers: dict[str, str] | None = None
    ) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "image/png", **(headers or {})})
        await answer.prepare(request)
        with contextlib.suppress(ConnectionError):  # the other side has had enough
            for _ in range(100_000):
                await answer.write(chunk)
                await asyncio.sleep(pause)
        return answer


class Tripwire:
    """Listens where nobody may call; `calls` are those who did."""

    def __init__(self, host: str, port: int = 0) -> None:
        self.calls: list[object] = []
        self._socket = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port = self._socket.getsockname()[1]
        self._last: object = None
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while True:
            connection, caller = self._socket.accept()
            connection.close()
            self.calls.append(caller)
            if caller == self._last:
                return

    def close(self) -> list[object]:
        """Stop once everybody who called is counted; the last caller is ourselves, and left out."""
        ours = socket.socket(self._socket.family)
        ours.bind((self._socket.getsockname()[0], 0))
        self._last = ours.getsockname()
        ours.connect(self._socket.getsockname())
        self._thread.join(20)
        ours.close()
        self._socket.close()
        return self.calls[:-1]


def _to(target: str) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": target})


def _http_date(at: float) -> str:
    return email.utils.formatdate(at, usegmt=True)
