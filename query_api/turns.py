"""Who may wait for a thread, and when whoever may not shall come back: a line that goes on outside (docs/decisions/0120)."""

import hashlib
import hmac
import math
import random
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

COOKIE = "lookalike-turn"
"""What a refusal gives, and what is shown with the request that comes back."""
_SHOWN = re.compile(rf"(?:^|;)\s*{COOKIE}=([0-9a-f.-]{{1,100}})")

LATE_SECONDS, EARLY_SECONDS = 15.0, 1.0
"""A turn counts from so long before its time until so long after it."""
HORIZON_SECONDS = 60.0
"""Further ahead nothing is promised."""
PROMISED = 0.75
"""The share of what will be answered that is promised; what is not promised goes to whoever comes."""
WAITED = 0.85
"""The share of the deadline that a request may spend in the line; the answer itself has the rest."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Come back in `seconds`, with the `turn` that is kept for you; without one where none could be promised."""

    seconds: int
    turn: str | None


class Line:
    """Decides for each request that arrives, by how many wait. One thread may ask it at a time.

    At most `most` wait, and no more than can be answered within a share (`WAITED`) of `deadline_seconds`, which runs while they
    wait. Whoever is refused gets a turn: a time at which there will be room, later for each, spaced by the rate at which requests
    are answered. While turns are out, the second half of the line is kept for those who come with one. `key` signs them: processes
    that share it honour each other's.
    """

    def __init__(
        self, most: int, threads: int, deadline_seconds: float, key: bytes | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._most, self._threads, self._deadline_seconds = most, threads, deadline_seconds
        self._key, self._clock = key or secrets.token_bytes(32), clock
        self._mean_seconds = 0.0
        self._last = 0.0
        """The time of the last turn."""
        self._spent: dict[str, float] = {}
        """Turns that were taken, until when they would count."""

    def served(self, seconds: float) -> None:
        """Learn how long answers take: an exponential mean over about twenty."""
        self._mean_seconds += 0.05 * (seconds - self._mean_seconds)

    def refusal(self, waiting: int, turn: str | None) -> Refusal | None:
        """None where a request may wait behind `waiting` others; `turn` is what it shows."""
        now, rate = self._clock(), self._threads / (self._mean_seconds or 1.0)
        most = self._most if self._mean_seconds == 0 else min(self._most, max(1, int(WAITED * self._deadline_seconds * rate)))
        kept = max(1, most // 2)
        if waiting < (kept if now < self._last + LATE_SECONDS else most):
            return None
        has_turn = turn is not None and self._counts(turn, now)
        if has_turn and waiting < most:
            self._spend(str(turn), now)
            return None
        at = now + max(1.0, (waiting - kept) / rate)
        if not has_turn:
            at = max(at, self._last) + 1 / (PROMISED * rate)
            if at - now > HORIZON_SECONDS:
                return Refusal(math.ceil(HORIZON_SECONDS * random.uniform(1.0, 1.5)), None)  # noqa: S311 - no secret
            self._last = at
        else:
            self._spend(str(turn), now)
        return Refusal(math.ceil(at - now), self._signed(f"{at:.3f}-{secrets.token_hex(6)}"))

    def _signed(self, told: str) -> str:
        return f"{told}-{hmac.new(self._key, told.encode(), hashlib.sha256).hexdigest()[:32]}"

    def _counts(self, turn: str, now: float) -> bool:
        """Whether a turn is one of ours, its time has come, and nobody took it."""
        told, _, _ = turn.rpartition("-")
        if turn in self._spent or not hmac.compare_digest(self._signed(told).encode(), turn.encode("utf-8", "replace")):
            return False
        return -EARLY_SECONDS <= now - float(told.partition("-")[0]) <= LATE_SECONDS

    def _spend(self, turn: str, now: float) -> None:
        self._spent[turn] = now + EARLY_SECONDS + LATE_SECONDS
        while self._spent and next(iter(self._spent.values())) < now:  # the oldest come first
            del self._spent[next(iter(self._spent))]


def told_cookie(turn: str, seconds: int) -> str:
    """The `Set-Cookie` that gives a turn."""
    return f"{COOKIE}={turn}; Max-Age={seconds + int(LATE_SECONDS)}; Path=/; HttpOnly; SameSite=Lax"


def turn_in(cookies: str) -> str | None:
    """The turn that a `Cookie` header shows."""
    found = _SHOWN.search(cookies)
    return None if found is None else found[1]
