"""Pictures from the web: bounded in number, bytes and time, past the address guard, behind a synchronous face."""

import asyncio
import contextlib
import random
import threading
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from lookalike.errors import PictureUnavailable
from lookalike.pictures import addresses

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_PAUSE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class WebLimits:
    """What a fetch may take: bytes of one picture, seconds with redirects and retries, how many at once, in all and per host."""

    most_bytes: int = 20_000_000
    seconds: float = 20.0
    parallel: int = 32
    per_host: int = 8
    redirects: int = 5
    attempts: int = 3


class _Later(Exception):
    def __init__(self, failure: PictureUnavailable, pause_seconds: float | None = None) -> None:
        self.failure, self.pause_seconds = failure, pause_seconds
        super().__init__(str(failure))


class WebPictures:
    """Fetches http and https URLs. Threads may call it at once; one event loop of its own starts with the first fetch.

    `hosts`: HOST or HOST:PORT of the shop's own image servers, which the address guard lets through.
    """

    def __init__(self, limits: WebLimits | None = None, hosts: Sequence[str] = ()) -> None:
        self._limits, self._hosts = limits or WebLimits(), frozenset(one.lower() for one in hosts)
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    def fetch(self, address: str) -> bytes:
        """The bytes at a URL. Raises: PictureUnavailable, with a reason."""
        addresses.parse(address)  # what is plainly wrong needs no event loop
        found: bytes = self._await(self._one(address))
        return found

    def fetch_all(self, wanted: Sequence[str]) -> list[bytes | PictureUnavailable]:
        """The bytes at each URL, fetched side by side; what cannot be had is a result."""
        return self._await(self._all(wanted)) if wanted else []

    def close(self) -> None:
        """End the event loop; a fetch that runs is given up."""
        with self._lock:
            self._closed, loop, thread = True, self._loop, self._thread
            self._loop = None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._finish(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()

    def _await(self, work: Coroutine[Any, Any, Any]) -> Any:
        with self._lock:
            if self._closed:
                work.close()
                raise PictureUnavailable("connection_failed", "Pictures are no longer fetched: the program is ending.")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="lookalike-web", daemon=True)
                self._thread.start()
            loop = self._loop
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    async def _finish(self) -> None:
        others = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _all(self, wanted: Sequence[str]) -> list[bytes | PictureUnavailable]:
        gate = asyncio.Semaphore(self._limits.parallel)

        async def one(address: str) -> bytes | PictureUnavailable:
            async with gate:
                try:
                    return await self._one(address)
                except PictureUnavailable as error:
                    return error

        return await asyncio.gather(*(one(address) for address in wanted))

    async def _one(self, address: str) -> bytes:
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._patiently(addresses.parse(address))
        except TimeoutError as error:
            message = f"The picture did not arrive within {self._limits.seconds:g} s (LOOKALIKE_FETCH_TIMEOUT)."
            raise PictureUnavailable("timed_out", message) from error

    async def _patiently(self, url: URL) -> bytes:
        for attempt in range(1, self._limits.attempts + 1):
            try:
                return await self._follow(url)
            except _Later as later:
                if attempt == self._limits.attempts:
                    raise later.failure from later
                # "Full jitter": https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
                pause = random.uniform(0, 0.2 * 2**attempt) if later.pause_seconds is None else later.pause_seconds  # noqa: S311 — no secret
                if pause > _LONGEST_PAUSE_SECONDS:
                    raise later.failure from later
                await asyncio.sleep(pause)
        raise AssertionError("attempts is at least 1")

    async def _follow(self, url: URL) -> bytes:
        for _ in range(self._limits.redirects + 1):
            addresses.check_literal(url, self._hosts)
            async with self._request(url) as answer:
                if answer.status in _REDIRECTS and (target := answer.headers.get("Location")):
                    url = addresses.parse(str(url.join(_location(target))))
                    continue
                return await self._read(answer)
        raise PictureUnavailable("http_error", f"The picture's address redirects more than {self._limits.redirects} times.")

    @contextlib.asynccontextmanager
    async def _request(self, url: URL) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with self._opened().get(url, allow_redirects=False) as answer:
                yield answer
        except aiohttp.ClientConnectorCertificateError as error:
            raise PictureUnavailable("connection_failed", f"The certificate of {url.host!r} is not valid.") from error
        except aiohttp.InvalidURL as error:
            raise PictureUnavailable("bad_reference", f"The address with the host {url.host!r} cannot be read.") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error.__cause__, PictureUnavailable):
                raise error.__cause__ from error  # the resolver's own words
            if isinstance(error, TimeoutError):
                raise
            failure = PictureUnavailable("connection_failed", f"No whole answer from {url.host!r}: {_short(error)}.")
            raise _Later(failure) from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=addresses.GuardedResolver(self._hosts),
                use_dns_cache=False,  # a checked address is used once
                limit=self._limits.parallel,
                limit_per_host=self._limits.per_host,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                trust_env=False,  # a proxy would resolve the name anew, past the guard
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # and no Accept-Encoding: what is announced is what is counted
                headers={"User-Agent": "lookalike (+picture indexer)", "Accept": "image/*", "Accept-Encoding": "identity"},
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=min(10.0, self._limits.seconds)),
            )
        return self._session

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        if answer.status in (404, 410):
            raise PictureUnavailable("not_found", f"The picture's server answered {answer.status}: it is not there.")
        if answer.status != 200:
            failure = PictureUnavailable("http_error", f"The picture's server answered {answer.status}, not 200.")
            if answer.status in _LATER:
                raise _Later(failure, _seconds(answer.headers.get("Retry-After")))
            raise failure
        most = self._limits.most_bytes
        if (answer.content_length or 0) > most:
            raise _too_large(most)
        content = bytearray()
        async for chunk in answer.content.iter_chunked(1 << 16):
            content += chunk
            if len(content) > most:
                raise _too_large(most)
        return bytes(content)


def _location(told: str) -> URL:
    try:
        return URL(told)
    except ValueError as error:
        raise PictureUnavailable("bad_reference", "The picture's server redirects to an address that cannot be read.") from error


def _too_large(most: int) -> PictureUnavailable:
    return PictureUnavailable("too_large", f"The picture has more than {most:,} bytes (LOOKALIKE_PICTURE_BYTES).")


def _seconds(told: str | None) -> float | None:
    return float(told) if told is not None and told.isascii() and told.isdigit() else None


def _short(error: Exception) -> str:
    """What went wrong, without addresses of ours that an operating system's message may hold."""
    return error.strerror if isinstance(error, OSError) and error.strerror and "/" not in error.strerror else type(error).__name__
