"""What every answer has in common: its name, its guards, and JSON that holds what was told."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from flask import Flask
from toy_house import shop, toy_house

from lookalike.bootstrap import House
from lookalike.domain.query_parsing import parse_search
from query_api.app import create_app
from query_api.options import Options
from query_api.telling import answer, nones_of, search_json

GUARDS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.fixture
def house() -> Iterator[House]:
    with toy_house() as opened:
        yield opened


@pytest.fixture
def app(house: House) -> Flask:
    """Over a shop with twelve products."""
    made = create_app(house, Options())
    for told in shop():
        assert made.test_client().put(f"/v1/products/{told['id']}", json=told).status_code == 201
    return made


@pytest.mark.parametrize(
    ("method", "path", "status", "kept"),
    [
        ("GET", "/v1/facets?field=brand", 200, False),
        ("GET", "/v1/products/nobody", 404, False),
        ("DELETE", "/v1/facets", 405, False),
        ("GET", "/v1/products/%FF", 400, False),
        ("GET", "/metrics", 200, None),
        ("GET", "/", 302, None),
    ],
)
def test_every_answer_is_named_and_guarded(app: Flask, method: str, path: str, status: int, kept: bool | None) -> None:
    """Each header once, whoever answers: a route, Flask, or what stands before it. JSON is kept by nobody."""
    told = app.test_client().open(path, method=method, headers={"X-Request-Id": "mine-7"}, environ_overrides={"REQUEST_URI": path})
    assert told.status_code == status
    assert told.headers.getlist("X-Request-Id") == ["mine-7"]
    for name, value in GUARDS.items():
        assert told.headers.getlist(name) == [value], name
    if kept is False:
        assert told.headers.getlist("Cache-Control") == ["no-store"]


@pytest.mark.parametrize(
    "asked",
    [
        {"text": "mug", "facets": ["brand"]},
        {"limit": 3, "facets": [{"field": "price", "ranges": [0, 10, 20]}]},
        {"text": "null nothing", "limit": 2},
        {"filter": {"category": "Nowhere"}},
    ],
)
def test_what_is_none_is_known_beforehand(house: House, app: Flask, asked: dict[str, Any]) -> None:
    """So that no answer has to be written twice; another number than the right one costs time, and nothing else."""
    found = house.searcher.search(parse_search(asked))
    told = search_json(found, explain=False)
    assert msgspec.json.encode(told).count(b":null") == nones_of(found)
    assert answer(told, nones=nones_of(found)).json == answer(told, nones=99).json == json.loads(json.dumps(told))


def test_no_answer_says_null_for_what_is_no_number(app: Flask) -> None:
    """Not even where as many Nones are known of as there are."""
    assert answer({"a": None, "b": 1.5}, nones=1).data == b'{"a":null,"b":1.5}'
    for told, nones in (({"a": float("nan")}, 0), ({"a": None, "b": float("inf")}, 1)):
        with pytest.raises(ValueError, match="not JSON compliant"):
            answer(told, nones=nones)
