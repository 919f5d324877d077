"""Doubles for tests of everything around seeing: quick, deterministic, without a network."""

import itertools
import threading
from collections.abc import Sequence

import numpy as np

from lookalike.domain.analysis import Analysis, Colour, Recipe, SeenObject, Tag
from lookalike.domain.fusion import unit
from lookalike.domain.geometry import WHOLE, Box
from lookalike.domain.picture import Picture, digest_of
from lookalike.errors import PictureUnavailable, PictureUnreadable

TOY_RECIPE = Recipe("toy", 16, 3, {"made": "by hand"})


class ToySeer:
    """Seer whose vectors are the brightness of a 4 × 4 grid: pictures that look alike from afar are near."""

    def __init__(self, recipe: Recipe = TOY_RECIPE) -> None:
        self.recipe = recipe
        self.looked: list[str] = []
        """The digests of what was analysed, in that order."""
        self._lock = threading.Lock()

    def analyse(self, looks: Sequence[tuple[Picture, Box | None]]) -> list[Analysis]:
        """One analysis for each look."""
        with self._lock:
            self.looked += [picture.digest for picture, _ in looks]
        return [self._seen(picture, box or WHOLE) for picture, box in looks]

    def _seen(self, picture: Picture, box: Box) -> Analysis:
        height, width = picture.pixels.shape[:2]
        left, top, right, bottom = box.pixels(width, height)
        crop = picture.pixels[top:bottom, left:right].astype(np.float64) / 255
        rows, columns = (np.linspace(0, size, 5).astype(int) for size in crop.shape[:2])
        cells = [
            crop[a : max(b, a + 1), c : max(d, c + 1)].mean() for a, b in itertools.pairwise(rows) for c, d in itertools.pairwise(columns)
        ]
        vector = unit(np.array([*(np.nan_to_num(cells[:-1]) - 0.5), 0.01]))
        colour = crop.mean(axis=(0, 1))
        name = ("red", "green", "blue")[int(np.argmax(colour))]
        return Analysis(
            recipe_id=self.recipe.id,
            digest=picture.digest,
            width=picture.width,
            height=picture.height,
            objects=(SeenObject(box, vector, unit(colour + 0.01), name, 1.0),),
            tags=(Tag(name, 0.9),),
            colours=(Colour(name, 1.0, (int(colour[0] * 255), int(colour[1] * 255), int(colour[2] * 255))),),
            phash=picture.digest[:16],
        )


class ToyDecoder:
    """PictureDecoder of "pictures" that are any bytes which start with PIC: the bytes after it are the pixels' values."""

    def decode(self, content: bytes) -> Picture:
        """A small grey picture. Raises: PictureUnreadable for anything else."""
        if not content.startswith(b"PIC"):
            raise PictureUnreadable("not_a_picture", "A toy picture starts with PIC.")
        grey = np.resize(np.frombuffer(content[3:] or b"\x80", np.uint8), 8 * 8 * 3).reshape(8, 8, 3)
        return Picture(grey, 8, 8, digest_of(content), "TOY")


class ToyPictures:
    """PictureStore over a mapping; `fetched` counts."""

    def __init__(self, contents: dict[str, bytes] | None = None) -> None:
        self.contents = contents or {}
        self.kept: dict[str, bytes] = {}
        self.fetched = 0

    def fetch(self, reference: str) -> bytes:
        """The bytes. Raises: PictureUnavailable."""
        self.fetched += 1
        found = self.kept.get(reference) or self.contents.get(reference)
        if found is None:
            raise PictureUnavailable("not_found", f"There is no picture {reference[:80]!r}.")
        return found

    def keep(self, content: bytes) -> str:
        """Keep bytes."""
        reference = f"stored:{digest_of(content)}"
        self.kept[reference] = content
        return reference

    def forget(self, reference: str) -> None:
        """Drop bytes."""
        self.kept.pop(reference, None)
