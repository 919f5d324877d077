"""Segmenters from cards: what each pixel belongs to, and which of that is the product."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.errors import InvalidCard, NetworkRefused
from lookalike.ports.vision import Pixels
from lookalike.vision.networks.card import SegmentationCard
from lookalike.vision.networks.network import ON_CPU, How, Network, Tensor, model_card
from lookalike.vision.networks.preparing import Placement

Mask = NDArray[np.float32]
BACKGROUND = "background"
# A product that covers less of the picture is a speck.
SMALLEST = 0.002


class CardSegmenter:
    """Segmenter over an ONNX file and its card. Thread-safe; opened by the first call.

    Raises: InvalidCard where the card's product is none of its labels.
    """

    def __init__(self, card: SegmentationCard, path: Path, how: How = ON_CPU) -> None:
        self.told = card
        self.card = model_card(card)
        names = card.output.maps
        self.network = Network(card, path, None if names is None else [names], how)
        labels = card.label_names
        unknown = [one for one in card.output.product if one not in labels]
        if unknown:
            raise InvalidCard(card.name, [f"output.product: {', '.join(unknown)} is none of its labels"])
        wanted = card.output.product or [one for one in labels if one != BACKGROUND]
        self._product = [number for number, label in enumerate(labels) if label in wanted]

    def segment(self, pictures: Sequence[Pixels]) -> list[Mask | None]:
        """A soft mask of the product for each picture, of its size, 0…1; None where there is hardly any. Raises: NetworkRefused."""
        return [self._mask(tensors, where) for tensors, where in self.network.run(pictures)]

    def labels(self, pictures: Sequence[Pixels]) -> list[NDArray[np.intp]]:
        """The number of each pixel's label, of each picture's size; of sigmoid maps the strongest, −1 where none passes `threshold`."""
        return [self._labels(tensors, where) for tensors, where in self.network.run(pictures)]

    def _mask(self, tensors: list[Tensor], where: Placement) -> Mask | None:
        maps = self._probabilities(self._maps(tensors), where)
        share = maps[self._product].sum(axis=0) if self.told.output.kind == "softmax" else maps[self._product].max(axis=0)
        height, width = where.picture
        mask = np.clip(cv2.resize(np.ascontiguousarray(share), (width, height), interpolation=cv2.INTER_LINEAR), 0.0, 1.0)
        return np.asarray(mask, np.float32) if (mask >= self.told.output.threshold).mean() >= SMALLEST else None

    def _labels(self, tensors: list[Tensor], where: Placement) -> NDArray[np.intp]:
        height, width = where.picture
        maps = self._shown(self._maps(tensors), where)
        scaled = np.stack([cv2.resize(np.ascontiguousarray(one), (width, height), interpolation=cv2.INTER_LINEAR) for one in maps])
        found = scaled.argmax(axis=0)
        if self.told.output.kind == "sigmoid":
            strongest = scaled.max(axis=0)
            least = self.told.output.threshold
            if self.told.output.scores == "logits":
                least = float(np.log(least / (1 - least)))
            found = np.where(strongest >= least, found, -1)
        return np.asarray(found, np.intp)

    def _maps(self, tensors: list[Tensor]) -> Mask:
        maps = np.asarray(tensors[0], np.float32)
        maps = maps.reshape(maps.shape[-3:]) if maps.ndim > 2 else maps[None]
        wanted = len(self.told.label_names)
        if len(maps) != wanted:
            raise NetworkRefused(
                f"The network {self.card.name!r} gives {len(maps)} maps, its card has {wanted} labels. Correct one of the two."
            )
        return maps

    def _shown(self, maps: Mask, where: Placement) -> Mask:
        """The part of the maps that shows the picture: what was filled up is left out."""
        rows, columns, _, _ = where.window()
        down, across = maps.shape[1] / where.canvas[0], maps.shape[2] / where.canvas[1]
        top, bottom = round(rows.start * down), max(round(rows.stop * down), round(rows.start * down) + 1)
        left, right = round(columns.start * across), max(round(columns.stop * across), round(columns.start * across) + 1)
        return maps[:, top:bottom, left:right]

    def _probabilities(self, maps: Mask, where: Placement) -> Mask:
        shown = self._shown(maps, where)
        if self.told.output.scores == "probabilities":
            return shown
        if self.told.output.kind == "sigmoid":
            return np.asarray(1 / (1 + np.exp(-np.clip(shown, -30, 30))), np.float32)
        raised = np.exp(shown - shown.max(axis=0, keepdims=True))
        return np.asarray(raised / raised.sum(axis=0, keepdims=True), np.float32)
