"""A connection to OpenSearch that knows whose request it serves (docs/decisions/0090), and how long that may take (0098).

It believes nobody to be OpenSearch who does not say so: opensearch-py hands on whatever a server answers.
"""

import json
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from opensearchpy import Urllib3HttpConnection, exceptions
from urllib3 import HTTPConnectionPool, HTTPHeaderDict
from urllib3.exceptions import ReadTimeoutError

from lookalike.domain.deadline import seconds_left
from lookalike.domain.request_id import current
from lookalike.errors import Unavailable, WrongServer

SHORTEST_SECONDS = 0.005
_AGAIN = (502, 503, 504)
"""With these opensearch-py sends a request again, as after a connection that broke; the first may have been done all the same."""
OUTSIDE = "The search engine does not answer at the moment. Try again in a moment; the server's log says more."
"""What visitors are told: names and addresses of servers are the operators' business alone."""
_PROXIES = frozenset({401, 403, 407, 413, 429, 502, 503, 504})
"""What a proxy before OpenSearch may say with a page of its own: the status says all."""
_FORBIDDEN = 403
_SHOWN = 120
_PIECE = 1 << 20
"""Bytes, at most, that are read of an answer before the clock is looked at."""

_lost: ContextVar[list[int] | None] = ContextVar("_lost", default=None)


@contextmanager
def noticing_losses() -> Iterator[list[int]]:
    """While the block runs, every attempt without an answer of OpenSearch's own is entered in the list, by its status or 0."""
    told: list[int] = []
    token = _lost.set(told)
    try:
        yield told
    finally:
        _lost.reset(token)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: HTTPHeaderDict
    data: bytes


class _InTime:
    """A pool of connections that takes `timeout` for the whole of an answer.

    urllib3 starts its time-out anew with each piece that arrives
    (https://urllib3.readthedocs.io/en/stable/reference/urllib3.util.html#urllib3.util.Timeout), so that an answer in ten pieces may
    take ten times as long.
    """

    def __init__(self, pool: HTTPConnectionPool, timeout: float) -> None:
        self._pool, self._timeout = pool, timeout

    def urlopen(self, method: str, url: str, body: bytes | None, *, timeout: float | None = None, **more: Any) -> _Answer:
        """As urllib3's, with the body read. Raises: ReadTimeoutError where not all of it came in time."""
        seconds = timeout or self._timeout
        until = time.monotonic() + seconds
        response = self._pool.urlopen(method, url, body, timeout=seconds, preload_content=False, **more)
        pieces: list[bytes] = []
        try:
            while piece := response.read1(_PIECE):
                pieces.append(piece)
                if response.length_remaining == 0 and "content-encoding" not in response.headers:
                    break  # all that was announced: asking for the end takes as long as reading most answers
                sock = getattr(response.connection, "sock", None)
                if sock is None:
                    continue  # all has come
                left = until - time.monotonic()
                if left <= 0:
                    raise ReadTimeoutError(self._pool, url, f"Not all of the answer came within {seconds:g} s.")
                sock.settimeout(left)
        except BaseException:
            response.close()  # what may still come of it must not be taken for the next answer
            raise
        finally:
            response.release_conn()
        return _Answer(response.status, response.headers, b"".join(pieces))

    def close(self) -> None:
        """Close its connections."""
        self._pool.close()


class RequestConnection(Urllib3HttpConnection):
    """As opensearch-py's, whose time-out is one number for all: in a request that has a deadline, no longer than until then.

    It says with each request whose it is: OpenSearch has `X-Opaque-Id` in its tasks, slow logs and deprecation logs. The first
    request is preceded by a question who is there.
    """

    _met = False

    def _create_urllib3_pool(self) -> None:
        super()._create_urllib3_pool()
        self.pool = _InTime(self.pool, self.timeout)

    def perform_request(  # noqa: PLR0917 — the shape is opensearch-py's
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        timeout: float | None = None,
        ignore: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """One request. Raises: Unavailable where nobody waits any more; ConnectionTimeout where the answer takes longer than that;
        WrongServer where the answer is not OpenSearch's."""
        name = current()
        told = headers if name is None else {**(headers or {}), "X-Opaque-Id": name}
        if not self._met:
            self._meet(self._patience(timeout), told)
        try:
            status, came, text = super().perform_request(method, url, params, body, self._patience(timeout), ignore, told)
        except exceptions.TransportError as error:
            is_broken = isinstance(error, exceptions.ConnectionError)
            if (noticed := _lost.get()) is not None and (is_broken or error.status_code in _AGAIN):
                noticed.append(0 if is_broken else int(error.status_code))
            raise
        kind = came.get("content-type")
        if method != "HEAD" and text and not _is_json(kind):
            raise self._wrong(f"{status} {kind}", text)
        return status, came, text

    def _patience(self, timeout: float | None) -> float:
        """Seconds that an answer may take now."""
        patience, left = timeout or float(self.timeout), seconds_left()
        if left is not None and left < SHORTEST_SECONDS:
            raise Unavailable("The request took longer than its deadline, so OpenSearch is not asked any more.", 2.0)
        return patience if left is None else min(left, patience)

    def _meet(self, timeout: float, headers: Mapping[str, str] | None) -> None:
        try:
            _, _, text = super().perform_request("GET", "/", timeout=timeout, headers=headers)
        except exceptions.AuthorizationException as error:
            if error.status_code != _FORBIDDEN:
                raise
            self._met = True  # a user who may not ask this may well ask what we need
            return
        except exceptions.TransportError as error:
            if isinstance(error, exceptions.ConnectionError) or error.status_code in _PROXIES:
                raise
            raise self._wrong(str(error.status_code), str(error.error)) from error
        try:
            version = json.loads(text)["version"]
            name, number = version.get("distribution", "elasticsearch"), version["number"]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._wrong("200", text) from error
        if name != "opensearch":
            raise self._wrong(f"{name} {number}", text)
        self._met = True

    def _raise_error(self, status_code: int, raw_data: str | bytes, content_type: str | None = None) -> None:
        if status_code not in _PROXIES and not _is_json(content_type):
            raise self._wrong(f"{status_code} {content_type}", raw_data)
        try:
            super()._raise_error(status_code, raw_data, content_type)
        except AttributeError:  # JSON, but no object
            raise exceptions.TransportError(status_code, raw_data, None) from None

    def _wrong(self, found: str, text: str | bytes) -> WrongServer:
        return wrong_server(str(self.host), found, text)


def wrong_server(host: str, found: str, text: str | bytes) -> WrongServer:
    """The error that says what was found in place of an answer of OpenSearch's."""
    told = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    shown = " ".join(told[: 4 * _SHOWN].split())
    return WrongServer(
        f"What answers at {host} is not OpenSearch: {found}, {shown[:_SHOWN]!r}. Check the address in LOOKALIKE_INDEX (host, port, "
        f"http or https) and what stands before it: `curl {host}/` has to tell of OpenSearch.",
        10.0,
        OUTSIDE,
    )


def _is_json(kind: str | None) -> bool:
    return kind is not None and kind.partition(";")[0].strip().lower() in ("application/json", "application/vnd.elasticsearch+json")
