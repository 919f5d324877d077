"""Embedders from cards: any network that makes a vector, any classifier's pooled features, the picture half of a CLIP."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.fusion import unit
from lookalike.errors import NetworkRefused
from lookalike.ports.vision import Embedded, Pixels
from lookalike.vision.networks.card import EmbeddingCard, TwoEncoderCard
from lookalike.vision.networks.graphs import load_graph, penultimate
from lookalike.vision.networks.labels import IMAGENET, IMAGENET_CLASSES
from lookalike.vision.networks.network import ON_CPU, How, Network, Tensor, model_card
from lookalike.vision.words import probabilities_of

NO_SCORES = np.zeros(0, np.float32)
NO_MAP = np.zeros((0, 0), np.float32)


class CardEmbedder:
    """Embedder over an ONNX file and its card. Thread-safe; opened by the first call.

    `fit` pad takes the whole picture on white instead of the card's crop: what shoppers look for may lie at the rim.
    """

    def __init__(self, card: EmbeddingCard | TwoEncoderCard, path: Path, how: How = ON_CPU, fit: Literal["card", "pad"] = "card") -> None:
        if fit == "pad" and card.input.fit in ("crop", "middle"):
            whole = card.input.model_copy(update={"fit": "pad", "shorter": None, "pad": 255.0, "at": "centre"})
            card = card.model_copy(update={"input": whole})
        self.told = card
        self.card = model_card(card)
        self._path, self._how = path, how
        self._network: Network | None = None

    @property
    def network(self) -> Network:
        """The network with the outputs that are wanted. Raises: NetworkRefused where no features are found."""
        if self._network is None:  # two threads may both find them; they find the same
            output = self.told.output
            features = output.features or penultimate(load_graph(self._path), output.logits)
            logits = output.logits
            if logits is None and self._has_words() and output.features is None:
                logits = load_graph(self._path).graph.output[0].name
            self._network = Network(self.told, self._path, [features] if logits is None else [features, logits], self._how)
        return self._network

    def embed(self, crops: Sequence[Pixels]) -> list[Embedded]:
        """One result for each crop. Raises: NetworkRefused."""
        if not crops:
            return []
        return [self._read(tensors) for tensors, _ in self.network.run(crops)]

    def scores(self, crops: Sequence[Pixels]) -> NDArray[np.float32]:
        """The probabilities of the classes, crops × classes, in the card's order of labels. Raises: NetworkRefused without logits."""
        found = [self._probabilities(tensors[1]) for tensors, _ in self.network.run(crops) if len(tensors) > 1]
        if len(found) < len(crops):
            raise NetworkRefused(f"The card of {self.card.name!r} names no output with the classes: output.logits.")
        return np.stack(found) if found else np.zeros((0, 0), np.float32)

    def _has_words(self) -> bool:
        return self.told.labels == IMAGENET

    def _read(self, tensors: list[Tensor]) -> Embedded:
        pooled = np.asarray(tensors[0], np.float32)
        if pooled.ndim == 4:
            pooled = pooled.mean(axis=(2, 3))
        if pooled.size != self.told.dimension:
            raise NetworkRefused(
                f"The network {self.card.name!r} gives vectors of {pooled.size}, its card says {self.told.dimension}. Correct `dimension`, "
                "or name the right tensor in output.features."
            )
        vector = unit(np.nan_to_num(pooled.reshape(-1).astype(np.float64)))
        if not vector.any():  # a picture that stirs nothing still needs a direction, the same for all such
            vector = unit(np.ones(self.told.dimension))
        scores = self._probabilities(tensors[1]) if len(tensors) > 1 and self._has_words() else NO_SCORES
        return Embedded(vector, scores, NO_MAP)

    def _probabilities(self, raw: Tensor) -> NDArray[np.float32]:
        row = np.asarray(raw, np.float32).reshape(1, -1)[:, self.told.first_label :]
        if self._has_words():
            if row.shape[1] < IMAGENET_CLASSES:
                raise NetworkRefused(f"The network {self.card.name!r} has {row.shape[1]} classes, {IMAGENET} has {IMAGENET_CLASSES}.")
            row = row[:, :IMAGENET_CLASSES]
        return np.asarray(row[0] if self.told.output.scores == "probabilities" else probabilities_of(row)[0], np.float32)
