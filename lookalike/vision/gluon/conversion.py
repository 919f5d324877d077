"""From MXNet's graph to ONNX, with what MXNet's own exporter gets wrong put right (docs/decisions/0111).

* It translates for opset 13, but stamps the graph with the newest opset of the installed onnx. There Split wants `num_outputs`, so that
  ONNX Runtime refuses Faster R-CNN, and RoiAlign shifts by half a pixel, so that its boxes would be others. We stamp 13.
* Its non-maximum suppression lets boxes of one class suppress those of others, and takes `topk` for what is left after, not before.
  Ours is `suppression`.
* A BatchNorm with `fix_gamma` (the default; SSD's added scales) takes 1 for gamma, whatever is stored; the exporter takes what is stored.
* Weights go through Python lists (minutes and gigabytes), and are inputs of the graph, so that nothing can be folded.
* Many nodes have no name; ONNX Runtime names constants that it folds after their nodes, and refuses the second of a name (YOLOv3).
"""

import json
import sys
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lookalike.vision.gluon.networks import Network
from lookalike.vision.gluon.runtime import INPUT, mxnet, symbols
from lookalike.vision.gluon.suppression import box_nms

OPSET = 13
IR_VERSION = 8
_TYPES = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32,
          TensorProto.INT64, TensorProto.BOOL)  # fmt: skip


def to_onnx(block: Any, network: Network) -> onnx.ModelProto:
    """The network as ONNX: `data` in, `network.outputs` out. Raises: ValueError where the graph does not hold together."""
    with _exporter(network) as exporter:
        symbol = symbols(block, network)
        graph = exporter().create_onnx_graph_proto(
            symbol,
            _weights(block, symbol),
            [(1, 3, *network.size)],
            [int(TensorProto.FLOAT)],
            opset_version=OPSET,
            dynamic=True,
            dynamic_input_shapes=[_shape(network)],
        )
    _only_pictures_in(graph)
    _outputs_named(graph, [_as_exported(name) for name in symbol.list_outputs()], network.outputs)
    graph.name = network.name
    for number, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{number}"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="lookalike")
    onnx.checker.check_model(model)
    return model


def _weights(block: Any, symbol: Any) -> dict[str, Any]:
    weights = {name: parameter.data() for name, parameter in block.collect_params().items()}
    nodes = json.loads(symbol.tojson())["nodes"]
    for node in nodes:
        if node["op"] == "BatchNorm" and node.get("attrs", {}).get("fix_gamma", "True") in ("True", "1"):
            gamma = nodes[node["inputs"][1][0]]["name"]
            weights[gamma] = mxnet.nd.ones_like(weights[gamma])
    return weights


def _shape(network: Network) -> tuple[int | None, ...]:
    """The batch is free where the graph does not itself count on one picture."""
    size: tuple[int | None, ...] = (None, None) if network.any_size else network.size
    return (1 if network.task == "detection" else None, 3, *size)


@contextmanager
def _exporter(network: Network) -> Iterator[Any]:
    """MXNet's exporter with our translations in it, until the block ends."""
    _restore_mapping()
    from mxnet.onnx.mx2onnx._export_onnx import MXNetGraph

    theirs = MXNetGraph.registry_.setdefault(OPSET, {})
    before = dict(theirs)
    # of Faster R-CNN each class is suppressed in a row of its own
    theirs["_contrib_box_nms"] = lambda node, **told: box_nms(node, told, 1 if network.any_size else 80)
    theirs["null"] = _weights_or_input
    try:
        yield MXNetGraph
    finally:
        theirs.clear()
        theirs.update(before)


def _restore_mapping() -> None:
    """onnx.mapping, two tables that onnx has dropped (1.19) and that MXNet's exporter reads."""
    if hasattr(onnx, "mapping"):
        return
    module: Any = types.ModuleType("onnx.mapping")
    module.TENSOR_TYPE_TO_NP_TYPE = {int(one): helper.tensor_dtype_to_np_dtype(one) for one in _TYPES}
    module.NP_TYPE_TO_TENSOR_TYPE = {kind: number for number, kind in module.TENSOR_TYPE_TO_NP_TYPE.items()}
    sys.modules["onnx.mapping"] = module
    setattr(onnx, "mapping", module)  # noqa: B010 — mypy knows that it is not there


def _weights_or_input(node: Mapping[str, Any], **told: Any) -> Any:
    name = node["name"]
    if told["is_input"]:
        return [helper.make_tensor_value_info(name, told["in_type"], told["in_shape"])], (helper.tensor_dtype_to_np_dtype(told["in_type"]),)
    value = told["weights"][name]
    told["initializer"].append(numpy_helper.from_array(np.ascontiguousarray(value), name))
    kind = helper.np_dtype_to_tensor_dtype(value.dtype)
    return [helper.make_tensor_value_info(name, kind, value.shape)], (value.dtype,)


def _only_pictures_in(graph: onnx.GraphProto) -> None:
    pictures = [one for one in graph.input if one.name == INPUT]
    del graph.input[:]
    graph.input.extend(pictures)


def _as_exported(output: str) -> str:
    """What the exporter calls an output of MXNet's: `…_output` loses its end, `…_output1` keeps the number."""
    stem, _, number = output.rpartition("_output")
    return stem + number if stem else output


def _outputs_named(graph: onnx.GraphProto, theirs: list[str], ours: tuple[str, ...]) -> None:
    """Our names, in our order (theirs is alphabetical)."""
    renamed = dict(zip(theirs, ours, strict=True))
    known = {one.name: one for one in graph.output}
    outputs = [onnx.ValueInfoProto.FromString(known[name].SerializeToString()) for name in theirs]
    for output in outputs:
        output.name = renamed[output.name]
        for axis in output.type.tensor_type.shape.dim:  # what the exporter infers of shapes it infers for one size
            axis.Clear()
    del graph.output[:]
    graph.output.extend(outputs)
    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                names[place] = renamed.get(name, name)


def versions_of_exporter() -> str:
    """What made the graph, for its card."""
    return f"MXNet {mxnet.__version__}, onnx {onnx.__version__}, opset {OPSET}"
