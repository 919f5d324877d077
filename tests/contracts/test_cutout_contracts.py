"""The cut-out that ships with us keeps the public contracts, opened through its entry points."""

from pathlib import Path

import numpy as np
import pytest

from lookalike import plugins
from lookalike.ports.vision import Detector, Segmenter
from lookalike.testing.finders import DetectorContract, SegmenterContract, studio

NAME = "efficientnet-lite0-cutout"


class TestCutout(DetectorContract, SegmenterContract):
    """In int8, which every CPU can do; the converted network is kept for the session."""

    @pytest.fixture(autouse=True)
    def _cache(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        folder = tmp_path_factory.getbasetemp() / "networks"
        folder.mkdir(exist_ok=True)
        self.folder: Path = folder

    def make_detector(self) -> Detector:
        """As a recipe opens it."""
        detector: Detector = plugins.load("detector", NAME)(self.folder, "int8")
        return detector

    def make_segmenter(self) -> Segmenter:
        """As a recipe opens it."""
        segmenter: Segmenter = plugins.load("segmenter", NAME)(self.folder, "int8")
        return segmenter

    def test_a_thing_on_paper_is_found(self) -> None:
        """One box that agrees with what stands there by .7, and a mask by .75."""
        pixels, (left, top, right, bottom) = studio()
        ((first, *others),) = self.make_detector().detect([pixels])
        a, b, c, d = first.box.pixels(pixels.shape[1], pixels.shape[0])
        shared = max(0, min(c, right) - max(a, left)) * max(0, min(d, bottom) - max(b, top))
        assert shared / ((c - a) * (d - b) + (right - left) * (bottom - top) - shared) >= 0.7
        assert not others
        (mask,) = self.make_segmenter().segment([pixels])
        assert mask is not None
        truth = np.zeros(pixels.shape[:2], bool)
        truth[top:bottom, left:right] = True
        assert (truth & (mask >= 0.5)).sum() / (truth | (mask >= 0.5)).sum() >= 0.75
