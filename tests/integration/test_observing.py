"""What operators and shops see of searches: exact metrics under threads, ids from the door to OpenSearch, events that cost nothing."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from support.between import Between, between
from support.served import served
from toy_house import data_url, encoded, ended, picture, shop, toy_house

from lookalike.bootstrap import House
from lookalike.runners.board import Piece
from query_api.app import create_app
from query_api.metrics import INTAKE_STAGES, OUTCOMES, STAGES
from query_api.options import Options
from query_api.server import bind, make_server
from workers.ingesting import RowWork

NDJSON = {"Content-Type": "application/x-ndjson"}
Json = dict[str, Any]


def figures(text: str) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels."""
    return {(sample.name, *sample.labels.values()): sample.value for one in text_string_to_metric_families(text) for sample in one.samples}


def filled(house: House, **options: Any) -> FlaskClient:
    """A client of a shop with twelve products."""
    client = create_app(house, **options).test_client()
    body = "\n".join(map(json.dumps, shop()))
    assert ended(client, client.post("/v1/products:bulk", data=body, headers=NDJSON).json)["state"] == "done"
    return client


def test_metrics_are_exact_under_threads() -> None:
    """Over real sockets: every search is counted once, with its stages and its outcome."""
    options = Options(threads=8)
    like = [{"picture": {"base64": encoded(picture(0.3))}}]
    asked = [({"text": "mug"}, 200), ({"text": "zebra"}, 200), ({"like": like}, 200), ({"like": [{"product": "nobody"}]}, 422)]
    with toy_house() as house:
        filled(house)
        server = make_server(create_app(house, options), bind("127.0.0.1", 0), options)
        with served(server):
            where = server.socket.getsockname()

            def ask(method: str, path: str, body: Json | None = None) -> tuple[int, str]:
                with contextlib.closing(http.client.HTTPConnection(*where, timeout=30)) as connection:
                    connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
                    answer = connection.getresponse()
                    return answer.status, answer.read().decode()

            wrong: list[tuple[Json, int]] = []

            def visit() -> None:
                for _ in range(10):
                    wrong.extend((body, found[0]) for body, status in asked if (found := ask("POST", "/v1/search", body))[0] != status)
                    ask("GET", "/metrics")

            visitors = [threading.Thread(target=visit) for _ in range(8)]
            for one in visitors:
                one.start()
            for one in visitors:
                one.join()
            told = figures(ask("GET", "/metrics")[1])
    assert wrong == []
    outcomes = {name: told["lookalike_searches_total", name] for name in OUTCOMES}
    assert outcomes == {"found": 160, "empty": 80, "refused": 80, "overloaded": 0, "unavailable": 0, "failed": 0}
    stages = {name: told["lookalike_search_stage_seconds_count", name] for name in STAGES}
    assert stages == {"fetch": 0, "decode": 80, "analyse": 80, "engine": 240, "http": 240, "total": 240}
    assert told["lookalike_http_requests_total", "POST", "/v1/search", "200"] == 240
    assert told["lookalike_http_requests_total", "GET", "/metrics", "200"] == 80
    assert {stage: told["lookalike_ingest_stage_seconds_total", stage] > 0 for stage in INTAKE_STAGES} == dict.fromkeys(INTAKE_STAGES, True)
    assert told["lookalike_ingest_rows_total", "indexed"] == 12
    assert (told["lookalike_ingest_pictures_total", "looked"], told["lookalike_documents",], told["lookalike_engine_ready",]) == (12, 12, 1)


def test_the_page_of_a_servers_state_has_the_last_minutes() -> None:
    """Counts, quantiles of stages, queues, intake, events."""
    with toy_house() as house:
        client = filled(house)
        for _ in range(20):
            client.post("/v1/search", json={"text": "mug"})
        client.post("/v1/search", json={"text": "zebra"})
        told = client.get("/statusz").json
    assert (told["ready"], told["documents"], told["recent"]["counts"]["searches"], told["recent"]["counts"]["empty"]) == (True, 12, 21, 1)
    assert set(told["recent"]["stages_ms"]) == {"engine", "http", "total"}
    for quantiles in told["recent"]["stages_ms"].values():
        assert quantiles["p50"] <= quantiles["p95"] <= quantiles["p99"]
    assert told["queue"] == {"http": 0, "events": 0, "looks": 0, "jobs": 0}
    assert told["intake"]["rows"] == {"indexed": 12}
    assert told["events"] == {"on": False, "waiting": 0, "written": 0, "dropped": 0, "refused": 0}


def test_what_shoppers_do_is_checked_and_told_to_be_kept_or_not() -> None:
    """202 even where nobody keeps it: a shop's page works the same. Every problem is named with its place."""
    with toy_house() as house:
        client = create_app(house).test_client()
        good = {"action_name": "click", "object_id": "p1", "position": 1, "timestamp": "2026-03-01T12:00:00Z", "query_id": None}
        found = client.post("/v1/events", json={"events": [good]})
        assert (found.status_code, found.json["accepted"], found.json["dropped"], "off" in found.json["notices"][0]) == (202, 0, 1, True)
        bad = [{"action_name": "stare", "object_id": ""}, {"position": 0, "price": 3, "timestamp": "noon"}, "click"]
        places = {one["at"] for one in client.post("/v1/events", json={"events": bad}).json["errors"]}
        assert places == {
            *("events[0].action_name", "events[0].object_id", "events[1].action_name", "events[1].object_id"),
            *("events[1].position", "events[1].price", "events[1].timestamp", "events[2]"),
        }
        for body in ({}, {"events": []}, {"events": [good] * 101}, {"events": [good], "x": 1}, []):
            assert client.post("/v1/events", json=body).status_code == 422


def test_events_go_to_files_beside_the_index(tmp_path: Any) -> None:
    """With the embedded engine, where a setting asks for it; nothing of a shopper's picture is in them."""
    content = encoded(picture(0.4))
    with toy_house(tmp_path / "shop.lookalike", events="file") as house:
        client = filled(house)
        answer = client.post("/v1/search", json={"like": [{"picture": {"base64": content}}]}, headers={"X-Client-Id": "browser-1"}).json
        upload = client.post("/v1/analyze", json={"picture": {"base64": content}}).json["upload"]
        client.post("/v1/search", json={"like": [{"picture": {"upload": upload}}], "filter": {"price": {"lt": 30}}, "text": "mug"})
        clock = {"action_name": "view", "object_id": "p4", "query_id": answer["query_id"], "timestamp": "1999-01-01"}
        assert client.post("/v1/events", json={"events": [clock]}).json["accepted"] == 1
    text = (tmp_path / "shop.lookalike" / "events" / "events-1.jsonl").read_text("utf-8")
    ingest, first, second, view = map(json.loads, text.splitlines())
    assert (ingest["kind"], ingest["counts"]["done"], ingest["application"]) == ("ingest", 12, "shop")
    assert (first["query_id"], first["client_id"], first["query_attributes"]["like"]) == (answer["query_id"], "browser-1", ["picture"])
    assert first["query_response_hit_ids"] == [hit["id"] for hit in answer["hits"]]
    assert (second["user_query"], second["query_attributes"]["filter_fields"]) == ("mug", ["price"])
    assert view["query_id"] == answer["query_id"]
    assert view["timestamp"] > "2020", "a clock that is wrong is not believed"
    assert upload not in text
    assert content[:40] not in text


def test_a_run_tells_its_end_and_its_failures(tmp_path: Any) -> None:
    """From the command line, under the run's id; and what it logs is JSON where that is set."""
    rows = [{"id": "a", "title": "Mug"}, {"id": "b", "title": "Lamp", "pictures": ["nobody.jpg"]}, {"id": "c", "price": "much"}]
    (tmp_path / "shop.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    line = [sys.executable, str(Path(__file__).with_name("toy_cli.py")), "index", "shop.jsonl", "--index", "s.lookalike", "--json"]
    environment = {**os.environ, "LOOKALIKE_EVENTS": "file", "LOOKALIKE_LOG": "json", "LOOKALIKE_LOG_LEVEL": "DEBUG"}
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120)
    report = json.loads(done.stdout)
    assert (done.returncode, report["counts"]["failed"]) == (1, 2), done.stderr
    text = (tmp_path / "s.lookalike" / "events" / "events-1.jsonl").read_text("utf-8")
    *failures, end = map(json.loads, text.splitlines())
    assert {one["reason"] for one in failures} == {one["reason"] for one in report["failures"]}
    assert {one["run"] for one in (*failures, end)} == {one["request_id"] for one in (*failures, end)} == {report["run"]}
    assert (end["outcome"], end["counts"], end["origin"], end["recipe"][:4]) == ("done", report["counts"], "index", "toy@")


def test_a_worker_tells_its_part_of_a_job(tmp_path: Any) -> None:
    """Piece by piece, under the job's name: sums over them are the job."""
    rows = [json.dumps({"row": place, "op": "put", "id": one["id"], "told": one}) for place, one in enumerate(shop()[:3], 1)]
    rows.append(json.dumps({"row": 4, "op": "put", "id": "bad", "told": {"id": "bad", "price": "much"}}))
    with toy_house(events=f"file:{tmp_path}") as house:
        work = RowWork(lambda: house)
        for part in (rows[:2], rows[2:]):
            work.do(Piece("j_a-job", "job", "0", "token", 0, 0, 0.0, tuple(part)), lambda: False)
    told = [json.loads(line) for line in (tmp_path / "events-1.jsonl").read_text("utf-8").splitlines()]
    assert {one["run"] for one in told} == {one["request_id"] for one in told} == {"j_a-job"}
    assert sum(one["counts"]["done"] for one in told if one["kind"] == "ingest") == 3
    assert [one["object_id"] for one in told if one["kind"] == "failure"] == ["bad"]


def test_no_search_waits_for_where_events_go() -> None:
    """A place that takes connections and never answers: searches go on, what finds no room is dropped and counted."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        address = f"opensearch://127.0.0.1:{silent.getsockname()[1]}/shop"
        with toy_house(events=address, events_queue=10) as house:
            client = filled(house)
            began = time.monotonic()
            for _ in range(40):
                assert client.post("/v1/search", json={"text": "mug"}).status_code == 200
            assert time.monotonic() - began < 5, "one that waited would take 10 s"
            told = figures(client.get("/metrics").text)
            assert told["lookalike_events_total", "dropped"] >= 40 - 11
            assert told["lookalike_events_total", "written"] == 0
            assert 10 <= told["lookalike_events_waiting",] <= 11


@pytest.fixture
def watched(opensearch: str, opensearch_index: Callable[[str], str]) -> Iterator[tuple[Between, str]]:
    """A server before the real OpenSearch, and the address of an index behind it."""
    with between(opensearch.replace("opensearch", "http", 1)) as told:
        alias = opensearch_index("shop").rpartition("/")[2]
        yield told, f"opensearch://127.0.0.1:{told.port}/{alias}"


@pytest.mark.opensearch
def test_a_request_is_named_to_opensearch(watched: tuple[Between, str]) -> None:
    """Searches, and all that a bulk job asks from whatever thread, go by the caller's X-Request-Id."""
    told, address = watched
    with toy_house(index=address) as house:
        client = filled(house)
        told.seen.clear()
        answer = client.post("/v1/search", json={"text": "mug"}, headers={"X-Request-Id": "from-the-shop"})
        assert answer.headers["X-Request-Id"] == "from-the-shop"
        assert {name for _, _, name in told.seen} == {"from-the-shop"}
        told.seen.clear()
        row = json.dumps({**shop()[0], "pictures": [data_url(picture(0.77))]})
        job = client.post("/v1/products:bulk", data=row, headers=NDJSON | {"X-Request-Id": "a-bulk.1"}).json
        assert ended(client, job)["counts"]["done"] == 1
        named = {path.partition("?")[0].rpartition("/")[2]: name for _, path, name in told.seen}
        assert {"_bulk": named["_bulk"], "_mget": named["_mget"]} == {"_bulk": "a-bulk.1", "_mget": "a-bulk.1"}
        told.seen.clear()
        client.get("/v1/facets?field=brand", headers={"X-Request-Id": "two words"})
        (made,) = {name for _, _, name in told.seen}
        assert made not in (None, "two words")


@pytest.mark.opensearch
def test_metrics_answer_while_the_engine_hangs(watched: tuple[Between, str]) -> None:
    """With what was known, as not ready; and right again when it is back."""
    told, address = watched
    with toy_house(index=address) as house:
        client = filled(house)
        assert figures(client.get("/metrics").text)["lookalike_engine_ready",] == 1
        told.passing.clear()
        began = time.monotonic()
        hanging = figures(client.get("/metrics").text)
        assert time.monotonic() - began < 10
        assert (hanging["lookalike_engine_ready",], hanging["lookalike_documents",]) == (0, 12)
        assert not client.get("/statusz").json["ready"]
        told.passing.set()
        breath = threading.Event()
        while not client.get("/statusz").json["ready"]:
            breath.wait(0.05)
        assert figures(client.get("/metrics").text)["lookalike_engine_ready",] == 1
