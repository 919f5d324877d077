"""The last minutes of one server, second by second forgotten: for `/statusz`, which `lookalike status` reads."""

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

WINDOW_SECONDS = 300.0
MOST_SAMPLES = 2_000
"""Searches whose stages are remembered: quantiles of the last so many, where there were more in the window."""


class Recent:
    """Sums and quantiles over the last five minutes. Threads may add at once; memory is bounded."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._began = clock()
        self._counts: deque[tuple[int, Counter[str]]] = deque()
        self._samples: deque[tuple[float, Mapping[str, float]]] = deque(maxlen=MOST_SAMPLES)

    def count(self, *names: str) -> None:
        """One more of each."""
        with self._lock:
            now = int(self._clock())
            if not self._counts or self._counts[-1][0] != now:
                self._counts.append((now, Counter()))
                while self._counts[0][0] < now - WINDOW_SECONDS:
                    self._counts.popleft()
            self._counts[-1][1].update(names)

    def searched(self, took_ms: Mapping[str, float]) -> None:
        """The stages of a search."""
        with self._lock:
            self._samples.append((self._clock(), took_ms))

    def as_json(self) -> dict[str, Any]:
        """`seconds` that it covers, `counts`, and p50, p95 and p99 of each stage in ms."""
        with self._lock:
            now = self._clock()
            counts: Counter[str] = Counter()
            for at, one in self._counts:
                if at >= now - WINDOW_SECONDS:
                    counts.update(one)
            samples = [took for at, took in self._samples if at >= now - WINDOW_SECONDS]
        stages = {name for took in samples for name in took}
        return {
            "seconds": round(min(WINDOW_SECONDS, max(1.0, now - self._began)), 1),
            "counts": dict(sorted(counts.items())),
            "stages_ms": {name: quantiles([took[name] for took in samples if name in took]) for name in sorted(stages)},
        }


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99 by nearest rank; {} of nothing."""
    ordered = sorted(values)
    return {name: round(ordered[max(0, math.ceil(part * len(ordered)) - 1)], 2) for name, part in _PARTS if ordered}


_PARTS = (("p50", 0.50), ("p95", 0.95), ("p99", 0.99))
