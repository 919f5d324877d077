"""Weights from a random seed, for tests and proofs without a download: such a network sees nothing, but computes like a trained one.

MXNet's own initialisation lets activations die out (1e-8 after fifty layers), and whatever is compared there looks equal. So each
batch norm is given the mean and the variance that its input really has, as training would.
"""

import dataclasses
from typing import Any

import numpy as np

from lookalike.vision.gluon.networks import Network
from lookalike.vision.gluon.runtime import build, mxnet, random_pictures

RESIDUAL_GAMMA = 0.3
"""A trained residual network adds little in each block; random blocks of equal weight would amplify every rounding error."""

HEADS = r".*(predictor|yolooutputv3|rpn\d+_conv[12]|rcnn\d+_dense).*weight"
HEAD_SCALE = 0.5
"""Of what detectors predict with: scores then lie between 0 and 1, and boxes near their anchors, instead of far beyond both."""
VARIANCE_FLOOR = 0.1
"""Added to measured variances: where few values were measured (the smallest scales of SSD), others may lie far off."""
MOMENTUM = 0.9
"""Of MXNet's batch norm, where nothing else is told."""

MEASURED = ("running_mean", "running_var", "moving_mean", "moving_var")


def seeded(network: Network, seed: int) -> Any:
    """The network with weights that the seed alone decides."""
    rng = np.random.default_rng(seed)
    block = build(network)
    block.initialize()
    if network.any_size:
        network = dataclasses.replace(network, size=(224, 288))  # Faster R-CNN: a picture that does not cost a minute
    pictures = random_pictures(network, 1 if network.any_size or network.task == "segmentation" else 4, seed)
    data = mxnet.nd.array(np.concatenate(pictures))
    block(data[:1])  # shapes that nobody told are now known
    for name, parameter in block.collect_params().items():
        if isinstance(parameter, mxnet.gluon.Constant) or name.endswith(MEASURED):
            continue
        parameter.set_data(mxnet.nd.array(_values(rng, name, parameter.shape)))
    _quieten(block)
    for parameter in block.collect_params(HEADS).values():
        parameter.set_data(parameter.data() * HEAD_SCALE)
    hooks: list[Any] = []
    _norms(block, hooks)
    if hooks:
        block(data)
        for hook in hooks:
            hook.detach()
    else:
        _norms_by_training(block, data)
    mxnet.nd.waitall()
    return block


def _values(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> Any:
    if name.endswith("gamma"):
        return rng.uniform(0.8, 1.2, shape)
    if name.endswith(("beta", "bias")):
        return rng.normal(0, 0.1, shape)
    fan_in = int(np.prod(shape[1:]))
    return rng.normal(0, (2 / max(fan_in, 1)) ** 0.5, shape)


def _quieten(block: Any) -> None:
    """Scale down what each residual block adds: the last norm of ResNet v1b's blocks."""
    for child in block._children.values():  # noqa: SLF001 — MXNet has no public way to them
        if hasattr(child, "downsample"):
            gamma = (child.bn3 if hasattr(child, "bn3") else child.bn2).gamma
            gamma.set_data(gamma.data() * RESIDUAL_GAMMA)
        else:
            _quieten(child)


def _norms(block: Any, hooks: list[Any]) -> None:
    if isinstance(block, mxnet.gluon.nn.BatchNorm):
        hooks.append(block.register_forward_pre_hook(_measure))
    for child in block._children.values():  # noqa: SLF001 — MXNet has no public way to them
        _norms(child, hooks)


def _measure(norm: Any, inputs: tuple[Any, ...]) -> None:
    data = inputs[0]
    mean = data.mean(axis=(0, 2, 3))
    norm.running_mean.set_data(mean)
    norm.running_var.set_data(((data - mean.reshape((1, -1, 1, 1))) ** 2).mean(axis=(0, 2, 3)) + VARIANCE_FLOOR)


def _norms_by_training(block: Any, data: Any) -> None:
    """As `_measure`, where the norms are hidden in a symbol (SSD): from nothing, a step of training tells a tenth of what is measured."""
    running = {name: one for name, one in block.collect_params().items() if name.endswith(MEASURED)}
    for one in running.values():
        one.set_data(mxnet.nd.zeros(one.shape))
    with mxnet.autograd.record():
        total = sum(one.sum() for one in block(data)[:2])
    total.backward()
    for name, one in running.items():
        one.set_data(one.data() / (1 - MOMENTUM) + (VARIANCE_FLOOR if name.endswith("var") else 0))
