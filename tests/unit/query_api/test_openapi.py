"""The OpenAPI document says what the routes do, and the descriptions know the fields that the parsers know."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from toy_house import toy_house

from lookalike import errors
from lookalike.domain.product import PRODUCT_FIELDS
from lookalike.domain.query import LEGS, STRATEGIES
from lookalike.domain.query_parsing import SEARCH_FIELDS, parse_search
from query_api import schemas
from query_api.app import create_app
from query_api.openapi import OPERATIONS
from query_api.problem import TABLE, kind_of


@pytest.fixture(scope="module")
def document() -> Iterator[dict[str, Any]]:
    with toy_house() as house:
        yield create_app(house).test_client().get("/openapi.json").json


def test_descriptions_and_parsers_know_the_same_fields() -> None:
    """Two lists of one thing: this keeps them one."""
    assert set(schemas.SearchBody.model_fields) == set(SEARCH_FIELDS)
    assert set(schemas.ProductBody.model_fields) == set(PRODUCT_FIELDS)
    assert set(schemas.WeightsBody.model_fields) == set(LEGS)
    strategies = schemas.SearchBody.model_json_schema()["properties"]["strategy"]["anyOf"][0]["enum"]
    assert set(strategies) == set(STRATEGIES)
    for body, told, at in (
        (schemas.LikeBody, {"like": [{"x": 1}]}, "like[0].x"),
        (schemas.PictureBody, {"like": [{"picture": {"x": 1}}]}, "like[0].picture.x"),
        (schemas.FacetBody, {"facets": [{"x": 1}]}, "facets[0].x"),
    ):
        with pytest.raises(errors.InvalidInput) as caught:
            parse_search(told)
        message = next(one.message for one in caught.value.problems if one.at == at)
        known = re.search(r"Known: ([^.]*)\.", message)
        assert known is not None
        assert set(known[1].split(", ")) == set(body.model_fields)


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    """With a summary, at least one answer, and the one error shape."""
    found = {told["operationId"]: told for path in document["paths"].values() for told in path.values()}
    assert set(found) == set(OPERATIONS)
    for told in found.values():
        assert told["summary"]
        problems = {status for status in told["responses"] if status >= "400"}
        assert {"400", "429", "503"} <= problems
        assert all("application/problem+json" in told["responses"][status]["content"] for status in problems)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """And no shape is left over."""
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert named == set(document["components"]["schemas"])


def test_every_path_argument_is_declared(document: dict[str, Any]) -> None:
    """As a string in the path."""
    for path, operations in document["paths"].items():
        for told in operations.values():
            declared = {one["name"] for one in told["parameters"] if one["in"] == "path"}
            assert declared == set(re.findall(r"{(\w+)}", path))


def test_every_deliberate_exception_has_a_status() -> None:
    """None of ours is a defect, and only what is away or misconfigured is a 5xx."""
    for one in vars(errors).values():
        if isinstance(one, type) and issubclass(one, errors.LookalikeError):
            status = kind_of(one.__new__(one)).status
            away = issubclass(
                one, errors.Unavailable | errors.IndexProblem | errors.UnknownPlugin | errors.InvalidSetting | errors.MissingDependency
            )
            assert status < 500 or (status == 503 and (away or one is errors.LookalikeError))
    assert TABLE[errors.Overloaded].status == 429


def test_the_written_description_has_every_route_field_and_problem(document: dict[str, Any]) -> None:
    """docs/http-api.md."""
    text = (Path(__file__).parents[3] / "docs" / "http-api.md").read_text(encoding="utf-8")
    wanted = [
        *document["paths"],
        *(f"`{name}`" for name in (*SEARCH_FIELDS, "like", "unlike")),
        *(f"`{one['name']}`" for one in document["x-problems"]),
    ]
    lacking = [one for one in wanted if one not in text and one.replace("`", "") not in re.findall(r"[\w-]+", text)]
    assert lacking == []
