"""Writes EfficientNet-Lite as an ONNX graph, in fp32 or int8: uint8 pictures in; vector, logits and activation map out.

The normalisation (x − 127) / 128 is the DequantizeLinear of the uint8 input itself, so that it costs nothing. In int8
every activation lies between QuantizeLinear and DequantizeLinear with a scale given from outside (`ranges`), which ONNX
Runtime fuses into integer convolutions; ReLU6 is then the saturation of an unsigned byte. Pooling, classifier and
projection stay in fp32.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lookalike.vision.efficientnet_lite import scan
from lookalike.vision.efficientnet_lite.architecture import Array, Branch, Convolution, Network
from lookalike.vision.efficientnet_lite.windows import White

OPSET = 17
IR_VERSION = 8
NORMALISE_SCALE = 1 / 128
NORMALISE_ZERO = 127


class _Writer:
    """Collects nodes and constants; in int8 it also puts a quantisation behind every activation."""

    def __init__(self, prefix: str, branch: Branch | None = None, white: White | None = None) -> None:
        self.prefix, self._white = prefix, white
        self.ranges, self._all_means = (branch.ranges, branch.means or {}) if branch else (None, {})
        self._means: dict[str, Array] = {}
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.activations: dict[str, str] = {}
        self.scales: dict[str, float] = {}

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value, order="C"), self.prefix + name))
        return self.prefix + name

    def node(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        output = self.prefix + name
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def dequantize(self, source: str, name: str, scale: float, zero: int) -> str:
        scale_name = self.constant(f"{name}/scale", np.array(scale, np.float32))
        zero_name = self.constant(f"{name}/zero", np.array(zero, np.uint8))
        output = self.node("DequantizeLinear", [source, scale_name, zero_name], name)
        self.scales[output] = scale
        return output

    def activation(self, name: str, value: str) -> str:
        """The value itself, or in int8, where it has a range, the value after a round trip through a byte."""
        self.activations[name] = value
        if self.ranges is None or name not in self.ranges:
            return self._in_white(name, value)
        low, high = self.ranges[name]
        low, high = min(low, 0.0), max(high, 1e-6)
        scale = (high - low) / 255
        zero = round(-low / scale)
        scale_name = self.constant(f"{name}/scale", np.array(scale, np.float32))
        zero_name = self.constant(f"{name}/zero", np.array(zero, np.uint8))
        byte = self.node("QuantizeLinear", [value, scale_name, zero_name], f"{name}/byte")
        byte = self._in_white(name, byte, scale, zero)
        output = self.node("DequantizeLinear", [byte, scale_name, zero_name], f"{name}/real")
        self.scales[output] = scale
        if name in self._all_means:
            self._means[output] = self._all_means[name]
        return output

    def _in_white(self, name: str, value: str, scale: float = 0.0, zero: int = 0) -> str:
        """The value; where `name` ends the early part, laid into what that part makes of a white picture."""
        if self._white is None or name != self._white.name:
            return value
        told = self._white.values
        ready = np.clip(np.rint(told / np.float32(scale)) + zero, 0, 255).astype(np.uint8) if scale else told
        return scan.laid_in(self.node, self.constant, ready, value, f"{name}/laid")

    def convolution(self, conv: Convolution, source: str) -> str:
        whole = source not in self.scales or self.ranges is None
        if whole:
            weight, bias = self.constant(f"{conv.name}/weight", conv.weight), self.constant(f"{conv.name}/bias", conv.bias)
        else:
            weight, bias = self._byte_weight(conv, source)
        value = self.node(
            "Conv", [source, weight, bias], f"{conv.name}/conv", group=conv.groups,
            kernel_shape=[conv.kernel, conv.kernel], strides=[conv.stride, conv.stride], auto_pad="SAME_UPPER",
        )  # fmt: skip
        if conv.relu6 and (whole or conv.name not in (self.ranges or {})):
            value = self.node("Clip", [value, self.prefix + "zero", self.prefix + "six"], f"{conv.name}/relu6")
        return self.activation(conv.name, value)

    def _byte_weight(self, conv: Convolution, source: str) -> tuple[str, str]:
        """Weight in int8 and bias in int32, each channel with a scale of its own.

        What rounding the weights adds to a channel on average goes out of its bias again (Nagel 2019, bias correction).
        """
        peak = np.abs(conv.weight).max(axis=(1, 2, 3)).astype(np.float32)
        scale = np.maximum(peak, 1e-8) / np.float32(127)
        weight = np.clip(np.rint(conv.weight / scale[:, None, None, None]), -127, 127).astype(np.int8)
        bias_scale = scale * np.float32(self.scales[source])
        lost = (conv.weight - weight * scale[:, None, None, None]).sum(axis=(2, 3))
        mean = self._means.get(source, np.zeros(1, np.float32))
        shift = lost[:, 0] * mean if conv.groups > 1 else (lost * mean).sum(axis=1)
        bias = np.clip(np.rint((conv.bias + shift) / bias_scale.astype(np.float64)), -(2**31) + 1, 2**31 - 1).astype(np.int32)
        names: list[str] = []
        for part, value, step in (("weight", weight, scale), ("bias", bias, bias_scale)):
            inputs = [
                self.constant(f"{conv.name}/{part}/whole", value),
                self.constant(f"{conv.name}/{part}/scale", step),
                self.constant(f"{conv.name}/{part}/zero", np.zeros(len(step), value.dtype)),
            ]
            names.append(self.node("DequantizeLinear", inputs, f"{conv.name}/{part}", axis=0))
        return names[0], names[1]


def _body(writer: _Writer, network: Network, entry: str) -> tuple[str, str]:
    """(output of the last block, output of the head)."""
    writer.constant("zero", np.array(0, np.float32))
    writer.constant("six", np.array(6, np.float32))
    planes = writer.node("Transpose", [entry], "planes", perm=[0, 3, 1, 2])
    value = writer.dequantize(planes, "normalised", NORMALISE_SCALE, NORMALISE_ZERO)
    value = writer.convolution(network.stem, value)
    for number, block in enumerate(network.blocks):
        entry = value
        for conv in block.convolutions:
            value = writer.convolution(conv, value)
        if block.skip:
            value = writer.node("Add", [value, entry], f"blocks.{number}.sum/add")
            value = writer.activation(f"blocks.{number}.sum", value)
    return value, writer.convolution(network.head, value)


def _heads(writer: _Writer, branch: Branch, last: str, features: str, grid: int) -> tuple[str, str, str]:
    """(projected, logits, map) of one network."""
    network, projection = branch.network, branch.projection
    channels = network.classifier_weight.shape[1]
    flat = writer.node("Reshape", [features, writer.constant("flat/shape", np.array([0, channels, grid * grid]))], "features")
    pooled = writer.node("ReduceMean", [flat], "pooled", axes=[2], keepdims=0)
    classifier = writer.constant("classifier/weight", network.classifier_weight)
    bias = writer.constant("classifier/bias", network.classifier_bias)
    logits = writer.node("Gemm", [pooled, classifier, bias], "scores", transB=1)
    top = writer.node("ArgMax", [logits], "top", axis=1, keepdims=1)
    row = writer.node("Gather", [classifier, top], "top/weight", axis=0)
    heat = writer.node("MatMul", [row, flat], "top/heat")
    heat = writer.node("Reshape", [heat, writer.constant("heat/shape", np.array([0, grid, grid]))], "heat")

    first = writer.node("LpNormalization", [pooled], "descriptor/features", axis=1, p=2)
    block = writer.node("ReduceMean", [last], "block/pooled", axes=[2, 3], keepdims=0)
    block = writer.node("Sub", [block, writer.constant("block/mean", projection.mean)], "block/centred")
    block = writer.node("Div", [block, writer.constant("block/deviation", projection.deviation)], "block/standard")
    second = writer.node("LpNormalization", [block], "descriptor/block", axis=1, p=2)
    likely = writer.node("Sqrt", [writer.node("Softmax", [logits], "probabilities", axis=1)], "probabilities/root")
    weight = writer.constant("probabilities/weight", np.array(projection.label_weight, np.float32))
    third = writer.node("Mul", [likely, weight], "descriptor/labels")
    descriptor = writer.node("Concat", [first, second, third], "descriptor", axis=1)
    matrix = writer.constant("projection/matrix", projection.matrix.astype(np.float32))
    shift = writer.constant("projection/bias", projection.bias.astype(np.float32))
    return writer.node("Gemm", [descriptor, matrix, shift], "projected", transB=1), logits, heat


def build(
    branches: Sequence[Branch],
    side: int,
    mix: Array | None = None,
    *,
    every_activation: bool = False,
    whites: Sequence[White] = (),
    head: onnx.ModelProto | None = None,
) -> onnx.ModelProto:
    """The graph: `pictures` (N × side × side × 3, uint8 RGB) → `vector` (N × dimension, unit length), `logits`
    (N × 1000), `map` (N × side/32 × side/32, the top class's activation, unscaled).

    The pictures go through the network one after the other, by a Scan: together their activations would not stay in the
    CPU's cache, and one call for each would ask Python for leave between (docs/decisions/0012). Several branches look at the
    same pictures; `mix` (dimension × the sum of theirs) makes one vector of what they say, their logits are averaged, the map
    is the last one's. `every_activation` adds each activation as an output `tap:NAME`, and the pooled features and last
    block, for whoever learns from them; then there is no Scan. A convolution whose input has no range stays in fp32.

    With `whites`, one a branch, there is a second input, `windows` (N × 4, cells of 8 pixels; where it is not given, all of the
    picture): outside its window a picture is taken for white, and what the first blocks make of that is known. `head` is a
    small graph that goes on from activations of the last branch, which its inputs name `tap:NAME`; its outputs come beside the
    others. It wants the first blocks' maps whole: not together with `whites`.
    """
    grid = -(-side // 32)
    writers: list[_Writer] = []
    told: list[tuple[str, str, str]] = []
    start = _Writer("")
    entry_name = scan.cropped(start.node, start.constant, "pictures") if whites else "pictures"
    for number, branch in enumerate(branches):
        writer = _Writer(f"{number}:" if len(branches) > 1 else "", branch, whites[number] if whites else None)
        told.append(_heads(writer, branch, *_body(writer, branch.network, entry_name), grid))
        writers.append(writer)
    last, end = writers[-1], _Writer("")
    projected, logits, heat = told[-1]
    if mix is not None:
        joined = end.node("Concat", [one for one, _, _ in told], "joined", axis=1)
        projected = end.node("Gemm", [joined, end.constant("mix", mix.astype(np.float32))], "mixed", transB=1)
        logits = end.node("Mean", [one for _, one, _ in told], "logits/mean")
    end.node("LpNormalization", [projected], "vector", axis=1, p=2)
    end.node("Identity", [logits], "logits")
    end.node("Identity", [heat], "map")
    dimension = len(branches[-1].projection.bias) if mix is None else len(mix)
    outputs = [
        helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["N", dimension]),
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", len(branches[-1].network.classifier_bias)]),
        helper.make_tensor_value_info("map", TensorProto.FLOAT, ["N", grid, grid]),
    ]
    if every_activation:
        taps = [end.node("Identity", [value], f"tap:{name}") for name, value in last.activations.items()]
        outputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", None, None, None]) for name in taps]
        parts = [last.prefix + name for name in ("pooled", "block/pooled")]
        outputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", None]) for name in parts]
    if head is not None:
        outputs += _grafted(head, last, end)
    nodes = [node for writer in (start, *writers, end) for node in writer.nodes]
    constants = [constant for writer in (start, *writers, end) for constant in writer.constants]
    name = "+".join(one.network.variant for one in branches)
    entry = helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["N", side, side, 3])
    graph = helper.make_graph(nodes, name, [entry], outputs, constants)
    if not every_activation:
        graph = scan.one_by_one(graph, side if whites else 0)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="lookalike")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model


def _grafted(head: onnx.ModelProto, onto: _Writer, end: _Writer) -> list[onnx.ValueInfoProto]:
    """Puts a head's nodes and constants behind the activations that its inputs name; its outputs."""
    graph = head.graph
    names = {one.name: onto.activations[one.name.removeprefix("tap:")] for one in graph.input} | {"": ""}
    for constant in graph.initializer:
        names[constant.name] = f"head:{constant.name}"
        end.constants.append(numpy_helper.from_array(numpy_helper.to_array(constant), names[constant.name]))
    for node in graph.node:
        grafted = onnx.NodeProto()
        grafted.CopyFrom(node)
        grafted.name = f"head:{node.name}"
        grafted.input[:] = [names.get(name, f"head:{name}") for name in node.input]
        grafted.output[:] = [f"head:{name}" for name in node.output]
        end.nodes.append(grafted)
    outputs = []
    for one in graph.output:
        end.node("Identity", [f"head:{one.name}"], one.name)
        shape = [axis.dim_value for axis in one.type.tensor_type.shape.dim]
        outputs.append(helper.make_tensor_value_info(one.name, TensorProto.FLOAT, ["N", *shape[1:]]))
    return outputs
