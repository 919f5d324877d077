"""An installed embedder in int8 or fp16: int8 calibrated on the user's own pictures, and what either loses in finding them."""

import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import InvalidCard, InvalidInput, NetworkRefused
from lookalike.ports.vision import Pixels
from lookalike.vision.networks.card import Card, EmbeddingCard, File, TwoEncoderCard
from lookalike.vision.networks.correcting import corrected
from lookalike.vision.networks.graphs import load_graph, penultimate
from lookalike.vision.networks.preparing import prepared
from lookalike.vision.networks.zoo import FILES, Zoo, sha256_of

Form = Literal["int8", "fp16"]
NEAREST = 10
FEWEST = 2 * NEAREST + 1
"""Of fewer pictures the ten nearest are nearly all there are, and their overlap says nothing."""
MOST_CALIBRATED = 200
CORRECTED_ON = 100
"""Pictures that the channels' means are taken over: means settle sooner than ranges."""
# As docs/decisions/0012 found for the default network: convolutions gain, what follows the pool loses more than it gains.
QUANTISED = ["Conv", "Add", "Relu", "Clip", "MaxPool", "Concat", "HardSwish", "HardSigmoid"]

# The first two convolutions stay whole: half of all the error is theirs, and on so few channels integers gain nothing.
WHOLE = 2


@dataclass(frozen=True, slots=True)
class Quantised:
    """A network in int8 or fp16, not yet installed. `overlap`: of the ten nearest pictures by fp32 the share that the new form finds,
    both sides in it. `cosine`: mean of the same picture's two vectors; `least_cosine` the worst. `speed`: pictures a second, fp32 and
    the new form, one by one on one thread.
    """

    card: Card
    path: Path
    overlap: float
    cosine: float
    least_cosine: float
    speed: tuple[float, float]


def quantised(zoo: Zoo, name: str, pictures: Sequence[Pixels], folder: Path, form: Form = "int8") -> Quantised:
    """Make the network's other form in `folder` and measure it on the pictures, where the zoo's networks run.

    fp16 is for GPUs: it takes and gives fp32, and a CPU that has no such arithmetic computes it in fp32, slower than the original.

    Raises: InvalidCard where it is no embedder, InvalidInput for too few pictures, NetworkRefused where it cannot be done.
    """
    card = zoo.card(name)
    if not isinstance(card, EmbeddingCard | TwoEncoderCard):
        raise InvalidCard(name, ["task: only embedders are quantised, for their loss can be told as retrieval overlap"])
    if len(pictures) < FEWEST:
        raise InvalidInput.at("pictures", f"Found {len(pictures)} that can be read; {FEWEST} at least are needed to tell the loss.")
    target = folder / FILES["network"]
    if form == "int8":
        _make(zoo.path(name), card, list(pictures[:MOST_CALIBRATED]), target)
        notes = f"{name} in int8, calibrated on {min(len(pictures), MOST_CALIBRATED)} pictures."
    else:
        _halve(zoo.path(name), card, target)
        notes = f"{name} in fp16."
    features = card.output.features
    if features is None:  # named after the graph was rewritten, where the last layer reads a rounded copy of it
        features = penultimate(load_graph(target), card.output.logits)
    file = File(sha256=sha256_of(target), bytes=target.stat().st_size)
    whole = zoo.embedder(name)
    made = card.model_copy(
        update={
            "name": f"{name}-{form}",
            "files": card.files.model_copy(update={"network": file}),
            "output": card.output.model_copy(update={"features": features}),
            "notes": notes,
            "accuracy": (),
            "speed": (),
        }
    )
    small = type(whole)(made, target, zoo.how)
    before, fast = _timed(whole.embed, pictures)
    after, faster = _timed(small.embed, pictures)
    cosines = (before * after).sum(axis=1)
    return Quantised(made, target, overlap_of(before, after), float(cosines.mean()), float(cosines.min()), (fast, faster))


def overlap_of(before: NDArray[np.float32], after: NDArray[np.float32], nearest: int = NEAREST) -> float:
    """Of each row's nearest others by `before`, the share that are its nearest by `after`, on average."""
    ranked = []
    for rows in (before, after):
        cosines = rows @ rows.T
        np.fill_diagonal(cosines, -2.0)
        ranked.append(np.argsort(-cosines, axis=1, kind="stable")[:, :nearest])
    return float(np.mean([len(set(one) & set(other)) / nearest for one, other in zip(*(row.tolist() for row in ranked), strict=True)]))


def _timed(embed: object, pictures: Sequence[Pixels]) -> tuple[NDArray[np.float32], float]:
    assert callable(embed)
    embed(pictures[:2])  # opens the network
    began = time.process_time()
    rows = np.stack([one.vector for one in embed(pictures)])
    return rows, len(pictures) / max(time.process_time() - began, 1e-9)


class _Reader:
    """onnxruntime's CalibrationDataReader: the pictures as the network takes them."""

    def __init__(self, card: EmbeddingCard | TwoEncoderCard, tensor: str, pictures: Sequence[Pixels]) -> None:
        self._feeds: Iterator[dict[str, NDArray[np.generic]]] = (
            {tensor: feed[None] if card.input.layout in ("NCHW", "NHWC") else feed}
            for feed in (prepared(card.input, picture)[0] for picture in pictures)
        )

    def get_next(self) -> dict[str, NDArray[np.generic]] | None:
        """The next input, None at the end."""
        return next(self._feeds, None)


def _make(source: Path, card: EmbeddingCard | TwoEncoderCard, pictures: list[Pixels], target: Path) -> None:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(_Reader, CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
        """What onnxruntime asks for its inputs."""

    model = load_graph(source)
    weights = {one.name for one in model.graph.initializer}
    tensor = card.input.tensor or next(one.name for one in model.graph.input if one.name not in weights)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its advice is for who calls it by hand
        ready = Path(folder) / "ready.onnx"
        try:
            quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
            convolutions = _named(ready)
            _correct(ready, _Reader(card, tensor, pictures[:CORRECTED_ON]), convolutions[:WHOLE])
            quantize_static(
                str(ready),
                str(target),
                Reader(card, tensor, pictures),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                op_types_to_quantize=QUANTISED,
                nodes_to_exclude=convolutions[:WHOLE],
                extra_options={"CalibMovingAverage": True},
            )
        except Exception as error:  # onnxruntime raises whatever it met
            message = " ".join(str(error).split())[:300]
            raise NetworkRefused(f"{card.name!r} cannot be quantised: {type(error).__name__}: {message}.") from error


def _halve(source: Path, card: EmbeddingCard | TwoEncoderCard, target: Path) -> None:
    """Weights and arithmetic in fp16, inputs and outputs as they were."""
    import onnx
    from onnxruntime.quantization.shape_inference import quant_pre_process
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numbers that fp16 cannot hold are told by the measured loss
        ready = Path(folder) / "ready.onnx"
        try:
            quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)  # makes constants of weights that are stored packed
            onnx.save(convert_float_to_float16(load_graph(ready), keep_io_types=True), str(target))
        except Exception as error:  # onnx and onnxruntime raise whatever they met
            message = " ".join(str(error).split())[:300]
            raise NetworkRefused(f"{card.name!r} cannot be brought to fp16: {type(error).__name__}: {message}.") from error


def _correct(path: Path, reader: _Reader, kept_whole: list[str]) -> None:
    import onnx

    model = load_graph(path)
    corrected(model, iter(reader.get_next, None), kept_whole)
    onnx.save(model, str(path))


def _named(path: Path) -> list[str]:
    """Give every node of a file's graph a name, for it is by name that nodes are left out; the convolutions' names in order."""
    import onnx

    model = load_graph(path)
    for place, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}-{place}"
    onnx.save(model, str(path))
    return [node.name for node in model.graph.node if node.op_type == "Conv"]
