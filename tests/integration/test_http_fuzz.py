"""Whatever is sent, no answer is a 5xx, and every refusal is a problem document in strict JSON."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toy_house import data_url, encoded, picture, shop, toy_house

from lookalike.domain.product import PRODUCT_FIELDS
from lookalike.domain.query_parsing import SEARCH_FIELDS
from query_api.app import create_app

FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

NUMBERS = st.integers() | st.sampled_from([0, 1, -1, 10**30, 10**400, 1e308, -1e308, 1.5, 0.1])
STRINGS = st.text(max_size=12) | st.sampled_from(
    ["p1", "brand", "price", "category", "auto", "only", "NEAR(", '"', "\x00", "u_none", "2026-01-01", "-"]
)
WORDS = st.sampled_from(
    [
        *SEARCH_FIELDS,
        *PRODUCT_FIELDS,
        "picture",
        "product",
        "vector",
        "box",
        "field",
        "ranges",
        "gte",
        "lt",
        "all",
        "any",
        "not",
        "exists",
        "url",
        "base64",
        "upload",
        "size",
    ]
)
PICTURES = st.sampled_from(
    [
        {"base64": encoded(picture(0.3))},
        {"base64": "AAAA"},
        {"upload": "u_x"},
        {"url": "http://127.0.0.1/x"},
        {"url": data_url(picture(0.7))},
    ]
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | STRINGS | PICTURES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | STRINGS, inner, max_size=4),
    max_leaves=15,
)
LIKES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "picture": PICTURES,
            "product": STRINGS,
            "box": st.lists(NUMBERS, min_size=4, max_size=4),
            "weight": NUMBERS,
            "vector": st.lists(NUMBERS, max_size=48),
        },
    ),
    max_size=3,
)
SEARCHES = st.fixed_dictionaries({}, optional=dict.fromkeys(SEARCH_FIELDS, JSON) | {"like": LIKES | JSON, "unlike": LIKES | JSON})
PATHS = st.text(alphabet=st.sampled_from("/%2fF5.:a~é☃?#&=+p1 \\"), max_size=24)


@pytest.fixture(scope="module")
def client() -> Iterator[FlaskClient]:
    with toy_house() as house:
        made = create_app(house).test_client()
        for told in shop():
            made.put(f"/v1/products/{told['id']}", json=told)
        yield made


def orderly(answer: Any) -> None:
    assert answer.status_code < 500 or (answer.status_code in (503, 504) and answer.headers["Retry-After"].isdigit()), answer.data[:500]
    if answer.status_code >= 400:
        told = json.loads(answer.data, parse_constant=pytest.fail)
        assert (answer.mimetype, told["status"]) == ("application/problem+json", answer.status_code)
        assert told["detail"]
    elif answer.mimetype == "application/json":
        json.loads(answer.data, parse_constant=pytest.fail)


@FUZZ
@given(SEARCHES | JSON)
def test_any_search(client: FlaskClient, told: Any) -> None:
    """Bodies of nearly the right shape."""
    orderly(client.post("/v1/search", json=told))
    orderly(client.post("/v1/analyze", json=told))


@FUZZ
@given(
    st.dictionaries(st.sampled_from(PRODUCT_FIELDS), JSON, max_size=5) | JSON,
    st.sampled_from(["PUT", "PATCH"]),
    st.sampled_from(["p1", "fuzz"]),
)
def test_any_product(client: FlaskClient, told: Any, method: str, name: str) -> None:
    """And what was stored can be read and searched."""
    orderly(client.open(f"/v1/products/{name}", method=method, json=told))
    orderly(client.get(f"/v1/products/{name}"))
    orderly(client.post("/v1/search", json={"limit": 50}))


@FUZZ
@given(st.binary(max_size=60) | st.lists(JSON.map(json.dumps), max_size=4).map(lambda rows: "\n".join(rows).encode()), st.text(max_size=20))
def test_any_bytes(client: FlaskClient, body: bytes, kind: str) -> None:
    """As any content type."""
    clean = kind.encode("latin-1", "ignore").decode("latin-1").replace("\r", "").replace("\n", "")
    for path in ("/v1/search", "/v1/analyze", "/v1/products:bulk"):
        for given_kind in ("application/json", "application/x-ndjson", "multipart/form-data; boundary=x", clean):
            orderly(client.post(path, data=body, headers={"Content-Type": given_kind}))


@FUZZ
@given(
    st.sampled_from(["/v1/products/", "/v1/jobs/", "/v1/pictures/", "/v1/uploads/", "/v1/", "/static/", "/docs/", "/"]),
    PATHS,
    st.sampled_from(["GET", "DELETE", "POST", "HEAD", "OPTIONS"]),
)
def test_any_path(client: FlaskClient, start: str, rest: str, method: str) -> None:
    """Encoded and not, with any query string."""
    answer = client.open(f"http://localhost{start}{rest}", method=method)  # or the client takes "//x" for a host
    if method != "HEAD":
        orderly(answer)
