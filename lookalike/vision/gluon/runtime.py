"""GluonCV's networks in MXNet. Importing this imports MXNet (a second, 200 MB); only what runs a network does.

Networks are taken as symbols, not as blocks: what a worker runs is then the very graph that is exported.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import MissingDependency, NetworkRefused
from lookalike.vision.gluon.networks import Network

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # both still ask distutils for versions
    try:
        import mxnet
        from gluoncv import model_zoo
    except ImportError as missing:
        told = MissingDependency("MXNet", "gluon")
        told.args = ("This needs MXNet and GluonCV, in an environment of their own: make gluon, then .venv-gluon/bin/lookalike.",)
        raise told from missing

__all__ = ["INPUT", "Runner", "Tensor", "build", "mxnet", "outputs_of", "random_pictures", "symbols", "versions", "with_weights"]
"""mxnet too: who takes it from here is told what to do where it is missing."""

Tensor = NDArray[Any]
INPUT = "data"


def build(network: Network) -> Any:
    """The network without weights, a GluonCV HybridBlock. Nothing is downloaded."""
    block = _built(network)
    if network.proposals:
        block.rpn._test_post_nms = block._rpn_test_post_nms = network.proposals  # noqa: SLF001 — no other way to tell it
    return block


def _built(network: Network) -> Any:
    if network.task != "segmentation":
        return model_zoo.get_model(network.name, pretrained=False, **({} if network.task == "embedding" else {"pretrained_base": False}))
    # GluonCV's table of names has not all pairs of backbone and data; its builders do.
    kind, backbone, data = network.name.split("_")
    make = {"fcn": model_zoo.get_fcn, "deeplab": model_zoo.get_deeplab}[kind]
    height, width = network.size
    return make(
        dataset={"voc": "pascal_voc"}.get(data, data),
        backbone=backbone,
        pretrained=False,
        pretrained_base=False,
        height=height,
        width=width,
    )


def with_weights(network: Network, file: Path) -> Any:
    """The network with the weights of a .params file as GluonCV publishes them. Raises: NetworkRefused."""
    block = build(network)
    try:
        block.load_parameters(str(file), ctx=mxnet.cpu())
    except Exception as error:  # MXNetError, AssertionError, ValueError, KeyError: whatever its reader stumbles over
        told = " ".join(str(error).split())[:200]
        raise NetworkRefused(
            f"{file.name} does not hold the weights of {network.name}: {told}. Give its .params file of GluonCV's."
        ) from error
    return block


def symbols(block: Any, network: Network) -> Any:
    """What the network computes from `data`: one output for each of `network.outputs`."""
    return mxnet.sym.Group(list(outputs_of(block, network, _picture())))


def _picture() -> Any:
    return mxnet.sym.var(INPUT, dtype="float32")


def outputs_of(block: Any, network: Network, data: Any) -> tuple[Any, ...]:
    """The outputs for an NDArray or a symbol, in the order of `network.outputs`."""
    if network.task == "detection":
        return tuple(block(data))
    if network.task == "segmentation":
        return (block(data)[0],)  # the second is the auxiliary head, for training only
    if not hasattr(block, "features"):  # ResNet v1b has its layers one by one
        value = data
        for layer in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "flat"):
            value = getattr(block, layer)(value)
        return value, block.fc(value)
    value = block.features(data)
    return value.reshape((0, -1)), block.output(value)


class Runner:
    """A network's graph in MXNet on the CPU. Not for two threads at once: who has several holds a lock."""

    def __init__(self, block: Any, network: Network) -> None:
        self._block = mxnet.gluon.SymbolBlock(symbols(block, network), _picture(), params=block.collect_params())

    def run(self, batch: Tensor) -> list[Tensor]:
        """The outputs for N×3×height×width, float32."""
        told = self._block(mxnet.nd.array(batch))
        return [one.asnumpy() for one in (told if isinstance(told, list | tuple) else [told])]


def versions() -> dict[str, str]:
    """What is installed, by name."""
    from importlib.metadata import version

    return {name: version(name) for name in ("mxnet", "gluoncv", "numpy", "onnx", "onnxruntime")}


def random_pictures(network: Network, count: int, seed: int) -> list[Tensor]:
    """Inputs made of noise at several scales, as the network takes them: 1×3×height×width, about mean 0 and deviation 1."""
    rng = np.random.default_rng(seed)
    height, width = network.size
    found = []
    for _ in range(count):
        picture = np.zeros((3, height, width), np.float32)
        for scale in (1, 8, 32, 128):
            coarse = rng.normal(size=(3, -(-height // scale), -(-width // scale))).astype(np.float32)
            picture += np.kron(coarse, np.ones((scale, scale), np.float32))[:, :height, :width]
        found.append((picture / 2)[None])
    return found
