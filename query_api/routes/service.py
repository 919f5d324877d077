"""`/healthz`, `/readyz`, `/statusz` and `/metrics`: what operators ask."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint
from flask import Response

import lookalike
from lookalike.bootstrap import House
from lookalike.ports.vision import Elsewhere
from query_api.metrics import CONTENT_TYPE, Metrics
from query_api.problem import Kind, refusal
from query_api.state import ServerState
from query_api.telling import answer

_NOT_READY = Kind(503, "not-ready", "Not ready yet")


def blueprint(house: House, metrics: Metrics, state: ServerState, warm: Callable[[], bool]) -> APIBlueprint:
    """The routes of operation. `warm` says whether the networks have answered once."""
    routes = APIBlueprint("service", __name__)

    @routes.get("/healthz")
    @routes.doc(operation_id="healthz", tags=["Service"])
    def healthz() -> Response:
        """Whether the process lives."""
        return answer({"status": "ok", "version": lookalike.__version__})

    @routes.get("/readyz")
    @routes.doc(operation_id="readyz", tags=["Service"])
    def readyz() -> Response:
        """Whether searches are answered: networks loaded, index open; an empty index is ready. Without workers it is degraded."""
        status = house.engine.status()
        told: dict[str, Any] = {
            "engine": status.engine,
            "documents": status.documents,
            "recipe": status.recipe or house.recipe.id,
            "writable": status.writable,
            "recall": (status.details or {}).get("recall"),
            "details": _figures(status.details or {}),
        }
        if not status.ready or not warm():
            detail = "The networks are being loaded." if status.ready else "The index does not answer."
            return refusal(_NOT_READY, detail, headers={"Retry-After": "1"}, more=told)
        if isinstance(house.analyser, Elsewhere):
            networks = house.analyser.networks()
            told["networks"] = asdict(networks)
            if not networks.there:  # searches are answered, if without looking at pictures: no reason to send them nowhere
                return answer({"status": "degraded", **told})
        return answer({"status": "ready", **told})

    @routes.get("/statusz")
    @routes.doc(operation_id="statusz", tags=["Service"])
    def statusz() -> Response:
        """How this server is: queues, the last five minutes, intake, events."""
        return answer(state.as_json())

    @routes.get("/metrics")
    @routes.doc(operation_id="metrics", tags=["Service"])
    def measured() -> Response:
        """Figures for Prometheus."""
        return Response(metrics.text(), content_type=CONTENT_TYPE)

    return routes


def _figures(details: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers only: an engine's texts may name folders and hosts, which concern operators alone."""
    groups = {name: _figures(value) for name, value in details.items() if isinstance(value, Mapping)}
    return {name: value for name, value in details.items() if isinstance(value, int | float) and math.isfinite(value)} | groups
