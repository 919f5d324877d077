"""The pieces of a board in this process: several at once, so that one is fetched while another is looked at or written."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from lookalike.errors import LookalikeError, Poison, Unavailable
from lookalike.runners.board import POISON_DEATHS, Board, Done, How, Piece

LANES = 3
"""Fetching, looking, writing (docs/decisions/0041): one piece each, and none waits for another."""
LINGER_SECONDS = 2.0
"""A turn goes on for so long without anything to do: the sender may be reading."""
LONGEST_REST_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 0.2
_DEFECT = "The job ended by a defect of ours; the log has it."
_log = logging.getLogger("lookalike.worker")


class Work(Protocol):
    """What is done with a piece."""

    def do(self, piece: Piece, cancelled: Callable[[], bool]) -> Done:
        """Do its rows; `cancelled` is asked before each batch. Raises: Unavailable, IndexProblem."""

    def keep(self, piece: Piece, cancelled: Callable[[], bool]) -> Done:
        """Do its one row, of which others died, without looking at pictures. Raises: Unavailable, IndexProblem."""

    def refuse(self, piece: Piece, error: LookalikeError) -> Done:
        """Every row fails by this error."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long a lease lasts, a piece may take, and an outage; see the settings of these names."""

    lease_seconds: float = 10.0
    chunk_seconds: float = 60.0
    outage_seconds: float = 300.0


class _Held:
    """A piece in our hands."""

    def __init__(self, piece: Piece) -> None:
        self.piece, self.began = piece, time.monotonic()
        self.lost = self.late = False


class Lanes:
    """One turn at a board. `stopping` is asked before a piece is begun; what was begun is finished.

    A piece whose holder died before is worked on alone: who dies with it shows what it died of. One that takes longer than
    `chunk_seconds` is divided, and one that does not even stop then ends this process (SIGKILL): nothing else ends a thread
    that hangs in a library, and whoever supervises us starts another.
    """

    def __init__(self, board: Board, work: Work, times: Times, stopping: Callable[[], bool], lanes: int = LANES) -> None:
        self._board, self._work, self._times, self._stopping, self._lanes = board, work, times, stopping, lanes
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._pause = threading.Event()
        self._busy_at = time.monotonic()

    def run(self) -> None:
        """Until there is nothing to do, or somebody says stop."""
        beating = threading.Thread(target=self._beat, name="lookalike-leases", daemon=True)
        beating.start()
        try:
            with ThreadPoolExecutor(self._lanes, thread_name_prefix="lookalike-lane") as pool:
                for lane in [pool.submit(self._lane) for _ in range(self._lanes)]:
                    lane.result()
        finally:
            self._over.set()
            beating.join()

    def _lane(self) -> None:
        while not self._stopping():
            try:
                held = self._claim()
            except Unavailable as error:
                _log.warning("No rows can be taken: %s", error)
                held = None
            if held is not None:
                self._do(held)
                self._busy_at = time.monotonic()
            elif time.monotonic() - self._busy_at > LINGER_SECONDS and not self._held:
                return
            else:
                self._pause.wait(_LOOK_AGAIN_SECONDS)

    def _claim(self) -> _Held | None:
        with self._lock:
            if any(one.piece.deaths for one in self._held.values()):
                return None
            piece = self._board.claim(self._times.lease_seconds, alone=not self._held)
            if piece is None:
                return None
            held = self._held[piece.token] = _Held(piece)
            return held

    def _do(self, held: _Held) -> None:
        piece = held.piece
        try:
            done = self._done(held)
        except Unavailable as error:
            if piece.away_seconds < self._times.outage_seconds:
                _log.warning("Rows wait, as something is away: %s", error)
                self._give(held, "later", min(LONGEST_REST_SECONDS, 2.0**piece.tries))
            else:
                self._finish(held, self._work.refuse(piece, error))
        except Exception as error:  # noqa: BLE001 — a defect must not end the lane; it is logged whole
            if not isinstance(error, LookalikeError):
                _log.exception("Rows ended by a defect of ours")
            message = str(error) if isinstance(error, LookalikeError) else _DEFECT
            self._tell(lambda: self._board.fail(piece.flow, message))
            self._give(held, "back")
        else:
            if held.late:
                self._give(held, "divide")
            else:
                self._finish(held, done)
        finally:
            with self._lock:
                del self._held[piece.token]

    def _done(self, held: _Held) -> Done:
        if not held.piece.is_poison:
            return self._work.do(held.piece, lambda: self._cancelled(held))
        if held.piece.deaths == POISON_DEATHS:  # who dies even of this is the last: the next one only tells
            return self._work.keep(held.piece, lambda: self._cancelled(held))
        message = (
            "Each worker process that began this row died, or came to no end within LOOKALIKE_CHUNK_SECONDS; so did one that looked at "
            "none of its pictures. Look at the row; once it is another, or the worker has more memory or time, try it again."
        )
        return self._work.refuse(held.piece, Poison(message))

    def _cancelled(self, held: _Held) -> bool:
        if time.monotonic() - held.began > self._times.chunk_seconds:
            held.late = True
        if held.late or held.lost:
            return True
        try:
            return self._board.stopped(held.piece.flow)
        except Unavailable:
            return False

    def _finish(self, held: _Held, done: Done) -> None:
        if not self._tell(lambda: self._board.finish(held.piece, done)):
            _log.warning("Rows were done, but are another worker's by now; they are told by that one.")

    def _give(self, held: _Held, how: How, rest_seconds: float = 0.0) -> None:
        self._tell(lambda: self._board.give(held.piece, how, rest_seconds))

    def _tell(self, tell: Callable[[], object]) -> bool:
        """Tell it, however long Redis is away: what is done would else be done again. Whether it counted."""
        until = time.monotonic() + self._times.outage_seconds
        while True:
            try:
                return bool(tell())
            except Unavailable as error:
                if time.monotonic() > until or self._stopping():
                    _log.warning("What was done cannot be told; it will be done again, which changes nothing: %s", error)
                    return True
                self._pause.wait(_LOOK_AGAIN_SECONDS)

    def _beat(self) -> None:
        while not self._over.wait(self._times.lease_seconds / 4):
            with self._lock:
                held = list(self._held.values())
            try:
                still = self._board.beat(self._times.lease_seconds, [one.piece for one in held])
            except Unavailable:
                continue  # who holds them by then will tell
            for one, is_ours in zip(held, still, strict=True):
                one.lost = not is_ours
            if any(time.monotonic() - one.began > 2 * self._times.chunk_seconds for one in held):
                self._end_process(held)

    def _end_process(self, held: list[_Held]) -> None:
        _log.critical("Rows hang for %.0f s: this process ends, so that another goes on.", 2 * self._times.chunk_seconds)
        now = time.monotonic()
        for one in held:
            self._board.give(one.piece, "divide" if now - one.began > self._times.chunk_seconds else "back")
        os.kill(os.getpid(), signal.SIGKILL)
