"""Commands in this process: one thread works them off in the order they came; the ledger remembers them."""

import datetime
import logging
import queue
import secrets
import threading
from collections.abc import Callable
from typing import Any

from lookalike.domain.commands import Command, Progress, Ticket
from lookalike.domain.request_id import current, named
from lookalike.domain.runs import RunRecord
from lookalike.errors import LookalikeError, NotFound, Overloaded
from lookalike.runners.ledger import Ledger
from lookalike.runners.threads import never_interrupting

Handle = Callable[[Command, Progress, Callable[[], bool]], None]
"""Does a command, writing how far it is into the progress; asks the third argument between rows whether to stop."""
_log = logging.getLogger(__name__)


class _Work:
    """A command with its ticket's state."""

    def __init__(self, command: Command) -> None:
        self.id = f"j_{secrets.token_urlsafe(12)}"
        self.command: Command | None = command
        self.progress = Progress(total=len(command))
        self.told = 0
        """Failures that the ledger has."""
        self.state = "queued"
        self.message: str | None = None
        self.created, self.finished = _now(), ""
        self.stop = threading.Event()
        self.request_id = current()
        """Who asked for it: what the job logs, and asks of servers, goes by that name."""

    def ticket(self) -> Ticket:
        failures = tuple(self.progress.failures)
        return Ticket(
            id=self.id,
            state=self.state,
            created=self.created,
            finished=self.finished or None,
            total=self.progress.total,
            done=self.progress.done,
            unchanged=self.progress.unchanged,
            failed=len(failures),
            failures=failures,
            message=self.message,
        )

    @property
    def rows_done(self) -> int:
        return self.progress.done + self.progress.unchanged + len(self.progress.failures)

    def counts(self) -> dict[str, int]:
        progress = self.progress
        return {"total": progress.total, "done": progress.done, "unchanged": progress.unchanged, "failed": len(progress.failures)}


class InlineRunner:
    """TaskRunner in this process. `most_waiting` bounds the queue.

    What waits or runs when the process ends is not taken up again; what is done is kept, and the ledger tells both
    (docs/decisions/0059).
    """

    def __init__(self, handle: Handle, most_waiting: int = 64, ledger: Ledger | None = None) -> None:
        self._handle, self._most_waiting = handle, most_waiting
        self._ledger = ledger or Ledger(None)
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._works: dict[str, _Work] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, command: Command) -> Ticket:
        """Take a command; the ticket is `queued`. Raises: Overloaded, StorageFull."""
        work = _Work(command)
        with self._lock:
            if self._closed:
                raise Overloaded("The program is ending and takes no more jobs.")
            if sum(one.state == "queued" for one in self._works.values()) >= self._most_waiting:
                raise Overloaded(f"{self._most_waiting} jobs wait already; try again when one is done.", 5.0)
            self._ledger.begin(work.id, "bulk", "queued", total=work.progress.total, counts=work.counts(), at=work.created)
            self._works[work.id] = work
            ticket = work.ticket()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lookalike-jobs", daemon=True)
                self._thread.start()
        self._queue.put(work)
        return ticket

    def ticket(self, ticket_id: str) -> Ticket:
        """The state of a command, of an earlier process too. Raises: NotFound("job")."""
        with self._lock:
            work = self._works.get(ticket_id)
            if work is not None:
                return work.ticket()
        record = self._ledger.find(ticket_id)
        if record is None or record.kind != "bulk":
            raise NotFound("job", ticket_id, "The last thousand jobs are remembered.")
        return self._of(record)

    def cancel(self, ticket_id: str) -> Ticket:
        """Stop a command before its next row; what is done stays done. Raises: NotFound("job")."""
        with self._lock:
            work = self._works.get(ticket_id)
            if work is not None:
                work.stop.set()
                if work.state == "queued":
                    self._end(work, "cancelled")
                return work.ticket()
        return self.ticket(ticket_id)

    def waiting(self) -> int:
        """Commands that are queued."""
        with self._lock:
            return sum(one.state == "queued" for one in self._works.values())

    def close(self) -> None:
        """Finish what runs, drop what waits."""
        with self._lock:
            self._closed, thread = True, self._thread
            for work in list(self._works.values()):
                if work.state == "queued":
                    self._end(work, "cancelled")
        self._queue.put(None)
        if thread is not None:
            thread.join()

    def _of(self, record: RunRecord) -> Ticket:
        counts, message, state = record.counts, record.message, record.state
        total, failures = counts.get("total", 0), tuple(self._ledger.failures(record.id))
        if state == "killed":
            state = "failed"
            message = (
                f"Interrupted: the server ended while this job was not done; at least {record.position:,} of {total:,} rows are. "
                "Send the rows again: what is unchanged is passed over."
            )
        return Ticket(
            id=record.id,
            state=state,
            created=record.started,
            finished=record.finished,
            total=total,
            done=counts.get("done", 0),
            unchanged=counts.get("unchanged", 0),
            failed=len(failures),
            failures=failures,
            message=message,
        )

    def _run(self) -> None:
        with never_interrupting():
            while (work := self._queue.get()) is not None:
                with self._lock:
                    if work.state != "queued":
                        continue
                    work.state, command = "running", work.command
                assert command is not None
                with named(work.request_id or work.id):
                    self._do(work, command)
                del command  # its rows may hold whole pictures, and the next job may be long in coming

    def _do(self, work: _Work, command: Command) -> None:
        def stopping() -> bool:
            self._note(work)
            return work.stop.is_set()

        state = "done"
        message: str | None = None
        try:
            self._handle(command, work.progress, stopping)
            if work.stop.is_set() and work.rows_done < work.progress.total:
                state = "cancelled"
        except LookalikeError as error:
            state, message = "failed", str(error)
        except Exception:  # noqa: BLE001 — a defect must not end the thread that all later jobs need; it is logged whole
            _log.exception("A job ended by a defect of ours")
            state, message = "failed", "The job ended by a defect of ours; the log has it."
        with self._lock:
            work.message = message
            self._end(work, state)

    def _note(self, work: _Work) -> None:
        """Tell the ledger how far a job is; where it cannot take that, the job goes on, and its end may still be told."""
        fresh = work.progress.failures[work.told :]
        try:
            self._ledger.note(work.id, position=work.rows_done, counts=work.counts(), failures=fresh)
        except LookalikeError as error:
            _log.warning("Job %s cannot be noted: %s", work.id, error)
        else:
            work.told += len(fresh)

    def _end(self, work: _Work, state: str) -> None:
        """With the lock held. What the ledger cannot take is remembered here, until the process ends."""
        command, work.command = work.command, None
        work.state, work.finished = state, _now()
        if command is not None:
            command.close()
        try:
            self._ledger.end(
                *(work.id, state),
                position=work.rows_done,
                counts=work.counts(),
                failures=work.progress.failures,
                message=work.message,
                at=work.finished,
            )
        except LookalikeError as error:
            _log.warning("The end of job %s cannot be noted: %s", work.id, error)
        else:
            del self._works[work.id]


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def open_inline(handle: Handle, *, settings: Any = None, ledger: Ledger | None = None) -> InlineRunner:
    """The runner of this process; `settings` tell `queue_jobs`, `ledger` where jobs are remembered."""
    return InlineRunner(handle, getattr(settings, "queue_jobs", 64), ledger)
