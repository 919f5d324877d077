"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a write that is sent again is answered again, and done once."""

import hashlib
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Response, g, request

from lookalike.errors import InvalidInput
from lookalike.services.remembering import Remembered
from query_api.problem import HttpProblem

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
MOST_BYTES = 32_000_000
"""Memory for answers; those used longest ago go first."""
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_DECIDING = ("If-Match", "If-None-Match", "Content-Type")
_TO_BE_TRIED_AGAIN = frozenset({401, 408, 409, 413, 429})
"""Statuses that say nothing of what was asked: the same request may be answered otherwise the next time, and so may every 5xx."""


@dataclass(frozen=True, slots=True)
class _Told:
    """An answer, and what was asked."""

    asked: bytes
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def __len__(self) -> int:
        return len(self.body) + 1_000


class Answered:
    """The answers to keys, for `ttl_seconds` after their last use, in this process' memory. Threads may call it at once."""

    def __init__(self, ttl_seconds: float, most_bytes: int = MOST_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._told: Remembered[str, _Told] = Remembered(most_bytes, ttl_seconds, weigh=len, clock=clock)
        self._doing: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def begin(self, key: str, asked: bytes) -> Response | None:
        """The answer that was given already; None where this request is to be done, and `end` must follow.

        Raises: InvalidInput where the key was used for something else, HttpProblem(409) where the first request is being done.
        """
        with self._lock:
            doing = self._doing.get(key)
            told = self._told.find(key) if doing is None else None
            if doing is None and told is None:
                self._doing[key] = asked
                return None
        if asked != (doing if told is None else told.asked):
            raise InvalidInput.at(HEADER, "This key came with another request before. Take a new key for every new request.")
        if told is None:
            message = "The request that came with this key first is being done. Ask again for its answer."
            raise HttpProblem(409, message, headers={"Retry-After": "1"})
        response = Response(told.body, told.status, dict(told.headers))
        response.headers[REPLAYED] = "true"
        return response

    def end(self, key: str, response: Response | None) -> None:
        """Remember the answer to what `begin` let through; without one, or where it says nothing, the key is free again."""
        with self._lock:
            asked = self._doing.pop(key)
            if response is not None and response.status_code < 500 and response.status_code not in _TO_BE_TRIED_AGAIN:
                headers = tuple((name, value) for name, value in response.headers if name in ("Content-Type", "ETag", "Location"))
                self._told.keep(key, _Told(asked, response.status_code, headers, response.get_data()))


def install(app: Flask, answered: Answered, concerns: Callable[[], bool]) -> None:
    """Answer by keys where `concerns` says that a request may write. What refuses a request first must be registered before."""

    @app.before_request
    def begin() -> Response | None:
        given = request.headers.get(HEADER)
        if given is None or request.method not in _WRITING or not concerns():
            return None
        key = _parsed(given)
        found = answered.begin(key, _asked())
        if found is None:
            g.idempotency_key = key
        return found

    @app.after_request
    def end(response: Response) -> Response:
        key = g.pop("idempotency_key", None)
        if key is not None:
            answered.end(key, response)
        return response

    @app.teardown_request
    def abandon(_: BaseException | None) -> None:
        key = g.pop("idempotency_key", None)
        if key is not None:  # no answer was made: whoever asks again is not told that it is being done
            answered.end(key, None)


def _parsed(given: str) -> str:
    """The key: a string as RFC 9651 quotes it, or bare. Raises: InvalidInput."""
    key = given.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not _KEY.fullmatch(key):
        raise InvalidInput.at(HEADER, "A key has 1 to 255 visible ASCII characters, such as a UUID.")
    return key


def _asked() -> bytes:
    """What a request asks, in short: two requests that ask the same have the same."""
    told = hashlib.sha256()
    parts = (request.method, request.full_path, *(request.headers.get(name, "") for name in _DECIDING))
    for part in (*(one.encode("utf-8", "surrogateescape") for one in parts), request.get_data(cache=True)):
        told.update(len(part).to_bytes(8, "little") + part)
    return told.digest()
