"""EfficientNet-Lite as data: which convolutions follow each other, with their weights folded.

Source: Tan & Le 2019 (arXiv 1905.11946) and the Lite variants of tensorflow/tpu: no squeeze-and-excitation, ReLU6, stem
and head of fixed width, first and last stage not repeated more often.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Variant = Literal["lite0", "lite1"]
Ranges = Mapping[str, tuple[float, float]]
"""The lowest and highest value that each activation takes, by its name."""
Means = Mapping[str, Array]
"""The mean of each channel of an activation, by the activation's name."""

# repeats, kernel, stride, expansion, output channels of EfficientNet-B0
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320))
DEPTH: Mapping[str, float] = {"lite0": 1.0, "lite1": 1.1}
BATCH_NORM_EPSILON = 1e-3


@dataclass(frozen=True, slots=True)
class Convolution:
    """One convolution with its batch norm folded in. `weight`: out × in/groups × k × k; `bias`: out."""

    name: str
    weight: Array
    bias: Array
    stride: int
    groups: int
    relu6: bool

    @property
    def kernel(self) -> int:
        """Side of the square kernel."""
        return int(self.weight.shape[2])


@dataclass(frozen=True, slots=True)
class Block:
    """An inverted residual: expand (where there is one), depthwise, project; `skip` adds the input."""

    convolutions: tuple[Convolution, ...]
    skip: bool


@dataclass(frozen=True, slots=True)
class Network:
    """The whole network. `classifier_weight`: 1000 × 1280, `classifier_bias`: 1000."""

    variant: str
    stem: Convolution
    blocks: tuple[Block, ...]
    head: Convolution
    classifier_weight: Array
    classifier_bias: Array

    def convolutions(self) -> tuple[Convolution, ...]:
        """All convolutions in the order in which they run."""
        return (self.stem, *(one for block in self.blocks for one in block.convolutions), self.head)


class _Folder:
    """Takes convolutions out of the tensors, each with the batch norm that follows it, and notes what was taken."""

    def __init__(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        self.tensors = tensors
        self.used: set[str] = set()

    def take(self, key: str) -> NDArray[np.float64]:
        self.used.add(key)
        return np.asarray(self.tensors[key], np.float64)

    def fold(self, conv: str, norm: str, stride: int = 1, *, depthwise: bool = False, relu6: bool = True) -> Convolution:
        weight, gamma, beta = self.take(f"{conv}.weight"), self.take(f"{norm}.weight"), self.take(f"{norm}.bias")
        mean, variance = self.take(f"{norm}.running_mean"), self.take(f"{norm}.running_var")
        self.used.add(f"{norm}.num_batches_tracked")
        scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
        return Convolution(
            name=conv.strip("_").replace("._", ".").replace("_", "-"),
            weight=(weight * scale[:, None, None, None]).astype(np.float32),
            bias=(beta - mean * scale).astype(np.float32),
            stride=stride,
            groups=weight.shape[0] if depthwise else 1,
            relu6=relu6,
        )


def assemble(variant: Variant, tensors: Mapping[str, NDArray[Any]]) -> Network:
    """The network that these tensors make, every one of them used. Raises: KeyError, ValueError where they do not fit."""
    folder = _Folder(tensors)
    stem = folder.fold("_conv_stem", "_bn0", 2)
    blocks: list[Block] = []
    for stage, (repeats, _kernel, first_stride, expansion, _channels) in enumerate(STAGES):
        times = repeats if stage in (0, len(STAGES) - 1) else math.ceil(DEPTH[variant] * repeats)
        for repeat in range(times):
            at, stride, parts = f"_blocks.{len(blocks)}", first_stride if repeat == 0 else 1, []
            if expansion != 1:
                parts.append(folder.fold(f"{at}._expand_conv", f"{at}._bn0"))
            parts.append(folder.fold(f"{at}._depthwise_conv", f"{at}._bn1", stride, depthwise=True))
            parts.append(folder.fold(f"{at}._project_conv", f"{at}._bn2", relu6=False))
            blocks.append(Block(tuple(parts), skip=repeat > 0))
    head = folder.fold("_conv_head", "_bn1")
    classifier_weight, classifier_bias = (folder.take(f"_fc.{part}").astype(np.float32) for part in ("weight", "bias"))
    if left := sorted(set(tensors) - folder.used):
        raise ValueError(f"{len(left)} tensors have no place in {variant}, {left[0]} for one.")
    return Network(variant, stem, tuple(blocks), head, classifier_weight, classifier_bias)


@dataclass(frozen=True, slots=True)
class Projection:
    """The way from what a network says to a vector: `matrix` @ descriptor + `bias`.

    The descriptor joins three parts: the pooled features (1280) at unit length; the pooled output of the last block (320),
    standardised by `mean` and `deviation`, at unit length; the square roots of the label probabilities (1000) times
    `label_weight`. `matrix`: dimension × 2600.
    """

    matrix: Array
    bias: Array
    mean: Array
    deviation: Array
    label_weight: float


@dataclass(frozen=True, slots=True)
class Branch:
    """One network in a graph, with its projection. Where it is to run in int8, also its activations' ranges and means."""

    network: Network
    projection: Projection
    ranges: Ranges | None = None
    means: Means | None = None
