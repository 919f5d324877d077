"""Events as JSON, in the words of User Behavior Insights (UBI 1.3) where it has words: `query_id`, `user_query`, `action_name` …

What a shopper sent as a picture is never in one, nor an upload's id, nor any address. Texts are cut, lists are short.
"""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from lookalike.domain.commands import Progress, RowFailure
from lookalike.domain.filters import All, AnyOf, Filter, Not
from lookalike.domain.query import Answer, Like, SearchRequest

ACTIONS = ("view", "click", "add_to_cart", "purchase")
"""What shoppers do, in UBI's words."""
MOST_HITS = 100
"""Ids of hits that an event holds."""
LOW_SIMILARITY = 0.5
"""A picture search whose best hit is below this cosine is worth a look by whoever keeps the catalogue; nothing is decided by it."""
_LONGEST = 512

Json = dict[str, Any]


def searched(query_id: str, request: SearchRequest, answer: Answer | None, *, outcome: str, recipe: str, client_id: str | None) -> Json:
    """A search: what was asked, what came of it, where the time went. `answer` is None where it failed."""
    told: Json = {
        "kind": "search",
        "query_id": query_id,
        "client_id": client_id,
        "user_query": request.text[:_LONGEST] if request.text else None,
        "query_attributes": _asked(request),
        "outcome": outcome,
        "recipe": recipe,
    }
    if answer is not None:
        hits = answer.page.hits
        best = max((hit.similarity for hit in hits if hit.similarity is not None), default=None)
        told |= {
            "object_id_field": "id",
            "query_response_hit_ids": [hit.id for hit in hits[:MOST_HITS]],
            "total": answer.page.total,
            "strategy": answer.page.strategy,
            "best_score": round(float(hits[0].score), 4) if hits else None,
            "best_similarity": None if best is None else round(float(best), 4),
            "low_similarity": None if best is None else float(best) < LOW_SIMILARITY,
            "predicted_category": answer.categories[0][0][:_LONGEST] if answer.categories else None,
            "notices": len(answer.notices),
            "took_ms": {stage: round(float(spent), 2) for stage, spent in answer.took_ms.items()},
        }
    return told


def acted(told: Mapping[str, Any]) -> Json:
    """What a shopper did, of the checked fields of POST /v1/events."""
    attributes: Json = {"object": {"object_id": told["object_id"], "object_id_field": "id"}}
    if told.get("position") is not None:
        attributes["position"] = {"ordinal": told["position"]}
    kept = ("action_name", "query_id", "client_id", "session_id", "user_query", "message", "timestamp")
    return {"kind": "action", **{name: told.get(name) for name in kept}, "event_attributes": attributes}


def ingested(
    origin: str, run: str | None, state: str, counts: Mapping[str, int], *, seconds: float, recipe: str, stages: Mapping[str, float] = {}
) -> Json:
    """The end of a run, a bulk job or a single change. `stages`: seconds of work in each, which may run side by side."""
    return {
        "kind": "ingest",
        "origin": origin,
        "run": run,
        "outcome": state,
        "counts": dict(counts),
        "seconds": round(seconds, 3),
        "rows_per_second": round(sum(counts.get(name, 0) for name in ("indexed", "done", "unchanged")) / seconds, 2)
        if seconds > 0
        else None,
        "stage_seconds": {name: round(spent, 6) for name, spent in stages.items()},
        "recipe": recipe,
    }


def failed(origin: str, run: str | None, failure: RowFailure) -> Json:
    """A row that did not arrive whole."""
    return {
        "kind": "failure",
        "origin": origin,
        "run": run,
        "row": failure.row,
        "object_id": None if failure.id is None else failure.id.encode("utf-8", "replace").decode()[:_LONGEST],
        "reason": failure.reason,
        "message": failure.message[: 2 * _LONGEST],
    }


def counts_of(progress: Progress) -> dict[str, int]:
    """The counts of a job."""
    return {"total": progress.total, "done": progress.done, "unchanged": progress.unchanged, "failed": len(progress.failures)}


def moment(at: datetime.datetime | None = None) -> str:
    """A time as events have it: ISO 8601, UTC, milliseconds."""
    return (at or datetime.datetime.now(datetime.UTC)).astimezone(datetime.UTC).isoformat(timespec="milliseconds")


def _asked(request: SearchRequest) -> Json:
    kinds = {_kind(one) for one in request.like} | {f"not {_kind(one)}" for one in request.unlike}
    return {
        "like": sorted(kinds),
        "boxed": any(one.box is not None for one in request.like),
        "tags": [tag[:_LONGEST] for tag in request.tags[:20]],
        "filter_fields": sorted(set(_fields(request.filter)))[:20],
        "category": request.category[:_LONGEST],
        "sort": request.sort[:100],
        "limit": request.limit,
        "continued": request.cursor is not None,
    }


def _kind(one: Like) -> str:
    return "product" if one.product is not None else "vector" if one.vector is not None else "text" if one.text is not None else "picture"


def _fields(rule: Filter) -> Iterable[str]:
    if isinstance(rule, All | AnyOf):
        for one in rule.parts:
            yield from _fields(one)
    elif isinstance(rule, Not):
        yield from _fields(rule.part)
    else:
        yield rule.field[:100]
