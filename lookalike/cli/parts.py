"""The parts of a house, each looked at by itself and within a time: what `lookalike status` shows."""

import json
import queue
import statistics
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from lookalike import bootstrap
from lookalike.domain.query import EngineQuery
from lookalike.errors import IndexNotFound, LookalikeError
from lookalike.ports.counting import HasFigures
from lookalike.ports.engine import EngineStatus, SearchEngine
from lookalike.settings import Settings

State = Literal["fine", "degraded", "away", "off"]
SEARCHES = 5
"""Tries of each kind of search; the median is told."""
SHOWN_RUNS = 5
Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One part: how it is, in a sentence, and its figures. `off`: it is not asked for by any setting, or does not run here."""

    name: str
    state: State
    sentence: str
    figures: Figures = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For reports."""
        return {"state": self.state, "sentence": self.sentence, **self.figures}


Looked = Callable[[], Part]


def look(parts: Mapping[str, Looked], seconds: float) -> list[Part]:
    """All parts at once, in their order; one that raises, or does not come in time, is away, and no other suffers."""
    came: queue.SimpleQueue[Part] = queue.SimpleQueue()

    def one(name: str, looked: Looked) -> None:
        try:
            came.put(looked())
        except LookalikeError as error:
            came.put(Part(name, "away", str(error)))
        except Exception as error:  # noqa: BLE001 — a defect in one part must not hide the others
            came.put(Part(name, "away", f"{type(error).__name__}: {error}"))

    for name, looked in parts.items():
        threading.Thread(target=one, args=(name, looked), daemon=True).start()
    found: dict[str, Part] = {}
    until = time.monotonic() + seconds
    while len(found) < len(parts):
        try:
            part = came.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            break
        found[part.name] = part
    late = f"No answer within {seconds:g} s."
    return [found.get(name) or Part(name, "away", late) for name in parts]


def index(settings: Settings) -> Part:
    """Engine, documents, recipe, health, size, and how long searches take."""
    with closing(bootstrap.open_engine(settings)) as engine:
        status = engine.status()
        if not status.ready:
            return Part("index", "away", status.message or "The index does not answer.", {"engine": status.engine})
        told: dict[str, Any] = {"engine": status.engine, "documents": status.documents, "recipe": status.recipe}
        told |= {name: value for name, value in (status.details or {}).items() if name in ("version", "index", "recall", "path", "address")}
        if isinstance(engine, HasFigures):
            told |= engine.figures()
        if status.recipe is not None:
            told["search_ms"] = _timed(engine, settings)
        state, sentence = _judged(status, told, bootstrap.recipe_of(settings).id)
        return Part("index", state, sentence, told)


def _judged(status: EngineStatus, told: Figures, recipe: str) -> tuple[State, str]:
    plain = f"{status.documents:,} products."
    if status.recipe is not None and status.recipe != recipe:
        return "degraded", f"{plain} Its recipe is {status.recipe}, but {recipe} is set: searches by picture are refused."
    if told.get("health") == "red":
        return "degraded", f"{plain} OpenSearch says red: a part of the index is not there."
    if told.get("health") == "yellow":
        missing = told.get("unassigned_shards", 0)
        return "degraded", f"{plain} OpenSearch says yellow: {missing} copies of its parts have no node (on one node: set replicas=0)."
    if told.get("knn", {}).get("circuit_breaker_triggered"):
        return "degraded", f"{plain} The k-NN memory of OpenSearch is full (circuit breaker)."
    return "fine", plain


def _timed(engine: SearchEngine, settings: Settings) -> dict[str, float]:
    """The medians of a few small searches, in ms."""
    vector = np.random.default_rng(7).standard_normal(bootstrap.recipe_of(settings).dimension).astype(np.float32)
    vector /= np.linalg.norm(vector)
    kinds = {"newest": EngineQuery(limit=10), "words": EngineQuery(words="red shoe", weights={"text": 1.0}, limit=10)}
    if engine.status().recipe == bootstrap.recipe_of(settings).id:
        kinds["vector"] = EngineQuery(vector=vector, weights={"picture": 1.0}, limit=10)
    return {name: round(statistics.median(_once(engine, query) for _ in range(SEARCHES)), 2) for name, query in kinds.items()}


def _once(engine: SearchEngine, query: EngineQuery) -> float:
    began = time.perf_counter()
    engine.search(query)
    return (time.perf_counter() - began) * 1000


def server(address: str, *, asked: bool, seconds: float) -> Part:
    """A running `lookalike serve`: its last minutes. `asked`: somebody expects one there."""
    url = f"{address.rstrip('/')}/statusz"
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=seconds) as answer:
            told = json.load(answer)
            counts, over = told["recent"]["counts"], told["recent"]["seconds"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = getattr(error, "reason", None) or error
        if not asked and isinstance(reason, ConnectionRefusedError):
            return Part("server", "off", f"None runs at {address}.")
        return Part("server", "away", f"{address} does not tell its state: {reason}.")
    figures = {"address": address, **told, "per_second": {name: round(counts.get(name, 0) / over, 2) for name in ("searches", "pictures")}}
    bad = {name: counts[name] for name in ("unavailable", "failed", "degraded", "overloaded") if counts.get(name)}
    sentence = f"{counts.get('searches', 0):,} searches in the last {over:.0f} s."
    if not told["ready"]:
        return Part("server", "degraded", f"{sentence} Its index does not answer.", figures)
    if bad:
        return Part("server", "degraded", f"{sentence} Of these {', '.join(f'{many:,} {name}' for name, many in bad.items())}.", figures)
    return Part("server", "fine", sentence, figures)


def workers(settings: Settings) -> Part:
    """Redis, its queues, and the workers that live; off where all work is done in the server's own process."""
    if "celery" not in (settings.analyser, settings.runner):
        return Part("workers", "off", "Networks and jobs run in the server's own process.")
    from redis.exceptions import RedisError

    from lookalike.broker.connection import connect, shown
    from lookalike.broker.figures import figures

    with closing(connect(settings.redis)) as client:
        try:
            told = figures(client, bootstrap.recipe_of(settings).id)
        except RedisError as error:
            return Part("workers", "away", f"Redis at {shown(settings.redis)} does not answer ({type(error).__name__}). Is it running?")
    jobs = _jobs(settings) if settings.runner == "celery" else None
    figured = told.as_json() | ({} if jobs is None else {"jobs": jobs})
    waiting = f"{told.urgent + told.patient:,} pictures wait."
    if settings.analyser == "celery" and not told.workers:
        sentence = f"No worker looks at pictures: searches by picture are answered without looking. {waiting} Start one: lookalike worker."
        return Part("workers", "degraded", sentence, figured)
    if jobs is not None and not jobs["workers"]:
        return Part("workers", "degraded", f"No worker does jobs: they wait. {waiting} Start one: lookalike worker.", figured)
    return Part("workers", "fine", f"{len(told.workers)} look, {told.rate:,.1f} pictures a second. {waiting}", figured)


def _jobs(settings: Settings) -> dict[str, Any]:
    """The workers that do the jobs of this index, and the job at work."""
    from lookalike.runners.celery import board_of

    with closing(board_of(settings)) as board:
        return {"workers": board.workers(), "leading": board.leading()}


def runs(settings: Settings) -> Part:
    """The last runs and jobs, from the ledger."""
    with closing(bootstrap.ledger_of(settings)) as ledger:
        found = ledger.latest(SHOWN_RUNS)
    told = {"runs": [one.as_json() for one in found]}
    if not found:
        return Part("runs", "off", "No run is known.", told)
    last = found[0]
    sentence = (
        f"The last, {last.id}, is {last.state}: {', '.join(f'{many:,} {name}' for name, many in last.counts.items() if many) or 'nothing'}."
    )
    if last.state in ("failed", "killed"):
        return Part("runs", "degraded", f"{sentence} {last.message or ''}".rstrip(), told)
    return Part("runs", "fine", sentence, told)


def house(settings: Settings, api: str | None, seconds: float) -> list[Part]:
    """Everything; nothing takes longer than so many seconds."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    where = api or f"http://{'127.0.0.1' if host in ('0.0.0.0', '[::]') else host}:{settings.port}"  # noqa: S104 — who listens to all is asked here
    return look(
        {
            "index": lambda: _known(index, settings),
            "server": lambda: server(where, asked=api is not None, seconds=seconds),
            "workers": lambda: workers(settings),
            "runs": lambda: runs(settings),
        },
        seconds,
    )


def _known(looked: Callable[[Settings], Part], settings: Settings) -> Part:
    try:
        return looked(settings)
    except IndexNotFound as error:
        return Part("index", "away", str(error))
