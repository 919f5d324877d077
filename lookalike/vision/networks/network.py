"""One network as its card tells it: pictures in, tensors out. What they mean is the adapters' matter."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import NetworkRefused
from lookalike.ports.vision import ModelCard, Pixels
from lookalike.vision.networks.card import Card, EmbeddingCard, Input, TwoEncoderCard, digest_of
from lookalike.vision.networks.graphs import load_graph, with_outputs
from lookalike.vision.networks.preparing import Placement, prepared
from lookalike.vision.networks.runtime import Opened, open_on

Tensor = NDArray[Any]
# On a CPU a batch takes as long a picture as one by one (docs/decisions/0012); a GPU idles between pictures.
BATCH = 16


@dataclass(frozen=True, slots=True)
class How:
    """Where networks run: devices in fallback order, threads of each session, pictures in a batch (0: what suits the device)."""

    devices: tuple[str, ...] = ("cpu",)
    threads: int = 1
    batch: int = 0


ON_CPU = How()


class Network:
    """An ONNX file under a card. Opened by the first call, in the process that makes it (after a fork). Thread-safe.

    `names` are the tensors that are wanted: outputs, or tensors inside the graph; None all outputs in the graph's order.
    """

    def __init__(self, card: Card, path: Path, names: Sequence[str] | None = None, how: How = ON_CPU) -> None:
        self.card, self.path = card, path
        self._names, self._how = None if names is None else list(names), how
        self._opened: Opened | None = None
        self._lock = threading.Lock()

    def opened(self) -> Opened:
        """The session and its device. Raises: NetworkRefused."""
        if self._opened is None:
            with self._lock:
                if self._opened is None:
                    self._opened = self._open()
        return self._opened

    def run(self, pictures: Sequence[Pixels]) -> list[tuple[list[Tensor], Placement]]:
        """For each picture its tensors, without the batch where the graph has one, and where it lay. Raises: NetworkRefused."""
        opened, told = self.opened(), self.card.input
        feeds = [prepared(told, one) for one in pictures]
        found: list[list[Tensor]] = []
        for start in range(0, len(feeds), step := self._step(opened, told)):
            found += self._passed(opened, told, [feed for feed, _ in feeds[start : start + step]], pictures[start : start + step])
        return [(tensors, where) for tensors, (_, where) in zip(found, feeds, strict=True)]

    def _open(self) -> Opened:
        if self._names is None:
            return _checked(open_on(self.path, self._how.devices, self._how.threads), self.card)
        opened = open_on(self.path, self._how.devices, self._how.threads)
        if set(self._names) - {one.name for one in opened.session.get_outputs()}:
            opened = open_on(with_outputs(load_graph(self.path), self._names), self._how.devices, self._how.threads)
        return _checked(opened, self.card)

    def _step(self, opened: Opened, told: Input) -> int:
        if told.layout not in ("NCHW", "NHWC") or told.size is None:
            return 1
        batch = _input(opened, told).shape[0]
        if isinstance(batch, int):
            return 1
        return self._how.batch or (1 if opened.device == "cpu" else BATCH)

    def _passed(self, opened: Opened, told: Input, feeds: list[Tensor], pictures: Sequence[Pixels]) -> list[list[Tensor]]:
        batched = told.layout in ("NCHW", "NHWC")
        name = _input(opened, told).name
        given: dict[str, Tensor] = {name: np.stack(feeds) if batched else feeds[0]}
        if told.size_tensor is not None:
            wanted = next(one for one in opened.session.get_inputs() if one.name == told.size_tensor)
            kind = np.float32 if "float" in wanted.type else np.int32 if "int32" in wanted.type else np.int64
            given[told.size_tensor] = np.array([pictures[0].shape[:2]], kind)
        try:
            outputs = opened.session.run(self._names, given)
        except Exception as error:  # ONNX Runtime's exceptions have no common parent but this
            message = " ".join(str(error).split())[:300]
            raise NetworkRefused(
                f"The network {self.card.name!r} failed on a picture: {message}. Does its card tell the right input?"
            ) from error
        if len(feeds) == 1:
            return [list(map(np.asarray, outputs))]
        return [[np.asarray(one[row : row + 1]) for one in outputs] for row in range(len(feeds))]


def model_card(card: Card) -> ModelCard:
    """What ports and recipes know of a network."""
    told = card.input
    side = max(told.size) if told.size is not None else told.shorter or 0
    return ModelCard(
        name=card.name,
        task=card.task,
        licence=card.licence,
        source=card.source,
        digest=digest_of(card),
        input_side=side,
        dimension=card.dimension if isinstance(card, EmbeddingCard | TwoEncoderCard) else 0,
        notes=card.notes,
    )


def _input(opened: Opened, told: Input) -> Any:
    inputs = opened.session.get_inputs()
    return next(one for one in inputs if one.name == told.tensor) if told.tensor else inputs[0]


def _checked(opened: Opened, card: Card) -> Opened:
    """The inputs that the card names are there, and the picture's shape can be what the card says. Raises: NetworkRefused."""
    told, there = card.input, [one.name for one in opened.session.get_inputs()]
    for name in filter(None, (told.tensor, told.size_tensor)):
        if name not in there:
            raise NetworkRefused(f"The network {card.name!r} has no input {name!r}; it has {', '.join(there)}. Correct its card.")
    shape = _input(opened, told).shape
    if len(shape) != len(told.layout):
        raise NetworkRefused(f"The network {card.name!r} takes {len(shape)} axes, its card says {told.layout}. Correct input.layout.")
    if told.size is not None:
        wanted = dict(zip("HW", told.size, strict=True)) | {"C": 3}
        for axis, found in zip(told.layout, shape, strict=True):
            if axis in wanted and isinstance(found, int) and found != wanted[axis]:
                message = f"The network {card.name!r} takes {found} along {axis}, its card says {wanted[axis]}"
                raise NetworkRefused(f"{message}. Correct input.size or input.layout.")
    return opened
