"""Detectors from cards: boxes after suppression, YOLOX's raw grid, YOLOv3 of the ONNX zoo."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.domain.geometry import Box
from lookalike.errors import NetworkRefused
from lookalike.ports.vision import Detection, Pixels
from lookalike.vision.networks.card import DetectionCard
from lookalike.vision.networks.network import ON_CPU, How, Network, Tensor, model_card
from lookalike.vision.networks.preparing import Placement

Rows = NDArray[np.float64]
# Boxes, label numbers, scores: one row a find.
Found = tuple[Rows, NDArray[np.intp], Rows]
SHOWN_SCORE = 0.3
MOST = 300
# A find less wide or high than this share of the picture is a rounding error.
THIN = 1e-4


class CardDetector:
    """Detector over an ONNX file and its card. Thread-safe; opened by the first call. `least`: finds of a lower score are dropped."""

    def __init__(self, card: DetectionCard, path: Path, how: How = ON_CPU, least: float = SHOWN_SCORE) -> None:
        self.told, self.least = card, least
        self.card = model_card(card)
        self.network = Network(card, path, _names(card), how)

    def detect(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        """Boxes for each picture, the best first; [] where nothing is found. Raises: NetworkRefused."""
        return [self._read(tensors, where) for tensors, where in self.network.run(pictures)]

    def _read(self, tensors: list[Tensor], where: Placement) -> list[Detection]:
        layout = self.told.output.layout
        boxes, numbers, scores = {"boxes": self._boxes, "yolox": self._grid, "yolov3": self._indexed}[layout](tensors, where)
        labels, first = self.told.label_names, self.told.first_label
        found = []
        for row in np.argsort(-scores, kind="stable"):
            number = int(numbers[row]) - first
            left, top, right, bottom = boxes[row].tolist()
            if scores[row] < self.least or number < 0 or right - left < THIN or bottom - top < THIN:
                continue
            name = labels[number] if number < len(labels) else ""
            found.append(Detection(Box(left, top, right, bottom), name, min(float(scores[row]), 1.0)))
            if len(found) == MOST:
                break
        return found

    def _boxes(self, tensors: list[Tensor], where: Placement) -> Found:
        """Three tensors, as the graph's own suppression left them."""
        boxes, labels, scores = (np.asarray(one, np.float64) for one in tensors[:3])
        labels, scores = labels.reshape(-1), scores.reshape(-1)
        if not boxes.size / 4 == len(labels) == len(scores):
            found = f"{boxes.size / 4:g} boxes, {len(labels)} labels and {len(scores)} scores"
            advice = "Name the three tensors in the card: output.boxes, output.labels, output.scores."
            raise NetworkRefused(f"The network {self.card.name!r} gives {found}. {advice}")
        boxes = boxes.reshape(-1, 4)
        if self.told.output.unit == "fractions":
            boxes = boxes * np.array([where.canvas[1], where.canvas[0]] * 2 if self.told.output.order == "ltrb" else list(where.canvas) * 2)
        return where.to_picture(self._turned(boxes)), labels.astype(np.intp), scores

    def _grid(self, tensors: list[Tensor], where: Placement) -> Found:
        """YOLOX (Ge et al. 2021): a row a cell with centre, log size, objectness and classes; cells of all strides follow each other."""
        rows = np.asarray(tensors[0], np.float64).reshape(-1, tensors[0].shape[-1])
        centres, sizes = [], []
        for stride in self.told.output.strides:
            high, wide = where.canvas[0] // stride, where.canvas[1] // stride
            y, x = np.mgrid[:high, :wide]
            centres.append(np.stack((x, y), axis=-1).reshape(-1, 2))
            sizes.append(np.full(high * wide, stride))
        cells, strides = np.concatenate(centres), np.concatenate(sizes)[:, None]
        if len(cells) != len(rows):
            raise NetworkRefused(
                f"The network {self.card.name!r} gives {len(rows)} cells, strides {self.told.output.strides} make {len(cells)}."
            )
        classes = rows[:, 5:] * rows[:, 4:5]
        # below a few thousandths nothing ever counts, and the suppression is quadratic
        row, number = np.nonzero(classes >= max(self.least, 0.001))
        scores = classes[row, number]
        centre, half = (rows[row, :2] + cells[row]) * strides[row], np.exp(rows[row, 2:4]) * strides[row] / 2
        boxes = np.hstack((centre - half, centre + half))
        kept = _suppressed(boxes, number, scores, self.told.output.overlap)
        return where.to_picture(boxes[kept]), number[kept], scores[kept]

    def _indexed(self, tensors: list[Tensor], where: Placement) -> Found:
        """YOLOv3 of the ONNX zoo: all boxes in pixels of the picture, all scores, and which (batch, class, box) were chosen."""
        boxes, scores, indices = np.asarray(tensors[0], np.float64), np.asarray(tensors[1], np.float64), tensors[2]
        chosen = np.asarray(indices, np.intp).reshape(-1, 3)
        chosen = chosen[(chosen >= 0).all(axis=1)]
        height, width = where.picture
        told = self._turned(boxes.reshape(-1, 4)[chosen[:, 2]]) / np.array([width, height] * 2)
        return np.clip(told, 0.0, 1.0), chosen[:, 1], scores[0, chosen[:, 1], chosen[:, 2]]

    def _turned(self, boxes: Rows) -> Rows:
        return boxes[:, [1, 0, 3, 2]] if self.told.output.order == "tlbr" else boxes


def _suppressed(boxes: Rows, numbers: NDArray[np.intp], scores: Rows, overlap: float) -> NDArray[np.intp]:
    """The rows that non-maximum suppression leaves, label by label."""
    if not len(boxes):
        return np.zeros(0, np.intp)
    told = np.hstack((boxes[:, :2], boxes[:, 2:] - boxes[:, :2]))
    kept = cv2.dnn.NMSBoxesBatched(told.tolist(), scores.tolist(), numbers.tolist(), 0.0, overlap)
    return np.asarray(kept, np.intp).reshape(-1)


def _names(card: DetectionCard) -> list[str] | None:
    """The tensors in the order that the adapter reads; None where the graph's own order is that."""
    told = card.output
    if told.layout == "yolox":
        return None if told.boxes is None else [told.boxes]
    third = (told.boxes, told.labels, told.scores) if told.layout == "boxes" else (told.boxes, told.scores, told.indices)
    return [one for one in third if one] if all(third) else None
