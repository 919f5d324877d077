"""Live changes over HTTP: what was told can be sent back, what was sent twice is done once, what is written is found."""

import base64
import io
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from toy_house import data_url, encoded, ended, picture, shop, toy_house

from lookalike.bootstrap import House
from lookalike.errors import InvalidInput
from lookalike.services.export import export_lines
from lookalike.testing.seeing import ToyAnalyser
from query_api.app import create_app
from query_api.idempotency import Answered
from query_api.options import Options
from query_api.problem import HttpProblem

NDJSON = {"Content-Type": "application/x-ndjson"}


def looked(house: House) -> int:
    """How many pictures the analyser was shown so far."""
    assert isinstance(house.analyser, ToyAnalyser)
    return house.analyser.looked


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with toy_house(tmp_path / "shop.lookalike") as opened:
        yield opened


@pytest.fixture
def client(house: House) -> FlaskClient:
    """A client of a shop with twelve products in the embedded engine."""
    made = create_app(house, Options(max_body=2_000_000)).test_client()
    job = bulk(made, *shop())
    assert (job["state"], job["counts"]["done"]) == ("done", 12)
    return made


def bulk(client: FlaskClient, *rows: Any, **headers: str) -> dict[str, Any]:
    """The job of some rows, once it has ended."""
    body = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in rows)
    job = client.post("/v1/products:bulk", data=body, headers=NDJSON | headers).json
    return ended(client, job)


def test_an_upload_is_shown_again_as_a_picture_of_our_own(client: FlaskClient) -> None:
    """Upright, reduced, without what a camera wrote; kept by no cache; gone when it is forgotten."""
    photo, out = Image.new("RGB", (3000, 1500), "red"), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    photo.save(out, "JPEG", exif=exif)
    upload = client.post("/v1/analyze", data={"picture": (io.BytesIO(out.getvalue()), "x.jpg")}).json["upload"]
    for query, size in (("", (800, 1600)), ("?size=100", (50, 100))):
        found = client.get(f"/v1/uploads/{upload}{query}")
        seen = Image.open(io.BytesIO(found.data))
        assert (found.mimetype, seen.format, seen.size, dict(seen.getexif())) == ("image/jpeg", "JPEG", size, {})
        assert (found.headers["Cache-Control"], "sandbox" in found.headers["Content-Security-Policy"]) == ("no-store", True)
    assert client.get(f"/v1/uploads/{upload}?size=9").status_code == 422
    assert client.delete(f"/v1/uploads/{upload}").status_code == 204
    for name in (upload, "u_nobody", "..%2f..%2fetc%2fpasswd"):
        gone = client.get(f"/v1/uploads/{name}")
        assert (gone.status_code, gone.mimetype) == (404, "application/problem+json")


def test_an_upload_ends(tmp_path: Path) -> None:
    """After its life, by itself."""
    with toy_house(upload_ttl=0.05) as house:
        client = create_app(house).test_client()
        upload = client.post("/v1/analyze", json={"picture": {"base64": encoded(picture(0.2))}}).json["upload"]
        until = time.monotonic() + 5
        while len(house.uploads) and time.monotonic() < until:
            continue
        assert client.get(f"/v1/uploads/{upload}").status_code == 404


def test_what_was_told_can_be_sent_back(client: FlaskClient, house: House) -> None:
    """By PUT, PATCH and bulk; what a GET, a search and an export told: pictures and vectors stay, and no network runs."""
    before = list(house.engine.documents())
    assert looked(house) == 12
    told = [client.get(f"/v1/products/{one.id}").json["product"] for one in before]
    hits = [hit["product"] for hit in client.post("/v1/search", json={"limit": 100}).json["hits"]]
    exported = list(export_lines(house.engine.documents()))
    for rows in (told, hits, exported):
        job = bulk(client, *rows)
        assert (job["counts"]["unchanged"], job["errors"]) == (12, []), job
    assert list(house.engine.documents()) == before
    row = told[3]
    job = bulk(client, row | {"title": "Sour lime bowl", "pictures": [*row["pictures"], data_url(picture(0.9))]})
    assert (job["counts"]["done"], looked(house)) == (1, 13)
    both = client.get(f"/v1/products/{row['id']}").json["product"]["pictures"]
    swapped = client.patch(f"/v1/products/{row['id']}", json={"pictures": both[::-1]}).json["product"]["pictures"]
    assert (len(set(both + swapped)), looked(house)) == (4, 13)
    again = client.put(f"/v1/products/{row['id']}", json={"pictures": both})
    assert (again.status_code, looked(house)) == (200, 13), "an address means its picture, wherever that stands by now"
    gone = client.patch(f"/v1/products/{row['id']}", json={"pictures": [data_url(picture(0.15))]})
    assert gone.status_code == 200
    for address in (both[0], hits[0]["pictures"][0], "/v1/pictures/eA.0.x"):
        answer = client.put(f"/v1/products/{row['id']}", json={"pictures": [address]})
        assert (answer.status_code, "address of this server" in answer.json["detail"]) == (422, True)
        assert bulk(client, {"id": "new", "pictures": [address]})["errors"][0]["reason"] == "picture_unavailable"


def test_files_of_this_machine_are_neither_read_nor_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the folder that is set they are; elsewhere they never are, whatever a row, a patch or a swapped file tries."""
    root, secret = tmp_path / "pictures", tmp_path / "private.png"
    (root / "below").mkdir(parents=True)
    (root / "below" / "mug.png").write_bytes(picture(0.4))
    secret.write_bytes(picture(0.7))
    (root / "link.png").symlink_to(secret)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "mug.png").write_bytes(picture(0.7))  # where a relative path must not lead
    monkeypatch.chdir(tmp_path)
    with toy_house(picture_root=root) as house:
        client = create_app(house).test_client()
        tries = (
            str(secret),
            f"file://{secret}",
            "../private.png",
            "below/../../private.png",
            "link.png",
            "/etc/passwd",
            "\0",
            "private.png",
        )
        for path in tries:
            assert client.put("/v1/products/thief", json={"pictures": [path]}).status_code == 422, path
            bulk(client, {"id": "thief", "pictures": [path]})
            address = client.get("/v1/products/thief").json["product"]["pictures"][0]
            assert client.get(address).status_code == 404, path
        made = client.put("/v1/products/mug", json={"pictures": ["below/mug.png", str(root / "below" / "mug.png")]})
        assert made.status_code == 201
        for address in made.json["product"]["pictures"]:
            assert client.get(address).data == picture(0.4)
        (root / "below" / "mug.png").unlink()
        (root / "below" / "mug.png").symlink_to(secret)
        kept = create_app(house).test_client()  # with nothing reduced in memory
        for address in made.json["product"]["pictures"]:
            assert kept.get(address).status_code == 404


def test_a_change_is_found_within_a_second_and_costs_no_network(client: FlaskClient, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """PATCH of price and stock, PUT of the same, bulk of both, DELETE: each is seen by the search that follows."""
    seen = looked(house)

    def found(told: dict[str, Any]) -> list[str]:
        return [hit["id"] for hit in client.post("/v1/search", json={"filter": told, "sort": "price"}).json["hits"]]

    began = time.monotonic()
    assert client.patch("/v1/products/p1", json={"price": 777, "in_stock": True}).status_code == 200
    assert found({"price": 777, "in_stock": True}) == ["p1"]
    assert time.monotonic() - began < 1
    told = shop()[2]
    version = client.get("/v1/products/p2").json["version"]
    same = client.put("/v1/products/p2", json=told)
    assert (same.status_code, same.json["version"]) == (200, version)
    began = time.monotonic()
    job = bulk(client, *({"op": "patch", "id": f"p{n}", "product": {"price": 1000 + n}} for n in range(12)))
    assert (job["counts"]["done"], found({"price": {"gte": 1000}})) == (12, [f"p{n}" for n in range(12)])
    assert time.monotonic() - began < 1
    assert client.delete("/v1/products/p1").status_code == 204
    assert "p1" not in found({})
    assert looked(house) == seen


def test_the_best_of_several_pictures_scores_and_the_hit_says_which(client: FlaskClient) -> None:
    """All are indexed; a picture that is gone is no longer found; variants of a group can be folded into one hit."""
    told = {"title": "Two views", "group": "views", "pictures": [data_url(picture(0.05)), data_url(picture(0.45, lightness=0.3))]}
    assert client.put("/v1/products/two", json=told).status_code == 201
    assert client.put("/v1/products/twin", json=told | {"pictures": [data_url(picture(0.46, lightness=0.3))]}).status_code == 201

    def best(content: bytes, **more: Any) -> dict[str, Any]:
        query = {"like": [{"picture": {"base64": encoded(content)}}], "weights": {"picture": 1, "category": 0, "colour": 0}, **more}
        hit: dict[str, Any] = client.post("/v1/search", json=query).json["hits"][0]
        return hit

    first, second = best(told_bytes(told, 0)), best(told_bytes(told, 1))
    assert (first["id"], first["picture"]) == ("two", 0)
    assert (second["id"], second["picture"]) == ("two", 1)
    assert min(first["similarity"], second["similarity"]) > 0.999
    assert client.get(second["product"]["pictures"][second["picture"]]).data == told_bytes(told, 1)
    query = {"like": [{"picture": {"base64": encoded(told_bytes(told, 1))}}], "group_by": "group", "limit": 100}
    hits = client.post("/v1/search", json=query).json["hits"]
    assert [hit["id"] for hit in hits if hit["product"].get("group") == "views"] == ["two"]
    client.patch("/v1/products/two", json={"pictures": told["pictures"][:1]})
    assert best(told_bytes(told, 1))["id"] == "twin"


def told_bytes(told: dict[str, Any], place: int) -> bytes:
    """A picture of a product's JSON."""
    return base64.b64decode(told["pictures"][place].partition(",")[2])


def test_a_write_that_is_sent_again_is_answered_again_and_done_once(client: FlaskClient, house: House) -> None:
    """The same answer, ETag and job; another request under the same key is refused; other keys are other requests."""
    key = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
    first, again = (client.patch("/v1/products/p1", json={"price": 3}, headers=key) for _ in range(2))
    assert (first.status_code, first.json["version"]) == (200, 2)
    assert (again.data, again.headers["ETag"], again.headers["Idempotency-Replayed"]) == (first.data, first.headers["ETag"], "true")
    assert "Idempotency-Replayed" not in first.headers
    assert house.engine.get(["p1"])[0].version == 2  # type: ignore[union-attr]
    for method, path, body, more in (
        ("PATCH", "/v1/products/p1", {"price": 4}, {}),
        ("PATCH", "/v1/products/p2", {"price": 3}, {}),
        ("PUT", "/v1/products/p1", {"price": 3}, {}),
        ("PATCH", "/v1/products/p1", {"price": 3}, {"If-Match": '"2"'}),
    ):
        other = client.open(path, method=method, json=body, headers=key | more)
        assert (other.status_code, other.json["errors"][0]["at"]) == (422, "Idempotency-Key")
    row = json.dumps({"op": "patch", "id": "p3", "product": {"price": 9}})
    jobs = [client.post("/v1/products:bulk", data=row, headers=NDJSON | {"Idempotency-Key": "bulk-1"}) for _ in range(3)]
    assert len({one.json["id"] for one in jobs}) == len({one.headers["Location"] for one in jobs}) == 1
    gone = [client.delete("/v1/products/p4", headers={"Idempotency-Key": "d"}).status_code for _ in range(2)]
    assert gone == [204, 204]
    refused = [client.patch("/v1/products/nobody", json={"price": 1}, headers={"Idempotency-Key": "n"}) for _ in range(2)]
    assert [one.status_code for one in refused] == [404, 404]
    assert refused[1].data == refused[0].data
    for bad in ("", '""', "a b", "é".encode().decode("latin-1"), "x" * 256):
        assert client.delete("/v1/products/p5", headers={"Idempotency-Key": bad}).status_code == 422
    assert client.post("/v1/search", json={}, headers=key).status_code == 200, "a search is no write"


def test_of_the_same_request_at_once_one_is_done(client: FlaskClient, house: House) -> None:
    """The others are told to wait, or get its answer."""
    answers: list[Any] = []
    start = threading.Barrier(8)

    def ask() -> None:
        mine = client.application.test_client()
        start.wait()
        answers.append(mine.patch("/v1/products/p1", json={"price": 5}, headers={"Idempotency-Key": "at-once"}))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.status_code for one in answers} <= {200, 409}
    assert len({one.data for one in answers if one.status_code == 200}) == 1
    assert all(one.headers["Retry-After"] == "1" for one in answers if one.status_code == 409)
    assert house.engine.get(["p1"])[0].version == 2  # type: ignore[union-attr]


def test_keys_are_free_again_where_nothing_was_answered() -> None:
    """A key in flight says so; a refusal that may pass, an error and a life's end free it; memory has a bound."""
    from flask import Response

    now = [0.0]
    answered = Answered(10, most_bytes=2_500, clock=lambda: now[0])
    assert answered.begin("a", b"1") is None
    with pytest.raises(HttpProblem) as caught:
        answered.begin("a", b"1")
    assert caught.value.status == 409
    with pytest.raises(InvalidInput):
        answered.begin("a", b"2")
    for passing in (None, Response(status=503), Response(status=429)):
        answered.end("a", passing)
        assert answered.begin("a", b"1") is None
    answered.end("a", Response("kept", 201))
    found = answered.begin("a", b"1")
    assert found is not None
    assert (found.status_code, found.get_data()) == (201, b"kept")
    now[0] = 10.5
    assert answered.begin("a", b"2") is None
    answered.end("a", Response("new"))
    for name in "bcd":
        assert answered.begin(name, b"1") is None
        answered.end(name, Response("x"))
    assert answered.begin("a", b"3") is None, "those used longest ago went first"


def test_a_job_can_be_stopped_and_tells_what_it_did(client: FlaskClient, house: House) -> None:
    """What it counts as done is there; a job that waited does nothing; stopping again, or nobody's job, is told."""
    body = "\n".join(json.dumps({"id": f"n{n:04}", "title": "new"}) for n in range(3_000))
    first, second = (client.post("/v1/products:bulk", data=text, headers=NDJSON).json for text in (body, '{"id": "late", "title": "late"}'))
    waited = client.delete(f"/v1/jobs/{second['id']}").json
    stopped = client.delete(f"/v1/jobs/{first['id']}").json
    while stopped["state"] in ("queued", "running"):
        stopped = client.get(f"/v1/jobs/{first['id']}").json
    assert stopped["state"] in ("cancelled", "done")
    assert stopped["finished"] >= stopped["created"]
    assert stopped["counts"]["total"] == 3_000
    assert house.engine.status().documents == 12 + stopped["counts"]["done"] + (waited["state"] == "done")
    assert (house.engine.get(["late"])[0] is None) == (waited["state"] == "cancelled")
    assert client.delete(f"/v1/jobs/{first['id']}").json == stopped
    assert client.delete("/v1/jobs/j_nobody").status_code == 404
