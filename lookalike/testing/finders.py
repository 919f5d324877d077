"""What every Detector and every Segmenter promises."""

import numpy as np
from numpy.typing import NDArray

from lookalike.ports.vision import Detector, Segmenter
from lookalike.testing.embedders import crops


def studio() -> tuple[NDArray[np.uint8], tuple[int, int, int, int]]:
    """A striped thing on grey paper, and where it stands: left, top, right, bottom in pixels."""
    pixels = np.full((240, 320, 3), 205, np.uint8)
    pixels[60:190, 110:230] = (40, 70, 160)
    pixels[60:190:20, 110:230] = (230, 200, 40)
    return pixels, (110, 60, 230, 190)


class DetectorContract:
    """`make_detector` gives the detector."""

    def make_detector(self) -> Detector:
        """The detector under test."""
        raise NotImplementedError

    def test_the_card_of_the_detector_is_filled_in(self) -> None:
        """Its digest goes into the recipes that use it."""
        card = self.make_detector().card
        assert all((card.name, card.task, card.licence, card.source, card.digest))

    def test_boxes_lie_on_the_picture(self) -> None:
        """Of any picture: a list each, of boxes within it (a `Box` is never empty), with probabilities."""
        given = crops()
        found = self.make_detector().detect(given)
        assert len(found) == len(given)
        for one in (told for row in found for told in row):
            left, top, right, bottom = one.box.edges()
            assert 0 <= left < right <= 1
            assert 0 <= top < bottom <= 1
            assert 0 <= one.score <= 1

    def test_what_is_found_does_not_depend_on_the_batch(self) -> None:
        """In order, and alone as in company (to a hundredth)."""
        detector, given = self.make_detector(), [studio()[0], *crops()]
        for pixels, together in zip(given, detector.detect(given), strict=True):
            (alone,) = detector.detect([pixels])
            assert len(alone) == len(together)
            for one, other in zip(alone, together, strict=True):
                np.testing.assert_allclose(one.box.edges(), other.box.edges(), atol=0.01)

    def test_no_pictures_no_boxes(self) -> None:
        """Nothing is nothing."""
        assert self.make_detector().detect([]) == []


class SegmenterContract:
    """`make_segmenter` gives the segmenter."""

    def make_segmenter(self) -> Segmenter:
        """The segmenter under test."""
        raise NotImplementedError

    def test_the_card_of_the_segmenter_is_filled_in(self) -> None:
        """Its digest goes into the recipes that use it."""
        card = self.make_segmenter().card
        assert all((card.name, card.task, card.licence, card.source, card.digest))

    def test_masks_are_as_large_as_their_pictures(self) -> None:
        """float32 from 0 to 1, or None, whatever the picture."""
        given = [studio()[0], *crops()]
        found = self.make_segmenter().segment(given)
        assert len(found) == len(given)
        for pixels, mask in zip(given, found, strict=True):
            if mask is not None:
                assert mask.dtype == np.float32
                assert mask.shape == pixels.shape[:2]
                assert 0 <= float(mask.min()) <= float(mask.max()) <= 1

    def test_pixels_are_left_as_they_are(self) -> None:
        """The caller's pixels are not written to."""
        given = [studio()[0], *crops()]
        before = [one.copy() for one in given]
        self.make_segmenter().segment(given)
        assert all(np.array_equal(one, other) for one, other in zip(given, before, strict=True))

    def test_no_pictures_no_masks(self) -> None:
        """Nothing is nothing."""
        assert self.make_segmenter().segment([]) == []
