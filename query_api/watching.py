"""The loop over connections: it costs what happens, not how many are open (docs/decisions/0142)."""

import logging
import selectors
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

logger = logging.getLogger("lookalike.server")

TURN_SECONDS = 1.0
"""The loop turns at least so often: what is overdue is closed in it."""


class Watched(Protocol):
    """What waitress calls a dispatcher: a socket, and what is to be done when something can be done with it."""

    def readable(self) -> Any:
        """Whether it shall be watched for bytes that come."""

    def writable(self) -> Any:
        """Whether it shall be watched for room for bytes that go."""

    def handle_read_event(self) -> None:
        """Take what came."""

    def handle_write_event(self) -> None:
        """Send what waits."""

    def handle_close(self) -> None:
        """The other end has gone."""


class Watch:
    """Which connections are watched for what. All methods but `touch` belong to the loop's thread.

    `connections` by file descriptor is waitress's own map. A connection is asked what it wants after something happened to it:
    after its own event, and when it was touched. Whoever changes one from outside has to touch it.
    """

    def __init__(self, connections: Mapping[int, Watched]) -> None:
        self._connections = connections
        self._selector = selectors.DefaultSelector()
        self._wanted: dict[int, int] = {}
        self._touched: deque[tuple[int, Watched]] = deque()

    def touch(self, number: int, one: Watched) -> None:
        """Have a connection asked, at the next turn, what it wants; `number` is its file descriptor, -1 where it is closed."""
        self._touched.append((number, one))

    def forget(self, number: int) -> None:
        """Watch this descriptor no more; before it is closed, as its number will be another connection's."""
        if self._wanted.pop(number, None) is not None:
            self._selector.unregister(number)

    def turn(self, seconds: float) -> None:
        """Ask what was touched, wait at most so long for something to happen, and have it dealt with."""
        while self._touched:
            self._ask(*self._touched.popleft())
        for key, events in self._selector.select(seconds):
            number, one = key.fd, key.data
            if events & selectors.EVENT_READ:
                self._do(number, one, one.handle_read_event)
            if events & selectors.EVENT_WRITE:
                self._do(number, one, one.handle_write_event)
            self._ask(number, one)

    def close(self) -> None:
        """Give back the selector; nothing is watched any more."""
        self._wanted.clear()
        self._selector.close()

    def _do(self, number: int, one: Watched, what: Callable[[], None]) -> None:
        if self._connections.get(number) is not one:
            return  # closed by what happened before in this turn
        try:
            what()
        except OSError:
            one.handle_close()
        except Exception:  # one broken connection must not end the loop
            logger.exception("A connection is closed: what came of it was not foreseen.")
            one.handle_close()

    def _ask(self, number: int, one: Watched) -> None:
        if self._connections.get(number) is not one:
            return
        wanted = (selectors.EVENT_READ if one.readable() else 0) | (selectors.EVENT_WRITE if one.writable() else 0)
        known = self._wanted.get(number)
        if known is None:
            if wanted:
                self._selector.register(number, wanted, one)
                self._wanted[number] = wanted
        elif not wanted:
            self.forget(number)
        elif known != wanted:
            self._selector.modify(number, wanted, one)
            self._wanted[number] = wanted
