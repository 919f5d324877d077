"""The outermost WSGI layer: a name for each request, and paths that keep an encoded slash apart from a real one."""

import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.routing import BaseConverter

from lookalike.domain.request_id import named, sane
from query_api.problem import MIMETYPE, PROTOCOL, document, new_request_id

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]

REQUEST_ID = "lookalike.request_id"
BEGAN = "lookalike.began"
"""When the request had arrived, in seconds of `time.monotonic()`; a server that knows it says so."""
_EVERYWHERE = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_KEPT = {"%25": "%25", "%2F": "%2F", "%2f": "%2F"}
_ESCAPE = re.compile(r"%(?:[0-9A-Fa-f]{2})?")
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


class Front:
    """Wraps an app: names its answers, gives them the headers that all have, and tells it paths as they were written.

    WSGI decodes `%2F` before routes are matched, so the path is taken from the request line instead.

    `%2F` and `%25` stay encoded in PATH_INFO; the converter `IdConverter` decodes them last, so that `a%2Fsimilar` is a
    product's id and `a/similar` a product's page. A path that is not UTF-8 is refused.
    """

    def __init__(self, app: WsgiApp) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """WSGI (PEP 3333)."""
        request_id = sane(environ.get("HTTP_X_REQUEST_ID")) or new_request_id()
        environ[REQUEST_ID] = request_id
        environ.setdefault(BEGAN, time.monotonic())
        start_response = _dressing(start_response, request_id)
        target = environ.get("REQUEST_URI") or environ.get("RAW_URI")
        if target is not None and not environ.get("SCRIPT_NAME"):
            try:
                environ["PATH_INFO"] = raw_path(target)
            except ValueError as error:
                body = document(PROTOCOL[400], str(error), request_id)
                head = [("Content-Type", MIMETYPE), ("Content-Length", str(len(body)))]
                start_response("400 Bad Request", head)
                return [body] if environ.get("REQUEST_METHOD") != "HEAD" else []
        with named(request_id):
            return self._app(environ, start_response)


def _dressing(start_response: StartResponse, request_id: str) -> StartResponse:
    """Adds what an answer does not say itself. Here, for werkzeug's headers would take ten times as long."""

    def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        given = {name.lower(): value for name, value in headers}
        headers += [(name, value) for name, value in _EVERYWHERE if name.lower() not in given]
        if "cache-control" not in given and given.get("content-type", "").partition(";")[0] in ("application/json", MIMETYPE):
            headers.append(("Cache-Control", "no-store"))
        headers.append(("X-Request-Id", request_id))
        return start_response(status, headers, *more)

    return start


def raw_path(target: str) -> str:
    """PATH_INFO (bytes as latin-1) of a request target, with `%2F` and `%25` kept. Raises: ValueError where it is not UTF-8."""
    path = _ORIGIN.sub("", target, count=1) if not target.startswith("/") else target
    path = path.partition("?")[0].partition("#")[0] or "/"

    def decoded(found: re.Match[str]) -> str:
        escape = found[0]
        if escape == "%":
            return "%25"  # a bare percent sign means itself
        return _KEPT.get(escape) or chr(int(escape[1:], 16))

    path = _ESCAPE.sub(decoded, path)
    try:
        path.encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise ValueError("The address is not UTF-8; percent-encode it as UTF-8.") from None
    return path


class IdConverter(BaseConverter):
    """One segment of a path, whatever characters an id has."""

    regex = "[^/]+"
    part_isolating = True

    def to_python(self, value: str) -> str:
        """The id that the segment spells."""
        return re.sub("%2F|%25", lambda found: "/" if found[0] == "%2F" else "%", value)
