"""One run's rows to the workers and back: chunks in a window, results in order, whatever is killed in between."""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from lookalike.errors import IndexProblem, Unavailable
from lookalike.ports.runner import Chunk
from lookalike.runners.board import Board, Seen

_OPEN = ("queued", "running")
_LONELY_SECONDS = 10.0
"""After so long without anybody at work the log says so."""
_Answer = TypeVar("_Answer")
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Sent:
    """A chunk on its way, and the results of its pieces by name."""

    chunk: Chunk
    after: int | None
    results: dict[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """What is told of its rows so far, in their order: a piece's name ends in its first line and how many."""
        return [line for name in sorted(self.results) for line in self.results[name].split("\n") if line]

    @property
    def whole(self) -> bool:
        return sum(int(name.rpartition(":")[2]) for name in self.results) == len(self.chunk.rows)


class Carrier:
    """Carries the chunks of one run. It keeps what is on its way, so that a Redis that lost its memory gets it again.

    `call` tells workers to come; `ahead` chunks are on their way at most; Redis or workers may be away for `patience_seconds`.
    """

    def __init__(self, board: Board, call: Callable[[], None], ahead: int, patience_seconds: float) -> None:
        self._board, self._call, self._ahead, self._patience = board, call, ahead, patience_seconds
        self._flow = f"r_{secrets.token_urlsafe(9)}"
        self._sent: dict[int, _Sent] = {}
        self._holding: dict[str, int] = {}
        """The last chunk on its way that changes a product."""
        self._taken: list[str] = []
        self._closed = self._stopped = False
        self._moved = time.monotonic()
        self._warned = False
        self._never = threading.Event()

    def carry(self, chunks: Iterable[Chunk], cancelled: Callable[[], bool]) -> Iterator[Sequence[str]]:
        """See `CarriesChunks.carry`."""
        self._patiently(lambda: self._board.begin("run", self._flow, 0, 0))
        try:
            for number, chunk in enumerate(chunks):
                while self._full and not cancelled():
                    yield from self._look(wait=True)
                if cancelled():
                    self._stop()
                    break
                self._send(number, chunk)
                yield from self._look(wait=False)
            self._closed = True
            while self._sent:
                if not self._stopped and cancelled():
                    self._stop()
                yield from self._look(wait=True)
        finally:
            self._leave()

    @property
    def _full(self) -> bool:
        """Whether enough is on its way. What is done and only waits for its turn does not count, up to a bound: one slow worker
        must not leave the others without work."""
        return len(self._sent) >= 4 * self._ahead or sum(not one.whole for one in self._sent.values()) >= self._ahead

    def _send(self, number: int, chunk: Chunk) -> None:
        before = [self._holding[name] for name in chunk.ids if name in self._holding]
        sent = self._sent[number] = _Sent(chunk, max(before, default=None))
        self._holding |= dict.fromkeys(chunk.ids, number)
        self._push(number, sent)

    def _push(self, number: int, sent: _Sent) -> None:
        self._patiently(lambda: self._board.push(self._flow, number, sent.chunk.rows, sent.after))
        self._call()

    def _look(self, *, wait: bool) -> Iterator[list[str]]:
        """Fetch results, send again what was lost, and give the results of the chunks whose turn it is."""
        if wait:
            self._patiently(lambda: self._board.wait(self._flow, 1.0))
        seen = self._patiently(lambda: self._board.poll(self._flow, self._taken))
        self._taken = []
        if seen is None:
            self._begin_again()
            return
        self._receive(seen)
        ended = seen.state not in _OPEN
        if not ended:
            self._mend(seen)
        yield from self._ripe(all_of_it=ended)
        if seen.state == "failed":
            raise IndexProblem(seen.message)
        if ended and self._sent and not self._stopped:  # nobody but us may end it: Redis has forgotten that we live
            self._flow = f"r_{secrets.token_urlsafe(9)}"
            self._begin_again()
        elif ended:
            self._sent.clear()
        elif wait:
            self._lonely()
            self._call()

    def _receive(self, seen: Seen) -> None:
        for name, result in seen.results.items():
            number = int(name.partition(":")[0])
            if number in self._sent:
                self._sent[number].results[name] = result
                self._moved = time.monotonic()
            self._taken.append(name)

    def _mend(self, seen: Seen) -> None:
        """What is neither open nor told was lost with Redis' last second: it goes once more."""
        there = {int(name.partition(":")[0]) for name in seen.open}
        for number, sent in self._sent.items():
            if number not in there and not sent.whole and not self._stopped:
                sent.results.clear()
                self._push(number, sent)

    def _ripe(self, *, all_of_it: bool) -> Iterator[list[str]]:
        for number in list(self._sent):
            sent = self._sent[number]
            if not sent.whole and not all_of_it:
                return
            if sent.whole or self._stopped:
                del self._sent[number]
                for name in sent.chunk.ids:
                    if self._holding.get(name) == number:
                        del self._holding[name]
                yield sent.lines

    def _begin_again(self) -> None:
        _log.warning("Redis has lost what was on its way; %d chunks are sent again.", len(self._sent))
        self._patiently(lambda: self._board.begin("run", self._flow, 0, 0))
        if self._stopped:
            self._sent.clear()
        for number, sent in self._sent.items():
            sent.results.clear()
            self._push(number, sent)

    def _stop(self) -> None:
        self._stopped = True
        self._patiently(lambda: self._board.cancel(self._flow))

    def _leave(self) -> None:
        try:
            if self._closed and not self._sent:
                self._board.drop(self._flow)
            else:
                self._board.cancel(self._flow)
        except Unavailable as error:
            _log.warning("Redis could not be told that this run is over: %s", error)

    def _lonely(self) -> None:
        quiet = time.monotonic() - self._moved
        if quiet < _LONELY_SECONDS or self._patiently(self._board.workers):
            return
        message = (
            "No worker serves this index: run `lookalike worker` with the same LOOKALIKE_INDEX, LOOKALIKE_RECIPE and LOOKALIKE_REDIS "
            "as this command."
        )
        if quiet > self._patience:
            raise Unavailable(message, 10.0)
        if not self._warned:
            self._warned = True
            _log.warning("%s Waiting for one.", message)

    def _patiently(self, ask: Callable[[], _Answer]) -> _Answer:
        """What Redis answers, however often it takes. Raises: Unavailable after `patience_seconds` of silence."""
        began, rest = time.monotonic(), 0.1
        while True:
            try:
                return ask()
            except Unavailable:
                if time.monotonic() - began > self._patience or (self._stopped and time.monotonic() - began > _LONELY_SECONDS):
                    raise
                self._never.wait(rest)
                rest = min(2.0, rest * 2)
