"""Pictures from the web: bounded in number, bytes and time, past the address guard, behind a synchronous face."""

import asyncio
import contextlib
import random
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from lookalike.domain.deadline import seconds_left
from lookalike.domain.reasons import PictureReason
from lookalike.errors import PictureUnavailable
from lookalike.pictures import addresses, answers
from lookalike.pictures.turns import MISSED_BEFORE_AWAY, Turns
from lookalike.pictures.web import Fetched, Validators

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LONGEST_BACK_OFF_SECONDS = 10.0
ENVIRONMENT = "environment"
_HEADERS = {
    "User-Agent": "lookalike (+picture indexer)",
    "Accept": "image/jpeg, image/png, image/*;q=0.9, */*;q=0.5",  # who may choose sends what loses least
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class WebLimits:
    """What a fetch may take.

    `seconds`: of one picture, with redirects and retries, but, in `fetch_all`, without waiting. `patience_seconds`: of one
    picture's waiting for a server that says "later". `parallel`, `per_host`: requests at once, over all calls.
    """

    most_bytes: int = 20_000_000
    seconds: float = 20.0
    parallel: int = 32
    per_host: int = 8
    redirects: int = 5
    attempts: int = 3
    patience_seconds: float = 30.0


class _Later(Exception):
    """Worth another attempt; `pause_seconds` is what the server asked for."""

    def __init__(self, failure: PictureUnavailable, pause_seconds: float | None = None) -> None:
        self.failure, self.pause_seconds = failure, pause_seconds
        super().__init__(str(failure))


class _Clock:
    """The time that one picture has left: running, or stopped while it waits for others; and how long it may wait yet."""

    def __init__(self, timeout: asyncio.Timeout, limits: WebLimits, *, urgent: bool) -> None:
        self.urgent = urgent
        self.answered = False
        """Whether the answer being waited for has begun."""
        self._timeout = timeout
        self._patience = limits.patience_seconds

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """While it waits its turn; somebody who waits for the answer waits for that too, so then it goes on."""
        ends = self._timeout.when()
        if self.urgent or ends is None:
            yield
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._timeout.reschedule(None)
        try:
            yield
        finally:
            self._timeout.reschedule(ends + loop.time() - began)

    async def pause(self, seconds: float, failure: PictureUnavailable) -> None:
        """Wait. Raises: the failure, at once, where there is no time for that."""
        ends = self._timeout.when()
        left = self._patience
        if self.urgent and ends is not None:
            left = min(left, ends - asyncio.get_running_loop().time())
        if seconds > left:
            raise failure
        self._patience -= seconds
        with self.stopped():
            await asyncio.sleep(seconds)


class WebPictures:
    """Fetches http and https URLs. Threads may call it at once; one event loop of its own starts with the first fetch.

    `guard` says where to. `resolver` makes what looks names up, the system's own where it is not given. `proxy`: the URL of
    a proxy, or "environment" for the one that the environment names; such a proxy looks names up itself, so what the guard
    checked is not certainly what it connects to. Without it none is used, whatever the environment says.
    """

    def __init__(
        self,
        limits: WebLimits | None = None,
        guard: addresses.Guard | None = None,
        *,
        resolver: Callable[[], AbstractResolver] = aiohttp.ThreadedResolver,
        proxy: str | None = None,
    ) -> None:
        self._limits, self._guard = limits or WebLimits(), guard or addresses.Guard()
        self._make_resolver, self._proxy = resolver, proxy
        self._turns = Turns(self._limits.parallel, self._limits.per_host)
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._resolver: addresses.GuardedResolver | None = None
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._closed = False

    def fetch(self, address: str, known: Validators | None = None) -> Fetched:
        """The bytes at a URL, for somebody who waits: before all that `fetch_all` still has to do.

        `known`: of bytes that the caller has. Raises: PictureUnavailable, with a reason.
        """
        addresses.parse(address)  # what is plainly wrong needs no event loop
        found: Fetched = self._await(self._one(address, known, self._seconds(), urgent=True))
        return found

    def fetch_all(self, wanted: Sequence[tuple[str, Validators | None]]) -> list[Fetched | PictureUnavailable]:
        """As `fetch` for each, side by side; what cannot be had is a result. Before others where somebody waits (a deadline is set)."""
        return self._await(self._all(wanted, self._seconds(), urgent=seconds_left() is not None)) if wanted else []

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

    def _seconds(self) -> float:
        """What one picture may take now: no longer than whoever asks still waits."""
        left = seconds_left()
        return self._limits.seconds if left is None else min(self._limits.seconds, left)

    def _await(self, work: Coroutine[Any, Any, Any]) -> Any:
        with self._lock:
            if self._closed:
                work.close()
                raise _ending()
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="lookalike-web", daemon=True)
                self._thread.start()
            loop = self._loop
        try:
            return asyncio.run_coroutine_threadsafe(work, loop).result()
        except CancelledError as error:
            raise _ending() from error

    async def _finish(self) -> None:
        others = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for session in self._sessions.values():
            await session.close()

    async def _all(
        self, wanted: Sequence[tuple[str, Validators | None]], seconds: float, *, urgent: bool
    ) -> list[Fetched | PictureUnavailable]:
        async def one(address: str, known: Validators | None) -> Fetched | PictureUnavailable:
            try:
                return await self._one(address, known, seconds, urgent=urgent)
            except PictureUnavailable as error:
                return error

        return await asyncio.gather(*(one(*each) for each in wanted))

    async def _one(self, address: str, known: Validators | None, seconds: float, *, urgent: bool) -> Fetched:
        url, timeout = addresses.parse(address), asyncio.timeout(seconds)
        clock = _Clock(timeout, self._limits, urgent=urgent)
        try:
            async with timeout:
                return await self._patiently(url, known, clock)
        except TimeoutError as error:
            raise _too_late(clock, seconds) from error

    async def _patiently(self, url: URL, known: Validators | None, clock: _Clock) -> Fetched:
        for attempt in range(1, self._limits.attempts + 1):
            try:
                return await self._follow(url, known, clock)
            except _Later as later:
                if attempt == self._limits.attempts:
                    raise later.failure from later
                await clock.pause(_pause_seconds(later, attempt), later.failure)
        raise AssertionError("attempts is at least 1")

    async def _follow(self, url: URL, known: Validators | None, clock: _Clock) -> Fetched:
        for _ in range(self._limits.redirects + 1):
            self._guard.check(url)
            async with self._turn(url, clock), self._request(url, known, clock) as answer:
                if answer.status in _REDIRECTS and (target := answer.headers.get("Location")):
                    url = addresses.parse(str(url.join(_location(target))))
                    continue
                return await self._read(answer, url, known)
        message = f"The picture's address redirects more than {self._limits.redirects} times (LOOKALIKE_FETCH_REDIRECTS)."
        raise PictureUnavailable(PictureReason.TOO_MANY_REDIRECTS, message)

    @contextlib.asynccontextmanager
    async def _turn(self, url: URL, clock: _Clock) -> AsyncIterator[None]:
        host, clock.answered = _host_of(url), False
        async with contextlib.AsyncExitStack() as turn:
            while True:
                with clock.stopped():
                    await turn.enter_async_context(self._turns.of(host, urgent=clock.urgent))
                if self._turns.is_away(host) and not clock.urgent:
                    await turn.aclose()
                    raise _away(host)
                held = self._turns.held(host)
                if not held:
                    break
                await turn.aclose()
                await clock.pause(held + random.uniform(0, 0.1), answers.failure_of(429))  # noqa: S311 — no secret
            yield

    @contextlib.asynccontextmanager
    async def _request(self, url: URL, known: Validators | None, clock: _Clock) -> AsyncIterator[aiohttp.ClientResponse]:
        conditions = known.headers() if known is not None and known.url == str(url) else {}
        try:
            session, proxy = await self._route(url)
            async with session.get(url, allow_redirects=False, headers=conditions, proxy=proxy) as answer:
                clock.answered = True
                self._turns.met(_host_of(url))
                yield answer
        except PictureUnavailable as error:
            if error.reason == PictureReason.DNS and getattr(error.__cause__, "errno", None) == socket.EAI_AGAIN:
                raise _Later(error) from error
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, aiohttp.ConnectionTimeoutError) and not clock.answered:
                self._turns.missed(_host_of(url))
            raise _failure(error, url.host or "", answered=clock.answered) from error

    async def _route(self, url: URL) -> tuple[aiohttp.ClientSession, str | None]:
        """The session for a URL, and the proxy on the way to it."""
        proxy = self._proxy_for(url)
        if proxy is not None:
            try:
                await self._guarded().resolve(url.host or "", url.port or 0)
            except PictureUnavailable as error:
                if error.reason != PictureReason.DNS:  # where only the proxy can look names up, its word must do
                    raise
        if (proxy is not None) not in self._sessions:
            self._sessions[proxy is not None] = self._session(self._guarded() if proxy is None else self._make_resolver())
        return self._sessions[proxy is not None], proxy

    def _proxy_for(self, url: URL) -> str | None:
        if self._proxy != ENVIRONMENT:
            return self._proxy
        named = getproxies()
        return None if proxy_bypass(f"{url.host}:{url.port}") else named.get(url.scheme, named.get("all"))

    def _guarded(self) -> addresses.GuardedResolver:
        if self._resolver is None:
            self._resolver = addresses.GuardedResolver(self._guard, self._make_resolver())
        return self._resolver

    def _session(self, resolver: AbstractResolver) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=resolver,
            use_dns_cache=False,  # a checked address is used once
            limit=0,  # turns bound it, before the clock runs
            family=socket.AF_UNSPEC,
        )
        silence = min(10.0, self._limits.seconds)  # half of it for connecting, so that there is time for a second attempt
        return aiohttp.ClientSession(
            connector=connector,
            trust_env=False,  # a proxy would resolve the name anew, past the guard
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # unpacking is bounded, and ours
            headers=_HEADERS,
            # a server that falls silent gives its place back before the whole time is up
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=silence / 2, sock_read=silence),
        )

    async def _read(self, answer: aiohttp.ClientResponse, url: URL, known: Validators | None) -> Fetched:
        if answer.status == 304 and known is not None and known.url == str(url):
            return Fetched(None, answers.validators_of(str(url), answer.headers) or known)
        if answer.status != 200:
            failure = answers.failure_of(answer.status)
            if answer.status not in answers.LATER_STATUSES:
                raise failure
            pause = answers.retry_after_seconds(answer.headers)
            if answer.status == 429 and pause is not None and pause <= self._limits.patience_seconds:
                self._turns.hold(_host_of(url), pause)  # it speaks of us, not of one picture: the others wait too
            raise _Later(failure, pause)
        return Fetched(await answers.body_of(answer, self._limits.most_bytes), answers.validators_of(str(url), answer.headers))


def _host_of(url: URL) -> str:
    return f"{url.host}:{url.port}"


def _away(host: str) -> PictureUnavailable:
    message = f"{host} took no connection {MISSED_BEFORE_AWAY} times in a row, so it is not asked again for a minute."
    return PictureUnavailable(PictureReason.TIMEOUT, message)


def _ending() -> PictureUnavailable:
    return PictureUnavailable(PictureReason.CONNECTION, "Pictures are no longer fetched: the program is ending.")


def _too_late(clock: _Clock, seconds: float) -> PictureUnavailable:
    if clock.answered:
        message = f"The picture began to come, but was not there within {seconds:.3g} s (LOOKALIKE_FETCH_TIMEOUT)."
        return PictureUnavailable(PictureReason.TOO_SLOW, message)
    return PictureUnavailable(PictureReason.TIMEOUT, f"No answer within {seconds:.3g} s (LOOKALIKE_FETCH_TIMEOUT).")


def _failure(error: Exception, host: str, *, answered: bool) -> Exception:
    """What a fault on the way means: a PictureUnavailable, or one that is worth another attempt."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return PictureUnavailable(PictureReason.TLS, f"The certificate of {host!r} is not valid.")
    if isinstance(error, aiohttp.ClientSSLError):
        return PictureUnavailable(PictureReason.TLS, f"No encryption could be agreed on with {host!r}.")
    if isinstance(error, aiohttp.InvalidURL):
        return PictureUnavailable(PictureReason.BAD_REFERENCE, f"The address with the host {host!r} cannot be read.")
    if isinstance(error, aiohttp.ClientResponseError):
        return PictureUnavailable(PictureReason.HTTP_ERROR, f"What {host!r} answers is no HTTP that we understand.")
    if isinstance(error, TimeoutError):
        reason, what = (PictureReason.TOO_SLOW, "fell silent") if answered else (PictureReason.TIMEOUT, "does not answer")
        return _Later(PictureUnavailable(reason, f"The server {host!r} {what}."))
    # aiohttp tells an end from a reset only in its text; should that change, a reset is called truncated, and tried again as well
    if isinstance(error, aiohttp.ClientPayloadError) and "ConnectionResetError" not in str(error):
        return _Later(PictureUnavailable(PictureReason.TRUNCATED, f"The server {host!r} sent fewer bytes than it announced."))
    when = "broke while the picture came" if answered else "failed"
    return _Later(PictureUnavailable(PictureReason.CONNECTION, f"The connection to {host!r} {when}: {_short(error)}."))


def _pause_seconds(later: _Later, attempt: int) -> float:
    """What was asked for, never less; else "full jitter": aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter."""
    if later.pause_seconds is not None:
        return later.pause_seconds + random.uniform(0, 0.1)  # noqa: S311 — no secret
    return random.uniform(0, min(0.2 * 2**attempt, _LONGEST_BACK_OFF_SECONDS))  # noqa: S311


def _location(told: str) -> URL:
    try:
        return URL(told)
    except ValueError as error:
        message = "The picture's server redirects to an address that cannot be read."
        raise PictureUnavailable(PictureReason.BAD_REFERENCE, message) from error


def _short(error: Exception) -> str:
    """What went wrong, without addresses of ours that an operating system's message may hold."""
    return error.strerror if isinstance(error, OSError) and error.strerror and "/" not in error.strerror else type(error).__name__
