"""`lookalike index` through two workers into OpenSearch, against the same by one process: the documents are equal."""

import csv
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import OpenSearch
from support.worker_process import WorkerProcess, worker
from toy_house import data_url, picture

TOY = [sys.executable, str(Path(__file__).with_name("toy_cli.py"))]
ROWS = 400

pytestmark = pytest.mark.opensearch


class Feed:
    """A catalogue in files, with a row that is wrong and a picture that is missing, and where it goes."""

    def __init__(self, folder: Path, redis: str, opensearch_index: Callable[[str], str]) -> None:
        self.folder, self.index_of = folder, opensearch_index
        self.source = folder / "feed.csv"
        with self.source.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["id", "title", "price", "pictures"])
            for one in range(ROWS):
                path = folder / f"{one}.png"
                path.write_bytes(picture(one / ROWS, 16))
                rows.writerow([f"p{one}", f"Mug {one}", "cheap" if one == 7 else str(one), str(path)])
        (folder / "9.png").unlink()
        self.environment = {
            "LOOKALIKE_REDIS": redis,
            "LOOKALIKE_ENGINE_SETTINGS": "replicas=0",
            "LOOKALIKE_THREADS": "1",
            "LOOKALIKE_LEASE_SECONDS": "1",
            "XDG_DATA_HOME": str(folder / "data"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }

    def start(self, index: str, *words: str) -> "subprocess.Popen[str]":
        environment = {**os.environ, **self.environment, "LOOKALIKE_INDEX": self.index_of(index)}
        return subprocess.Popen([*TOY, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, index: str, *words: str) -> tuple[int, str]:
        process = self.start(index, *words)
        out, said = process.communicate(timeout=120)
        assert process.returncode in (0, 1), said
        return process.returncode, out

    def export(self, index: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run(index, "index-admin", "export")[1].splitlines()]

    def size(self, index: str) -> int:
        """Products that are there by now."""
        address = urllib.parse.urlsplit(self.index_of(index))
        with OpenSearch([f"http://{address.netloc}"]) as client:
            told = client.search(index=address.path[1:], params={"size": "0"})
        return int(told["hits"]["total"]["value"])

    @contextmanager
    def workers(self, index: str, many: int = 2, **told: str) -> Iterator[list[WorkerProcess]]:
        environment = self.environment | {"LOOKALIKE_INDEX": self.index_of(index)} | told
        with ExitStack() as stack:
            yield [stack.enter_context(worker(environment, "--queues", "lookalike.ingest", line=TOY)) for _ in range(many)]


@pytest.fixture
def feed(tmp_path: Path, redis: str, opensearch_index: Callable[[str], str]) -> Feed:
    folder = tmp_path / "feed"
    folder.mkdir()
    return Feed(folder, redis, opensearch_index)


def test_two_workers_make_the_documents_of_one_process(feed: Feed) -> None:
    """Counts, failures and dead letters too; what failed is replayed through them, and a second run finds nothing to do."""
    line = ("index", str(feed.source), "--json", "--prune")
    status, out = feed.run("inline", *line)
    alone = json.loads(out)
    with feed.workers("shared"):
        shared_status, out = feed.run("shared", *line, "--runner", "celery")
        told = json.loads(out)
        assert (shared_status, told["counts"], told["state"]) == (status, alone["counts"], alone["state"]) == (1, told["counts"], "done")
        assert [(one["row"], one["reason"]) for one in told["failures"]] == [(one["row"], one["reason"]) for one in alone["failures"]]
        assert feed.export("shared") == feed.export("inline")

        (feed.folder / "9.png").write_bytes(picture(9 / ROWS, 16))
        _, out = feed.run("shared", "index", "--replay", told["dead_letters"], "--json", "--runner", "celery")
        assert json.loads(out)["counts"]["indexed"] == 1  # the picture is there now; the row with a word for a price is as it was
        _, out = feed.run("shared", *line, "--runner", "celery")
        assert json.loads(out)["counts"] == {"read": ROWS, "indexed": 0, "unchanged": ROWS - 1, "removed": 0, "failed": 1}
    feed.run("inline", *line)
    assert feed.export("shared") == feed.export("inline")


def test_a_worker_that_is_killed_and_a_sender_that_is_stopped_change_nothing(feed: Feed) -> None:
    """`kill -9` for a worker, Ctrl-C for the command; run again, everything is there and written once."""
    feed.run("inline", "index", str(feed.source), "--json")
    feed.run("shared", "index", str(feed.source), "--json", "--limit", "1")
    with feed.workers("shared", TOY_SLOW="0.02") as workers:
        with feed.start("shared", "index", str(feed.source), "--json", "--runner", "celery") as process:
            breath = threading.Event()
            while feed.size("shared") < 2:
                breath.wait(0.1)
            os.kill(workers[0].ready[0], signal.SIGKILL)
            breath.wait(0.5)
            process.send_signal(signal.SIGINT)
            out, said = process.communicate(timeout=60)
        assert process.returncode == 130, said
        assert 0 < json.loads(out)["counts"]["indexed"] < ROWS - 1
        status, out = feed.run("shared", "index", str(feed.source), "--json", "--runner", "celery")
    counts = json.loads(out)["counts"]
    assert (status, counts["read"], counts["indexed"] + counts["unchanged"]) == (1, ROWS, ROWS - 1)
    assert feed.export("shared") == feed.export("inline")


def test_bulk_jobs_of_a_server_are_done_by_workers(feed: Feed) -> None:
    """In the order of the rows of a product, told by the server, searchable when it says done."""
    feed.environment["LOOKALIKE_RUNNER"] = "celery"
    rows: list[dict[str, Any]] = [
        {"id": f"p{one}", "title": f"Mug {one}", "pictures": [data_url(picture(one / 150, 16))]} for one in range(150)
    ]
    rows += [{"op": "patch", "id": "p3", "product": {"price": price}} for price in (1, 2, 3)]
    rows += [{"op": "delete", "id": "p4"}, {"op": "delete", "id": "nobody"}, {"op": "patch", "id": "nobody", "product": {"price": 1}}]
    with feed.workers("served"), feed.start("served", "serve", "--port", "0") as server:
        try:
            assert server.stdout is not None
            ready = next(line for line in server.stdout if "ready" in line)
            address = urllib.parse.urlsplit(next(word for word in ready.split() if word.startswith("http://")))
            asked = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=30)
            asked.request("POST", "/v1/products:bulk", "\n".join(map(json.dumps, rows)), {"Content-Type": "application/x-ndjson"})
            answer = asked.getresponse()
            job = json.load(answer)
            assert answer.status == 202
            breath = threading.Event()
            while job["state"] in ("queued", "running"):
                breath.wait(0.1)
                asked.request("GET", f"/v1/jobs/{job['id']}")
                job = json.load(asked.getresponse())
            asked.request("GET", "/v1/products/p3")
            product = json.load(asked.getresponse())
            asked.request("GET", "/v1/jobs/j_nobody")
            unknown = asked.getresponse()
            unknown.read()
            asked.close()
        finally:
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=60)
    assert (job["state"], job["counts"]) == ("done", {"total": 156, "done": 154, "unchanged": 1, "failed": 1})
    assert [(one["row"], one["id"], one["reason"]) for one in job["errors"]] == [(156, "nobody", "not_found")]
    assert (product["product"]["price"], unknown.status) == (3, 404)
    assert feed.size("served") == 149
