"""The pictures that wait for a worker, in Redis: who asks, who claims, who answers, and what becomes of a lost worker's."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import OutOfMemoryError

from lookalike.broker.names import KEYS
from lookalike.broker.scripts import ASK, BEAT, CLAIM, SWEEP, TURN
from lookalike.ports.analyses import LookKey, name_of

LEASE_MS = 4_000
"""A look that a worker took and does not renew for so long is given to another. A worker renews four times in that time."""
WORKER_LIFE_MS = 5_000
"""A worker process that is silent for so long counts as gone."""
BEAT_SECONDS = 1.0
ANSWER_LIFE_MS = 120_000
"""An answer that nobody fetches (whoever asked is gone) is dropped after so long."""
MARGIN_MS = 5_000
"""So much longer than its deadline a picture may lie in Redis."""
PATIENT_LIFE_MS = 3_600_000
"""A catalogue's picture waits so long at most."""
POISON_MS = 600_000
"""A picture that killed its workers is refused for so long without a further try."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One look as it is asked: `box` as JSON or empty."""

    id: str
    digest: str
    picture: bytes = field(repr=False)
    box: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of asking: taken, full or nobody (no worker lives); how many are ahead, where it is full those that are being
    looked at among them; how many workers live."""

    state: str
    waiting: int
    alive: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A look that is ours until its lease ends. `waited_ms` since it was asked."""

    id: str
    answers: str
    digest: str
    picture: bytes = field(repr=False)
    box: str
    waited_ms: float
    patient: bool


class LookQueue:
    """The looks of one recipe in a Redis; `wake` sends a message that makes one worker come. Threads may share it.

    Raises of all methods: redis.RedisError.
    """

    def __init__(self, client: Any, recipe_id: str, wake: Callable[[], None]) -> None:
        self._client, self._base, self._recipe, self._wake = client, base_of(recipe_id), recipe_id, wake
        self._ask, self._claim = client.register_script(ASK), client.register_script(CLAIM)
        self._turn = client.register_script(TURN)
        self._sweep, self._beat = client.register_script(SWEEP), client.register_script(BEAT)

    # who asks

    def ask(self, looks: Sequence[Waiting], answers: str, remaining_seconds: float | None, most: int) -> Asked:
        """Let looks wait: all or none. `most` with a deadline may wait at once; the first is always taken."""
        patient = remaining_seconds is None
        remaining = 0 if remaining_seconds is None else max(1, int(remaining_seconds * 1000))
        told: list[Any] = [0 if patient else most, PATIENT_LIFE_MS if patient else remaining + MARGIN_MS, remaining, answers, int(patient)]
        for one in looks:
            told += [one.id, one.picture, one.box, one.digest]
        state, waiting, alive, wanted = self._ask(keys=[self._base], args=told)
        for _ in range(wanted):
            self._wake()
        return Asked(state.decode(), waiting, alive)

    def turn(self, seconds: float, apart_seconds: float, most_seconds: float) -> float:
        """Seconds until whoever is refused shall ask again: `seconds`, and later the more were refused just now, by any process."""
        told = self._turn(keys=[self._base], args=[int(one * 1000) for one in (seconds, apart_seconds, most_seconds)])
        return int(told) / 1000

    def known(self, keys: Sequence[LookKey]) -> list[bytes | bool | None]:
        """What is known of each: an answer's body, True where the picture killed its workers, None."""
        told = self._client.mget([seen_key(key) for key in keys] + [f"{KEYS}poison:{key.digest}" for key in keys])
        seen, poison = told[: len(keys)], told[len(keys) :]
        return [True if bad else found for found, bad in zip(seen, poison, strict=True)]

    def fetch(self, answers: str, seconds: float) -> list[bytes]:
        """The answers that are there, after a wait of at most so long for the first (0: none). The client's own time-out is longer."""
        if seconds <= 0:
            return list(self._client.lpop(answers, 1000) or [])
        found = self._client.execute_command("BLMPOP", seconds, 1, answers, "LEFT", "COUNT", 1000)
        return list(found[1]) if found else []

    def sweep(self) -> int:
        """Put back what lost workers had, wake who is needed; the number of workers alive."""
        alive, wanted = self._sweep(keys=[self._base], args=[POISON_MS])
        for _ in range(wanted):
            self._wake()
        return int(alive)

    def there(self, ids: Sequence[str]) -> list[bool]:
        """Whether each still waits or is looked at."""
        with self._client.pipeline(transaction=False) as asked:
            for one in ids:
                asked.exists(f"{KEYS}look:{one}")
            return [bool(found) for found in asked.execute()]

    def forget(self, ids: Sequence[str]) -> None:
        """Nobody waits for these any more: their pictures go."""
        if ids:
            self._client.delete(*(f"{KEYS}look:{one}" for one in ids))

    # who works

    def claim(self, most: int) -> list[Claimed]:
        """The next looks, at most so many and no more than this worker's fair part; [] where none wait."""
        now, ids = self._claim(keys=[self._base], args=[most, LEASE_MS, POISON_MS])
        if not ids:
            return []
        with self._client.pipeline(transaction=False) as asked:
            for one in ids:
                asked.hmget(f"{KEYS}look:{one.decode()}", "answers", "digest", "picture", "box", "asked", "patient")
            rows = asked.execute()
        return [
            Claimed(one.decode(), row[0].decode(), row[1].decode(), row[2], row[3].decode(), float(now - int(row[4])), row[5] == b"1")
            for one, row in zip(ids, rows, strict=True)
            if row[0] is not None  # who asked has forgotten it in between
        ]

    def answer(self, done: Sequence[tuple[Claimed, bytes]], seen: Mapping[LookKey, bytes], seen_ms: int, busy_ms: float) -> None:
        """Give a batch's answers; the pictures go. `seen` is kept for `seen_ms`, for whoever asks the same (0: not at all)."""
        counts = f"{self._base}:counts"
        with self._client.pipeline(transaction=True) as told:
            self._drop([look for look, _ in done], told)
            for look, body in done:
                told.rpush(look.answers, body)
                told.pexpire(look.answers, ANSWER_LIFE_MS)
            if seen_ms > 0:
                for key, body in seen.items():
                    told.set(seen_key(key), body, px=seen_ms)
            told.hincrby(counts, "answered", len(done))
            told.hincrby(counts, "batches", 1)
            told.hincrby(counts, f"batches_of_{len(done)}", 1)
            told.hincrby(counts, "waited_ms", int(sum(look.waited_ms for look, _ in done)))
            told.hincrby(counts, "busy_ms", int(busy_ms))
            try:
                told.execute()
            except OutOfMemoryError:
                # nothing of it was done. The pictures go, which makes room, and who waits finds them gone
                told.reset()
                self._drop([look for look, _ in done], told)
                told.execute()
                raise

    def _drop(self, looks: Sequence[Claimed], told: Any) -> None:
        for look in looks:
            told.delete(f"{KEYS}look:{look.id}")
            told.zrem(f"{self._base}:leased", look.id)

    def beat(self, worker: str, told: Mapping[str, object], in_hand: Sequence[str]) -> int:
        """A worker lives, and still looks at these. How many shoppers' pictures wait."""
        body = json.dumps({**told, "worker": worker, "recipe": self._recipe, "beat": time.time()})
        return int(self._beat(keys=[self._base], args=[worker, WORKER_LIFE_MS, body, LEASE_MS, self._recipe, *in_hand]))

    def leave(self, worker: str) -> None:
        """A worker ends, with nothing in hand."""
        with self._client.pipeline(transaction=True) as told:
            told.zrem(f"{self._base}:crew", worker)
            told.delete(f"{KEYS}worker:{worker}")
            told.execute()

    def wake(self) -> None:
        """Send one message that makes a worker come."""
        self._wake()


def base_of(recipe_id: str) -> str:
    """What the keys of a recipe's looks begin with."""
    return f"{KEYS}looks:{recipe_id}"


def seen_key(key: LookKey) -> str:
    """Where the answer to a look is kept for a while."""
    return f"{KEYS}seen:{name_of(key).hex()}"
