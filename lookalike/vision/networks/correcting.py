"""Bias correction before int8 (Nagel et al. 2019, section 4.2): what rounding the weights adds to a channel on average is taken out.

Rounded weights shift whole channels, and that shift, not the noise, costs most of what int8 finds otherwise (docs/decisions/0012).
"""

from collections.abc import Collection, Iterable, Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from lookalike.vision.networks.graphs import with_outputs

Array = NDArray[np.float32]
STEPS = 127
"""ONNX Runtime rounds weights to −127…127, a scale a channel."""


def corrected(model: onnx.ModelProto, feeds: Iterable[Mapping[str, NDArray[np.generic]]], kept_whole: Collection[str]) -> int:
    """Move the biases of the model's convolutions, but for those named in `kept_whole`; how many were moved.

    `feeds`: inputs to measure the mean of each channel on. Convolutions whose weights are no constants stay as they are.
    """
    constants = {one.name: one for one in model.graph.initializer}
    convolutions = [
        node
        for node in model.graph.node
        if node.op_type == "Conv" and node.name not in kept_whole and all(name in constants for name in node.input[1:])
    ]
    entries = {one.name for one in model.graph.input}
    means = _means(model, sorted({node.input[0] for node in convolutions} - entries), feeds)
    moved = 0
    for node in convolutions:
        if node.input[0] not in means:
            continue
        weight = np.asarray(numpy_helper.to_array(constants[node.input[1]]), np.float32)
        groups = next((one.i for one in node.attribute if one.name == "group"), 1)
        shift = _shift(weight, means[node.input[0]], groups)
        if len(node.input) > 2 and node.input[2]:
            shift = shift + np.asarray(numpy_helper.to_array(constants[node.input[2]]), np.float32)
        name = f"{node.name}/corrected"
        model.graph.initializer.append(numpy_helper.from_array(shift.astype(np.float32), name))
        del node.input[2:]
        node.input.append(name)
        moved += 1
    used = {name for node in model.graph.node for name in node.input} | {one.name for one in model.graph.output}
    kept = [one for one in model.graph.initializer if one.name in used]  # ONNX Runtime warns of each that nobody reads
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    return moved


def _shift(weight: Array, mean: Array, groups: int) -> Array:
    """What the rounding of `weight` takes from each output channel on average."""
    scale = np.maximum(np.abs(weight).max(axis=(1, 2, 3), keepdims=True), 1e-12) / STEPS
    lost = (weight - np.rint(weight / scale) * scale).sum(axis=(2, 3))
    of = np.repeat(mean.reshape(groups, -1), len(weight) // groups, axis=0)
    return np.asarray((lost * of).sum(axis=1), np.float32)


def _means(model: onnx.ModelProto, names: list[str], feeds: Iterable[Mapping[str, NDArray[np.generic]]]) -> dict[str, Array]:
    """The mean of each channel of these tensors over the feeds; of 4 axes only."""
    from lookalike.vision.networks.runtime import open_on

    if not names:  # ONNX Runtime takes no names for all
        return {}
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    session = open_on(with_outputs(copy, names), ("cpu",)).session
    sums: dict[str, NDArray[np.float64]] = {}
    count = 0
    for feed in feeds:
        for name, told in zip(names, session.run(names, dict(feed)), strict=True):
            if np.ndim(told) == 4:
                sums[name] = sums.get(name, np.float64(0)) + np.asarray(told).mean(axis=(0, 2, 3), dtype=np.float64)
        count += 1
    return {name: (total / count).astype(np.float32) for name, total in sums.items()} if count else {}
