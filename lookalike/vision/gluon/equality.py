"""The proof that an exported network says what GluonCV's says: the same random pictures through both, and the largest difference."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.vision.gluon.networks import Network
from lookalike.vision.gluon.runtime import INPUT, mxnet, outputs_of, random_pictures
from lookalike.vision.sessions import open_session

Tensor = NDArray[Any]
TOLERANCE = 1e-4
"""On features, logits, scores, probabilities of pixels; on boxes as a share of the picture's longer side."""
MOST_TIES = 1e-4


@dataclass(frozen=True, slots=True)
class Equality:
    """One output of a network, compared over `pictures`. `apart`: boxes without a twin, or pixels of another class; `ties`: pixels of
    another class where GluonCV's own two best lie within rounding (twice the tolerance), so that either may win; and boxes
    without a twin, where they are no more than one in ten thousand: an overlap at the very threshold of suppression is rounded too.

    `spread` is the output's standard deviation, without which a small difference tells nothing; `compared` counts numbers,
    boxes or pixels.
    """

    network: str
    output: str
    pictures: int
    compared: int
    spread: float
    difference: float
    apart: int
    ties: int = 0

    @property
    def holds(self) -> bool:
        """Is there something to compare, and is it equal?"""
        return self.compared > 0 and self.spread > TOLERANCE and self.difference <= TOLERANCE and self.apart == 0


def prove(block: Any, network: Network, file: Path, *, pictures: int = 2, seed: int = 1, threads: int = 2) -> list[Equality]:
    """GluonCV's block, called as GluonCV calls it, against the ONNX file. Raises: what ONNX Runtime raises over a graph it refuses."""
    session = open_session(file, threads)
    told: list[tuple[list[Tensor], list[Tensor]]] = []
    for data in random_pictures(network, pictures, seed):
        found = session.run(list(network.outputs), {INPUT: data})
        told.append((_gluoncv(block, network, data), [np.asarray(one) for one in found]))
    if network.task == "embedding":
        return [_numbers(network, place, [(a[place], b[place]) for a, b in told]) for place in (0, 1)]
    if network.task == "detection":
        return _boxes(network, told)
    return _masks(network, [(a[0], b[0]) for a, b in told])


def _gluoncv(block: Any, network: Network, data: Tensor) -> list[Tensor]:
    """The block's own outputs; of a classifier, its pooled features too, by way of its own layers."""
    given = mxnet.nd.array(data)
    if network.task == "embedding":
        return [outputs_of(block, network, given)[0].asnumpy(), block(given).asnumpy()]
    return [one.asnumpy() for one in block(given)]


def _numbers(network: Network, place: int, pairs: Sequence[tuple[Tensor, Tensor]]) -> Equality:
    theirs, ours = (np.concatenate([one[side] for one in pairs]) for side in (0, 1))
    difference = float(np.abs(theirs - ours).max())
    return Equality(network.name, network.outputs[place], len(pairs), theirs.size, float(theirs.std()), difference, 0)


def _boxes(network: Network, told: Sequence[tuple[list[Tensor], list[Tensor]]]) -> list[Equality]:
    """Each box with its twin: the nearest of the same label on the other side. Order is free: nearly equal scores may change places."""
    longer = max(network.size)
    scores, places, apart, spread, count = 0.0, 0.0, 0, [], 0
    for theirs, ours in told:
        first, second = _rows(theirs, longer), _rows(ours, longer)
        for label in np.union1d(first[:, 0], second[:, 0]):
            one, other = first[first[:, 0] == label, 1:], second[second[:, 0] == label, 1:]
            apart += abs(len(one) - len(other))
            if not len(one) or not len(other):
                continue
            gaps = np.abs(one[:, None] - other[None])
            for twin, side in ((gaps.max(axis=2).argmin(axis=1), gaps), (gaps.max(axis=2).argmin(axis=0), gaps.transpose(1, 0, 2))):
                nearest = side[np.arange(len(twin)), twin]
                near = nearest.max(axis=1) <= TOLERANCE
                apart += int((~near).sum()) if len(one) == len(other) else 0
                scores, places = max(scores, float(nearest[near, 0].max(initial=0))), max(places, float(nearest[near, 1:].max(initial=0)))
        count += len(first)
        spread.append(first[:, 1:].std(axis=0))
    deviation = np.mean(spread, axis=0)
    ties, apart = (apart, 0) if apart <= count * MOST_TIES else (0, apart)
    return [
        Equality(network.name, "scores", len(told), count, float(deviation[0]), scores, apart, ties),
        Equality(network.name, "boxes", len(told), count, float(deviation[1:].mean()), places, apart, ties),
    ]


def _rows(outputs: list[Tensor], longer: int) -> Tensor:
    """label, score, box of what suppression has left."""
    labels, scores, boxes = (one.reshape(-1, one.shape[-1]).astype(np.float64) for one in outputs[:3])
    rows = np.hstack((labels, scores, boxes / longer))
    return rows[(labels[:, 0] >= 0) & (scores[:, 0] > 0)]


def _softmax(maps: Tensor) -> Tensor:
    raised = np.exp(maps - maps.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _masks(network: Network, pairs: Sequence[tuple[Tensor, Tensor]]) -> list[Equality]:
    """The probabilities of each pixel's classes, which soft masks are made of, and the class that they come to."""
    likely = [(_softmax(one), _softmax(other)) for one, other in pairs]
    numbers = _numbers(network, 0, likely)
    maps = np.concatenate([one for one, _ in likely])
    theirs, ours = (np.concatenate([one[side].argmax(axis=1) for one in pairs]) for side in (0, 1))
    lead = np.take_along_axis(maps, theirs[:, None], 1) - np.take_along_axis(maps, ours[:, None], 1)
    ties, apart = int(((lead > 0) & (lead <= 2 * TOLERANCE)).sum()), int((lead > 2 * TOLERANCE).sum())
    return [numbers, Equality(network.name, "mask", len(pairs), theirs.size, float(theirs.std()), 0.0, apart, ties)]
