"""What Prometheus may know: requests, stages, documents, queue."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lookalike.ports.engine import SearchEngine

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)


class Metrics:
    """One app's figures, in a registry of its own."""

    def __init__(self, engine: SearchEngine) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter("lookalike_http_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry)
        self._seconds = Histogram("lookalike_http_request_seconds", "Time to answer.", ["route"], buckets=_SECONDS, registry=self._registry)
        self._stages = Histogram(
            "lookalike_search_stage_seconds", "Where a search's time goes.", ["stage"], buckets=_SECONDS, registry=self._registry
        )
        self.waiting: Callable[[], int] = lambda: 0
        self._registry.register(_State(engine, self))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def searched(self, took_ms: Mapping[str, float]) -> None:
        """Count a search's stages."""
        for stage, milliseconds in took_ms.items():
            self._stages.labels(stage).observe(milliseconds / 1000)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self._registry)


class _State(Collector):
    """Asked at each scrape, so that nothing has to keep it up to date."""

    def __init__(self, engine: SearchEngine, metrics: Metrics) -> None:
        self._engine, self._metrics = engine, metrics

    def collect(self) -> Iterable[Metric]:
        status = self._engine.status()
        yield GaugeMetricFamily("lookalike_documents", "Products in the index.", value=status.documents)
        yield GaugeMetricFamily("lookalike_engine_ready", "1 where the engine answers.", value=float(status.ready))
        yield GaugeMetricFamily("lookalike_http_waiting", "Requests that wait for a thread.", value=float(self._metrics.waiting()))

    def describe(self) -> Iterable[Metric]:
        return []
