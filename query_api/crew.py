"""The workers, seen from a server: what they tell of themselves in Redis, for metrics and `/statusz`."""

import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from lookalike.settings import Settings

if TYPE_CHECKING:
    from lookalike.broker.figures import LookFigures

FRESH_SECONDS = 1.0
BATCHES = (1, 2, 4, 8, 16, 32, 64)
_WHAT = ("asked", "answered", "refused", "late", "lost", "requeued", "poison")


class Crew:
    """Asks Redis at most once a second; where it does not answer within a moment, nobody is known to be there.

    Does nothing where no part of this house works through Redis.
    """

    def __init__(self, settings: Settings, recipe_id: str) -> None:
        self.wanted = "celery" in (settings.analyser, settings.runner)
        self._settings, self._recipe_id = settings, recipe_id
        self._lock = threading.Lock()
        self._client: Any = None
        self._told: LookFigures | None = None
        self._told_at = float("-inf")

    def figures(self) -> "LookFigures | None":
        """What is known of queues and workers; None where Redis does not answer, or is not wanted."""
        if not self.wanted:
            return None
        with self._lock:
            if time.monotonic() - self._told_at > FRESH_SECONDS:
                self._told, self._told_at = self._asked(), time.monotonic()
            return self._told

    def _asked(self) -> "LookFigures | None":
        from redis.exceptions import RedisError

        from lookalike.broker.connection import connect
        from lookalike.broker.figures import figures

        if self._client is None:
            self._client = connect(self._settings.redis)
        try:
            return figures(self._client, self._recipe_id)
        except RedisError:
            return None

    def metrics(self) -> Iterable[Metric]:
        """What Prometheus may know of them, where they are wanted."""
        if not self.wanted:
            return
        told = self.figures()
        yield GaugeMetricFamily("lookalike_redis_ready", "1 where Redis answers.", value=float(told is not None))
        yield GaugeMetricFamily("lookalike_workers", "Worker processes that live.", value=0.0 if told is None else float(len(told.workers)))
        if told is None:
            return
        yield GaugeMetricFamily("lookalike_looks_in_hand", "Pictures that workers look at now.", value=float(told.in_hand))
        yield GaugeMetricFamily("lookalike_looks_rate", "Pictures a second that the workers can do together.", value=told.rate)
        looks = CounterMetricFamily("lookalike_looks", "Pictures sent to workers, by what became of them.", labels=["outcome"])
        for outcome in _WHAT:
            looks.add_metric([outcome], told.counts.get(outcome, 0))
        yield looks
        for name, about in (("waited", "Seconds that pictures waited for a worker."), ("busy", "Seconds that workers looked.")):
            yield CounterMetricFamily(f"lookalike_looks_{name}_seconds", about, value=told.counts.get(f"{name}_ms", 0) / 1000)
        messages = GaugeMetricFamily("lookalike_queue_messages", "Messages that wait in Celery's queues.", labels=["queue"])
        for queue, depth in told.messages.items():
            messages.add_metric([queue], depth)
        yield messages


def batch_histogram(counts: dict[int, int]) -> Metric:
    """How many pictures were looked at together, of counts by size."""
    below = [(str(float(edge)), float(sum(many for size, many in counts.items() if size <= edge))) for edge in BATCHES]
    made = HistogramMetricFamily("lookalike_look_batch_pictures", "Pictures that the networks looked at together.")
    edges = [*below, ("+Inf", float(sum(counts.values())))]
    made.add_metric([], edges, sum_value=float(sum(size * many for size, many in counts.items())))
    return made
