"""The one error shape (RFC 9457), and the one table of what status an exception becomes."""

import json
import logging
import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from lookalike import errors
from lookalike.errors import Problem

logger = logging.getLogger("lookalike.http")
MIMETYPE = "application/problem+json"
MOST_PROBLEMS = 20
LONGEST_DETAIL = 1_500


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of the table: HTTP status, the last part of the problem's `type`, its title, and what to say instead of the message."""

    status: int
    name: str
    title: str
    detail: str | None = None


_AWAY = "The index cannot be used at the moment; the server's log says why. Try again later."
TABLE: Mapping[type[Exception], Kind] = {
    errors.InvalidInput: Kind(422, "invalid-input", "What was sent is impossible"),
    errors.PictureUnreadable: Kind(415, "picture-unreadable", "This is not a picture that we read"),
    errors.PictureUnavailable: Kind(422, "picture-unavailable", "A picture cannot be had"),
    errors.NotFound: Kind(404, "not-found", "There is no such thing"),
    errors.VersionConflict: Kind(412, "version-conflict", "The product has changed in between"),
    errors.Poison: Kind(422, "poison", "Whoever worked on this died of it"),
    errors.Overloaded: Kind(429, "overloaded", "Too much at once"),
    errors.Unavailable: Kind(503, "unavailable", "Not available for now"),
    # what is wrong with an index is the operator's business: such messages name files, so they go to the log alone
    errors.StorageFull: Kind(503, "storage-full", "The index cannot grow", "The index has no room for more. Nothing was changed."),
    errors.IndexProblem: Kind(503, "index-unusable", "The index cannot be used", _AWAY),
    errors.LookalikeError: Kind(503, "misconfigured", "The server is not set up for this", _AWAY),
}
"""The row of the nearest class in an exception's ancestry counts."""

DEFECT = Kind(500, "defect", "This is a defect of the server", "Please report it with the request_id; the server's log says more.")
PROTOCOL: Mapping[int, Kind] = {
    400: Kind(400, "bad-request", "This is not a request that we understand"),
    401: Kind(401, "unauthorised", "Writing needs a key"),
    404: Kind(404, "no-such-page", "There is no such page"),
    405: Kind(405, "method-not-allowed", "This page does not do that"),
    409: Kind(409, "in-progress", "The same is being done already"),
    408: Kind(408, "too-slow", "The request did not arrive in time"),
    412: Kind(412, "version-conflict", "The product has changed in between"),
    413: Kind(413, "too-large", "The request is too large"),
    414: Kind(414, "too-large", "The address is too long"),
    415: Kind(415, "unsupported-media-type", "This kind of content is not read here"),
    429: Kind(429, "overloaded", "Too much at once"),
    431: Kind(431, "too-large", "The headers are too large"),
    501: Kind(400, "bad-request", "This is not a request that we understand"),
}


@dataclass(slots=True)
class HttpProblem(Exception):
    """A refusal that has nothing to do with the kernel: wrong content type, no key, no JSON."""

    status: int
    detail: str
    problems: Sequence[Problem] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def new_request_id() -> str:
    """A name for a request, in answer and log."""
    return uuid.uuid4().hex[:20]


def kind_of(error: BaseException) -> Kind:
    """The row for an exception. An exception of ours has one; anything else is a defect."""
    for ancestor in type(error).__mro__:
        if ancestor in TABLE:
            return TABLE[ancestor]
    return DEFECT


def document(kind: Kind, detail: str, request_id: str, problems: Sequence[Problem] = (), **more: object) -> bytes:
    """The body of a problem. ASCII, so that half a surrogate pair that was sent cannot break it."""
    told: dict[str, Any] = {
        "type": f"/docs#problem-{kind.name}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail if len(detail) <= LONGEST_DETAIL else detail[: LONGEST_DETAIL - 1] + "…",
    }
    if problems:
        told["errors"] = [{"at": one.at[:300], "message": one.message[:1000]} for one in problems[:MOST_PROBLEMS]]
    return json.dumps(told | more | {"request_id": request_id}).encode()


def retry_after(seconds: float) -> str:
    """Whole seconds, 1 at least, for a Retry-After header."""
    return str(max(1, math.ceil(seconds)))


def refusal(
    kind: Kind,
    detail: str,
    problems: Sequence[Problem] = (),
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, object] | None = None,
) -> Response:
    """The answer to a request that Flask handles; `more` are further members of the document."""
    body = document(kind, detail, g.get("request_id") or new_request_id(), problems, **(more or {}))
    return Response(body, status=kind.status, mimetype=MIMETYPE, headers=dict(headers or {}))


def install(app: Flask) -> None:
    """Let every error of an app end in the one shape."""
    app.register_error_handler(errors.LookalikeError, _ours)
    app.register_error_handler(HttpProblem, _http)
    app.register_error_handler(HTTPException, _werkzeug)
    app.register_error_handler(Exception, _defect)


def _ours(error: errors.LookalikeError) -> Response:
    kind, headers = kind_of(error), {}
    problems: Sequence[Problem] = error.problems if isinstance(error, errors.InvalidInput) else ()
    if isinstance(error, errors.Unavailable):
        headers["Retry-After"] = retry_after(error.retry_after_seconds)
        if error.outside:
            logger.warning("%s: %s %s: %s", g.get("request_id"), request.method, type(error).__name__, error)
            return refusal(kind, error.outside, headers=headers)
    elif kind.status == 503:
        headers["Retry-After"] = "10"
        logger.error("%s: %s %s: %s", g.get("request_id"), request.method, type(error).__name__, error)
    if isinstance(error, errors.VersionConflict) and not (request.headers.get("If-Match") or request.headers.get("If-None-Match")):
        kind = Kind(409, kind.name, kind.title)  # no precondition failed: two writers met (RFC 9110 §15.5.10)
    more = {"reason": error.reason} if isinstance(error, errors.PictureUnavailable | errors.PictureUnreadable) else None
    return refusal(kind, kind.detail or str(error) or kind.title, problems, headers, more)


def _http(error: HttpProblem) -> Response:
    return refusal(PROTOCOL[error.status], error.detail, error.problems, error.headers)


def _werkzeug(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:
        return Response(error.get_body(), status, dict(error.get_headers()))
    kind = PROTOCOL.get(status) or (PROTOCOL[400] if status < 500 else DEFECT)
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After", "WWW-Authenticate")}
    details = {
        404: "Nothing is served at this address. GET /docs lists what is.",
        405: f"{request.method} is not done here; allowed: {headers.get('Allow', 'nothing')}.",
        413: "The body is larger than this server takes (LOOKALIKE_MAX_BODY), or has too many parts.",
    }
    return refusal(kind, details.get(status) or kind.detail or "The request cannot be understood.", headers=headers)


def _defect(error: Exception) -> Response:
    logger.error("%s: a defect at %s %s", g.get("request_id"), request.method, request.url_rule, exc_info=error)
    return refusal(DEFECT, str(DEFECT.detail))
