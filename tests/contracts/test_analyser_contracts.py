"""The analyser of this process keeps the public contract."""

import threading
import time

import pytest

from lookalike.analysers.local import BATCH, PATIENT_BATCH, LocalAnalyser
from lookalike.domain.analysis import Analysis
from lookalike.errors import Overloaded
from lookalike.ports.vision import Look, PictureAnalyser
from lookalike.testing.analysers import AnalyserContract
from lookalike.testing.fakes import TOY_RECIPE, ToyDecoder, ToySeer


class TestLocal(AnalyserContract):
    """With a toy for a network."""

    def make_analyser(self) -> PictureAnalyser:
        """An analyser of two threads."""
        return LocalAnalyser(TOY_RECIPE, ToySeer, ToyDecoder, threads=2)

    def pictures(self) -> list[bytes]:
        """Toy pictures."""
        return [b"PIC" + bytes([value, 255 - value, value // 2]) for value in (1, 60, 120, 180, 240)]


class _Waiting(ToySeer):
    """Looks only when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go, self.began = threading.Event(), threading.Event()
        self.batches: list[int] = []

    def analyse(self, looks):  # type: ignore[no-untyped-def]
        """One analysis for each look, after `go`."""
        self.batches.append(len(looks))
        self.began.set()
        self.go.wait(20)
        return super().analyse(looks)


def test_who_has_a_deadline_goes_first_and_is_refused_when_too_many_wait() -> None:
    """A shopper does not wait behind a catalogue; the 429 comes before the time is up."""
    seer = _Waiting()
    analyser = LocalAnalyser(TOY_RECIPE, lambda: seer, ToyDecoder, threads=1, most_waiting=3)
    bulk = threading.Thread(target=lambda: analyser.analyse([Look(b"PIC%d" % number) for number in range(100)]))
    bulk.start()
    assert seer.began.wait(20)
    shoppers = [threading.Thread(target=lambda: analyser.analyse([Look(b"PICshopper")], time.monotonic() + 20)) for _ in range(3)]
    for shopper in shoppers:
        shopper.start()
    until = time.monotonic() + 20
    while len(analyser._line._urgent) < 3:
        assert time.monotonic() < until
        time.sleep(0.005)
    with pytest.raises(Overloaded):
        analyser.analyse([Look(b"PICone too many")], time.monotonic() + 20)
    seer.go.set()
    for shopper in (*shoppers, bulk):
        shopper.join(20)
    analyser.close()
    mine = seer.looked.index(next(one for one in seer.looked if seer.looked.count(one) == 3))
    assert mine <= PATIENT_BATCH, "only the batch that was under way came before the shoppers"
    assert max(seer.batches[1:]) <= BATCH, "from then on the next shopper waits for few"


class _Counting(_Waiting):
    """Knows in which threads it looks, and how many look at once."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[str] = []
        self.inside, self.most = 0, 0
        self.lock = threading.Lock()

    def analyse(self, looks):  # type: ignore[no-untyped-def]
        """As it waits, with its thread written down."""
        with self.lock:
            self.threads.append(threading.current_thread().name)
            self.inside += 1
            self.most = max(self.most, self.inside)
        try:
            return super().analyse(looks)
        finally:
            with self.lock:
                self.inside -= 1


def test_a_shopper_looks_in_his_own_thread_only_where_a_place_is_free() -> None:
    """Nobody is woken for what he can do at once; and no more look at a time than there are cores for, whoever they are."""
    seer = _Counting()
    analyser = LocalAnalyser(TOY_RECIPE, lambda: seer, ToyDecoder, threads=2)
    found: list[object] = []

    def shop(number: int) -> None:
        found.extend(analyser.analyse([Look(b"PIC%d" % number)], time.monotonic() + 30))

    shoppers = [threading.Thread(target=shop, args=(number,), name=f"shopper {number}") for number in range(6)]
    for number, shopper in enumerate(shoppers):
        shopper.start()
        until = time.monotonic() + 20
        while len(seer.threads) + analyser.waiting() <= number:
            assert time.monotonic() < until
            time.sleep(0.005)
    assert seer.threads == ["shopper 0", "shopper 1"]
    assert analyser.waiting() == 4
    seer.go.set()
    for shopper in shoppers:
        shopper.join(20)
    assert len(found) == 6
    assert seer.most == 2
    assert not {f"shopper {number}" for number in range(2, 6)} & set(seer.threads)
    assert isinstance(analyser.analyse([Look(b"PICpatient")])[0], Analysis)
    assert seer.threads[-1].startswith("lookalike-analyser"), "who has no deadline leaves the place to shoppers"
    analyser.close()
    assert not [one for one in threading.enumerate() if one.name.startswith("lookalike-analyser")]


def test_a_defect_in_a_network_hits_only_its_own_picture() -> None:
    """The batch is taken apart; who asked for the others gets them, and the thread lives."""

    class Fragile(ToySeer):
        def analyse(self, looks):  # type: ignore[no-untyped-def]
            if any(picture.pixels[0, 0, 0] == 66 for picture, _ in looks):
                raise RuntimeError("boom")
            return super().analyse(looks)

    analyser = LocalAnalyser(TOY_RECIPE, Fragile, ToyDecoder, threads=1)
    found: list[object] = []
    asking = threading.Thread(target=lambda: found.extend(analyser.analyse([Look(b"PIC%c" % value) for value in b"abc"])))
    asking.start()
    with pytest.raises(RuntimeError, match="boom"):
        analyser.analyse([Look(b"PICB")])
    asking.join(20)
    assert all(isinstance(one, Analysis) for one in found)
    assert len(found) == 3
    analyser.close()
