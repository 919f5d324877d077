"""A double for `PictureAnalyser`: it sees nothing but where a picture has which colour, in microseconds and without a network."""

import time
from collections.abc import Sequence

import numpy as np

from lookalike.domain.analysis import Analysis, Colour, Recipe, SeenObject, Tag
from lookalike.domain.fusion import unit
from lookalike.domain.geometry import WHOLE, Box
from lookalike.domain.picture import Picture
from lookalike.errors import PictureUnreadable, Unavailable
from lookalike.ports.vision import Look, PictureDecoder

GRID = 4
CHANNELS = ("red", "green", "blue")


class ToyAnalyser:
    """Vectors are the mean colours of a 4 × 4 grid, about their middle: pictures that look alike from afar are near.

    For tests of everything around seeing. Deterministic; the strongest channel names the tag and the colour.
    """

    def __init__(self, decoder: PictureDecoder) -> None:
        self._decoder = decoder
        self.recipe = Recipe("toy", GRID * GRID * 3, 3, {"grid": str(GRID)})
        self.looked = 0
        """How many pictures were analysed so far."""

    def analyse(self, looks: Sequence[Look], deadline: float | None = None) -> list[Analysis | PictureUnreadable]:
        """One result for each look, in order. Raises: Unavailable past the deadline."""
        found: list[Analysis | PictureUnreadable] = []
        for look in looks:
            if deadline is not None and time.monotonic() > deadline:
                raise Unavailable("The deadline passed.")
            self.looked += 1
            try:
                found.append(self._seen(self._decoder.decode(look.content), look.box or WHOLE))
            except PictureUnreadable as error:
                found.append(error)
        return found

    def waiting(self) -> int:
        """Who asks is answered at once: nothing ever waits."""
        return 0

    def batches(self) -> dict[int, int]:
        """Each picture is looked at by itself."""
        return {1: self.looked}

    def close(self) -> None:
        """Nothing is open."""

    def _seen(self, picture: Picture, box: Box) -> Analysis:
        height, width = picture.pixels.shape[:2]
        left, top, right, bottom = box.pixels(width, height)
        crop = picture.pixels[top:bottom, left:right].astype(np.float64) / 255
        rows = np.array_split(np.arange(crop.shape[0]), GRID) if crop.shape[0] >= GRID else [np.arange(crop.shape[0])] * GRID
        columns = np.array_split(np.arange(crop.shape[1]), GRID) if crop.shape[1] >= GRID else [np.arange(crop.shape[1])] * GRID
        means = np.array([crop[np.ix_(row, column)].mean(axis=(0, 1)) for row in rows for column in columns])
        overall = means.mean(axis=0)
        vector = unit(np.append(means.ravel()[:-1] - 0.5, 0.01))  # the last number keeps plain grey away from zero
        strongest = CHANNELS[int(np.argmax(overall))]
        shade = (round(overall[0] * 255), round(overall[1] * 255), round(overall[2] * 255))
        return Analysis(
            recipe_id=self.recipe.id,
            digest=picture.digest,
            width=picture.width,
            height=picture.height,
            objects=(SeenObject(box, vector, unit(overall + 0.01), strongest, 1.0),),
            tags=(Tag(strongest, 0.9),),
            colours=(Colour(strongest, 1.0, shade),),
            phash=picture.digest[:16],
            took_ms={"decode": 0.1, "analyse": 0.1},
        )
