"""What every Embedder promises."""

import numpy as np
from numpy.typing import NDArray

from lookalike.ports.vision import Embedder


def crops() -> list[NDArray[np.uint8]]:
    """Seeded crops of many shapes: wide, high, a single pixel, flat and noisy ones."""
    rng = np.random.default_rng(7)
    shapes = [(64, 64), (120, 30), (30, 120), (1, 1), (1, 200), (224, 224), (300, 211)]
    noisy = [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in shapes]
    flat = [np.full((50, 50, 3), value, np.uint8) for value in (0, 128, 255)]
    ramp = np.repeat(np.linspace(0, 255, 96, dtype=np.uint8)[None, :, None], 80, axis=0).repeat(3, axis=2)
    return [*noisy, *flat, ramp]


class EmbedderContract:
    """`make_embedder` gives the embedder."""

    def make_embedder(self) -> Embedder:
        """The embedder under test."""
        raise NotImplementedError

    def test_the_card_is_filled_in(self) -> None:
        """Who uses a network must know what it is and what its licence allows."""
        card = self.make_embedder().card
        assert card.name
        assert card.task
        assert card.licence
        assert card.source
        assert card.digest
        assert card.dimension > 0

    def test_vectors_are_of_unit_length(self) -> None:
        """float32, of the card's dimension, finite, length 1, whatever the crop's shape."""
        embedder, given = self.make_embedder(), crops()
        found = embedder.embed(given)
        assert len(found) == len(given)
        for one in found:
            assert one.vector.dtype == np.float32
            assert one.vector.shape == (embedder.card.dimension,)
            assert np.isfinite(one.vector).all()
            assert abs(float(np.linalg.norm(one.vector)) - 1) < 1e-3

    def test_results_do_not_depend_on_the_batch(self) -> None:
        """In order, and alone as in company (to a cosine of .999: a batch may round otherwise)."""
        embedder, given = self.make_embedder(), crops()
        together = embedder.embed(given)
        for crop, one in zip(given, together, strict=True):
            assert float(embedder.embed([crop])[0].vector @ one.vector) > 0.999

    def test_nothing_is_nothing(self) -> None:
        """No crops, no vectors."""
        assert self.make_embedder().embed([]) == []

    def test_crops_are_left_as_they_are(self) -> None:
        """The caller's pixels are not written to."""
        given = crops()
        before = [one.copy() for one in given]
        self.make_embedder().embed(given)
        assert all(np.array_equal(one, other) for one, other in zip(given, before, strict=True))
