"""Whose turn it is: how many pictures are fetched at once, in all and from one host, and which hosts asked us to wait."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

MISSED_BEFORE_AWAY = 8
AWAY_SECONDS = 60.0


class _Gate:
    """Lets so many through at once; who is urgent goes before who is patient, else in the order of coming."""

    def __init__(self, wide: int) -> None:
        self._free = wide
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._patient: deque[asyncio.Future[None]] = deque()

    async def enter(self, *, urgent: bool) -> None:
        if self._free > 0:  # then nobody waits
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._patient).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it came in the moment of giving up
                self.leave()
            raise

    def leave(self) -> None:
        for line in (self._urgent, self._patient):
            while line:
                turn = line.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._free += 1


@dataclass(slots=True)
class _Host:
    gate: _Gate
    users: int = 0
    not_before: float = 0.0
    missed: int = 0
    """Connections in a row that were not taken in time."""
    away_until: float = 0.0


class Turns:
    """At most `in_all` requests at once and `per_host` to one host. Of one event loop."""

    def __init__(self, in_all: int, per_host: int) -> None:
        self._gate, self._per_host = _Gate(in_all), per_host
        self._hosts: dict[str, _Host] = {}

    @contextlib.asynccontextmanager
    async def of(self, host: str, *, urgent: bool = False) -> AsyncIterator[None]:
        """A turn at a host. The host's line is waited in first, so that a slow host keeps nobody from the others."""
        one = self._known(host)
        one.users += 1
        try:
            await one.gate.enter(urgent=urgent)
            try:
                await self._gate.enter(urgent=urgent)
                try:
                    yield
                finally:
                    self._gate.leave()
            finally:
                one.gate.leave()
        finally:
            one.users -= 1
            if one.users == 0 and one.missed == 0 and one.not_before <= asyncio.get_running_loop().time():
                self._hosts.pop(host, None)  # an index may know a million hosts

    def hold(self, host: str, seconds: float) -> None:
        """The host asked us to stay away for so long."""
        one, until = self._known(host), asyncio.get_running_loop().time() + seconds
        one.not_before = max(one.not_before, until)

    def held(self, host: str) -> float:
        """For how many seconds the host still wants no request."""
        one = self._hosts.get(host)
        return 0.0 if one is None else max(0.0, one.not_before - asyncio.get_running_loop().time())

    def missed(self, host: str) -> None:
        """The host took no connection in time. After several in a row it counts as away for a while, until it takes one."""
        one = self._known(host)
        one.missed += 1
        if one.missed >= MISSED_BEFORE_AWAY:
            one.away_until = asyncio.get_running_loop().time() + AWAY_SECONDS

    def met(self, host: str) -> None:
        """The host took a connection."""
        one = self._known(host)
        one.missed, one.away_until = 0, 0.0

    def is_away(self, host: str) -> bool:
        """Whether asking it would most likely be waiting for nothing."""
        one = self._hosts.get(host)
        return one is not None and one.away_until > asyncio.get_running_loop().time()

    def _known(self, host: str) -> _Host:
        return self._hosts.setdefault(host, _Host(_Gate(self._per_host)))
