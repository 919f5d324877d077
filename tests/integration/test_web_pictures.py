"""Pictures from the web through the doors: the command line over a folder of its own, and the HTTP interface."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from picture_server import PictureServer
from test_cli import Shop
from toy_house import ended, picture, toy_house

from query_api.app import create_app
from query_api.options import Options


def content(name: str) -> bytes:
    """Names that end alike have the same picture."""
    return picture(int(name.rpartition("-")[2]) / 20)


@pytest.fixture
def server() -> Iterator[PictureServer]:
    opened = PictureServer(content)
    yield opened
    opened.close()


def test_a_catalogue_of_addresses_is_fetched_once_then_only_asked_after(server: PictureServer, tmp_path: Path) -> None:
    """What fails is told by row with its reason; what changed is seen anew; what nobody refers to any more is swept."""
    shop = Shop(tmp_path)
    rows: list[object] = [{"id": f"p{n}", "title": f"n {n}", "pictures": [f"tagged/p-{n % 10}"]} for n in range(12)]
    bad = {"status/404": "not_found", "page/x": "wrong_type", "../up": "not_allowed", "far/9": "too_many_redirects"}
    rows += [{"id": f"bad{n}", "title": "bad", "pictures": [one]} for n, one in enumerate(bad)]
    shop.source = shop.write("web.jsonl", rows)
    hosts = {"LOOKALIKE_PICTURE_HOSTS": f"127.0.0.1:{server.port}"}
    done = shop.fill("--pictures", server.base + "/", **hosts)
    assert (done.status, done.json["counts"]["indexed"], done.json["counts"]["failed"]) == (1, 16, 4)
    assert [f"({reason})" in one["message"] for one, reason in zip(done.json["failures"], bad.values(), strict=True)] == [True] * 4
    assert not any("If-None-Match" in one.headers for one in server.asked)

    server.asked.clear()
    server.etags["p-3"] += 1
    server.content = lambda name: content("x-19" if name == "p-3" else name)
    again = shop.fill("--pictures", server.base + "/", **hosts)
    assert (again.json["counts"]["indexed"], again.json["counts"]["unchanged"]) == (1, 15)
    good = [one for one in server.asked if one.path.startswith("tagged/")]
    assert len(good) <= 12, "an address at most once a batch"
    assert all("If-None-Match" in one.headers for one in good)

    files = list((shop.index / "pictures").glob("*/*"))
    assert len(files) == 11
    for file in files:
        os.utime(file, (0, 0))
    for words, left in ((["--dry-run"], 11), ([], 10), ([], 10)):
        swept = shop.run("index-admin", "sweep", "--index", shop.index, "--json", *words)
        assert swept.json["dry_run"] == bool(words)
        assert (swept.status, len(list((shop.index / "pictures").glob("*/*")))) == (0, left)
    assert shop.fill("--pictures", server.base + "/", **hosts).json["counts"]["unchanged"] == 16


def test_strangers_addresses_over_http(server: PictureServer) -> None:
    """Analysis, search and products take a URL; each failure names its reason, and nothing of a shopper's is kept."""
    with toy_house(picture_hosts=(f"127.0.0.1:{server.port}",)) as house:
        client = create_app(house, Options()).test_client()
        url = f"{server.base}/picture/p-4"
        assert client.post("/v1/analyze", json={"picture": {"url": url}}).json["width"] == 32
        assert client.put("/v1/products/a", json={"title": "a", "pictures": [url]}).status_code == 201
        found = client.post("/v1/search", json={"like": [{"picture": {"url": url}}]}).json
        assert found["hits"][0]["id"] == "a"
        assert client.get(found["hits"][0]["product"]["pictures"][0]).status_code == 200
        reasons = {"status/404": "not_found", "to/x?url=http://169.254.169.254/latest/": "forbidden_address", "page/x": "wrong_type"}
        for path, reason in reasons.items():
            for how in (
                client.post("/v1/analyze", json={"picture": {"url": f"{server.base}/{path}"}}),
                client.put("/v1/products/b", json={"title": "b", "pictures": [f"{server.base}/{path}"]}),
            ):
                told = json.loads(how.data)
                assert (how.status_code, told["type"], told["reason"]) == (422, "/docs#problem-picture-unavailable", reason)
        rows = [{"id": f"c{n}", "title": "c", "pictures": [f"{server.base}/{one}"]} for n, one in enumerate(("status/410", "picture/p-5"))]
        body = "\n".join(map(json.dumps, rows))
        job = ended(client, client.post("/v1/products:bulk", data=body, content_type="application/x-ndjson").json)
        assert [(one["id"], "(gone)" in one["message"]) for one in job["errors"]] == [("c0", True)]
        assert client.get("/v1/products/c0").json["unseen"] == [{"picture": 0, "reason": "gone"}]
        assert house.looking.looked == 2
