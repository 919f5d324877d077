"""What Prometheus may know: requests, searches and ingests by stage and outcome, queues, events, the engine.

Labels have few values, all of ours: routes, stages, outcomes. What other parts count is asked for at each scrape.
"""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lookalike.bootstrap import House
from lookalike.ports.counting import CountsBatches, CountsWaiting
from query_api.crew import Crew, batch_histogram
from query_api.pulse import Pulse
from query_api.recent import Recent

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
STAGES = ("fetch", "decode", "analyse", "engine", "http", "total")
"""Of a search; `http` is what the request took besides: reading, parsing, writing the answer."""
INTAKE_STAGES = ("fetch", "decode", "analyse", "engine")
OUTCOMES = ("found", "empty", "refused", "overloaded", "unavailable", "failed")
"""Of a search: with hits, without; the caller was wrong; too much at once; something is away; a defect."""
ROW_STATES = ("indexed", "unchanged", "removed", "failed")


class Metrics:
    """One app's figures, in a registry of its own. Threads may add at once."""

    def __init__(self, house: House) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter("lookalike_http_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry)
        self._seconds = Histogram(
            "lookalike_http_request_seconds",
            "Time from a request's arrival to its answer, its wait for a thread included.",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._stages = Histogram(
            "lookalike_search_stage_seconds", "Where a search's time goes.", ["stage"], buckets=_SECONDS, registry=self._registry
        )
        self._searches = Counter("lookalike_searches", "Searches by what came of them.", ["outcome"], registry=self._registry)
        self._degraded = Counter("lookalike_searches_degraded", "Searches answered without the networks.", registry=self._registry)
        self._stage = {stage: self._stages.labels(stage) for stage in STAGES}  # a label's series is kept: finding it is half of counting
        self._outcome = {outcome: self._searches.labels(outcome) for outcome in OUTCOMES}  # there from the beginning: alerts need that
        self._answered: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.waiting: Callable[[], int] = lambda: 0
        self.recent = Recent()
        self.crew = Crew(house.settings, house.recipe.id)
        self.pulse = Pulse(house.engine.status)
        self._registry.register(_State(house, self))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        series = self._answered.get((method, route, status))
        if series is None:
            series = self._answered[method, route, status] = self._requests.labels(method, route, str(status)), self._seconds.labels(route)
        series[0].inc()
        series[1].observe(seconds)
        self.recent.count("requests", f"{status // 100}xx", *(("overloaded",) if status == 429 else ()))

    def searched(self, took_ms: Mapping[str, float], outcome: str, *, degraded: bool = False) -> None:
        """Count a search, with its stages where it was answered."""
        self._outcome[outcome].inc()
        self.recent.count("searches", outcome, *(("degraded",) if degraded else ()), *(("pictures",) if "decode" in took_ms else ()))
        if degraded:
            self._degraded.inc()
        for stage, milliseconds in took_ms.items():
            (self._stage.get(stage) or self._stages.labels(stage)).observe(milliseconds / 1000)
        if took_ms:
            self.recent.searched(took_ms)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self._registry)


class _State(Collector):
    """Asked at each scrape, so that nothing has to keep it up to date."""

    def __init__(self, house: House, metrics: Metrics) -> None:
        self._house, self._metrics = house, metrics

    def collect(self) -> Iterable[Metric]:
        status = self._metrics.pulse()
        yield _gauge("documents", "Products in the index.", status.documents)
        yield _gauge("engine_ready", "1 where the engine answers.", status.ready)
        yield _gauge("http_waiting", "Requests that wait for a thread.", self._metrics.waiting())
        yield from self._queues()
        yield from self._intake()
        yield from self._events()

    def describe(self) -> Iterable[Metric]:
        return []

    def _queues(self) -> Iterable[Metric]:
        analyser, runner, told = self._house.analyser, self._house.runner, self._metrics.crew.figures()
        if told is not None:
            yield _gauge("looks_waiting", "Pictures that wait for the networks.", told.urgent + told.patient)
            yield batch_histogram(dict(told.batch_sizes))
        elif (looks := waiting(analyser)) is not None:
            yield _gauge("looks_waiting", "Pictures that wait for the networks.", looks)
        if told is None and isinstance(analyser, CountsBatches):
            yield batch_histogram(dict(analyser.batches()))
        if (jobs := waiting(runner)) is not None:  # a series with a gap is true; a zero would not be
            yield _gauge("jobs_waiting", "Bulk jobs that wait.", jobs)
        yield from self._metrics.crew.metrics()

    def _intake(self) -> Iterable[Metric]:
        figures, looking = self._house.figures, self._house.looking
        seconds = CounterMetricFamily("lookalike_ingest_stage_seconds", "Seconds of work of the intake of products.", labels=["stage"])
        spent = figures.seconds()
        for stage in INTAKE_STAGES:
            seconds.add_metric([stage], spent.get(stage, 0.0))
        yield seconds
        rows = CounterMetricFamily("lookalike_ingest_rows", "Products written, by what became of them.", labels=["outcome"])
        came = figures.rows()
        for outcome in ROW_STATES:
            rows.add_metric([outcome], came.get(outcome, 0))
        yield rows
        pictures = CounterMetricFamily("lookalike_ingest_pictures", "The catalogue's pictures: looked at, or remembered.", labels=["how"])
        pictures.add_metric(["looked"], looking.looked)
        pictures.add_metric(["remembered"], looking.remembered)
        yield pictures

    def _events(self) -> Iterable[Metric]:
        events = CounterMetricFamily("lookalike_events", "Events by what became of them.", labels=["outcome"])
        for outcome, count in self._house.events.counts().items():
            events.add_metric([outcome], count)
        yield events
        yield _gauge("events_waiting", "Events that are not written yet.", self._house.events.waiting())


def waiting(part: object) -> int | None:
    """How much waits at an analyser or a runner; None where it does not tell."""
    return part.waiting() if isinstance(part, CountsWaiting) else None


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"lookalike_{name}", about, value=float(value))
