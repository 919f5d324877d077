"""Until when whoever asks now will wait: told once where a request begins, obeyed by what waits for another machine."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token

_until: ContextVar[float | None] = ContextVar("lookalike_deadline", default=None)


def begin(moment: float) -> Token[float | None]:
    """From now on this thread works for somebody who waits until `moment` (`time.monotonic()`); `end` takes what it returns."""
    return _until.set(moment)


def end(token: Token[float | None]) -> None:
    """As it was before."""
    _until.reset(token)


@contextmanager
def waiting_until(moment: float) -> Iterator[None]:
    """The same for a block."""
    token = begin(moment)
    try:
        yield
    finally:
        end(token)


def moment() -> float | None:
    """Until when whoever asks waits (`time.monotonic()`); None where nobody does, as in jobs and on the command line."""
    return _until.get()


def seconds_left() -> float | None:
    """How long whoever asks still waits, 0 at least; None as `moment`."""
    until = moment()
    return None if until is None else max(0.0, until - time.monotonic())
