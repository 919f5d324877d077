"""The catalogue by workers: the task `lookalike.ingest` takes rows from the board, piece by piece, for a while."""

import json
import logging
import mmap
import os
import platform
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from celery import Celery, signals

from lookalike.bootstrap import House
from lookalike.broker.names import INGEST, INGEST_TASK
from lookalike.domain.commands import ApplyChanges, Command, Progress, RowFailure
from lookalike.domain.reasons import PictureReason
from lookalike.domain.request_id import named
from lookalike.errors import InvalidSetting, LookalikeError, Unavailable
from lookalike.runners.board import Board, Done, Piece
from lookalike.runners.celery import CALL_SECONDS, board_of, caller, row_of_line
from lookalike.services.carried import change_of_line, line_of_outcome
from lookalike.services.catalogue import CatalogueKeeper, failure_of
from lookalike.services.changes import Outcome
from lookalike.services.events import telling
from lookalike.services.index import Indexer
from workers.lanes import Lanes, Times
from workers.lifecycle import WorkerHouse

Handle = Callable[[Command, Progress, Callable[[], bool]], None]
TURN_SECONDS = 60.0
"""After so long a turn ends and another process may have one. Visitors do not wait for that: `workers.looks` serves them beside it."""
_WATCH_SECONDS = 1.0
_PRESENT_SECONDS = 10.0
_WHOLE_PIECE = 1 << 16
"""A piece is one batch: others are on their way beside it."""
_DEADLY = (
    "Each worker process that began this product died, or came to no end within LOOKALIKE_CHUNK_SECONDS: this picture, or another of "
    "its that was not seen before, is what they died of. Replace it; or give the workers more memory or time, and replay the dead letter."
)
_log = logging.getLogger("lookalike.worker")


class RowWork:
    """Does pieces in a house: jobs by its keeper (or another `handle`), runs of the command line by its indexer."""

    def __init__(self, house: Callable[[], House], handle: Handle | None = None) -> None:
        self._house, self._handle, self._host = house, handle or partial(self._apply, None), platform.node()

    def do(self, piece: Piece, cancelled: Callable[[], bool]) -> Done:
        """See `Work.do`. What is logged, and asked of OpenSearch, goes by the name of the job or run."""
        with named(piece.flow):
            if piece.kind == "job":
                return self._job(piece, self._handle, cancelled)
            return self._run(piece, self._house().indexer, cancelled)

    def keep(self, piece: Piece, cancelled: Callable[[], bool]) -> Done:
        """See `Work.keep`: the product is kept with what was seen of its pictures before, and found by its words."""
        with named(piece.flow):
            house = self._house()
            blind = house.looking.without_networks(PictureReason.KILLS_WORKER, _DEADLY)
            if piece.kind == "job":
                return self._job(piece, partial(self._apply, house.keeper.by(blind)), cancelled)
            return self._run(piece, house.indexer.by(blind), cancelled)

    def refuse(self, piece: Piece, error: LookalikeError) -> Done:
        """See `Work.refuse`."""
        gave_up = isinstance(error, Unavailable)
        if piece.kind == "run":
            done = self._told([Outcome(change_of_line(line), "failed", error=error) for line in piece.rows])
            return Done(result=done.result, failures=done.failures, gave_up=gave_up)
        rows = [row_of_line(line) for line in piece.rows]
        reason = "unavailable" if gave_up else "poison"
        failures = [one if isinstance(one, RowFailure) else RowFailure(one.row, one.id, reason, str(error)) for one in rows]
        return Done(failures=tuple(json.dumps(one.as_json()) for one in failures), gave_up=gave_up)

    def _job(self, piece: Piece, handle: Handle, cancelled: Callable[[], bool]) -> Done:
        progress, rows = Progress(), tuple(row_of_line(line) for line in piece.rows)
        handle(ApplyChanges(rows), progress, cancelled)
        return Done(progress.done, progress.unchanged, tuple(json.dumps(one.as_json()) for one in progress.failures))

    def _run(self, piece: Piece, indexer: Indexer, cancelled: Callable[[], bool]) -> Done:
        return self._told(list(indexer.run([change_of_line(line) for line in piece.rows], cancelled, _WHOLE_PIECE)))

    def _apply(self, keeper: CatalogueKeeper | None, command: Command, progress: Progress, cancelled: Callable[[], bool]) -> None:
        house = self._house()

        def apply(rows: ApplyChanges, progress: Progress, cancelled: Callable[[], bool]) -> None:
            (keeper or house.keeper).apply(rows, progress, cancelled, _WHOLE_PIECE)

        telling(apply, house.events, house.figures, house.recipe.id)(command, progress, cancelled)

    def _told(self, outcomes: Sequence[Outcome]) -> Done:
        unchanged = sum(one.state == "unchanged" for one in outcomes)
        failed = [failure for one in outcomes if one.state == "failed" and (failure := failure_of(one)) is not None]
        return Done(
            done=len(outcomes) - unchanged - len(failed),
            unchanged=unchanged,
            failures=tuple(json.dumps(one.as_json()) for one in failed),
            result="\n".join(line_of_outcome(one, self._host) for one in outcomes),
        )


class _Flag:
    """A byte that a parent and its children share: a signal handler may set it, and a fork keeps it."""

    def __init__(self) -> None:
        self._byte = mmap.mmap(-1, 1)

    def set(self, *_: object, **__: object) -> None:
        self._byte[0] = 1

    def __bool__(self) -> bool:
        return self._byte[0] != 0


def register(app: Celery, house: WorkerHouse, handle: Handle | None = None) -> None:
    """Put the task into an app; a worker that serves its queue then watches the board as well, so that no message need arrive.

    `handle` does jobs in place of the house's keeper. An index that other processes cannot open has no board: no task then.
    """
    if INGEST not in house.queues:
        return
    settings = house.settings
    try:
        name = board_of(settings).name
    except InvalidSetting as error:
        _log.warning("This worker indexes nothing: %s", error)
        return
    times = Times(settings.lease_seconds, settings.chunk_seconds, settings.outage_seconds)
    ending, local = _Flag(), _OneEach(lambda: board_of(settings))
    work = RowWork(lambda: house.house, handle)

    def ingest(board: str) -> None:
        """Rows lie on a board: work on them until there are none, for a minute at most."""
        if board != name:
            return  # another index'; its own workers watch it
        until = time.monotonic() + TURN_SECONDS
        Lanes(local(), work, times, lambda: bool(ending) or time.monotonic() > until).run()

    app.task(name=INGEST_TASK)(ingest)

    watching: list[threading.Thread] = []

    def watch(**_: Any) -> None:
        if not watching:  # a worker is ready again after each lost connection
            watching.append(threading.Thread(target=_watch, args=(app, board_of(settings), ending), name="lookalike-board", daemon=True))
            watching[0].start()

    signals.worker_shutting_down.connect(ending.set, weak=False)
    signals.worker_ready.connect(watch, weak=False)


class _OneEach:
    """One board a process, made by its first use there."""

    def __init__(self, make: Callable[[], Board]) -> None:
        self._make = make
        self._made: dict[int, Board] = {}
        self._lock = threading.Lock()

    def __call__(self) -> Board:
        pid = os.getpid()
        with self._lock:
            if pid not in self._made:
                self._made[pid] = self._make()
            return self._made[pid]


def _watch(app: Celery, board: Board, ending: _Flag) -> None:
    """Say that this worker is there, and call it where rows wait and no message came: who sent them may be dead."""
    token, call, never, away = secrets.token_hex(8), caller(app, board), threading.Event(), False
    while not ending:
        try:
            board.present(token, _PRESENT_SECONDS)
            if board.wanted(CALL_SECONDS):
                call()
            away = False
        except Unavailable as error:
            if not away:
                _log.warning("The board cannot be watched: %s", error)
            away = True
        never.wait(_WATCH_SECONDS)
    board.close()
