"""Commands by Celery's workers: rows lie on a board in Redis, messages only say that they do, and any process tells of them."""

import datetime
import json
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from kombu.exceptions import OperationalError

from lookalike.broker.app import make_app
from lookalike.broker.names import INGEST, INGEST_TASK
from lookalike.domain.commands import ChangeRow, Command, RowFailure, Ticket
from lookalike.errors import InvalidSetting, NotFound, Overloaded, Unavailable
from lookalike.ports.runner import Chunk
from lookalike.runners.board import OUTSIDE, Board
from lookalike.runners.carrier import Carrier
from lookalike.runners.chunks import chunked

CALL_SECONDS = 0.5
"""Workers are told to come at most this often."""
_STALE_SECONDS = 30
_log = logging.getLogger(__name__)


class CeleryRunner:
    """TaskRunner whose commands are done by worker processes, chunk by chunk. `most_waiting` bounds the queue.

    Any process with the same Redis, index and recipe tells the same of a job, whoever took it, for seven days after its end.
    What was accepted is done, whatever process dies; one job after the other, and of one job what touches the same product.
    `call` sends the message.
    """

    def __init__(
        self,
        board: Board,
        call: Callable[[], None],
        most_waiting: int = 64,
        *,
        ahead: int = 16,
        patience_seconds: float = 300.0,
    ) -> None:
        self._board, self._most_waiting = board, most_waiting
        self._send, self._ahead, self._patience = call, ahead, patience_seconds

    def submit(self, command: Command) -> Ticket:
        """Take a command; the ticket is `queued`, and its rows are read. Raises: Overloaded, Unavailable."""
        job, total = f"j_{secrets.token_urlsafe(12)}", len(command)
        if not self._board.begin("job", job, total, self._most_waiting):
            raise self._too_many()
        try:
            last: dict[str, int] = {}
            for number, chunk in enumerate(chunked((row_line(row), row.id) for row in command.rows)):
                after = max((last[name] for name in chunk.ids if name in last), default=None)
                last |= dict.fromkeys(chunk.ids, number)
                self._board.push(job, number, chunk.rows, after)
            taken = self._board.close_flow(job, self._most_waiting)
        except BaseException:
            self._forget(job)
            raise
        if not taken:
            raise self._too_many()
        command.close()
        self.call()
        return Ticket(id=job, state="queued", created=_iso(time.time()), total=total)

    def ticket(self, ticket_id: str) -> Ticket:
        """The state of a command. Raises: NotFound("job"), Unavailable."""
        about = self._about(ticket_id)
        failures = tuple(sorted((RowFailure(**json.loads(one)) for one in self._board.failures(ticket_id)), key=lambda one: one.row))
        finished = about.get("finished")
        return Ticket(
            id=ticket_id,
            state=about["state"],
            created=_iso(int(about["created"]) / 1000),
            finished=None if finished is None else _iso(int(finished) / 1000),
            total=int(about["total"]),
            done=int(about["done"]),
            unchanged=int(about["unchanged"]),
            failed=len(failures),
            failures=failures,
            message=about.get("message"),
        )

    def cancel(self, ticket_id: str) -> Ticket:
        """Stop a command; what is done stays done. Raises: NotFound("job"), Unavailable."""
        self._about(ticket_id)
        self._board.cancel(ticket_id)
        return self.ticket(ticket_id)

    def carry(self, chunks: Iterable[Chunk], cancelled: Callable[[], bool] = lambda: False) -> Iterator[Sequence[str]]:
        """The rows of a long run to the workers, and back what became of them; see `CarriesChunks.carry`."""
        return Carrier(self._board, self.call, self._ahead, self._patience).carry(chunks, cancelled)

    def call(self) -> None:
        """Tell workers to come where there is work; what lies on the board is found by them without that, only later."""
        try:
            if self._board.wanted(CALL_SECONDS):
                self._send()
        except Unavailable as error:
            _log.warning("Workers could not be called: %s", error)

    def waiting(self) -> int | None:
        """Commands that are queued, whoever took them; None where Redis does not answer."""
        try:
            return self._board.figures().jobs_waiting
        except Unavailable as error:
            _log.warning("How many jobs wait cannot be told: %s", error)
            return None

    def close(self) -> None:
        """Give the connections back. What was accepted goes on: it is the workers'."""
        self._board.close()

    def _about(self, job: str) -> dict[str, str]:
        about = self._board.about(job)
        if about["kind"] != "job":
            raise NotFound("job", job)
        return about

    def _forget(self, job: str) -> None:
        try:
            self._board.drop(job)
        except Unavailable as error:
            _log.warning("What had arrived of job %s stays in Redis for an hour: %s", job, error)

    def _too_many(self) -> Overloaded:
        """With the time after which the job at work will be done at its rate so far, and a place be free."""
        seconds, about = 5.0, self._board.leading()
        done = sum(int(about.get(name, 0)) for name in ("done", "unchanged", "failed"))
        if done and "began" in about:
            took = max(0.001, time.time() - int(about["began"]) / 1000)
            seconds = min(600.0, max(1.0, (int(about["total"]) - done) * took / done))
        return Overloaded(f"{self._most_waiting} jobs wait already; try again when one is done.", seconds)


def row_line(row: ChangeRow | RowFailure) -> str:
    """A row of a bulk change as `row_of_line` reads it."""
    if isinstance(row, RowFailure):
        return json.dumps(row.as_json())
    return json.dumps({"row": row.row, "op": row.op, "id": row.id, "told": None if row.told is None else dict(row.told)})


def row_of_line(line: str) -> ChangeRow | RowFailure:
    """The row of a line of ours."""
    told = json.loads(line)
    return ChangeRow(**told) if "op" in told else RowFailure(**told)


def _iso(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="milliseconds")


def board_of(settings: Any) -> Board:
    """The board of the index that is set. Raises: InvalidSetting."""
    index = str(settings.index)
    if index.lower().startswith("memory:"):
        raise InvalidSetting("LOOKALIKE_RUNNER=celery needs an index that workers can open; one in memory is this process' own.")
    where = index if "://" in index else str(Path(index.removeprefix("embedded:")).expanduser().resolve())
    return Board(settings.redis, where, settings.recipe)


def caller(app: Any, board: Board) -> Callable[[], None]:
    """What sends the message by a Celery app: the board's name, and nothing of the rows. Raises: Unavailable."""

    def call() -> None:
        try:
            app.send_task(INGEST_TASK, args=[board.name], queue=INGEST, expires=_STALE_SECONDS)
        except (OperationalError, OSError) as error:
            raise Unavailable(f"No message can be sent by Redis ({error}).", 2.0, OUTSIDE) from error

    return call


def open_celery(_handle: object, *, settings: Any = None, ledger: Any = None) -> CeleryRunner:
    """The runner on the Redis that `settings` name; commands are done by the workers' own handle, and remembered in Redis.

    Raises: InvalidSetting.
    """
    board = board_of(settings)
    return CeleryRunner(
        board,
        caller(make_app(settings.redis), board),
        settings.queue_jobs,
        ahead=settings.queue_chunks,
        patience_seconds=settings.outage_seconds,
    )
