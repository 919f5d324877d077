"""The same bytes are looked at once: across calls, threads and restarts."""

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from toy_house import data_url, picture, toy_house

from lookalike.domain.analysis import Analysis
from lookalike.domain.geometry import WHOLE
from lookalike.domain.product import parse_product
from lookalike.errors import PictureUnreadable, Unavailable
from lookalike.pictures.analyses import AnalysisFile
from lookalike.pictures.decode import PillowDecoder
from lookalike.ports.vision import Look, PictureAnalyser
from lookalike.services.looking import RememberingAnalyser
from lookalike.testing.analysers import AnalyserContract
from lookalike.testing.seeing import ToyAnalyser


class TestContract(AnalyserContract):
    """It is an analyser like any other."""

    def make_analyser(self) -> PictureAnalyser:
        """Over the toy."""
        return RememberingAnalyser(ToyAnalyser(PillowDecoder()), AnalysisFile(None, 1_000_000))

    def pictures(self) -> list[bytes]:
        """A few."""
        return [picture(number / 5) for number in range(5)]


class Slow(ToyAnalyser):
    """Waits inside a look until the test lets it go on; the first call may fail."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__(PillowDecoder())
        self.began, self.go_on, self.fails = threading.Event(), threading.Event(), fails

    def analyse(self, looks: Sequence[Look], deadline: float | None = None) -> list[Analysis | PictureUnreadable]:
        """As the toy, later."""
        self.began.set()
        assert self.go_on.wait(20)
        if self.fails:
            self.fails = False
            raise Unavailable("The workers are away.")
        return super().analyse(looks, deadline)


def test_the_same_bytes_are_looked_at_once_ever(tmp_path: Path) -> None:
    """In one call, in the next, after a restart; another box is another look, and what cannot be read is tried again."""
    path, looks = tmp_path / "analyses.sqlite", [Look(picture(0.1)), Look(picture(0.2)), Look(picture(0.1)), Look(b"nonsense")]
    for run in range(3):
        toy = ToyAnalyser(PillowDecoder())
        analyser = RememberingAnalyser(toy, AnalysisFile(path, 1_000_000))
        first, second = analyser.analyse(looks), analyser.analyse(looks)
        assert [isinstance(one, Analysis) for one in first] == [True, True, True, False]
        assert first[:3] == second[:3] == ToyAnalyser(PillowDecoder()).analyse(looks)[:3]
        assert toy.looked == analyser.looked == (4 if run == 0 else 2)
        assert analyser.remembered == 8 - analyser.looked
        analyser.close()
    analyser = RememberingAnalyser(toy, AnalysisFile(path, 1_000_000))
    analyser.analyse([Look(picture(0.1), WHOLE)])
    assert analyser.looked == 1
    analyser.close()


@pytest.mark.parametrize("fails", [False, True])
def test_two_threads_with_the_same_bytes_share_one_look(fails: bool) -> None:
    """The second waits for the first; where the first fails it looks itself."""
    slow = Slow(fails=fails)
    analyser, results, failures = RememberingAnalyser(slow, AnalysisFile(None, 1_000_000)), list[object](), list[str]()

    def ask() -> None:
        try:
            results.extend(analyser.analyse([Look(picture(0.1))]))
        except Unavailable as error:
            failures.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert slow.began.wait(20)
    slow.go_on.set()
    for thread in threads:
        thread.join(20)
    assert (slow.looked, len(results), len(failures)) == (1, 3 if fails else 4, 1 if fails else 0)
    assert analyser.looked == 1
    analyser.close()


def test_products_that_share_a_picture_cost_one_look_and_shoppers_leave_no_trace() -> None:
    """Also after the first product is gone; a search sees for itself and keeps nothing."""
    with toy_house() as house:
        for number in range(3):
            told = {"id": str(number), "pictures": [data_url(picture(0.3)), data_url(picture(0.3, side=40))]}
            house.keeper.put(parse_product(told))
            house.keeper.remove(str(number))
        assert (house.looking.looked, house.analyser.looked) == (2, 2)  # type: ignore[attr-defined]
        house.analyser.analyse([Look(picture(0.4))])
        house.keeper.put(parse_product({"id": "4", "pictures": [data_url(picture(0.4))]}))
        assert house.looking.looked == 3
