"""The HTTP interface over a whole house, as a shop's program meets it."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from toy_house import data_url, encoded, ended, picture, shop, toy_house

from lookalike.bootstrap import House
from query_api.app import create_app
from query_api.options import Options

JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def house() -> Iterator[House]:
    with toy_house() as opened:
        yield opened


@pytest.fixture
def client(house: House) -> FlaskClient:
    """A client of a shop with twelve products."""
    made = create_app(house, Options(max_body=200_000)).test_client()
    for told in shop():
        assert made.put(f"/v1/products/{told['id']}", json=told).status_code == 201
    return made


def problem(answer: Any, status: int, at: str | None = None) -> dict[str, Any]:
    """The problem document, after checking that it is one of `status`."""
    told: dict[str, Any] = json.loads(answer.data)
    assert (answer.status_code, answer.mimetype, told["status"]) == (status, "application/problem+json", status), told
    assert {"type", "title", "detail", "request_id"} <= told.keys()
    assert told["request_id"] == answer.headers["X-Request-Id"]
    if at is not None:
        assert at in [one["at"] for one in told["errors"]]
    return told


def test_a_search_answers_in_the_contracts_shape(client: FlaskClient) -> None:
    """Every member that other programs rely on."""
    query = {
        "like": [{"picture": {"base64": encoded(picture(4 / 12))}}],
        "text": "fern",
        "tags": ["pot"],
        "facets": ["brand", "in_stock", {"field": "price", "ranges": [0, 25.5, 50]}, {"field": "category", "depth": 1}],
        "limit": 2,
        "explain": True,
    }
    told = client.post("/v1/search", json=query).json
    assert set(told) == {"query_id", "hits", "total", "facets", "analysis", "next", "strategy", "notices", "took_ms"}
    assert told["total"] == {"value": 12, "relation": "eq"}
    hit = told["hits"][0]
    assert (hit["id"], hit["product"]["title"], hit["picture"]) == ("p4", "Fern pot", 0)
    assert hit["similarity"] == pytest.approx(1, abs=1e-3)
    assert {"picture", "text", "tags", "category", "colour", "object", "legs", "words"} <= hit["why"].keys()
    assert hit["why"]["tags"] == ["pot"]
    assert told["facets"]["price"] == [
        {"value": "0-25.5", "from": 0, "to": 25.5, "count": 3},
        {"value": "25.5-50", "from": 25.5, "to": 50, "count": 4},
        {"value": "50-", "from": 50, "to": None, "count": 5},
    ]
    assert told["facets"]["category"] == [{"value": "Home", "count": 12}]
    assert {one["value"] for one in told["facets"]["in_stock"]} == {True, False}
    assert told["analysis"]["objects"][0]["box"] == [0, 0, 1, 1]
    assert told["analysis"]["categories"][0] == {"name": "Home > Cold", "score": 1.0}
    following = client.post("/v1/search", json=query | {"cursor": told["next"]}).json
    assert not {one["id"] for one in following["hits"]} & {one["id"] for one in told["hits"]}


def test_a_multipart_search_is_one_by_base64(client: FlaskClient) -> None:
    """A picture as a file part, the query beside it, as text or as a file."""
    by_base64 = client.post("/v1/search", json={"like": [{"picture": {"base64": encoded(picture(0.2))}}], "limit": 3}).json
    for query in ('{"limit": 3}', (io.BytesIO(b'{"limit": 3}'), "query.json")):
        by_parts = client.post("/v1/search", data={"picture": (io.BytesIO(picture(0.2)), "x.png"), "query": query}).json
        assert by_parts["hits"] == by_base64["hits"]


def test_a_picture_is_analysed_kept_and_forgotten(client: FlaskClient) -> None:
    """An upload searches again, with another box, until it is forgotten."""
    seen = client.post("/v1/analyze", data={"picture": (io.BytesIO(picture(0.2)), "x.png")}).json
    assert (seen["width"], seen["height"], seen["objects"][0]["box"]) == (32, 32, [0, 0, 1, 1])
    assert seen["categories"]
    query = {"like": [{"picture": {"upload": seen["upload"]}, "box": [0, 0, 0.5, 1]}]}
    assert client.post("/v1/search", json=query).json["analysis"]["upload"] == seen["upload"]
    again = client.post("/v1/analyze", json={"picture": {"upload": seen["upload"]}, "box": [0, 0, 0.5, 1]}).json
    assert (again["upload"], again["objects"][0]["box"]) == (seen["upload"], [0, 0, 0.5, 1])
    assert client.delete(f"/v1/uploads/{seen['upload']}").status_code == 204
    problem(client.post("/v1/search", json=query), 404)
    problem(client.delete(f"/v1/uploads/{seen['upload']}"), 404)


def test_a_products_life(client: FlaskClient) -> None:
    """Created, read, replaced, patched, removed; each step is searchable when it is answered."""
    body = {"title": "Zwölf Becher", "price": 3, "pictures": [data_url(picture(0.6))]}
    made = client.put("/v1/products/n1", json=body)
    assert (made.status_code, made.headers["ETag"], made.json["id"], made.json["version"]) == (201, '"1"', "n1", 1)
    assert made.json["analysis"]["objects"]
    got = client.get("/v1/products/n1", headers={"If-None-Match": '"1"'})
    assert (got.status_code, got.data) == (304, b"")
    replaced = client.put("/v1/products/n1", json={"title": "Quizfrage", "pictures": made.json["product"]["pictures"]})
    assert (replaced.status_code, replaced.json["version"], "price" in replaced.json["product"]) == (200, 2, False)
    assert replaced.json["analysis"] == made.json["analysis"], "addresses that we gave out mean the pictures that are there"
    patched = client.patch("/v1/products/n1", json={"price": 5, "attributes": {"size": 3}}).json
    assert (patched["version"], patched["product"]["title"], patched["product"]["attributes"]) == (3, "Quizfrage", {"size": 3})
    assert [hit["id"] for hit in client.post("/v1/search", json={"filter": {"title": "Quizfrage", "size": 3}}).json["hits"]] == ["n1"]
    assert client.delete("/v1/products/n1").status_code == 204
    problem(client.get("/v1/products/n1"), 404)
    problem(client.delete("/v1/products/n1"), 404)
    problem(client.patch("/v1/products/n1", json={"price": 1}), 404)


def test_versions_guard_against_lost_updates(client: FlaskClient) -> None:
    """If-Match and If-None-Match, fresh, stale and senseless."""
    fresh = client.get("/v1/products/p1").headers["ETag"]
    changed = client.patch("/v1/products/p1", json={"price": 1}, headers={"If-Match": fresh})
    assert changed.status_code == 200
    for stale in (fresh, '"999"', '"x"', "junk", '"7", "8"', f"W/{changed.headers['ETag']}"):
        problem(client.patch("/v1/products/p1", json={"price": 2}, headers={"If-Match": stale}), 412)
    assert client.patch("/v1/products/p1", json={"price": 2}, headers={"If-Match": f'"7", {changed.headers["ETag"]}'}).status_code == 200
    problem(client.put("/v1/products/p1", json={}, headers={"If-None-Match": "*"}), 412)
    problem(client.put("/v1/products/nobody", json={}, headers={"If-Match": "*"}), 412)
    assert client.put("/v1/products/new", json={}, headers={"If-None-Match": "*"}).status_code == 201
    problem(client.delete("/v1/products/new", headers={"If-Match": '"9"'}), 412)


@pytest.mark.parametrize(
    "name",
    [
        "a/b",
        "a//b",
        "/lead",
        "trail/",
        "a/similar",
        "similar",
        "a%2Fb",
        "%",
        "%00",
        "q\"uote'",
        "emoji 🥾",
        "a?b=c",
        "a#b",
        " lead",
        "*",
        "a\\b",
        "x;y",
        "..%2f",
        "тест",
    ],
)
def test_ids_of_any_characters_are_put_found_and_removed(client: FlaskClient, name: str) -> None:
    """A slash in an id is not a slash of the path."""
    from urllib.parse import quote

    path = f"/v1/products/{quote(name, safe='')}"
    made = client.put(path, json={"title": "odd", "pictures": [data_url(picture(0.5))]})
    assert (made.status_code, made.json["id"]) == (201, name)
    assert client.get(path).json["product"]["id"] == name
    assert client.get(f"{path}/similar?limit=3").json["hits"]
    assert client.get(made.json["product"]["pictures"][0]).mimetype == "image/png"
    assert client.delete(path).status_code == 204
    problem(client.get(path), 404)


def test_a_put_whose_picture_is_no_good_stores_nothing(client: FlaskClient) -> None:
    """415 where it cannot be read, 422 where it cannot be had or the address is refused."""
    problem(client.put("/v1/products/bad", json={"pictures": ["data:image/png;base64,AAAA"]}), 415)
    for address in ("http://127.0.0.1:9/x.jpg", "file:///etc/passwd", "/etc/passwd", "stored:" + "0" * 64, "/v1/pictures/eA.0.x"):
        told = problem(client.put("/v1/products/bad", json={"pictures": [address]}), 422)
        assert "root" not in told["detail"]
    problem(client.get("/v1/products/bad"), 404)


def test_bulk_reports_bad_rows_and_keeps_the_rest(client: FlaskClient) -> None:
    """Rows are lines, counted from 1; one bad row harms no other."""
    rows = [
        {"op": "put", "product": {"id": "b1", "title": "good", "pictures": [data_url(picture(0.1))]}},
        "{not json",
        {"title": "no id"},
        {"op": "patch", "id": "p0", "product": {"price": 6}},
        {"id": "b2", "price": "a lot"},
        "",
        {"id": "b3", "title": "words only", "pictures": ["data:image/png;base64,AAAA"]},
        {"op": "delete", "id": "nobody"},
        {"op": "delete", "id": "p1"},
        {"op": "explode", "id": "p2"},
        {"op": "put", "id": "b4", "product": {"id": "b5"}},
        [1],
        {"op": "put", "id": "b6", "product": {"title": "id beside"}},
    ]
    body = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in rows).encode() + b'\n{"id": "\xff"}'
    answer = client.post("/v1/products:bulk", data=body, headers=NDJSON)
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/v1/jobs/{answer.json['id']}")
    job = ended(client, answer.json)
    assert job["state"] == "done"
    assert {one["row"]: one["reason"] for one in job["errors"]} == {
        2: "not_json", 3: "invalid", 5: "invalid", 7: "picture_unreadable", 10: "invalid", 11: "invalid", 12: "invalid", 14: "not_json",
    }  # fmt: skip
    assert job["counts"] == {"total": 13, "done": 4, "unchanged": 1, "failed": 8}
    held = {hit["id"] for hit in client.post("/v1/search", json={"limit": 100}).json["hits"]}
    assert {"b1", "b3", "b6"} <= held
    assert not {"p1", "b2", "b4", "b5"} & held


def test_a_file_that_a_row_names_is_neither_read_nor_shown(client: FlaskClient, tmp_path: Path) -> None:
    """The product is kept with the reference that was refused; its address of ours must not hand out the file."""
    secret = tmp_path / "private.png"
    secret.write_bytes(picture(0.4))
    row = {"id": "thief", "title": "x", "pictures": [str(secret)]}
    job = ended(client, client.post("/v1/products:bulk", data=json.dumps(row), headers=NDJSON).json)
    assert [one["reason"] for one in job["errors"]] == ["picture_unavailable"]
    shown = client.get("/v1/products/thief").json
    assert (shown["analysis"], shown["unseen"]) == (None, [{"picture": 0, "reason": "not_allowed"}])
    problem(client.get(shown["product"]["pictures"][0]), 404)


def test_bulk_takes_lines_of_json_only(client: FlaskClient) -> None:
    """A form on a foreign page could send text; it cannot send this type unasked."""
    problem(client.post("/v1/products:bulk", data=b"{}", headers={"Content-Type": "text/plain"}), 415)
    problem(client.post("/v1/products:bulk", data=b"\n \n", headers=NDJSON), 422)


def test_pictures_come_in_sizes_and_with_validators(client: FlaskClient) -> None:
    """Reduced, never enlarged; an unchanged one is not sent again."""
    big = client.put("/v1/products/big", json={"pictures": [data_url(picture(0.1, side=400))]}).json["product"]["pictures"][0]
    whole, small = client.get(big), client.get(f"{big}?size=64")
    assert Image.open(io.BytesIO(small.data)).size == (64, 64)
    assert len(small.data) < len(whole.data)
    assert Image.open(io.BytesIO(client.get(f"{big}?size=2048").data)).size == (400, 400)
    again = client.get(f"{big}?size=64", headers={"If-None-Match": small.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert "sandbox" in small.headers["Content-Security-Policy"]
    for size in ("15", "2049", "x", "-1", "1e3", "٣٢"):
        problem(client.get(f"{big}?size={size}"), 422, "size")
    for token in ("x", "%2e%2e%2fetc%2fpasswd", big.rpartition("/")[2].replace(".0.", ".9."), "_w.0.x"):
        problem(client.get(f"/v1/pictures/{token}"), 404)


def test_the_catalogue_tells_its_values(client: FlaskClient) -> None:
    """Facets of all fields or some, narrowed by a filter; suggestions by prefix."""
    every = client.get("/v1/facets").json["facets"]
    assert {"brand", "category", "tags", "in_stock", "attributes.size"} <= every.keys()
    assert not {"id", "title", "price"} & every.keys()
    some = client.get("/v1/facets", query_string={"field": ["brand", "size"], "filter": '{"price": {"lt": 10}}'}).json
    assert some["facets"]["brand"] == [{"value": "Acme", "count": 1}]
    assert set(some["facets"]) == {"brand", "size"}
    found = client.get("/v1/suggest?q=che").json["suggestions"]
    assert {"text": "Cherry mug", "kind": "title", "count": 1} in found
    problem(client.get("/v1/suggest"), 422, "q")
    problem(client.get("/v1/facets?fields=brand"), 422, "fields")
    problem(client.get("/v1/facets?filter={"), 422, "filter")
    problem(client.get("/v1/products/p1/similar?limit=0"), 422, "limit")
    problem(client.get("/v1/products/p1/similar?limit=1&limit=2"), 422, "limit")


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (400, JSON, b"{not json"),
        (400, JSON, b""),
        (400, JSON, b'{"limit": NaN}'),
        (400, JSON, b'{"min_similarity": -Infinity}'),
        (400, JSON, b"[" * 100_000),
        (400, JSON, b"\xff"),
        (400, JSON, b'{"limit": 1' + b"0" * 5000 + b"}"),
        (400, {"Content-Type": "application/json; charset=utf-16"}, "{}".encode("utf-16")),
        (415, {"Content-Type": "text/plain"}, b"{}"),
        (415, {"Content-Type": "application/x-www-form-urlencoded"}, b"{}"),
        (415, JSON | {"Content-Encoding": "gzip"}, b"\x1f\x8bjunk"),
        (413, JSON, b'{"text": "' + b"x" * 200_000 + b'"}'),
        (422, JSON, b"[]"),
        (422, JSON, b'{"text": "' + b"x" * 100_000 + b'"}'),
        (400, {"Content-Type": "multipart/form-data"}, b"x"),
        (
            400,
            {"Content-Type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="picture"; filename="x"\r\n\r\nhalf',
        ),
        (
            422,
            {"Content-Type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="else"\r\n\r\nx\r\n--b--\r\n',
        ),
        (
            422,
            {"Content-Type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="picture"\r\n\r\nx\r\n--b--\r\n',
        ),
        (
            413,
            {"Content-Type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\nx\r\n' * 100 + b"--b--\r\n",
        ),
    ],
)
def test_bodies_that_are_no_search_are_refused(client: FlaskClient, status: int, headers: dict[str, str], body: bytes) -> None:
    """Each with the status that says what is wrong."""
    problem(client.post("/v1/search", data=body, headers=headers), status)


def test_pages_that_do_not_exist_and_methods_that_do_not_fit(client: FlaskClient) -> None:
    """Problems as well, with Allow where it belongs."""
    problem(client.get("/v1/nothing"), 404)
    problem(client.get("/v1/products/"), 404)
    problem(client.get("/v1/products/%ff%fe"), 400)
    told = client.get("/v1/search")
    problem(told, 405)
    assert "POST" in told.headers["Allow"]
    assert client.head("/healthz").data == b""


def test_writes_need_the_key_where_one_is_set(house: House) -> None:
    """Reading and searching never do."""
    client = create_app(house, Options(write_key="schlüssel")).test_client()
    for headers in ({}, {"X-Api-Key": "else"}, {"Authorization": "Bearer else"}, {"Authorization": "Basic schl"}):
        for method, path in (
            ("PUT", "/v1/products/a"),
            ("DELETE", "/v1/products/a"),
            ("POST", "/v1/products:bulk"),
            ("DELETE", "/v1/jobs/x"),
        ):
            told = client.open(path, method=method, json={}, headers=headers)
            problem(told, 401)
            assert told.headers["WWW-Authenticate"].startswith("Bearer")
    key = "schlüssel".encode().decode("latin-1")  # headers are bytes, which WSGI hands on as latin-1
    assert client.put("/v1/products/a", json={}, headers={"X-Api-Key": key}).status_code == 201
    assert client.delete("/v1/products/a", headers={"Authorization": f"bearer {key}"}).status_code == 204
    assert client.post("/v1/search", json={}).status_code == 200


def test_health_readiness_and_figures(house: House) -> None:
    """An empty index is ready once the networks have answered; before that /readyz says so and when to ask again."""
    warm = False
    client = create_app(house, warm=lambda: warm).test_client()
    assert client.get("/healthz").json["status"] == "ok"
    cold = client.get("/readyz")
    assert (problem(cold, 503)["engine"], cold.headers["Retry-After"]) == ("memory", "1")
    warm = True
    ready = client.get("/readyz").json
    assert {name: ready[name] for name in ("status", "engine", "documents", "writable", "recall")} == {
        "status": "ready",
        "engine": "memory",
        "documents": 0,
        "writable": True,
        "recall": 1.0,
    }
    assert ready["recipe"] == house.recipe.id
    client.post("/v1/search", json={})
    figures = client.get("/metrics").text
    assert 'lookalike_http_requests_total{method="POST",route="/v1/search",status="200"} 1.0' in figures
    assert "lookalike_documents 0.0" in figures
    assert 'lookalike_search_stage_seconds_count{stage="engine"} 1.0' in figures


def test_a_defect_is_told_as_one_without_its_trace(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """What nobody foresaw ends in a problem document with a request id, and in the log with the trace."""
    app = create_app(house)

    @app.get("/broken")
    def broken() -> str:
        raise ZeroDivisionError("a secret")

    client = app.test_client()
    told = problem(client.get("/broken", headers={"X-Request-Id": "mine-1"}), 500)
    assert told["request_id"] == "mine-1"
    assert "secret" not in json.dumps(told)
    assert "a secret" in caplog.text


def test_an_index_that_is_away_is_503_and_keeps_its_folder_to_itself(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """The reason is the operator's: it goes to the log."""
    house.engine.close()
    away = create_app(house).test_client().post("/v1/search", json={})
    assert "closed" not in problem(away, 503)["detail"]
    assert away.headers["Retry-After"].isdigit()
    assert "closed" in caplog.text
