"""The application: routes over a house, one error shape, one place for headers and figures."""

import logging
import time
from collections.abc import Callable
from typing import Any

from apiflask import APIFlask
from flask import Response, g, request
from flask.globals import app_ctx
from werkzeug.wrappers import Response as AnyResponse

import lookalike
from lookalike.bootstrap import House
from lookalike.domain import deadline
from lookalike.pictures.decode import Limits
from query_api import idempotency, openapi, problem
from query_api.front import BEGAN, REQUEST_ID, Front, IdConverter
from query_api.keys import check_key
from query_api.metrics import Metrics
from query_api.observing import Observer
from query_api.options import Options
from query_api.problem import new_request_id
from query_api.routes import catalogue, events, jobs, page, products, search, service, uploads
from query_api.state import ServerState

_requests = logging.getLogger("lookalike.requests")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
WRITTEN = frozenset({"products", "jobs"})
"""Blueprints whose routes may change the catalogue."""


def create_app(
    house: House, options: Options | None = None, metrics: Metrics | None = None, warm: Callable[[], bool] = lambda: True
) -> APIFlask:
    """A WSGI application over a house; nothing is shared between two of them.

    `warm` tells `/readyz` whether the networks have answered once.
    """
    options = options or Options.of(house.settings)
    metrics = metrics or Metrics(house)
    observer = Observer(house, metrics)
    app = APIFlask(
        "query_api",
        title="Lookalike",
        version=lookalike.__version__,
        json_errors=False,
        docs_path=None,
        spec_path=None,
        static_folder=None,  # type: ignore[arg-type]  # Flask takes None: pages have routes of their own
    )
    app.config["MAX_CONTENT_LENGTH"] = options.max_body
    app.config |= {"OPENAPI_VERSION": "3.1.0", "AUTO_404_RESPONSE": False, "AUTO_SERVERS": False}
    app.url_map.merge_slashes = False  # "a//b" is another path than "a/b", and no redirect
    app.url_map.converters["id"] = IdConverter
    problem.install(app)
    _watch(app, options, metrics, observer)
    idempotency.install(app, idempotency.Answered(options.idempotency_ttl), lambda: request.blueprint in WRITTEN)
    app.register_blueprint(search.blueprint(house, observer))
    app.register_blueprint(products.blueprint(house, observer))
    app.register_blueprint(jobs.blueprint(house))
    app.register_blueprint(events.blueprint(house))
    limits = Limits(bytes=int(house.settings.picture_bytes), pixels=house.settings.max_pixels)
    app.register_blueprint(catalogue.blueprint(house, limits))
    app.register_blueprint(uploads.blueprint(house, limits))
    app.register_blueprint(service.blueprint(house, metrics, ServerState(house, metrics), warm))
    app.register_blueprint(page.blueprint(options.page, reports=options.page_events and house.events.on))
    openapi.install(app)
    app.wsgi_app = Front(app.wsgi_app)  # type: ignore[method-assign]
    return app


def _watch(app: APIFlask, options: Options, metrics: Metrics, observer: Observer) -> None:
    @app.before_request
    def begin() -> None:
        environ, kept = request.environ, app_ctx.g  # both are looked up at every use
        kept.request_id = environ.get(REQUEST_ID) or new_request_id()
        kept.began = float(environ.get(BEGAN, time.monotonic()))
        kept.deadline = kept.began + options.deadline_seconds
        kept.waiting = deadline.begin(kept.deadline)
        if request.blueprint in WRITTEN:
            check_key(options.write_key)

    @app.teardown_request
    def left(_: BaseException | None) -> None:
        if "waiting" in g:
            deadline.end(g.pop("waiting"))

    @app.after_request
    def end(response: Response) -> Response:
        observer.ended()
        _count(response, metrics, logged=options.log_requests)
        return response


def _count(response: AnyResponse, metrics: Metrics, *, logged: bool) -> None:
    route: Any = request.url_rule.rule if request.url_rule is not None else "none"
    method = request.method if request.method in _METHODS else "other"
    seconds = time.monotonic() - g.get("began", time.monotonic())
    metrics.answered(method, route, response.status_code, seconds)
    if logged:
        fields = {"method": method, "route": route, "status": response.status_code, "milliseconds": round(seconds * 1000, 1)}
        _requests.info("%s %s %d %.1f ms", *fields.values(), extra={"fields": fields})
