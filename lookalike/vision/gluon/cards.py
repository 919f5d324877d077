"""Model cards of GluonCV's networks: what a worker runs and what is exported are described by the same words."""

from pathlib import Path

from lookalike.vision.gluon.networks import DEVIATION, GLUONCV, MEAN, Network
from lookalike.vision.networks.card import (
    Card,
    DetectionCard,
    DetectionOutput,
    EmbeddingCard,
    EmbeddingOutput,
    File,
    Files,
    Input,
    SegmentationCard,
    SegmentationOutput,
)
from lookalike.vision.networks.zoo import sha256_of

INPUT = "data"
LICENCE = "Apache-2.0"
_BLACK = 0.0


def card_of(network: Network, file: Path, weights: str, notes: str = "") -> Card:
    """The card of a network with `file`, an ONNX file or .params. `weights` says where they come from. Raises: OSError."""
    files = Files(network=File(sha256=sha256_of(file), bytes=file.stat().st_size))
    name, source, told = f"gluoncv-{network.name}", f"{GLUONCV} {network.name}, {weights}", input_of(network)
    if network.task == "embedding":
        output = EmbeddingOutput(features="features", logits="logits")
        return EmbeddingCard(
            name=name, task="embedding", licence=LICENCE, source=source, notes=notes, files=files, labels=network.labels,
            input=told, output=output, dimension=network.dimension,
        )  # fmt: skip
    if network.task == "detection":
        boxes = DetectionOutput(layout="boxes", boxes="boxes", labels="labels", scores="scores")
        return DetectionCard(
            name=name, task="detection", licence=LICENCE, source=source, notes=notes, files=files, labels=network.labels,
            input=told, output=boxes,
        )  # fmt: skip
    maps = SegmentationOutput(maps="maps")
    return SegmentationCard(
        name=name, task="segmentation", licence=LICENCE, source=source, notes=notes, files=files, labels=network.labels,
        input=told, output=maps,
    )  # fmt: skip


def input_of(network: Network) -> Input:
    """How a picture becomes the network's input: as GluonCV's presets evaluate it."""
    if network.any_size:
        return Input(tensor=INPUT, fit="shorter", shorter=800, longest=1333, mean=MEAN, std=DEVIATION)
    if network.task == "embedding":
        return Input(tensor=INPUT, size=network.size, fit="crop", mean=MEAN, std=DEVIATION)
    if network.task == "detection":
        return Input(tensor=INPUT, size=network.size, fit="stretch", mean=MEAN, std=DEVIATION)
    return Input(tensor=INPUT, size=network.size, fit="pad", at="top-left", pad=_BLACK, mean=MEAN, std=DEVIATION)
