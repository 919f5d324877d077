"""What is read from a network's graph, and added to it: the tensor under a classifier's last layer as an output."""

from collections.abc import Mapping
from pathlib import Path

import onnx

from lookalike.errors import NetworkRefused

# Between the last layer and the output stands at most what changes no order of the classes.
_PASSED = frozenset(
    (
        "Add",
        "Cast",
        "Dropout",
        "Flatten",
        "Identity",
        "LogSoftmax",
        "Reshape",
        "Softmax",
        "Squeeze",
        "Unsqueeze",
        "DequantizeLinear",
        "QuantizeLinear",
    )
)
_LAST = frozenset(("Gemm", "MatMul", "Conv"))


def load_graph(path: Path) -> onnx.ModelProto:
    """The model in a file. Raises: NetworkRefused where it is no ONNX."""
    try:
        model = onnx.load(str(path))
    except Exception as error:  # protobuf's errors are of several kinds, none of them public
        raise NetworkRefused(f"{path.name} is no ONNX model: {type(error).__name__}.") from error
    if not model.graph.node or not model.graph.output:
        raise NetworkRefused(f"{path.name} is no ONNX model: its graph is empty.")
    return model


def penultimate(model: onnx.ModelProto, logits: str | None = None) -> str:
    """The tensor that a classifier's last layer reads: its pooled features. Raises: NetworkRefused where there is no such layer."""
    made: Mapping[str, onnx.NodeProto] = {name: node for node in model.graph.node for name in node.output}
    constants = {one.name for one in model.graph.initializer} | {
        name for node in model.graph.node if node.op_type == "Constant" for name in node.output
    }
    name = logits or model.graph.output[0].name
    while name in made:
        node = made[name]
        told = [one for one in node.input if one and not _constant(one, made, constants)]
        if node.op_type in _LAST and len(told) == 1:
            return str(told[0])
        if node.op_type not in _PASSED or not told or (node.op_type == "Add" and len(told) > 1):
            break
        name = told[0] if node.op_type == "Add" else node.input[0]  # what follows the first is a shape or a scale
    raise NetworkRefused(
        f"The output {logits or model.graph.output[0].name!r} does not end in a layer of classes, so no features are found under it. "
        "Name them in the card: output.features."
    )


def _constant(name: str, made: Mapping[str, onnx.NodeProto], constants: set[str]) -> bool:
    """Weights may be stored as they are, or as integers behind a DequantizeLinear, a Cast or a Transpose."""
    while name not in constants:
        node = made.get(name)
        if node is None or node.op_type not in ("DequantizeLinear", "Cast", "Identity", "Transpose", "QuantizeLinear"):
            return False
        name = node.input[0]
    return True


def with_outputs(model: onnx.ModelProto, names: list[str]) -> bytes:
    """The model with these tensors among its outputs, as bytes. Raises: NetworkRefused where the graph has none of that name."""
    there = {name for node in model.graph.node for name in node.output}
    known = {one.name for one in model.graph.output}
    for name in names:
        if name not in there:
            raise NetworkRefused(f"The graph has no tensor {name!r}; its outputs are {', '.join(sorted(known))}.")
        if name not in known:
            model.graph.output.append(onnx.ValueInfoProto(name=name))
    return bytes(model.SerializeToString())
