"""Looking through workers: batches, order, and what becomes of pictures when something dies. Real Redis, real worker processes."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import looking, moody, worker_process
from support.looking import Clients, comes

from lookalike.analysers.celery import CeleryAnalyser, open_celery
from lookalike.bootstrap import recipe_of
from lookalike.broker.connection import connect
from lookalike.broker.figures import LookFigures, figures
from lookalike.domain.analysis import Analysis, Recipe
from lookalike.domain.picture import digest_of
from lookalike.errors import NetworksAway, Overloaded, PictureUnreadable, Unavailable
from lookalike.ports.vision import Look
from lookalike.settings import Settings

ROOT = Path(__file__).parents[2]


class Bench:
    """A Redis, the moody recipe, analysers that ask there, and the gate at which the worker waits."""

    def __init__(self, url: str, place: Path) -> None:
        self.environment = {"LOOKALIKE_REDIS": url, "LOOKALIKE_RECIPE": "moody", "LOOKALIKE_THREADS": "2", "PYTHONPATH": str(place)}
        self.url, self.client = url, connect(url, 30)
        self.recipe: Recipe = recipe_of(Settings(recipe="moody"))
        self._analysers: list[CeleryAnalyser] = []

    def analyser(self, **settings: Any) -> CeleryAnalyser:
        made = open_celery(self.recipe, _never, _never, settings=Settings(redis=self.url, **settings))
        self._analysers.append(made)
        return made

    def figures(self) -> LookFigures:
        return figures(self.client, self.recipe.id)

    def hold(self, analyser: CeleryAnalyser, shade: int = 250) -> Clients:
        """A client whose picture the worker now waits at."""
        client = Clients(analyser, [looking.holding(shade)])
        self.began()
        return client

    def began(self) -> int:
        """The process that waits at the gate, once one does."""
        found = self.client.blpop([moody.BEGAN], timeout=looking.PATIENCE_SECONDS)
        assert found is not None, "no worker came to the holding picture"
        return int(found[1])

    def open_gate(self, times: int = 1) -> None:
        self.client.rpush(moody.GATE, *(["open"] * times))

    def close(self) -> None:
        for one in self._analysers:
            one.close()
        self.client.close()


def _never() -> Any:
    raise AssertionError("networks were built where none belong")


@pytest.fixture
def bench(redis: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench at an empty Redis, without a worker yet."""
    place = looking.install_moody(tmp_path / "plugins")
    monkeypatch.syspath_prepend(str(place))
    made = Bench(redis, place)
    yield made
    made.close()


@pytest.fixture
def worker(bench: Bench) -> Iterator[worker_process.WorkerProcess]:
    """One worker of one process, which is replaced when it dies."""
    with worker_process.worker(bench.environment, "--queues", "lookalike.looks") as started:
        yield started


def _steady(count: Callable[[], int]) -> int:
    """The count, once it stays the same for half a second or so."""
    seen: list[int] = []
    comes(lambda: seen.append(count()) or (len(seen) > 25 and len(set(seen[-25:])) == 1), "a count that stays")
    return seen[-1]


def test_who_waits_is_looked_at_together(bench: Bench, worker: worker_process.WorkerProcess) -> None:
    """While one picture is looked at, twelve visitors' pictures come: the next batch holds all twelve, and each gets its own."""
    analyser, pictures = bench.analyser(), [looking.harmless(number) for number in range(11)]
    first = bench.hold(analyser)
    clients = Clients(analyser, pictures)
    comes(lambda: bench.figures().urgent == 11, "eleven that wait")
    messages = _steady(lambda: bench.figures().messages["lookalike.looks"])  # who came at once may each have sent one
    assert messages, "a message that wakes"
    late = Clients(analyser, [looking.harmless(11)])
    comes(lambda: bench.figures().urgent == 12, "twelve that wait")
    assert bench.figures().messages["lookalike.looks"] == messages, "one that wakes is there already"
    bench.open_gate()
    assert isinstance(first.all_told()[0], Analysis)
    assert [one.digest for one in (*clients.all_told(), *late.all_told())] == [
        digest_of(picture) for picture in (*pictures, looking.harmless(11))
    ]
    told = bench.figures()
    assert told.batch_sizes == {1: 1, 12: 1}
    assert (told.counts["asked"], told.counts["answered"]) == (13, 13)
    assert (told.urgent, told.in_hand) == (0, 0)
    assert not list(bench.client.keys("lookalike:look:*")), "a picture stays no longer than it is needed"


def test_visitors_go_before_the_catalogue_and_too_many_are_refused(bench: Bench, worker: worker_process.WorkerProcess) -> None:
    """Patient looks wait for those with a deadline; what is above the bound is told when to come again, and that is true."""
    analyser = bench.analyser(queue_looks=3)
    first = bench.hold(analyser)
    bulk: list[Any] = []
    patient = Clients(_Patient(analyser, bulk), [looking.holding(240)])
    comes(lambda: bench.figures().patient == 1, "the catalogue's picture")
    visitors = Clients(analyser, [looking.harmless(number) for number in range(3)])
    comes(lambda: bench.figures().urgent == 3, "three visitors")
    began = time.monotonic()
    with pytest.raises(Overloaded) as refused:
        analyser.analyse([Look(looking.harmless(9))], time.monotonic() + 60)
    assert time.monotonic() - began < 2, "who is refused does not wait"
    assert 1 <= refused.value.retry_after_seconds <= 60
    assert bench.figures().counts["refused"] == 1
    bench.open_gate()
    assert all(isinstance(one, Analysis) for one in (*first.all_told(), *visitors.all_told()))
    bench.began()
    assert not bulk, "the catalogue's picture came last"
    bench.open_gate()
    patient.all_told()
    assert isinstance(bulk[0], Analysis)


def test_visitors_do_not_wait_for_what_else_a_worker_does(bench: Bench, worker: worker_process.WorkerProcess) -> None:
    """While its one task is held by the catalogue's picture, visitors' pictures are looked at beside it."""
    analyser, bulk = bench.analyser(), list[Any]()
    catalogue = Clients(_Patient(analyser, bulk), [looking.holding()])
    bench.began()
    visitors = Clients(analyser, [looking.harmless(number) for number in range(3)])
    assert all(isinstance(one, Analysis) for one in visitors.all_told())
    assert not bulk
    bench.open_gate()
    assert isinstance(catalogue.all_told()[0], Analysis)


def test_who_is_refused_is_told_how_long_it_really_takes(redis: str) -> None:
    """What is ahead by the rate that the worker measured of itself: within a factor of two of the time that then passes."""
    environment = {"LOOKALIKE_REDIS": redis, "LOOKALIKE_THREADS": "2", "TOY_SLOW": "0.2", "LOOKALIKE_SEEN_TTL": "0"}
    pictures = [looking.harmless(number) for number in range(36)]
    with worker_process.worker(environment, "--pool", "solo", line=looking.TOY), connect(redis) as client:
        analyser = CeleryAnalyser(looking.TOY_RECIPE, redis, most_waiting=20)
        analyser.analyse([Look(picture) for picture in pictures[:16]])
        comes(lambda: analyser.networks().rate, "a rate")
        first = Clients(analyser, pictures[:16])
        comes(lambda: figures(client, looking.TOY_RECIPE.id).in_hand, "a batch")
        rest = Clients(analyser, pictures[16:])
        comes(lambda: figures(client, looking.TOY_RECIPE.id).urgent >= 20, "a full line")
        began = time.monotonic()
        with pytest.raises(Overloaded) as refused:
            analyser.analyse([Look(looking.harmless(99))], time.monotonic() + 60)
        assert all(isinstance(one, Analysis) for one in (*first.all_told(), *rest.all_told()) if not isinstance(one, Overloaded))
        took = time.monotonic() - began
        analyser.close()
    assert took / 2 < refused.value.retry_after_seconds < took * 2


class _Patient:
    """An analyser that is asked without a deadline."""

    def __init__(self, analyser: CeleryAnalyser, told: list[Any]) -> None:
        self.recipe, self._analyser, self._told = analyser.recipe, analyser, told

    def analyse(self, looks: Any, _: float | None = None) -> Any:
        found = self._analyser.analyse(looks)
        self._told.extend(found)
        return found

    def close(self) -> None:
        pass


def test_a_worker_that_is_killed_loses_nothing(bench: Bench, worker: worker_process.WorkerProcess) -> None:
    """Killed in the middle of a batch: its looks are put back, another process is born, and everybody is answered."""
    analyser = bench.analyser()
    first = bench.hold(analyser, 250)
    pictures = [looking.holding(200), *(looking.harmless(number) for number in range(5))]
    clients = Clients(analyser, pictures)
    comes(lambda: bench.figures().urgent == 6, "six that wait")
    bench.open_gate()
    killed = bench.began()
    assert bench.figures().in_hand == 6
    looking.kill_one(killed)
    bench.began()  # the same picture again, in another process
    bench.open_gate(2)
    assert [one.digest for one in clients.all_told()] == [digest_of(picture) for picture in pictures]
    assert isinstance(first.all_told()[0], Analysis)
    assert bench.figures().counts["requeued"] == 6
    assert len(worker.wait_ready(2)) == 2, "the process was replaced"


def test_a_picture_that_kills_its_worker_is_given_up_alone(bench: Bench, worker: worker_process.WorkerProcess) -> None:
    """Those in its batch are answered; it is told as unreadable, is not tried a third time, and the worker is back."""
    analyser = bench.analyser()
    first = bench.hold(analyser)
    pictures = [looking.harmless(0), looking.deadly(), looking.harmless(1), looking.harmless(2)]
    clients = Clients(analyser, pictures)
    comes(lambda: bench.figures().urgent == 4, "four that wait")
    bench.open_gate()
    told = clients.all_told()
    assert isinstance(told[1], PictureUnreadable)
    assert told[1].reason == "kills_worker"
    assert [one.digest for one in (told[0], *told[2:])] == [digest_of(pictures[place]) for place in (0, 2, 3)]
    assert bench.figures().counts["poison"] == 1
    worker.wait_ready(3)
    again = analyser.analyse([Look(looking.deadly()), Look(looking.harmless(7))], time.monotonic() + 60)
    assert isinstance(again[0], PictureUnreadable)
    assert isinstance(again[1], Analysis)
    assert len(worker.ready) == 3, "it was refused without a third death"
    first.all_told()


def test_work_that_nobody_waits_for_is_not_done(bench: Bench, worker: worker_process.WorkerProcess) -> None:
    """A visitor whose time is up is told so in time; the picture goes from Redis, and no network looks at it."""
    analyser = bench.analyser()
    first = bench.hold(analyser)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        analyser.analyse([Look(looking.harmless(1))], time.monotonic() + 0.5)
    assert time.monotonic() - began < 2
    bench.open_gate()
    first.all_told()
    comes(lambda: bench.figures().urgent == 0, "an empty queue")
    told = bench.figures().counts
    assert (told["answered"], told.get("late", 0) + told.get("lost", 0)) == (1, 1)


@pytest.mark.parametrize(("seconds", "looked"), [(60, 1), (0, 2)])
def test_what_was_seen_is_kept_for_a_while_and_no_picture(bench: Bench, seconds: int, looked: int) -> None:
    """The same picture again costs no network, to the last bit; 0 keeps nothing. No pixel stays in Redis."""
    environment = {**bench.environment, "LOOKALIKE_SEEN_TTL": str(seconds)}
    with worker_process.worker(environment, "--pool", "solo"):
        picture = looking.harmless(1)
        one, other = (bench.analyser().analyse([Look(picture)], time.monotonic() + 60)[0] for _ in range(2))
        assert isinstance(one, Analysis)
        assert isinstance(other, Analysis)
        assert one == other
        assert one.main.vector.tobytes() == other.main.vector.tobytes()
        assert bench.figures().counts["answered"] == looked
        kept = [bench.client.get(key) for key in bench.client.keys("lookalike:seen:*")]
        assert len(kept) == 2 - looked
        assert all(picture not in body and "vectors" in json.loads(body) for body in kept)


def test_without_a_worker_and_without_redis_everybody_is_told_at_once(bench: Bench) -> None:
    """Nobody waits for a deadline where nobody will come; the password is in no message."""
    began = time.monotonic()
    with pytest.raises(NetworksAway, match="lookalike worker"):
        bench.analyser().analyse([Look(looking.harmless(1))], time.monotonic() + 60)
    nowhere = CeleryAnalyser(bench.recipe, "redis://me:secret@127.0.0.1:1/0")
    with pytest.raises(NetworksAway, match="Redis, which leads to the workers") as refused:
        nowhere.analyse([Look(looking.harmless(1))], time.monotonic() + 60)
    assert "127.0.0.1" not in str(refused.value), "shoppers may read this"
    assert not nowhere.networks().there
    nowhere.close()
    assert time.monotonic() - began < 10


def test_a_worker_that_is_told_to_stop_ends_its_batch_first(bench: Bench) -> None:
    """SIGTERM in the middle of a batch: the batch is answered, the worker leaves with 0 and counts as gone."""
    analyser = bench.analyser()
    with worker_process.worker(bench.environment) as started:
        client = bench.hold(analyser)
        stopping = Clients(_Stopping(started), [b""])
        comes(lambda: any("shutdown" in line.lower() for line in started.told), "the worker's word that it stops")
        bench.open_gate()
        assert isinstance(client.all_told()[0], Analysis)
        assert stopping.all_told() == [0]
    comes(lambda: not bench.figures().workers, "an empty crew")


class _Stopping:
    """Stops a worker where others analyse, so that a thread of `Clients` does it."""

    recipe = None

    def __init__(self, started: worker_process.WorkerProcess) -> None:
        self._started = started

    def analyse(self, *_: object) -> list[int]:
        return [self._started.stop()]


def test_no_network_is_loaded_where_none_runs(bench: Bench, worker: worker_process.WorkerProcess, tmp_path: Path) -> None:
    """A house whose networks run elsewhere searches by a picture without ONNX Runtime in its process."""
    told = (
        "import sys, time; from lookalike.bootstrap import build; from lookalike.settings import load\n"
        "from lookalike.ports.vision import Look\n"
        "house = build(load(analyser='celery'))\n"
        "found = house.analyser.analyse([Look(open(sys.argv[1], 'rb').read())], time.monotonic() + 60)\n"
        "house.close(); print(type(found[0]).__name__, 'onnxruntime' in sys.modules)"
    )
    picture = tmp_path / "picture.png"
    picture.write_bytes(looking.harmless(1))
    environment = {**bench.environment, "LOOKALIKE_INDEX": "memory:"}
    done = subprocess.run(
        [sys.executable, "-c", told, str(picture)], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.split() == ["Analysis", "False"], done.stderr
