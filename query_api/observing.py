"""What is noted of each search: metrics, a `query_id` that clicks can name, and an event for those who keep them."""

import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import g, request

from lookalike.bootstrap import House
from lookalike.domain import events
from lookalike.domain.query import Answer, SearchRequest
from lookalike.domain.request_id import sane
from query_api.metrics import Metrics
from query_api.problem import kind_of

_OVERLOADED, _DEFECT, _AWAY = 429, 500, 503
_log = logging.getLogger("lookalike.events")


@dataclass(slots=True)
class Noted:
    """One search on its way. The route says what was found."""

    request: SearchRequest
    query_id: str
    answer: Answer | None = None
    outcome: str = "failed"
    client_id: str | None = None


class Observer:
    """Notes searches; nothing of it slows or fails one."""

    def __init__(self, house: House, metrics: Metrics) -> None:
        self._house, self._metrics = house, metrics

    @contextmanager
    def search(self, asked: SearchRequest) -> Iterator[Noted]:
        """Inside the block a search is answered; what comes of it is told once the response is made (`ended`)."""
        noted = g.search = Noted(asked, str(uuid.uuid4()), client_id=sane(request.headers.get("X-Client-Id")))
        try:
            yield noted
        except Exception as error:
            status = kind_of(error).status
            noted.outcome = {_OVERLOADED: "overloaded", _AWAY: "unavailable"}.get(status, "failed" if status >= _DEFECT else "refused")
            raise
        found = noted.answer
        # a further page that holds nothing is the end of something, not a search that found nothing
        noted.outcome = "found" if found is not None and (found.page.hits or asked.cursor) else "empty"

    def ended(self) -> None:
        """The response of this request is made: count its search, where it was one."""
        noted: Noted | None = g.get("search")
        if noted is None:
            return
        found = noted.answer
        took_ms = {} if found is None else dict(found.took_ms)
        if found is not None:
            took_ms["http"] = round(max(0.0, (time.monotonic() - g.began) * 1000 - took_ms.get("total", 0.0)), 2)
        degraded = found is not None and found.degraded
        self._metrics.searched(took_ms, noted.outcome, degraded=degraded)
        if self._house.events.samples(noted.query_id):
            try:
                self._tell(noted, {"took_ms": took_ms, "degraded": degraded} if found is not None else {})
            except Exception:  # noqa: BLE001 — whatever it is, no search suffers by it
                _log.exception("A search cannot be told as an event")  # it was answered, and that counts

    def _tell(self, noted: Noted, more: dict[str, Any]) -> None:
        event = events.searched(
            noted.query_id,
            noted.request,
            noted.answer,
            outcome=noted.outcome,
            recipe=self._house.recipe.id,
            client_id=noted.client_id,
        )
        self._house.events.tell(event | more)


def with_query_id(answer: dict[str, Any], noted: Noted) -> dict[str, Any]:
    """An answer with the id that clicks name."""
    return {"query_id": noted.query_id, **answer}
