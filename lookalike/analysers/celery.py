"""Networks in other processes: pictures go to workers through Redis, and what they see comes back.

How a picture travels, what becomes of it when a worker dies, and why nothing here polls: docs/decisions/0081-looks-in-redis.md.
"""

import logging
import math
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from redis.exceptions import OutOfMemoryError, RedisError

from lookalike.analysers import wire
from lookalike.broker.connection import ANSWER_SECONDS, connect, shown
from lookalike.broker.figures import crew, rate_of
from lookalike.broker.looks import Asked, LookQueue, Waiting
from lookalike.broker.names import KEYS, LOOK
from lookalike.domain.analysis import Analysis, Recipe
from lookalike.domain.picture import digest_of
from lookalike.domain.request_id import look_name
from lookalike.errors import NetworksAway, Overloaded, PictureUnreadable, Unavailable
from lookalike.ports.analyses import LookKey
from lookalike.ports.vision import Look, Networks, PictureDecoder, Seer

logger = logging.getLogger("lookalike.analyser")
Result = Analysis | PictureUnreadable
PATIENT_AT_ONCE = 64
"""Pictures of a catalogue that one call has in Redis at a time; shoppers' are bounded by `queue_looks`."""
WATCH_SECONDS = 1.0
"""So often the reader looks after what waits: abandoned looks, lost ones, the workers."""
GRACE_SECONDS = 10.0
"""Who waits already waits so long for a worker to come back; who asks while none is there is told at once."""
LONGEST_RETRY_SECONDS = 60.0


class _Call:
    """One call of `analyse`: where the results of its looks go, and a bell for when the last is there."""

    def __init__(self, count: int) -> None:
        self.results: list[Result | Unavailable | None] = [None] * count
        self.left = count
        self.lock = threading.Lock()
        self.bell = threading.Event()

    def settle(self, place: int, result: Result | Unavailable) -> None:
        with self.lock:
            if self.results[place] is None:
                self.results[place] = result
                self.left -= 1
            done = self.left == 0
        if done:
            self.bell.set()


class CeleryAnalyser:
    """PictureAnalyser whose networks run in `lookalike worker` processes that meet it at the Redis `url`.

    Nothing is connected before the first look. `most_waiting` bounds the looks with a deadline that wait in Redis, of all
    processes together. A look without a deadline waits behind those.
    """

    def __init__(self, recipe: Recipe, url: str, most_waiting: int = 256) -> None:
        self.recipe = recipe
        self._url, self._most_waiting = url, most_waiting
        self._answers = f"{KEYS}answers:{uuid.uuid4().hex}"
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[_Call, int, float]] = {}  # look → its call, its place there, since when (monotonic)
        self._closed = threading.Event()
        self._away: str | None = None
        self._rate = 0.0
        self._told = Networks(False, "Nobody has asked yet.")
        self._told_at = float("-inf")
        self._queue: LookQueue | None = None
        self._client: Any = None
        self._reading: threading.Thread | None = None

    def analyse(self, looks: Sequence[Look], deadline: float | None = None) -> list[Result]:
        """One result for each look, in order. Raises: Unavailable past the deadline, Overloaded, NetworksAway."""
        found: list[Result] = []
        step = PATIENT_AT_ONCE if deadline is None else max(1, len(looks))
        for start in range(0, len(looks), step):
            found += self._analyse(looks[start : start + step], deadline)
        return found

    def networks(self) -> Networks:
        """How the workers are; not older than a second, and never raises."""
        now = time.monotonic()
        if now - self._told_at > WATCH_SECONDS:
            self._told, self._told_at = self._look_around(), now
        return self._told

    def close(self) -> None:
        """Give back thread and connections; who still waits is told that nobody will come."""
        self._closed.set()
        if self._reading is not None:
            self._reading.join()
        self._fail(Unavailable("Pictures are no longer analysed: the program is ending."))
        if self._client is not None:
            self._client.close()

    def _analyse(self, looks: Sequence[Look], deadline: float | None) -> list[Result]:
        left = _left(deadline)
        queue = self._opened()
        if self._away is not None:
            raise NetworksAway(self._away, 2.0)
        call, keys = _Call(len(looks)), [LookKey(digest_of(look.content), self.recipe.id, look.box) for look in looks]
        ids: list[str] = []
        try:
            with self._redis():
                asked = self._known(queue, call, keys)
                ids = [look_name() for _ in asked]
                with self._lock:  # before it is asked: the answer may be quicker than we are
                    self._waiting |= {one: (call, place, time.monotonic()) for one, place in zip(ids, asked, strict=True)}
                if asked:
                    waiting = [
                        Waiting(one, keys[place].digest, looks[place].content, wire.box_text(looks[place].box))
                        for one, place in zip(ids, asked, strict=True)
                    ]
                    self._check(queue, queue.ask(waiting, self._answers, left, self._most(left)), len(asked))
            if not call.bell.wait(None if deadline is None else max(0.0, deadline - time.monotonic())):
                raise Unavailable("The networks did not come to this picture in time; try again in a moment.", 2.0)
        except Unavailable:
            self._give_up(queue, ids)
            raise
        found: list[Result] = []
        for result in call.results:
            assert result is not None
            if isinstance(result, Unavailable):
                self._give_up(queue, ids)
                raise result
            found.append(result)
        return found

    def _known(self, queue: LookQueue, call: _Call, keys: Sequence[LookKey]) -> list[int]:
        """Settle what is known; the places of what has to be asked."""
        asked = []
        for place, known in enumerate(queue.known(keys)):
            if known is True:
                call.settle(place, wire.poison())
            elif isinstance(known, bytes) and (kept := wire.kept_of(known, keys[place])) is not None:
                call.settle(place, kept)
            else:
                asked.append(place)
        return asked

    def _most(self, left: float | None) -> int:
        """How many may wait so that the last of them is still in time."""
        if left is None or self._rate <= 0:
            return self._most_waiting
        return max(1, min(self._most_waiting, int(self._rate * left)))

    def _check(self, queue: LookQueue, asked: Asked, many: int) -> None:
        if asked.state == "nobody":
            raise NetworksAway("No worker is there to look at pictures. Start one: lookalike worker.", 5.0)
        if asked.state == "full":
            rate = self._rate or rate_of(crew(self._client, self.recipe.id))
            seconds = queue.turn(max(1.0, asked.waiting / rate), many / rate, LONGEST_RETRY_SECONDS) if rate > 0 else 1.0
            if seconds >= LONGEST_RETRY_SECONDS:  # so many that no order is kept: at least they shall not come together
                seconds *= random.uniform(1.0, 1.5)  # noqa: S311 - no secret
            raise Overloaded(
                f"{asked.waiting} pictures are before yours, and the networks look at {rate:.1f} a second: too many for {many} more. "
                f"Try again in {max(1, math.ceil(seconds))} s.",
                seconds,
            )

    def _give_up(self, queue: LookQueue, ids: Sequence[str]) -> None:
        """Nobody waits for these any more; their pictures go from Redis, at the latest when their time is over."""
        with self._lock:
            for one in ids:
                self._waiting.pop(one, None)
        if ids and self._away is None:
            try:
                queue.forget(ids)
            except RedisError as error:
                logger.info("Pictures that nobody waits for could not be taken back (%s); Redis drops them itself.", error)

    @contextmanager
    def _redis(self) -> Iterator[None]:
        """Failures of Redis and of Celery's way to it, in our words."""
        from kombu.exceptions import OperationalError

        try:
            yield
        except OutOfMemoryError as error:
            raise NetworksAway("Redis is full, so pictures cannot be looked at. Give it more memory (maxmemory).", 5.0) from error
        except (RedisError, OperationalError) as error:
            raise NetworksAway(self._no_redis(error), 2.0) from error

    def _no_redis(self, error: Exception) -> str:
        # answers may tell this: the address is the operators' business alone
        return f"Redis, which leads to the workers, does not answer ({type(error).__name__}), so pictures cannot be looked at."

    # the one thread that reads answers

    def _opened(self) -> LookQueue:
        with self._lock:
            if self._closed.is_set():
                raise Unavailable("Pictures are no longer analysed: the program is ending.")
            if self._queue is None:
                from lookalike.broker.app import make_app

                app = make_app(self._url, sender=True)
                self._client = connect(self._url)
                self._queue = LookQueue(self._client, self.recipe.id, _waker(app))
                self._reading = threading.Thread(target=self._read, args=(app,), name="lookalike-answers", daemon=True)
                self._reading.start()
            return self._queue

    def _read(self, app: Any) -> None:
        client = connect(self._url, WATCH_SECONDS + ANSWER_SECONDS)
        queue = LookQueue(client, self.recipe.id, _waker(app))
        watched, alone_since = 0.0, None
        while not self._closed.is_set():
            try:
                with self._redis():
                    # after a failure it does not wait first: everybody is refused until it has come through
                    self._settle(queue.fetch(self._answers, WATCH_SECONDS if self._away is None else 0))
                    self._away = None
                    if time.monotonic() - watched >= WATCH_SECONDS and self._waiting:
                        watched = time.monotonic()
                        alive = self._watch(queue)
                        alone_since = (alone_since or watched) if alive == 0 else None
                        if alone_since is not None and watched - alone_since > GRACE_SECONDS:
                            self._fail(NetworksAway("The workers that looked at pictures are gone.", 5.0))
            except NetworksAway as error:
                if self._away is None:
                    logger.warning("%s: %s", shown(self._url), error)
                self._away = str(error)
                self._fail(error)
                self._closed.wait(0.5)
            except Exception:  # the one who reads must not end: everybody else would wait for ever
                logger.exception("An answer could not be read.")
        client.close()

    def _watch(self, queue: LookQueue) -> int:
        """Once a second while somebody waits: put back what lost workers had, wake others, tell who waits for a lost look."""
        alive = queue.sweep()
        self._rate = rate_of(crew(self._client, self.recipe.id))
        before = time.monotonic() - WATCH_SECONDS
        with self._lock:
            old = [one for one, (_, _, since) in self._waiting.items() if since < before]
        gone = [one for one, there in zip(old, queue.there(old), strict=True) if not there] if old else []
        if gone:
            self._settle(queue.fetch(self._answers, 0))  # a look goes when its answer comes, both in one step
            lost = Unavailable("The picture was lost on its way to the networks (Redis has been restarted, or is full). Try again.", 1.0)
            self._fail(lost, gone)
        return alive

    def _settle(self, bodies: Sequence[bytes]) -> None:
        for body in bodies:
            try:
                look, result = wire.read_answer(body)
            except (KeyError, TypeError, ValueError):  # of another version, perhaps; the others shall not suffer
                logger.exception("An answer of %d bytes could not be read.", len(body))
                continue
            with self._lock:
                asked = self._waiting.pop(look, None)
            if asked is not None:
                asked[0].settle(asked[1], result)

    def _fail(self, error: Unavailable, looks: Sequence[str] | None = None) -> None:
        with self._lock:
            ended = [self._waiting.pop(one) for one in (list(self._waiting) if looks is None else looks) if one in self._waiting]
        for call, place, _ in ended:
            call.settle(place, error)

    def _look_around(self) -> Networks:
        from lookalike.broker.figures import figures

        try:
            self._opened()
            if self._away is not None:
                return Networks(False, self._away)
            with self._redis():
                told = figures(self._client, self.recipe.id)
        except Unavailable as error:
            return Networks(False, str(error))
        why = "" if told.workers else "No worker is there to look at pictures. Start one: lookalike worker."
        return Networks(bool(told.workers), why, len(told.workers), told.urgent, told.rate)


def _left(deadline: float | None) -> float | None:
    """Seconds until a deadline. Raises: Unavailable where it is past."""
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise Unavailable("The deadline passed before the networks were asked.", 2.0)
    return left


def _waker(app: Any) -> Callable[[], None]:
    return lambda: app.send_task(LOOK)


def open_celery(
    recipe: Recipe, make_seer: Callable[[], Seer], make_decoder: Callable[[], PictureDecoder], *, settings: Any = None
) -> CeleryAnalyser:
    """The analyser of the workers; `settings` tell `redis` and `queue_looks`. Networks and decoder are made by those, not here."""
    return CeleryAnalyser(recipe, settings.redis, settings.queue_looks)
