"""What every PictureAnalyser promises."""

import threading
import time

import numpy as np
import pytest

from lookalike.domain.analysis import Analysis
from lookalike.domain.geometry import WHOLE, Box
from lookalike.domain.picture import digest_of
from lookalike.errors import PictureUnreadable, Unavailable
from lookalike.ports.vision import Look, PictureAnalyser


class AnalyserContract:
    """`make_analyser` gives an analyser, `pictures` at least five different ones that it reads."""

    def make_analyser(self) -> PictureAnalyser:
        """An analyser with nothing to do yet."""
        raise NotImplementedError

    def pictures(self) -> list[bytes]:
        """Encoded pictures."""
        raise NotImplementedError

    def test_results_come_in_order(self) -> None:
        """However many there are and however they are batched; each names its own bytes."""
        analyser, looks = self.make_analyser(), [Look(one) for one in self.pictures() * 7]
        found = analyser.analyse(looks)
        analyser.close()
        assert [one.digest for one in found if isinstance(one, Analysis)] == [digest_of(look.content) for look in looks]

    def test_an_analysis_is_whole(self) -> None:
        """It names the recipe; the main object has a unit vector of the recipe's dimension, and a box inside the picture."""
        analyser = self.make_analyser()
        for one in analyser.analyse([Look(content) for content in self.pictures()]):
            assert isinstance(one, Analysis)
            assert one.recipe_id == analyser.recipe.id
            assert one.main.vector.shape == (analyser.recipe.dimension,)
            assert one.main.vector.dtype == np.float32
            assert abs(float(np.linalg.norm(one.main.vector)) - 1) < 1e-3
            assert one.main.colour_vector.shape == (analyser.recipe.colour_dimension,)
            assert 0 <= one.main.box.left < one.main.box.right <= 1
        analyser.close()

    def test_a_bad_picture_harms_no_other(self) -> None:
        """It is a result, with a reason; its neighbours are as they are alone."""
        analyser, good = self.make_analyser(), self.pictures()[:3]
        alone = [analyser.analyse([Look(one)])[0] for one in good]
        mixed = analyser.analyse([Look(good[0]), Look(b"nonsense"), Look(good[1]), Look(b""), Look(good[2])])
        analyser.close()
        assert isinstance(mixed[1], PictureUnreadable)
        assert isinstance(mixed[3], PictureUnreadable)
        for one, other in zip(alone, (mixed[0], mixed[2], mixed[4]), strict=True):
            assert isinstance(one, Analysis)
            assert isinstance(other, Analysis)
            assert float(one.main.vector @ other.main.vector) > 0.999

    def test_a_box_is_obeyed(self) -> None:
        """A box that is given is the box that is looked at."""
        analyser, content = self.make_analyser(), self.pictures()[0]
        whole, part = analyser.analyse([Look(content, WHOLE), Look(content, Box(0.25, 0.25, 0.75, 0.75))])
        analyser.close()
        assert isinstance(whole, Analysis)
        assert isinstance(part, Analysis)
        assert whole.main.box == WHOLE
        assert part.main.box == Box(0.25, 0.25, 0.75, 0.75)

    def test_nothing_is_nothing(self) -> None:
        """No looks, no results."""
        analyser = self.make_analyser()
        assert analyser.analyse([]) == []
        analyser.close()

    def test_a_deadline_that_is_past_is_unavailable(self) -> None:
        """Nobody waits for ever."""
        analyser = self.make_analyser()
        with pytest.raises(Unavailable):
            analyser.analyse([Look(one) for one in self.pictures()], deadline=time.monotonic() - 1)
        analyser.close()

    def test_threads_may_ask_at_once(self) -> None:
        """Each gets its own."""
        analyser, pictures = self.make_analyser(), self.pictures()
        wrong: list[str] = []

        def ask(number: int) -> None:
            for turn in range(5):
                content = pictures[(number + turn) % len(pictures)]
                found = analyser.analyse([Look(content)])[0]
                if not isinstance(found, Analysis) or found.digest != digest_of(content):
                    wrong.append(repr(found))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        analyser.close()
        assert not wrong
