"""`lookalike status`: the whole house on one screen, whatever part of it is away or hangs."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.served import served
from toy_house import ended, shop, toy_house

from lookalike.bootstrap import recipe_of
from lookalike.broker.connection import connect
from lookalike.broker.looks import LookQueue, Waiting
from lookalike.cli.main import main
from lookalike.runners.celery import board_of
from lookalike.settings import Settings
from query_api.app import create_app
from query_api.options import Options
from query_api.server import bind, make_server

Json = dict[str, Any]
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of this machine counts, and nobody serves at the default address."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
        monkeypatch.setenv("LOOKALIKE_PORT", str(free.getsockname()[1]))


@pytest.fixture
def status(capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command: its exit status, and what it told as JSON."""

    def run(*words: str) -> tuple[int, Json]:
        code = 0
        try:
            main(["status", "--json", *words])
        except SystemExit as left:
            code = int(left.code or 0)
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """An index with twelve products, and a job in its ledger."""
    with toy_house(tmp_path / "shop.lookalike") as house:
        client = create_app(house).test_client()
        body = "\n".join(map(json.dumps, shop()))
        assert ended(client, client.post("/v1/products:bulk", data=body, headers=NDJSON).json)["state"] == "done"
    return tmp_path / "shop.lookalike"


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield listening.getsockname()[1]


def test_an_index_alone_is_a_whole_house(status: Any, filled: Path) -> None:
    """Documents, recipe, size, latency, the last job; server and workers are off, which is no fault."""
    code, told = status("--index", str(filled))
    index = told["index"]
    assert (index["documents"], index["engine"], index["size_bytes"] > 10_000) == (12, "embedded", True)
    assert set(index["search_ms"]) == {"newest", "words"}, "vectors of another recipe are not compared"
    assert all(0 < spent < 5_000 for spent in index["search_ms"].values())
    assert (told["server"]["state"], told["workers"]["state"]) == ("off", "off")
    assert (told["runs"]["state"], told["runs"]["runs"][0]["counts"]["done"]) == ("fine", 12)
    assert (code, told["state"], index["state"]) == (1, "degraded", "degraded"), "the toy's recipe is not the one that is set"
    assert "searches by picture are refused" in index["sentence"]
    main_recipe = recipe_of(Settings()).id
    assert main_recipe in index["sentence"]


def test_an_empty_index_is_fine(status: Any, tmp_path: Path) -> None:
    """Nothing is away, nothing is degraded."""
    code, told = status("--index", "memory:")
    assert (code, told["state"], told["index"]["documents"]) == (0, "fine", 0)


def test_what_is_away_is_a_sentence_and_costs_no_other_part(status: Any, filled: Path, tmp_path: Path) -> None:
    """Status 3."""
    code, told = status("--index", str(tmp_path / "nobody.lookalike"))
    assert (code, told["index"]["state"]) == (3, "away")
    assert "There is no index at" in told["index"]["sentence"]
    with silent() as port:
        pass
    code, told = status("--index", str(filled), "--api", f"http://127.0.0.1:{port}")
    assert (code, told["server"]["state"], told["index"]["documents"]) == (3, "away", 12)


def test_nothing_hangs(status: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that take connections and never answer, all of them at once."""
    with silent() as opensearch, silent() as redis, silent() as api:
        monkeypatch.setenv("LOOKALIKE_ANALYSER", "celery")
        monkeypatch.setenv("LOOKALIKE_REDIS", f"redis://:hunter2secret@127.0.0.1:{redis}/0")
        began = time.monotonic()
        code, told = status(
            *("--index", f"opensearch://127.0.0.1:{opensearch}/shop", "--api", f"http://127.0.0.1:{api}", "--timeout", "2.5")
        )
        assert time.monotonic() - began < 10
    assert code == 3
    assert {name: told[name]["state"] for name in ("index", "server", "workers", "runs")} == {
        **dict.fromkeys(("index", "server", "workers"), "away"),
        "runs": "off",
    }
    assert "hunter2secret" not in json.dumps(told)


def test_a_server_tells_its_last_minutes(status: Any, filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rates, stages, queues; degraded once its index does not answer any more."""
    options = Options(threads=4)
    with toy_house() as house:
        app = create_app(house, options)
        client = app.test_client()
        for row in shop():
            assert client.put(f"/v1/products/{row['id']}", json=row).status_code == 201
        for _ in range(10):
            assert client.post("/v1/search", json={"text": "mug"}).status_code == 200
        listening = bind("127.0.0.1", 0)
        server = make_server(app, listening, options)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with served(server):
            _, told = status("--index", "memory:", "--api", address)
            found = told["server"]
            assert (found["state"], found["documents"], found["recent"]["counts"]["searches"]) == ("fine", 12, 10)
            assert found["per_second"]["searches"] > 0
            assert found["recent"]["stages_ms"]["total"]["p99"] > 0
            main(["status", "--index", "memory:", "--api", address])
            shown = capsys.readouterr().out
            assert all(word in shown for word in ("10 searches in the last", "searches/s", "pictures/s", "p95", "waiting: http 0"))
            house.engine.close()
            code, told = status("--index", "memory:", "--api", address)
            assert (code, told["server"]["state"]) == (1, "degraded")


def test_workers_of_jobs_are_counted_by_themselves(status: Any, redis: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have a board for each index."""
    index = str(tmp_path / "shop.lookalike")
    with toy_house(tmp_path / "shop.lookalike"):
        pass
    settings = Settings(index=index, runner="celery", redis=redis)
    monkeypatch.setenv("LOOKALIKE_RUNNER", "celery")
    monkeypatch.setenv("LOOKALIKE_REDIS", redis)
    _, told = status("--index", index)
    assert (told["workers"]["state"], "they wait" in told["workers"]["sentence"]) == ("degraded", True)
    with contextlib.closing(board_of(settings)) as board:
        board.present("a-worker", 60.0)
        board.begin("job", "j_1", 7, 64)
        board.push("j_1", 0, ["{}"] * 7)
        board.close_flow("j_1", 64)
        _, told = status("--index", index)
    assert (told["workers"]["state"], told["workers"]["jobs"]["workers"]) == ("fine", 1)
    assert told["workers"]["jobs"]["leading"]["total"] == "7"


def test_workers_tell_what_they_do(status: Any, redis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that live, what they have in hand, and what waits; without any the house is degraded."""
    monkeypatch.setenv("LOOKALIKE_ANALYSER", "celery")
    monkeypatch.setenv("LOOKALIKE_REDIS", redis)
    code, told = status("--index", "memory:")
    assert (code, told["workers"]["state"]) == (1, "degraded")
    assert "lookalike worker" in told["workers"]["sentence"]
    with contextlib.closing(connect(redis)) as client:
        work = LookQueue(client, recipe_of(Settings()).id, lambda: None)
        beat = {"host": "machine", "pid": 7, "looks": 40, "batches": 9, "busy_seconds": 4.0, "rate": 10.0, "in_hand": 0, "started": 1.0}
        work.beat("machine:7:a", beat, [])
        work.ask([Waiting("a-request.1", "digest", b"bytes"), Waiting("a-request.2", "digest", b"bytes")], "answers", 30.0, 10)
        code, told = status("--index", "memory:")
    assert (code, told["workers"]["state"]) == (0, "fine")
    assert (len(told["workers"]["workers"]), told["workers"]["waiting"], told["workers"]["rate"]) == (1, {"urgent": 2, "patient": 0}, 10.0)
