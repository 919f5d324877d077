"""The API while its workers or their Redis are away: every search is answered, says what it lacks, and is whole again by itself."""

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image
from redis.exceptions import OutOfMemoryError
from support import looking, moody, redis_server, worker_process
from support.looking import comes
from toy_house import data_url, encoded

from lookalike.bootstrap import House, build
from lookalike.broker.connection import connect
from lookalike.settings import Settings
from query_api.app import create_app

WORDS = ("Cherry mug", "Amber lamp", "Lemon vase", "Lime bowl")


def patterned(number: int, kind: str = "PNG", side: int = 96) -> bytes:
    """A grey picture of 6 × 6 fields, different for each number; as a small JPEG it is the same shot encoded anew."""
    fields = np.random.default_rng(number).integers(40, 215, (6, 6), np.uint8)
    out = io.BytesIO()
    Image.fromarray(fields).resize((96, 96), Image.Resampling.BICUBIC).convert("RGB").resize((side, side)).save(out, kind, quality=60)
    return out.getvalue()


class Shop:
    """A shop over HTTP whose networks are a worker's."""

    def __init__(self, url: str, place: Path, **settings: Any) -> None:
        self.environment = {"LOOKALIKE_REDIS": url, "LOOKALIKE_RECIPE": "moody", "LOOKALIKE_SEEN_TTL": "0", "PYTHONPATH": str(place)}
        told = Settings(index="memory:", recipe="moody", analyser="celery", redis=url, **settings)
        self.house: House = build(told)
        self.app = create_app(self.house)
        self.client: FlaskClient = self.app.test_client()

    def fill(self) -> None:
        """Put four products."""
        for number, title in enumerate(WORDS):
            product = {"title": title, "category": "Home", "pictures": [data_url(patterned(number))]}
            done = self.client.put(f"/v1/products/p{number}", json=product)
            assert done.status_code == 201, done.json

    def search(self, picture: bytes | None = None, **more: Any) -> tuple[Any, float]:
        """(answer, seconds); the answer is a 200."""
        began = time.monotonic()
        like = {} if picture is None else {"like": [{"picture": {"base64": encoded(picture)}}]}
        found = self.client.post("/v1/search", json={**like, **more})
        assert found.status_code == 200, found.json
        return found.json, time.monotonic() - began

    def status(self) -> str:
        found = self.client.get("/readyz")
        assert found.status_code == 200, found.json
        return str(found.json["status"])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the moody plugin is installed, for this process too."""
    found = looking.install_moody(tmp_path / "plugins")
    monkeypatch.syspath_prepend(str(found))
    return found


@pytest.fixture
def server(redis_of_session: redis_server.RedisServer) -> Iterator[redis_server.RedisServer]:
    """A Redis of this test alone, to be killed."""
    with redis_server.running() as started:
        yield started


def test_searches_go_on_without_redis_and_are_whole_again_with_it(server: redis_server.RedisServer, place: Path) -> None:
    """Killed and started again, empty: never a 5xx, never late, a notice each time; then everything is as before."""
    shop = Shop(server.url, place)
    with shop.house, worker_process.worker(shop.environment, "--pool", "solo", "--queues", "lookalike.looks"):
        shop.fill()
        found, _ = shop.search(patterned(2, "JPEG", 60))
        assert (found["hits"][0]["id"], found["notices"]) == ("p2", [])
        assert shop.status() == "ready"
        server.kill()

        found, took = shop.search(patterned(2, "JPEG", 72), filter={"category": "Home"})
        assert found["hits"][0]["id"] == "p2"
        assert len(found["hits"]) == 4, "the stand-in's vector ranks all others too"
        assert found["analysis"]["objects"]
        assert "stood in" in found["notices"][0]
        assert took < 5
        found, took = shop.search(patterned(99), text="lamp")
        assert [hit["id"] for hit in found["hits"]] == ["p1"]
        assert "took no part" in found["notices"][0]
        assert took < 5
        found, took = shop.search(patterned(98))
        assert (found["hits"], found["total"]["value"]) == ([], 0)
        assert len(found["notices"]) == 2
        assert took < 5
        assert shop.search(text="vase")[0]["notices"] == [], "who sends no picture misses nothing"
        seen = shop.client.post("/v1/analyze", json={"picture": {"base64": encoded(patterned(97))}})
        assert (seen.status_code, seen.json["objects"], seen.json["width"]) == (200, [], 96)
        assert seen.json["notices"]
        assert shop.client.get(f"/v1/uploads/{seen.json['upload']}").status_code == 200
        refused = shop.client.post("/v1/search", json={"like": [{"picture": {"base64": encoded(b"no picture")}}]})
        assert refused.status_code == 415, "what is no picture is told as ever"
        written = shop.client.put("/v1/products/new", json={"title": "New", "pictures": [data_url(patterned(96))]})
        assert (written.status_code, int(written.headers["Retry-After"]) > 0) == (503, True), "no product by another's analysis"
        comes(lambda: shop.status() == "degraded", "readiness that knows")

        server.start()
        comes(lambda: shop.status() == "ready", "readiness by itself")
        found, _ = shop.search(patterned(1, "JPEG", 64))
        assert (found["hits"][0]["id"], found["notices"]) == ("p1", [])


def fill_up(client: Any) -> None:
    """Write until Redis refuses. Raises: OutOfMemoryError."""
    for _ in range(100_000):
        client.rpush("others", b"x" * 4_000)


def test_a_full_redis_costs_looks_and_nothing_else(place: Path) -> None:
    """Above maxmemory Redis takes no picture: searches are answered without looking; with room again everything is as before."""
    with redis_server.running(maxmemory="16mb") as server, connect(server.url) as client:
        shop = Shop(server.url, place)
        with shop.house, worker_process.worker(shop.environment, "--pool", "solo", "--queues", "lookalike.looks"):
            shop.fill()
            with pytest.raises(OutOfMemoryError):
                fill_up(client)
            found, took = shop.search(patterned(2, "JPEG", 72))
            assert found["hits"][0]["id"] == "p2"
            assert "stood in" in found["notices"][0]
            assert took < 5
            client.delete("others")
            comes(lambda: not shop.search(patterned(1, "JPEG", 64))[0]["notices"], "a look at a picture")


def test_too_many_visitors_are_told_when_to_come_again(redis: str, place: Path) -> None:
    """The bound holds over HTTP: 429 with a whole number of seconds."""
    shop = Shop(redis, place, queue_looks=1)
    with shop.house, worker_process.worker(shop.environment, "--pool", "solo"), connect(redis, 60) as client:
        first = looking.Clients(shop.house.analyser, [looking.holding()])
        assert client.blpop([moody.BEGAN], timeout=60)
        second = looking.Clients(shop.house.analyser, [looking.harmless(1)])
        comes(lambda: shop.house.analyser.networks().waiting == 1, "one who waits")  # type: ignore[attr-defined]
        refused = shop.client.post("/v1/search", json={"like": [{"picture": {"base64": encoded(patterned(1))}}]})
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) >= 1
        client.rpush(moody.GATE, "open")
        first.all_told()
        second.all_told()


def test_what_is_not_looked_at_in_time_is_answered_without(redis: str, place: Path) -> None:
    """A worker that is there but stuck: the answer comes before the request's deadline, from what stands in."""
    shop = Shop(redis, place, deadline_seconds=3.0)
    with shop.house, worker_process.worker(shop.environment, "--pool", "solo"), connect(redis, 60) as client:
        shop.fill()
        stuck = looking.Clients(shop.house.analyser, [looking.holding()])
        assert client.blpop([moody.BEGAN], timeout=60)
        found, took = shop.search(patterned(3, "JPEG", 72))
        assert found["hits"][0]["id"] == "p3"
        assert found["notices"]
        assert took < 3
        began = time.monotonic()
        written = shop.client.put("/v1/products/new", json={"title": "New", "pictures": [data_url(patterned(4))]})
        assert (written.status_code, "Retry-After" in written.headers) == (503, True), "a write waits no longer for the networks either"
        assert 2 < time.monotonic() - began < 6
        client.rpush(moody.GATE, "open")
        stuck.all_told()
        assert shop.client.put("/v1/products/new", json={"title": "New", "pictures": [data_url(patterned(4))]}).status_code == 201
