"""A worker's part in looking: it takes what waits, all at once and without a timer, and answers each."""

import logging
import os
import platform
import threading
import time
import uuid
from collections.abc import Sequence

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import OutOfMemoryError, RedisError

from lookalike.analysers import wire
from lookalike.analysers.local import BATCH
from lookalike.broker.app import LOOK_SECONDS
from lookalike.broker.connection import connect
from lookalike.broker.looks import BEAT_SECONDS, Claimed, LookQueue
from lookalike.broker.names import LOOK, LOOKS
from lookalike.domain.analysis import Analysis
from lookalike.domain.request_id import named, request_of
from lookalike.ports.analyses import LookKey
from lookalike.ports.vision import Look
from workers.lifecycle import WorkerHouse

logger = logging.getLogger("lookalike.worker")
TURN_SECONDS = 10.0
"""A turn ends after so long even where pictures wait, with a message that begins the next: other tasks of the worker, its end
and its time limit come to their right."""
REMEMBERED_BATCHES = 20
"""The rate that a worker tells is that of about so many batches."""


class LookWork:
    """One worker process at the pictures that wait. `begin` after the fork, `turn` for each message, `end`."""

    def __init__(self, app: Celery, house: WorkerHouse) -> None:
        self._app, self._house = app, house
        self._name = f"{platform.node()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._queue: LookQueue | None = None
        self._client = connect(house.settings.redis)
        self._lock = threading.Lock()
        self._in_hand: dict[str, bool] = {}  # look → whether it is patient
        self._aside: threading.Thread | None = None
        self._looks = self._batches = 0
        self._busy_seconds = self._rate_looks = self._rate_seconds = 0.0
        self._started = time.time()
        self._ending = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="lookalike-beat", daemon=True)

    def begin(self) -> None:
        """From now on this process counts as alive."""
        self._name = f"{platform.node()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._started = time.time()
        self._queue = LookQueue(self._client, self._house.recipe.id, lambda: self._app.send_task(LOOK))
        try:
            self._tell()
        except RedisError as error:
            logger.warning("Redis does not answer yet: %s", error)
        self._beating.start()

    def end(self) -> None:
        """From now on it does not."""
        self._ending.set()
        for thread in (self._beating, self._aside):
            if thread is not None and thread.is_alive():
                thread.join()
        if self._queue is not None:
            try:
                self._queue.leave(self._name)
            except RedisError as error:
                logger.info("Redis was not told that this worker ends (%s); it notices.", error)
        self._client.close()

    def turn(self) -> int:
        """Look at what waits until nothing does; the number of pictures. Raises: RedisError."""
        assert self._queue is not None, "begin comes before the first turn"
        return self._turn(TURN_SECONDS)

    def _turn(self, seconds: float) -> int:
        assert self._queue is not None
        most, until, done = self._most(), time.monotonic() + seconds, 0
        while claimed := self._queue.claim(most):
            self._work(self._queue, claimed)
            done += len(claimed)
            if time.monotonic() > until:
                self._queue.wake()
                break
        return done

    def _most(self) -> int:
        return self._house.settings.batch_looks or BATCH * self._house.settings.threads

    def _work(self, queue: LookQueue, claimed: Sequence[Claimed]) -> None:
        with self._lock:
            self._in_hand |= {one.id: one.patient for one in claimed}
        began = time.perf_counter()
        try:
            # with a deadline they go before what another task of this process wants looked at; it is no limit
            deadline = None if claimed[0].patient else time.monotonic() + LOOK_SECONDS
            results = self._seen([(Look(one.picture, wire.box_of(one.box)), request_of(one.id)) for one in claimed], deadline)
            busy = time.perf_counter() - began
            answers, seen = [], {}
            for one, look, result in zip(claimed, [wire.box_of(look.box) for look in claimed], results, strict=True):
                body = None
                if isinstance(result, Analysis):
                    body = wire.seen_body(result)
                    seen[LookKey(one.digest, self._house.recipe.id, look)] = body
                answers.append((one, wire.answer(one.id, result, body)))
            self._count(len(claimed), busy)
            if logger.isEnabledFor(logging.DEBUG):
                whose = sorted({name for look in claimed if (name := request_of(look.id))})
                logger.debug("Looked at %d pictures in %.3f s.", len(claimed), busy, extra={"fields": {"requests": whose}})
            queue.answer(answers, seen, int(self._house.settings.seen_ttl * 1000), busy * 1000)
        except OutOfMemoryError as error:
            logger.warning("Redis is full and took no answer for %d pictures (%s). Give it more memory (maxmemory).", len(claimed), error)
        finally:
            with self._lock:
                for one in claimed:
                    self._in_hand.pop(one.id, None)

    def _seen(self, looks: Sequence[tuple[Look, str | None]], deadline: float | None) -> list[Analysis | Exception]:
        """One result for each; where the networks fail at the batch, each is tried by itself, so that only one suffers."""
        try:
            return list(self._house.analyser.analyse([look for look, _ in looks], deadline))
        except Exception as error:
            if len(looks) > 1:
                return [one for look in looks for one in self._seen([look], deadline)]
            with named(looks[0][1]):  # the request whose picture it is
                logger.exception("The networks failed at a picture.")
            return [error]

    def _count(self, looks: int, seconds: float) -> None:
        with self._lock:
            self._looks += looks
            self._batches += 1
            self._busy_seconds += seconds
            kept = 1 - 1 / REMEMBERED_BATCHES
            self._rate_looks = self._rate_looks * kept + looks
            self._rate_seconds = self._rate_seconds * kept + seconds

    def _beat(self) -> None:
        silent = False
        while not self._ending.wait(BEAT_SECONDS):
            try:
                if self._tell():
                    self._look_aside()
                silent = False
            except RedisError as error:
                if not silent:
                    logger.warning("Redis does not answer: %s", error)
                silent = True

    def _look_aside(self) -> None:
        """Visitors wait while this process is at something else (the catalogue's work, a message that has not come): they get
        a thread of their own, and in the networks' line they are first."""
        with self._lock:
            at_visitors = any(not patient for patient in self._in_hand.values())
        if not at_visitors and (self._aside is None or not self._aside.is_alive()):
            self._aside = threading.Thread(target=self._turn_aside, name="lookalike-aside", daemon=True)
            self._aside.start()

    def _turn_aside(self) -> None:
        try:
            self._turn(BEAT_SECONDS)
        except (RedisError, OperationalError) as error:
            logger.warning("Redis does not answer: %s", error)

    def _tell(self) -> int:
        """Say that this process lives; how many visitors' pictures wait."""
        assert self._queue is not None
        with self._lock:
            in_hand = tuple(self._in_hand)
            told = {
                "host": platform.node(),
                "pid": os.getpid(),
                "started": self._started,
                "threads": self._house.settings.threads,
                "batch_looks": self._most(),
                "looks": self._looks,
                "batches": self._batches,
                "busy_seconds": round(self._busy_seconds, 3),
                "rate": round(self._rate_looks / self._rate_seconds, 3) if self._rate_seconds > 0 else 0.0,
                "in_hand": len(in_hand),
            }
        return self._queue.beat(self._name, told, in_hand)


def register(app: Celery, house: WorkerHouse) -> None:
    """Put the task into an app; where this worker serves the visitors, its process begins and ends as one that looks."""
    if LOOKS not in house.queues:
        return
    work = LookWork(app, house)
    house.beginning.append(work.begin)
    house.ending.append(work.end)

    def look() -> None:
        work.turn()

    app.task(name=LOOK, time_limit=LOOK_SECONDS, ignore_result=True)(look)
