"""`make stack-local`, whole: real OpenSearch, Redis, worker and API, started by the words of docker-compose.yml."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support import redis_server

from stack import opensearch
from stack.ports import free_port
from workers import health

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "lookalike" / "sample_shop"
PATIENCE_SECONDS = 240


@contextmanager
def stack_local(*words: str) -> Iterator["subprocess.Popen[str]"]:
    """The command as somebody types it; interrupted as by Ctrl-C where the block has not ended it."""
    line = [sys.executable, "-m", "stack", "--port", "0", "--set", "OPENSEARCH_HEAP=512m", *words]
    process = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_SECONDS)


def ask(url: str, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    """Status and JSON of an answer."""
    request = urllib.request.Request(url + path, body, {name.replace("_", "-"): value for name, value in headers.items()}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def sample(count: int) -> list[dict[str, Any]]:
    """Products of the sample shop, their first picture in themselves."""
    rows = [json.loads(line) for line in (SHOP / "products.jsonl").read_text(encoding="utf-8").splitlines()[:count]]
    for row in rows:
        row["pictures"] = ["data:image/jpeg;base64," + base64.b64encode((SHOP / row["pictures"][0]).read_bytes()).decode()]
    return rows


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.opensearch
def test_the_stack_comes_up_finds_what_it_was_given_and_leaves_nothing_behind() -> None:
    """Bulk over HTTP goes through Redis and the worker into OpenSearch; a photo of a product finds it; Ctrl-C ends all of it."""
    try:
        opensearch.assembled(version := os.environ.get("OPENSEARCH_VERSION") or opensearch.VERSIONS[0])
        with redis_server.running():
            pass
    except (opensearch.NotHere, redis_server.NotHere) as reason:
        pytest.skip(str(reason))
    with stack_local("--version", version) as process:
        assert process.stdout is not None
        screen: list[str] = []
        for line in process.stdout:
            screen.append(line.rstrip())
            if "Ctrl-C" in line:
                break
        told = "\n".join(screen)
        assert process.poll() is None, process.communicate()
        url, key = re.findall(r"(http://127\.0\.0\.1:\d+)\n +write key (\w+)", told)[0]
        pids = [int(pid) for pid in re.findall(r"[\w-]+ (\d+)(?:,|$)", next(line for line in screen if line.startswith("  processes")))]
        folder = Path(next(line for line in screen if line.startswith("  logs, data")).split()[-1])
        assert len(pids) == 4
        assert len(screen) <= 24
        assert "dashboards" in told

        rows = sample(8)
        lines = "\n".join(map(json.dumps, rows)).encode()
        assert ask(url, "POST", "/v1/products:bulk", lines, Content_Type="application/x-ndjson")[0] == 401
        status, job = ask(url, "POST", "/v1/products:bulk", lines, Content_Type="application/x-ndjson", Authorization=f"Bearer {key}")
        assert status == 202, job
        end = time.monotonic() + PATIENCE_SECONDS
        while job["state"] not in ("done", "failed") and time.monotonic() < end:
            job = ask(url, "GET", f"/v1/jobs/{job['id']}")[1]
        assert (job["state"], job["counts"]["done"], job["errors"]) == ("done", 8, [])
        wanted = rows[3]
        query = {"like": [{"picture": {"base64": wanted["pictures"][0].partition(",")[2]}}], "limit": 3}
        status, found = ask(url, "POST", "/v1/search", json.dumps(query).encode(), Content_Type="application/json")
        assert status == 200, found
        assert found["hits"][0]["id"] == wanted["id"]
        assert found["hits"][0]["similarity"] > 0.99
        assert found["notices"] == []

        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=PATIENCE_SECONDS)[1]
        assert process.returncode == 0, said
        assert "killed" not in said
    assert [pid for pid in pids if alive(pid)] == []
    assert not folder.exists()


def test_a_worker_that_is_not_there_is_not_healthy(redis: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """That one which lives is healthy shows above: the stack waits for it."""
    monkeypatch.setenv("LOOKALIKE_REDIS", redis)
    assert health.main() == 1
    assert "No worker process of this machine lives" in capsys.readouterr().err
    monkeypatch.setenv("LOOKALIKE_REDIS", f"redis://127.0.0.1:{free_port()}/0")
    assert health.main() == 1
    assert "Redis does not answer" in capsys.readouterr().err
