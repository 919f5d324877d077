"""The catalogue by real workers over a real Redis: whatever is killed, nothing is lost and nothing is stored twice.

The index is the embedded one, which one worker process at a time may write; the workers of test_workers_opensearch.py share theirs.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.redis_server import NotHere, RedisServer
from support.worker_process import WorkerProcess, worker
from toy_house import data_url, picture

from ingest.sending import SentIndexer
from lookalike.domain.commands import ApplyChanges, ChangeRow, Ticket
from lookalike.domain.product import Product
from lookalike.domain.query import EngineQuery
from lookalike.engines.embedded import open_embedded
from lookalike.runners.celery import CeleryRunner, open_celery
from lookalike.runners.chunks import CHUNK_ROWS
from lookalike.services.changes import Change
from lookalike.settings import Settings

TOY = [sys.executable, str(Path(__file__).with_name("toy_cli.py"))]
ROWS = 330
MANY = 12 * CHUNK_ROWS
"""Where a run is stopped half-way: a worker's three lanes share one network, so each may have done a piece by then and begun another."""
_ENDS = ("done", "failed", "cancelled")


class Shop:
    """A Redis, and an index that workers write."""

    def __init__(self, server: RedisServer, index: Path, **told: str) -> None:
        self.server, self.index = server, index
        self.environment = {
            "LOOKALIKE_REDIS": server.url,
            "LOOKALIKE_INDEX": str(index),
            "LOOKALIKE_THREADS": "1",
            "LOOKALIKE_LEASE_SECONDS": "1",
            "TOY_SLOW": "0.005",
            **told,
        }
        self.runner: CeleryRunner = open_celery(None, settings=Settings(index=str(index), redis=server.url, outage_seconds=60))

    @contextmanager
    def worker(self, *words: str, **told: str) -> Iterator[WorkerProcess]:
        with worker(self.environment | told, "--queues", "lookalike.ingest", *words, line=TOY) as one:
            yield one

    def until(self, ticket: Ticket, true: Callable[[Ticket], bool], seconds: float = 60) -> Ticket:
        """The ticket once that is true of it; Redis may be away meanwhile."""
        end, breath = time.monotonic() + seconds, threading.Event()
        while not true(now := self.runner.ticket(ticket.id)):
            assert time.monotonic() < end, now
            breath.wait(0.02)
        return now

    def ended(self, ticket: Ticket, seconds: float = 60) -> Ticket:
        return self.until(ticket, lambda one: one.state in _ENDS, seconds)

    def versions(self, many: int = ROWS) -> dict[str, int]:
        """Of every product that is there; 1 was written once. No worker may run."""
        engine = open_embedded(str(self.index), read_only=True)
        try:
            return {one.id: one.version for one in engine.get([f"p{number}" for number in range(many)]) if one is not None}
        finally:
            engine.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    server = RedisServer(tmp_path / "redis", options=("--appendonly", "yes", "--appendfsync", "always"))
    try:
        server.start()
    except NotHere as error:
        pytest.skip(str(error))
    one = Shop(server, tmp_path / "shop.lookalike")
    yield one
    one.runner.close()
    server.stop()


def rows(many: int = ROWS, side: Callable[[int], int] = lambda _: 16) -> ApplyChanges:
    """Puts of so many products, each with a picture of its own."""
    told = [{"id": f"p{one}", "title": f"Mug {one}", "pictures": [data_url(picture(one / many, side(one)))]} for one in range(many)]
    return ApplyChanges(tuple(ChangeRow(number, "put", one["id"], one) for number, one in enumerate(told, 1)))


def changes(folder: Path, many: int = ROWS) -> list[Change]:
    """The same with their pictures in files."""
    folder.mkdir()
    found = []
    for one in range(many):
        (folder / f"{one}.png").write_bytes(picture(one / many, 16))
        found.append(Change(one + 1, "put", f"p{one}", Product(f"p{one}", title=f"Mug {one}", pictures=(str(folder / f"{one}.png"),))))
    return found


def whole(many: int = ROWS) -> dict[str, int]:
    """Everything there, written once."""
    return {f"p{number}": 1 for number in range(many)}


def test_a_worker_that_is_killed_loses_nothing(shop: Shop) -> None:
    """Its rows are another process' within seconds; no message tells so."""
    with shop.worker() as one:
        ticket = shop.runner.submit(rows())
        shop.until(ticket, lambda now: now.done >= 64)
        os.kill(one.ready[0], signal.SIGKILL)
        ended = shop.ended(ticket, 30)
    assert (ended.state, ended.done + ended.unchanged, ended.failed) == ("done", ROWS, 0)
    assert shop.versions() == whole()


def test_a_worker_program_that_is_killed_loses_nothing_either(shop: Shop) -> None:
    """With all of its processes; the next that is started goes on."""
    with shop.worker(TOY_SLOW="0.02") as one:
        ticket = shop.runner.submit(rows())
        shop.until(ticket, lambda now: now.done >= 64)
        one.kill()
        assert shop.runner.ticket(ticket.id).done < ROWS
        with shop.worker():
            ended = shop.ended(ticket, 30)
    assert (ended.state, ended.done + ended.unchanged, ended.failed) == ("done", ROWS, 0)
    assert shop.versions() == whole()


@pytest.mark.parametrize("pool", ["prefork", "solo"])
def test_a_worker_that_is_told_to_end_finishes_what_it_began(shop: Shop, pool: str) -> None:
    """Nothing of it is done again, and the next goes on at once: no lease has to run out."""
    shop.environment["LOOKALIKE_LEASE_SECONDS"] = "300"
    with shop.worker("--pool", pool, TOY_SLOW="0.02") as one:
        ticket = shop.runner.submit(rows(MANY))
        shop.until(ticket, lambda now: now.done >= 64)
        assert one.stop() == 0
    assert 64 <= shop.runner.ticket(ticket.id).done < MANY
    with shop.worker():
        ended = shop.ended(ticket, 30)
    assert (ended.state, ended.done, ended.unchanged) == ("done", MANY, 0)
    assert shop.versions(MANY) == whole(MANY)


def test_a_row_that_kills_its_workers_is_told_and_hurts_no_other(shop: Shop) -> None:
    """After a bounded number of deaths its product is kept without the picture, which is told; its neighbours are indexed.

    The same again, or with another price, kills nobody: nobody looks at that picture.
    """
    told = rows(100, lambda number: 47 if number == 40 else 16)
    with shop.worker(TOY_POISON="47") as one:
        ended = shop.ended(shop.runner.submit(told), 120)
        deaths = len(one.ready) - 1
        again = shop.ended(shop.runner.submit(told))
        dearer = ApplyChanges((ChangeRow(1, "put", "p40", {**(told.rows[40].told or {}), "price": 9}),))
        changed = shop.ended(shop.runner.submit(dearer))
        assert len(one.ready) - 1 == deaths
    assert (ended.state, ended.failed) == ("done", 1)
    assert [(told.row, told.id, told.reason) for told in ended.failures] == [(41, "p40", "picture_unreadable")]
    assert "kills_worker" in ended.failures[0].message
    assert ended.done + ended.unchanged == 99
    assert 3 <= deaths <= 6
    assert (again.unchanged, [told.id for told in again.failures]) == (99, ["p40"])
    assert (changed.state, [told.reason for told in changed.failures]) == ("done", ["picture_unreadable"])
    assert shop.versions() == whole(100) | {"p40": 2}


def test_a_run_keeps_what_kills_its_workers_until_it_is_replayed(shop: Shop, tmp_path: Path) -> None:
    """By the command line's road: kept and found by its words, unchanged when run again; a patch of its pictures looks again."""
    told = changes(tmp_path / "pictures", 3)
    (tmp_path / "pictures" / "1.png").write_bytes(picture(0.5, 47))
    with shop.worker(TOY_POISON="47") as one:
        first = list(SentIndexer(shop.runner).run(told))
        deaths = len(one.ready) - 1
        second = list(SentIndexer(shop.runner).run(told))
        assert len(one.ready) - 1 == deaths
    assert [one.state for one in first] == ["indexed", "indexed", "indexed"]
    assert [{place: why.reason for place, why in one.failures.items()} for one in first] == [{}, {0: "kills_worker"}, {}]
    assert [(one.state, list(one.failures)) for one in second] == [("unchanged", []), ("unchanged", [0]), ("unchanged", [])]
    engine = open_embedded(str(shop.index), read_only=True)
    try:
        found = engine.search(EngineQuery(words="mug 1", weights={"text": 1.0}, limit=1)).hits
        assert [hit.product.id for hit in found] == ["p1"]
    finally:
        engine.close()
    replay = replace(told[1], op="patch", changes={"pictures": told[1].product.pictures if told[1].product else ()})
    with shop.worker():  # one whom it does not kill
        (healed,) = list(SentIndexer(shop.runner).run([replay]))
    assert (healed.state, dict(healed.failures)) == ("indexed", {})
    assert shop.versions() == {"p0": 1, "p1": 2, "p2": 1}


def test_a_row_that_never_ends_is_given_up(shop: Shop) -> None:
    """The process that hangs ends itself; the product is kept without its picture."""
    with shop.worker(TOY_ENDLESS="47", LOOKALIKE_CHUNK_SECONDS="1"):
        ended = shop.ended(shop.runner.submit(rows(3, lambda number: 47 if number == 1 else 16)), 120)
    assert [(told.id, told.reason) for told in ended.failures] == [("p1", "picture_unreadable")]
    assert shop.versions() == whole(3)


def test_redis_may_die_and_come_back(shop: Shop) -> None:
    """With its append-only file nothing of an accepted job is lost, and what was done meanwhile counts."""
    with shop.worker(TOY_SLOW="0.02"):
        ticket = shop.runner.submit(rows())
        shop.until(ticket, lambda now: now.done >= 64)
        shop.server.kill()
        shop.server.start()
        ended = shop.ended(ticket)
    assert (ended.state, ended.done + ended.unchanged, ended.failed) == ("done", ROWS, 0)
    assert shop.versions() == whole()


def test_a_run_outlives_a_redis_without_memory(shop: Shop, tmp_path: Path) -> None:
    """Who sends keeps what is on its way, and sends it again."""
    told = changes(tmp_path / "pictures")
    outcomes = []
    with shop.worker():
        for outcome in SentIndexer(shop.runner).run(told):
            outcomes.append(outcome)
            if len(outcomes) == 100:
                shop.server.kill()
                for path in shop.server.folder.glob("appendonlydir/*"):
                    path.unlink()
                shop.server.start()
    assert [one.change for one in outcomes] == told
    assert {one.state for one in outcomes} <= {"indexed", "unchanged"}
    assert shop.versions() == whole()


def test_a_run_that_is_stopped_tells_all_that_is_there(shop: Shop, tmp_path: Path) -> None:
    """What workers had begun is finished and told; what was not is not there; run again it is whole."""
    told, seen = changes(tmp_path / "pictures", MANY), list[str]()
    with shop.worker(TOY_SLOW="0.02"):
        for outcome in SentIndexer(shop.runner).run(told, lambda: len(seen) >= 1):
            assert outcome.state == "indexed"
            seen.append(outcome.change.id)
    assert 1 <= len(seen) < MANY
    assert shop.versions(MANY) == dict.fromkeys(seen, 1)
    with shop.worker():
        again = [one.state for one in SentIndexer(shop.runner).run(told)]
    assert again.count("unchanged") == len(seen)
    assert shop.versions(MANY) == whole(MANY)


def test_what_cannot_be_done_for_long_is_told_as_unavailable(shop: Shop) -> None:
    """An index that is away is waited for, and not for ever."""
    shop.runner.close()
    away = "opensearch://127.0.0.1:1/shop"
    shop.runner = open_celery(None, settings=Settings(index=away, redis=shop.server.url))
    with shop.worker(LOOKALIKE_INDEX=away, LOOKALIKE_OUTAGE_SECONDS="1"):
        ended = shop.ended(shop.runner.submit(rows(3)))
    assert (ended.state, ended.failed, {one.reason for one in ended.failures}) == ("done", 3, {"unavailable"})


def test_a_file_that_the_worker_does_not_have_is_told_with_its_place(shop: Shop, tmp_path: Path) -> None:
    """The product is kept; the message says on which machine the file is missing."""
    told = changes(tmp_path / "pictures", 2)
    (tmp_path / "pictures" / "1.png").unlink()
    with shop.worker():
        outcomes = list(SentIndexer(shop.runner).run(told))
    assert [one.state for one in outcomes] == ["indexed", "indexed"]
    (failure,) = outcomes[1].failures.values()
    assert not outcomes[0].failures
    assert failure.reason == "not_found"
    assert f"the worker on {os.uname().nodename} finds at" in str(failure)
