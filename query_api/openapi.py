"""The OpenAPI document: routes from the app, shapes from `schemas`, one table of what each operation takes and answers."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apiflask import APIFlask
from flask import Response
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from query_api import schemas
from query_api.problem import MIMETYPE, PROTOCOL, TABLE

_REF = "#/components/schemas/{model}"
_BINARY = {"type": "string", "format": "binary"}
_ALWAYS = (400, 413, 429, 503)
"""Problems that any operation may answer."""

_SEARCH_EXAMPLE = {
    "like": [{"picture": {"upload": "u_3q2-7w"}, "box": [0.1, 0.2, 0.9, 0.8]}],
    "text": "red",
    "filter": {"price": {"lt": 50}},
    "facets": ["brand", {"field": "price", "ranges": [0, 25, 50, 100]}],
}
_PRODUCT_EXAMPLE = {
    "title": "Canvas shoe, red",
    "brand": "Acme",
    "category": "Clothing > Shoes",
    "price": 19.5,
    "currency": "EUR",
    "pictures": ["https://shop.example/shoe.jpg"],
    "attributes": {"size": [41, 42], "material": "canvas"},
}
_BULK_EXAMPLE = (
    '{"id": "sku-1", "title": "Canvas shoe, red", "pictures": ["https://shop.example/shoe.jpg"]}\n'
    '{"op": "patch", "id": "sku-2", "product": {"price": 5}}\n'
    '{"op": "delete", "id": "sku-3"}\n'
)


@dataclass(frozen=True, slots=True)
class Operation:
    """What an operation takes and answers. `body`: media type → schema; `answers`: status → model, media type or None."""

    answers: Mapping[int, type[BaseModel] | str | None]
    problems: tuple[int, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    example: Any = None
    arguments: tuple[dict[str, Any], ...] = ()
    writes: bool = False
    about: str = ""


def _model(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": _REF.format(model=model.__name__)}


def _argument(name: str, schema: Mapping[str, Any], about: str, *, required: bool = False, where: str = "query") -> dict[str, Any]:
    return {"name": name, "in": where, "required": required, "description": about, "schema": dict(schema)}


def _multipart(**parts: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: dict(schema) for name, schema in parts.items()}}


_LIMIT = _argument("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 24}, "How many hits.")
_SIZE = _argument("size", {"type": "integer", "minimum": 16, "maximum": 2048}, "The longer side in pixels.")
_FILTER = _argument("filter", {"type": "string"}, "A filter as in a search, as JSON.")
_IF_MATCH = _argument("If-Match", {"type": "string"}, "Only where the product is at this ETag.", where="header")
_KEY = _argument(
    "Idempotency-Key", {"type": "string"}, "The same key again: the same answer again, and nothing done twice.", where="header"
)
_CLIENT = _argument("X-Client-Id", {"type": "string", "maxLength": 64}, "Which browser asks, for events.", where="header")
_IF_NONE = _argument("If-None-Match", {"type": "string"}, "`*`: only where there is no such product.", where="header")

OPERATIONS: Mapping[str, Operation] = {
    "search": Operation(
        {200: schemas.SearchAnswer},
        (404, 415, 422),
        {
            "application/json": _model(schemas.SearchBody),
            "multipart/form-data": _multipart(picture={"type": "array", "items": _BINARY}, query=_model(schemas.SearchBody)),
        },
        _SEARCH_EXAMPLE,
        (_CLIENT,),
        about="All filters hold exactly; `limit` is filled after filtering. A part `picture` stands before the examples in `like`.",
    ),
    "analyze": Operation(
        {200: schemas.AnalyzeAnswer},
        (404, 415, 422),
        {"application/json": _model(schemas.AnalyzeBody), "multipart/form-data": _multipart(picture=_BINARY, query={"type": "object"})},
        {"picture": {"url": "https://shop.example/shoe.jpg"}},
        about="The picture stays in memory for LOOKALIKE_UPLOAD_TTL; its `upload` id searches again without sending it again.",
    ),
    "events": Operation(
        {202: schemas.EventsAnswer},
        (422,),
        {"application/json": _model(schemas.EventsBody)},
        {"events": [{"action_name": "click", "object_id": "sku-1", "query_id": "5f0c…", "position": 3}]},
        about="Kept where LOOKALIKE_EVENTS says; no search waits for them. What finds no room is dropped and counted.",
    ),
    "getUpload": Operation(
        {200: "image/jpeg"},
        (404, 415, 422),
        arguments=(_SIZE,),
        about="The picture that an `upload` id means, upright and encoded anew, 1,600 pixels at most where no `size` is given.",
    ),
    "forgetUpload": Operation({204: None}, (404,)),
    "getProduct": Operation({200: schemas.ProductAnswer, 304: None}, (404,), arguments=(_IF_NONE,)),
    "putProduct": Operation(
        {201: schemas.ProductAnswer, 200: schemas.ProductAnswer},
        (409, 412, 415, 422),
        {"application/json": _model(schemas.ProductBody)},
        _PRODUCT_EXAMPLE,
        (_IF_MATCH, _IF_NONE),
        writes=True,
        about="Nothing is stored where a picture cannot be read or had.",
    ),
    "patchProduct": Operation(
        {200: schemas.ProductAnswer},
        (404, 409, 412, 415, 422),
        {"application/merge-patch+json": _model(schemas.ProductBody), "application/json": _model(schemas.ProductBody)},
        {"price": 17.25},
        (_IF_MATCH,),
        writes=True,
        about="A merge patch (RFC 7396): null removes a field.",
    ),
    "deleteProduct": Operation({204: None}, (404, 412), arguments=(_IF_MATCH,), writes=True),
    "similarProducts": Operation({200: schemas.SearchAnswer}, (404, 422), arguments=(_LIMIT, _FILTER, _CLIENT)),
    "bulkProducts": Operation(
        {202: schemas.Job},
        (415, 422),
        {"application/x-ndjson": {"type": "string"}},
        _BULK_EXAMPLE,
        writes=True,
        about='A line is a product (put) or {"op": "put|patch|delete", "id": …, "product": {…}}. A bad row never harms another.',
    ),
    "getJob": Operation({200: schemas.Job}, (404,)),
    "cancelJob": Operation({200: schemas.Job}, (404,), writes=True),
    "facets": Operation(
        {200: schemas.FacetsAnswer},
        (422,),
        arguments=(
            _argument("field", {"type": "array", "items": {"type": "string"}}, "May come repeatedly; all fields without it."),
            _FILTER,
            _argument("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}, "Values of each field."),
        ),
    ),
    "suggest": Operation(
        {200: schemas.SuggestAnswer},
        (422,),
        arguments=(
            _argument("q", {"type": "string"}, "What was typed.", required=True),
            _argument("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}, "How many."),
        ),
    ),
    "picture": Operation(
        {200: "image/*", 304: None},
        (404, 422),
        arguments=(_SIZE,),
    ),
    "healthz": Operation({200: schemas.Health}),
    "readyz": Operation({200: schemas.Ready}),
    "statusz": Operation({200: schemas.State}),
    "metrics": Operation({200: "text/plain"}),
}


def install(app: APIFlask) -> None:
    """Serve the document at `/openapi.json`; it is made once, when it is first asked for."""
    app.tags = [{"name": name} for name in ("Search", "Products", "Catalogue", "Service")]
    app.description = "Visual product search: a shopper's photo finds the product; words, filters and rules steer it."
    app.license = {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}
    app.security_schemes = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    }
    app.spec_callback = complete  # type: ignore[assignment]  # SPEC_FORMAT is json, so it is a dictionary

    @functools.cache
    def told() -> bytes:
        return json.dumps(app.spec, ensure_ascii=False).encode()

    @app.get("/openapi.json")
    @app.doc(hide=True)
    def openapi() -> Response:
        return Response(told(), mimetype="application/json", headers={"Cache-Control": "no-cache"})


def complete(spec: dict[str, Any]) -> dict[str, Any]:
    """The document that APIFlask made of the routes, with bodies, arguments, answers and problems."""
    named = {one for one in vars(schemas).values() if isinstance(one, type) and issubclass(one, BaseModel)} - {BaseModel, schemas.Closed}
    models = sorted(named, key=lambda one: one.__name__)
    _, shapes = models_json_schema([(one, "serialization") for one in models], ref_template=_REF)
    spec.setdefault("components", {}).setdefault("schemas", {}).update(shapes["$defs"])
    spec["x-problems"] = [
        {"name": kind.name, "status": kind.status, "title": kind.title} for kind in dict.fromkeys((*TABLE.values(), *PROTOCOL.values()))
    ]
    for operations in spec["paths"].values():
        for told in operations.values():
            if isinstance(told, dict) and told.get("operationId") in OPERATIONS:
                _fill(told, OPERATIONS[told["operationId"]])
    return spec


def _fill(told: dict[str, Any], operation: Operation) -> None:
    told["responses"] = {str(status): _answer(answer) for status, answer in operation.answers.items()}
    writing = (401, 409, 422) if operation.writes else ()
    for status in sorted({*_ALWAYS, *operation.problems, *writing}):
        kinds = [kind for kind in (*TABLE.values(), *PROTOCOL.values()) if kind.status == status]
        told["responses"][str(status)] = {
            "description": kinds[0].title if kinds else "A problem",
            "content": {MIMETYPE: {"schema": _model(schemas.ProblemDocument)}},
        }
    if operation.about:
        told["description"] = operation.about
    keyed = (_KEY,) if operation.writes else ()
    told["parameters"] = [*told.get("parameters", []), *operation.arguments, *keyed]
    if operation.body:
        content = {kind: {"schema": schema} for kind, schema in operation.body.items()}
        for kind, one in content.items():
            if operation.example is not None and not kind.startswith("multipart/"):
                one["example"] = operation.example
        told["requestBody"] = {"required": True, "content": content}
    if operation.writes:
        told["security"] = [{}, {"bearer": []}, {"apiKey": []}]


def _answer(answer: type[BaseModel] | str | None) -> dict[str, Any]:
    if answer is None:
        return {"description": "Done; no body."}
    if isinstance(answer, str):
        return {"description": "The content.", "content": {answer: {"schema": _BINARY if "image" in answer else {"type": "string"}}}}
    return {"description": (answer.__doc__ or "").strip().splitlines()[0], "content": {"application/json": {"schema": _model(answer)}}}
