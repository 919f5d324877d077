"""Canonical pictures, drawn here, and what a network said of them when it came: whether it still says so is what `check` tells.

Drawn with integers only, so that they are the same on every machine.
"""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.domain.geometry import Box
from lookalike.errors import NetworkRefused
from lookalike.ports.vision import Detection, Pixels
from lookalike.vision.networks.card import Card, DetectionCard, SegmentationCard
from lookalike.vision.networks.detection import CardDetector
from lookalike.vision.networks.zoo import CANONICAL, Zoo

Answers = Mapping[str, NDArray[np.generic]]
TEXTS = ("a red shoe", "two green bottles on a table", "a photo of a person with a bag")
# Another device or version of ONNX Runtime rounds otherwise; what passes these finds the same products.
LEAST_COSINE = 0.999
LEAST_OVERLAP = 0.9
MOST_MASK_DIFFERENCE = 0.02
SURE = 0.1
MASK_SIDE = 16


def pictures() -> list[Pixels]:
    """Four drawings of different shapes: a bottle, a shoe, a checked cloth, soft noise."""
    drawn = [_bottle(), _shoe()]
    y, x = np.mgrid[:224, :224]
    check = np.stack(((x // 28 + y // 28) % 2 * 150 + 60, (x * 255) // 223, (y * 255) // 223), axis=-1)
    noise = np.random.default_rng(20).integers(0, 256, (12, 40, 3), dtype=np.uint8)  # PCG64: the same everywhere
    return [*drawn, check.astype(np.uint8), np.repeat(np.repeat(noise, 8, axis=0), 8, axis=1)]


def _bottle() -> Pixels:
    canvas = np.full((320, 240, 3), 246, np.uint8)
    cv2.rectangle(canvas, (85, 130), (155, 300), (30, 110, 60), -1)
    cv2.rectangle(canvas, (106, 40), (134, 130), (30, 110, 60), -1)
    cv2.rectangle(canvas, (103, 20), (137, 44), (170, 30, 30), -1)
    cv2.rectangle(canvas, (85, 180), (155, 250), (235, 225, 190), -1)
    return canvas


def _shoe() -> Pixels:
    canvas = np.full((200, 360, 3), 205, np.uint8)
    outline = np.array([(40, 60), (110, 60), (130, 95), (230, 110), (320, 140), (320, 160), (40, 160)], np.int32)
    cv2.fillPoly(canvas, [outline], (180, 35, 40))
    cv2.rectangle(canvas, (36, 158), (324, 174), (250, 250, 250), -1)
    for step in range(4):
        cv2.line(canvas, (130 + 22 * step, 98 + 4 * step), (146 + 22 * step, 118 + 4 * step), (20, 20, 20), 3)
    return canvas


def answers(zoo: Zoo, name: str) -> Answers:
    """What an installed network says of the canonical pictures. Raises: NetworkRefused, MissingDependency, NotFound, UnknownPlugin."""
    card, shown = zoo.card(name), pictures()
    if isinstance(card, DetectionCard):
        return _finds(zoo.detector(name, SURE), shown)
    if isinstance(card, SegmentationCard):
        masks = zoo.segmenter(name).segment(shown)
        side = (MASK_SIDE, MASK_SIDE)
        none = np.zeros(side, np.float32)
        return {"masks": np.stack([none if one is None else cv2.resize(one, side, interpolation=cv2.INTER_AREA) for one in masks])}
    seen = zoo.embedder(name).embed(shown)
    told: dict[str, NDArray[np.generic]] = {"vectors": np.stack([one.vector for one in seen])}
    if all(len(one.label_scores) for one in seen):
        told["labels"] = np.array([int(one.label_scores.argmax()) for one in seen])
    texts = zoo.texts(name)
    if texts is not None:
        told["texts"] = np.stack(texts.embed_texts(TEXTS))
    return told


def _finds(detector: CardDetector, shown: list[Pixels]) -> Answers:
    rows = [(place, one) for place, found in enumerate(detector.detect(shown)) for one in found]
    return {
        "boxes": np.array([[place, *one.box.edges(), one.score] for place, one in rows], np.float64).reshape(-1, 6),
        "names": np.array([one.label for _, one in rows], dtype="U80"),
    }


def remember(zoo: Zoo, name: str) -> Answers:
    """Run the canonical pictures and keep what the network says beside it. Raises: as `answers`."""
    told = answers(zoo, name)
    np.savez(zoo.folder / name / CANONICAL, **told)  # type: ignore[arg-type]  # numpy's stub mixes up its own option
    return told


def faults(zoo: Zoo, name: str) -> list[str]:
    """A sentence for each thing that the network says otherwise than when it came; [] where all is well. Raises: as `answers`."""
    card, path = zoo.card(name), zoo.path(name).parent / CANONICAL
    found = answers(zoo, name)
    try:
        with np.load(path, allow_pickle=False) as told:
            stored = {key: told[key] for key in told.files}
    except (OSError, ValueError) as error:
        raise NetworkRefused(f"What {name!r} said when it came is not there or damaged ({error}). Import it again.") from error
    return compared(card, stored, found)


def compared(card: Card, stored: Answers, found: Answers) -> list[str]:
    """The differences that matter between two sets of answers."""
    if set(stored) != set(found):
        return [f"It answers {', '.join(sorted(found))}; when it came it answered {', '.join(sorted(stored))}."]
    if isinstance(card, DetectionCard):
        return _lost(stored, found)
    told: list[str] = []
    if isinstance(card, SegmentationCard):
        apart = np.abs(stored["masks"] - found["masks"]).mean(axis=(1, 2))  # type: ignore[operator]
        return [f"Picture {place}: the mask differs by {one:.3f}." for place, one in enumerate(apart) if one > MOST_MASK_DIFFERENCE]
    for key, what in (("vectors", "Picture"), ("texts", "Text")):
        if key in stored:
            if stored[key].shape != found[key].shape:
                return [f"Vectors have {found[key].shape[1]} numbers; when it came they had {stored[key].shape[1]}."]
            cosines = (stored[key] * found[key]).sum(axis=1)  # type: ignore[operator]
            told += [
                f"{what} {place}: the cosine with what it said is {one:.4f}." for place, one in enumerate(cosines) if one < LEAST_COSINE
            ]
    if "labels" in stored:
        pairs = enumerate(zip(stored["labels"].tolist(), found["labels"].tolist(), strict=True))
        told += [f"Picture {place}: the label is {now}, it was {before}." for place, (before, now) in pairs if now != before]
    return told


def _lost(stored: Answers, found: Answers) -> list[str]:
    """Sure finds that have none of the same label at the same place any more, either way round."""

    def rows(told: Answers) -> list[tuple[int, Detection]]:
        pairs = zip(told["boxes"].tolist(), told["names"].tolist(), strict=True)
        return [(int(place), Detection(Box(*edges), label, score)) for (place, *edges, score), label in pairs]

    def missing(ours: Answers, theirs: Answers) -> list[tuple[int, Detection]]:
        there = rows(theirs)
        return [
            (place, one)
            for place, one in rows(ours)
            if one.score > 2 * SURE
            and not any(
                at == place and two.label == one.label and two.box.intersection_over_union(one.box) >= LEAST_OVERLAP for at, two in there
            )
        ]

    gone = [f"Picture {place}: {one.label or 'a find'} ({one.score:.2f}) is not found any more." for place, one in missing(stored, found)]
    return gone + [
        f"Picture {place}: {one.label or 'a find'} ({one.score:.2f}) was not found before." for place, one in missing(found, stored)
    ]
