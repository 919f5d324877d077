"""`/` and `/docs`: pages for people, without anything from other hosts."""

from importlib.resources import files
from pathlib import Path

from apiflask import APIBlueprint
from flask import Response, abort, redirect, request
from werkzeug.security import safe_join
from werkzeug.wrappers import Response as AnyResponse

# Everything comes from here. blob: and data: are pictures that a shopper has just chosen, before they are sent.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; font-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_SERVED = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_DOCS = frozenset({"docs.html", "docs.css", "docs.js"})


_REPORTS = b'<meta name="lookalike-events" content="%s">'


def blueprint(folder: Path | None, *, reports: bool = False) -> APIBlueprint:
    """The routes of pages. `folder` holds the shop's page; without one `/` leads to the documentation.

    `reports`: the page tells what shoppers see and open, by `POST /v1/events`.
    """
    routes = APIBlueprint("page", __name__, enable_openapi=False)

    @routes.get("/")
    def index() -> AnyResponse:
        if folder is None:
            return redirect("/docs", 302)
        return _file(folder, "index.html", reports=reports)

    @routes.get("/static/<path:name>")
    def static(name: str) -> AnyResponse:
        if folder is None or not _is_public(name):
            abort(404)
        return _file(folder, name)

    @routes.get("/favicon.ico")
    def icon() -> AnyResponse:
        return Response(status=204)

    @routes.get("/docs")
    def docs() -> AnyResponse:
        return _own("docs.html")

    @routes.get("/docs/<name>")
    def docs_part(name: str) -> AnyResponse:
        if name not in _DOCS:
            abort(404)
        return _own(name)

    return routes


def _is_public(name: str) -> bool:
    """Whether a file is a part of the page: no dot files, no tests, nothing of what builds it."""
    parts = Path(name).parts
    hidden = any(part.startswith(".") or part == "node_modules" for part in parts)
    return not hidden and Path(name).suffix in _SERVED and ".test." not in name


def _file(folder: Path, name: str, *, reports: bool = False) -> AnyResponse:
    place = safe_join(str(folder), name)
    if place is None or not Path(place).is_file():
        abort(404)
    content = Path(place).read_bytes()
    return _guarded(content.replace(_REPORTS % b"off", _REPORTS % b"on") if reports else content, name)


def _own(name: str) -> AnyResponse:
    return _guarded((files("query_api") / "docs_page" / name).read_bytes(), name)


def _guarded(content: bytes, name: str) -> AnyResponse:
    """A file of a page. Browsers ask each time whether it has changed: pages and their parts must fit together."""
    response = Response(content, content_type=_SERVED[Path(name).suffix])
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    return response.make_conditional(request)
