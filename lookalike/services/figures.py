"""What the intake of products has done since the process began: for metrics, events and `lookalike status`."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class IntakeFigures:
    """Sums, added to by any thread. Stages are fetch, decode, analyse and engine; outcomes those of `Outcome`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[str, float] = {}
        self._rows: Counter[str] = Counter()

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """The seconds of the block go to a stage."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.spent({stage: (time.perf_counter() - began) * 1000})

    def spent(self, milliseconds: Mapping[str, float]) -> None:
        """Milliseconds of work by stage; what runs side by side adds up."""
        with self._lock:
            for stage, more in milliseconds.items():
                self._seconds[stage] = self._seconds.get(stage, 0.0) + more / 1000

    def came(self, outcomes: Mapping[str, int]) -> None:
        """Rows by what became of them."""
        with self._lock:
            self._rows.update(outcomes)

    def seconds(self) -> dict[str, float]:
        """Seconds by stage so far."""
        with self._lock:
            return dict(self._seconds)

    def rows(self) -> dict[str, int]:
        """Rows by outcome so far."""
        with self._lock:
            return dict(self._rows)
