"""Events on their way to where they are kept: a bounded queue and one thread, so that no search ever waits for them."""

import logging
import socket
import threading
import time
import uuid
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lookalike.domain import events
from lookalike.domain.commands import ApplyChanges, Progress
from lookalike.domain.request_id import current
from lookalike.errors import LookalikeError
from lookalike.ports.events import EventSink
from lookalike.services.figures import IntakeFigures

BATCH = 500
GATHER_SECONDS = 1.0
"""So long an event may wait for others to go with it."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
"""Between two attempts where the place of events is away."""
CLOSING_SECONDS = 3.0
"""What waits when the house closes gets so long."""
MOST_FAILURES = 1_000
"""Failures of one run or job that are told."""
_WARN_EVERY_SECONDS = 300.0
_log = logging.getLogger(__name__)


class Events:
    """Takes events from any thread and hands them to a sink in batches. Without a sink nothing is taken, and `on` is False.

    `tell` never waits and never raises: what finds the queue full is dropped and counted. A batch that the sink cannot take
    now is kept and tried again, with growing pauses, while others fill the queue behind it. `sample` is the share of searches
    that are told; all processes choose the same. `clean` takes out of messages what nobody may read.
    """

    def __init__(
        self,
        sink: EventSink | None = None,
        *,
        application: str = "",
        sample: float = 1.0,
        most_waiting: int = 10_000,
        clean: Callable[[str], str] = str,
        gather_seconds: float = GATHER_SECONDS,
    ) -> None:
        self._sink, self._most_waiting, self._clean, self._gather_seconds = sink, most_waiting, clean, gather_seconds
        self._common = {"application": application, "host": socket.gethostname()}
        self._sample = round(sample * 2**32)
        self._changed = threading.Condition()
        self._queue: deque[dict[str, Any]] = deque()
        self._going = 0
        self._thread: threading.Thread | None = None
        self._closed = False
        self._warned = float("-inf")
        self.written = self.dropped = self.refused = 0

    @property
    def on(self) -> bool:
        """Whether anybody keeps events."""
        return self._sink is not None

    def samples(self, query_id: str) -> bool:
        """Whether a search of that id is told."""
        return self._sink is not None and zlib.crc32(query_id.encode()) < self._sample

    def tell(self, event: Mapping[str, Any]) -> bool:
        """Take an event, fields that are None left out; False where it is dropped."""
        if self._sink is None:
            return False
        told = {name: value for name, value in event.items() if value is not None}
        told |= self._common
        told.setdefault("timestamp", events.moment())
        told["event_id"] = uuid.uuid4().hex
        if (request_id := current()) is not None:
            told["request_id"] = request_id
        if "message" in told:
            told["message"] = self._clean(told["message"])
        with self._changed:
            if self._closed or len(self._queue) >= self._most_waiting:
                self.dropped += 1
                return False
            self._queue.append(told)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="lookalike-events", daemon=True)
                self._thread.start()
            if len(self._queue) in (1, BATCH):
                self._changed.notify_all()
        return True

    def waiting(self) -> int:
        """How many events are not written yet."""
        with self._changed:
            return len(self._queue) + self._going

    def counts(self) -> dict[str, int]:
        """How many were written, dropped (no room, or no time at the end) and refused by the sink."""
        with self._changed:
            return {"written": self.written, "dropped": self.dropped, "refused": self.refused}

    def flush(self, seconds: float) -> bool:
        """Wait until all that was told is written, no longer than that; whether it is."""
        with self._changed:
            gather, self._gather_seconds = self._gather_seconds, 0.0
            self._changed.notify_all()
            done = self._changed.wait_for(lambda: not self._queue and not self._going, seconds)
            self._gather_seconds = gather
            return done

    def close(self) -> None:
        """Write what waits, within a few seconds; what is left is dropped and counted."""
        if self._sink is None:
            return
        self.flush(CLOSING_SECONDS if self._thread is not None else 0.0)
        with self._changed:
            self._closed = True
            left, thread = len(self._queue) + self._going, self._thread
            self.dropped += len(self._queue)
            self._queue.clear()
            self._changed.notify_all()
        self._sink.close()
        if thread is not None:
            thread.join(CLOSING_SECONDS)
        if left:
            _log.warning("%d events could not be written in time and are lost.", left)

    def _work(self) -> None:
        assert self._sink is not None
        while (batch := self._taken()) is not None:
            pause = FIRST_PAUSE_SECONDS
            while not self._written(self._sink, batch):
                with self._changed:
                    if self._changed.wait_for(lambda: self._closed, pause):
                        self.dropped += len(batch)
                        self._going = 0
                        return
                pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
            with self._changed:
                self._going = 0
                self._changed.notify_all()

    def _taken(self) -> list[dict[str, Any]] | None:
        """The next batch, once it is full or has waited long enough; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed)
            end = time.monotonic() + self._gather_seconds
            while len(self._queue) < BATCH and not self._closed and (left := min(end - time.monotonic(), self._gather_seconds)) > 0:
                self._changed.wait(left)
            if self._closed:
                return None
            batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            self._going = len(batch)
            return batch

    def _written(self, sink: EventSink, batch: list[dict[str, Any]]) -> bool:
        """Whether the batch is done with, one way or the other."""
        try:
            refused = sink.write(batch)
        except LookalikeError as error:
            self._warn("Events cannot be written now, they wait: %s", error)
            return False
        except Exception as error:  # noqa: BLE001 — a defect in a sink must not end the thread; what it broke on is counted
            self._warn("A batch of events is lost by a defect: %s: %s", type(error).__name__, error)
            refused = len(batch)
        else:
            if refused:
                self._warn("%d of %d events were refused; the mapping of their data stream may be of another version.", refused, len(batch))
        with self._changed:
            self.refused += refused
            self.written += len(batch) - refused
        return True

    def _warn(self, text: str, *told: object) -> None:
        now = time.monotonic()
        if now - self._warned >= _WARN_EVERY_SECONDS:
            self._warned = now
            _log.warning(text, *told)


Apply = Callable[[ApplyChanges, Progress, Callable[[], bool]], None]


def telling(apply: Apply, told: Events, figures: IntakeFigures, recipe: str) -> Apply:
    """`apply` of bulk changes, with an event at its end and one for each row that failed."""

    def applied(command: ApplyChanges, progress: Progress, cancelled: Callable[[], bool] = lambda: False) -> None:
        with ingest_told(told, figures, recipe, origin="bulk", run=current(), counts=lambda: events.counts_of(progress)) as ended:
            try:
                apply(command, progress, cancelled)
                ended("cancelled" if cancelled() else "done")
            finally:
                for failure in progress.failures[:MOST_FAILURES]:
                    told.tell(events.failed("bulk", current(), failure))

    return applied


@contextmanager
def ingest_told(
    told: Events, figures: IntakeFigures, recipe: str, *, origin: str, run: str | None, counts: Callable[[], Mapping[str, int]]
) -> Iterator[Callable[[str], None]]:
    """One ingest event when the block ends: `failed`, or the state that the block says it ended with."""
    if not told.on:
        yield lambda _state: None
        return
    began, before, state = time.monotonic(), figures.seconds(), ["failed"]
    try:
        yield lambda ended: state.__setitem__(0, ended)
    finally:
        stages = {name: spent - before.get(name, 0.0) for name, spent in figures.seconds().items()}
        seconds = time.monotonic() - began
        told.tell(events.ingested(origin, run, state[0], counts(), seconds=seconds, recipe=recipe, stages=stages))
