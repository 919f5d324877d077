"""Embedders by name: what `lookalike.embedders` entry points open."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.ports.vision import Embedded, ModelCard, Pixels
from lookalike.vision.efficientnet_lite.cards import card_of
from lookalike.vision.efficientnet_lite.windows import windows_of
from lookalike.vision.efficientnet_lite.zoo import model_file, precision_here
from lookalike.vision.preparation import square
from lookalike.vision.sessions import once_opened
from lookalike.vision.words import probabilities_of


class OnnxEmbedder:
    """Embedder over a graph of ours: `pictures` in; `vector`, `logits`, `map` out.

    The network is built by the first call, in the process that makes it (after a fork). Thread-safe; each call runs in
    the thread that makes it, `threads` wide. Without `activations` the maps are left out and cost nothing.
    """

    def __init__(self, model: str, cache_dir: Path, precision: str = "auto", threads: int = 1, activations: bool = True) -> None:
        self.card: ModelCard = card_of(model)
        self.precision = precision_here(precision)
        self._outputs = ["vector", "logits", "map"] if activations else ["vector", "logits"]
        self.session = once_opened(lambda: model_file(model, self.precision, cache_dir), threads)
        """The one session, opened on first use. Raises: MissingDependency, WeightsRefused, OSError."""

    def embed(self, crops: Sequence[Pixels]) -> list[Embedded]:
        """One result for each crop. The graph itself takes them one by one, in one call (docs/decisions/0012)."""
        if not crops:
            return []
        session, side = self.session(), self.card.input_side
        pictures = np.stack([square(crop, side) for crop in crops])
        vectors, logits, *heat = session.run(self._outputs, {"pictures": pictures, "windows": windows_of(pictures)})
        maps = [_unit_map(one) for one in heat[0]] if heat else [NO_MAP] * len(crops)
        return [Embedded(vector, score, one) for vector, score, one in zip(vectors, probabilities_of(logits), maps, strict=True)]


NO_MAP = np.zeros((0, 0), np.float32)


def _unit_map(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """0…1: nothing below the class's own zero."""
    risen = np.maximum(heat, 0)
    return np.asarray(risen / max(float(risen.max()), 1e-6), np.float32)


def open_lite0(cache_dir: Path, precision: str = "auto", threads: int = 1) -> OnnxEmbedder:
    """The default network."""
    return OnnxEmbedder("lite0", cache_dir, precision, threads)


def open_lite1(cache_dir: Path, precision: str = "auto", threads: int = 1) -> OnnxEmbedder:
    """The larger network by itself."""
    return OnnxEmbedder("lite1", cache_dir, precision, threads)


def open_quality(cache_dir: Path, precision: str = "auto", threads: int = 1) -> OnnxEmbedder:
    """Both networks, mixed into one vector: what the quality setting takes."""
    return OnnxEmbedder("lite0+lite1", cache_dir, precision, threads)
