"""Commands in this process: one thread works them off in the order they came."""

import datetime
import logging
import queue
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from lookalike.domain.commands import Command, Progress, Ticket
from lookalike.errors import LookalikeError, NotFound, Overloaded

MOST_FINISHED = 1000
"""Finished tickets that are remembered."""
Handle = Callable[[Command, Progress, Callable[[], bool]], None]
"""Does a command, writing how far it is into the progress; asks the third argument between rows whether to stop."""
_log = logging.getLogger(__name__)


class _Work:
    """A command with its ticket's state."""

    def __init__(self, command: Command) -> None:
        self.id = f"j_{secrets.token_urlsafe(12)}"
        self.command: Command | None = command
        self.progress = Progress(total=len(command.rows) + len(command.failures))
        self.state = "queued"
        self.message: str | None = None
        self.created, self.finished = _now(), ""
        self.stop = threading.Event()

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


class InlineRunner:
    """TaskRunner in this process. `most_waiting` bounds the queue. What waits is lost when the process ends; what is done is kept."""

    def __init__(self, handle: Handle, most_waiting: int = 64) -> None:
        self._handle, self._most_waiting = handle, most_waiting
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._works: OrderedDict[str, _Work] = OrderedDict()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, command: Command) -> Ticket:
        """Take a command; the ticket is `queued`. Raises: Overloaded."""
        work = _Work(command)
        with self._lock:
            if self._closed:
                raise Overloaded("The program is ending and takes no more jobs.")
            if sum(one.state == "queued" for one in self._works.values()) >= self._most_waiting:
                raise Overloaded(f"{self._most_waiting} jobs wait already; try again when one is done.", 5.0)
            self._works[work.id] = work
            self._forget()
            ticket = work.ticket()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lookalike-jobs", daemon=True)
                self._thread.start()
        self._queue.put(work)
        return ticket

    def ticket(self, ticket_id: str) -> Ticket:
        """The state of a command. Raises: NotFound("job")."""
        return self._find(ticket_id).ticket()

    def cancel(self, ticket_id: str) -> Ticket:
        """Stop a command before its next row; what is done stays done. Raises: NotFound("job")."""
        work = self._find(ticket_id)
        with self._lock:
            work.stop.set()
            if work.state == "queued":
                _end(work, "cancelled")
        return work.ticket()

    def close(self) -> None:
        """Finish what runs, drop what waits."""
        with self._lock:
            self._closed, thread = True, self._thread
            for work in self._works.values():
                if work.state == "queued":
                    _end(work, "cancelled")
        self._queue.put(None)
        if thread is not None:
            thread.join()

    def _find(self, ticket_id: str) -> _Work:
        with self._lock:
            if ticket_id not in self._works:
                raise NotFound("job", ticket_id, "Jobs are forgotten when the server starts anew.")
            return self._works[ticket_id]

    def _forget(self) -> None:
        finished = [name for name, work in self._works.items() if work.finished]
        for name in finished[: max(0, len(finished) - MOST_FINISHED)]:
            del self._works[name]

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            with self._lock:
                if work.state != "queued":
                    continue
                work.state, command = "running", work.command
            assert command is not None
            self._do(work, command)
            del command  # its rows may hold whole pictures, and the next job may be long in coming

    def _do(self, work: _Work, command: Command) -> None:
        state = "done"
        message: str | None = None
        try:
            self._handle(command, work.progress, work.stop.is_set)
            if work.stop.is_set() and work.progress.done + work.progress.unchanged + len(work.progress.failures) < work.progress.total:
                state = "cancelled"
        except LookalikeError as error:
            state, message = "failed", str(error)
        except Exception:  # noqa: BLE001 — a defect must not end the thread that all later jobs need; it is logged whole
            _log.exception("A job ended by a defect of ours")
            state, message = "failed", "The job ended by a defect of ours; the log has it."
        with self._lock:
            work.message = message
            _end(work, state)


def _end(work: _Work, state: str) -> None:
    work.state, work.finished, work.command = state, _now(), None


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def open_inline(handle: Handle, *, settings: Any = None) -> InlineRunner:
    """The runner of this process; `settings` tell `queue_jobs`."""
    return InlineRunner(handle, getattr(settings, "queue_jobs", 64))
