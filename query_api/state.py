"""How a server is, in one document: for `/statusz`, and once a minute as an event."""

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

import lookalike
from lookalike.bootstrap import House
from lookalike.errors import LookalikeError
from lookalike.ports.counting import HasFigures
from query_api.metrics import Metrics, waiting

_log = logging.getLogger("lookalike.state")


class ServerState:
    """What one server knows of itself and of what it stands on."""

    def __init__(self, house: House, metrics: Metrics) -> None:
        self._house, self._metrics = house, metrics
        self._began = time.monotonic()

    def as_json(self) -> dict[str, Any]:
        """All that is known without waiting for anybody for long."""
        status = self._metrics.pulse()
        looking, crew = self._house.looking, self._metrics.crew.figures()
        return {
            "version": lookalike.__version__,
            "uptime_seconds": round(time.monotonic() - self._began, 1),
            "recipe": self._house.recipe.id,
            "ready": status.ready,
            "engine": status.engine,
            "documents": status.documents,
            "queue": self.queue(),
            "recent": self._metrics.recent.as_json(),
            "intake": {
                "rows": self._house.figures.rows(),
                "stage_seconds": {name: round(spent, 3) for name, spent in self._house.figures.seconds().items()},
                "pictures": {"looked": looking.looked, "remembered": looking.remembered},
            },
            "workers": None if crew is None else crew.as_json(),
            "events": {"on": self._house.events.on, "waiting": self._house.events.waiting(), **self._house.events.counts()},
        }

    def queue(self) -> dict[str, int]:
        """What waits, by kind."""
        told = {"http": self._metrics.waiting(), "events": self._house.events.waiting()}
        for name, part in (("looks", self._house.analyser), ("jobs", self._house.runner)):
            if (many := waiting(part)) is not None:
                told[name] = many
        crew = self._metrics.crew.figures()
        return told if crew is None else told | {"looks": crew.urgent + crew.patient, "workers": len(crew.workers)}

    def event(self) -> dict[str, Any]:
        """The same for whoever draws it over time, with the engine's own figures where it has some."""
        status = self._metrics.pulse()
        told: dict[str, Any] = {"kind": "state", "ready": status.ready, "documents": status.documents, "queue": self.queue()}
        figures: Mapping[str, Any] = {}
        if status.ready and isinstance(self._house.engine, HasFigures):
            try:
                figures = self._house.engine.figures()
            except LookalikeError as error:
                _log.warning("The engine's figures cannot be had: %s", error)
        engine = {"name": status.engine, "version": figures.get("version"), "status": figures.get("health")}
        engine["size_bytes"] = figures.get("size_bytes")
        told["engine"] = {name: value for name, value in engine.items() if value is not None}
        return told | ({"knn": figures["knn"]} if "knn" in figures else {}) | {"recipe": self._house.recipe.id}

    def tell_until(self, stopped: threading.Event, seconds: float) -> None:
        """An event now and each time so many seconds have gone, until it is stopped."""
        if not self._house.events.on:
            return
        while True:
            self._house.events.tell(self.event())
            if stopped.wait(seconds):
                return
