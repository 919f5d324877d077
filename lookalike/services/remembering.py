"""Things remembered for a while: bounded in weight and in time, safe for threads."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Remembered(Generic[Key, Value]):
    """A mapping that forgets what is older than `ttl_seconds`, and, above `most`, what was used longest ago.

    `weigh` says how much a value counts against `most`; `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        most: float,
        ttl_seconds: float,
        weigh: Callable[[Value], float] = lambda _: 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._ttl_seconds, self._weigh, self._clock = most, ttl_seconds, weigh, clock
        self._kept: OrderedDict[Key, tuple[float, float, Value]] = OrderedDict()  # ends, weight, value
        self._weight = 0.0
        self._lock = threading.Lock()

    def keep(self, key: Key, value: Value) -> bool:
        """Remember a value; False where it alone is heavier than `most`."""
        weight = self._weigh(value)
        if weight > self._most:
            return False
        with self._lock:
            self._drop(key)
            self._kept[key] = (self._clock() + self._ttl_seconds, weight, value)
            self._weight += weight
            while self._weight > self._most:
                self._drop(next(iter(self._kept)))
        return True

    def find(self, key: Key) -> Value | None:
        """The value, or None where it was never kept or is forgotten. What is found lives on for another `ttl_seconds`."""
        with self._lock:
            self._expire()
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept[key] = (self._clock() + self._ttl_seconds, found[1], found[2])
            self._kept.move_to_end(key)
            return found[2]

    def forget(self, key: Key) -> bool:
        """Drop a value; False where there was none."""
        with self._lock:
            return self._drop(key)

    def __len__(self) -> int:
        with self._lock:
            self._expire()
            return len(self._kept)

    def _drop(self, key: Key) -> bool:
        found = self._kept.pop(key, None)
        if found is not None:
            self._weight -= found[1]
        return found is not None

    def _expire(self) -> None:
        now = self._clock()
        while self._kept:  # every use renews and moves to the end: the first entry is always the next to end
            key = next(iter(self._kept))
            if self._kept[key][0] > now:
                return
            self._drop(key)
