"""The parts of the graph around the network itself: one picture after the other, and of each only what is not white."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from lookalike.vision.efficientnet_lite.windows import CELL

Node = Callable[..., str]
WINDOW = "windows"
LAST = 2**31
"""Beyond every last row: a Slice stops at the end."""


def cropped(node: Node, constant: Callable[[str, Any], str], entry: str) -> str:
    """`entry` (1 × side × side × 3) inside its window (row of `WINDOW`, 4 cells)."""
    cell = constant("window/cell", np.array([CELL], np.int64))
    low, mid, high = (constant(f"window/{number}", np.array([number], np.int64)) for number in (0, 2, 4))
    first = node("Mul", [node("Slice", [WINDOW, low, mid], "window/first"), cell], "window/first/pixels")
    last = node("Mul", [node("Slice", [WINDOW, mid, high], "window/last"), cell], "window/last/pixels")
    return node("Slice", [entry, first, last, constant("window/axes", np.array([1, 2], np.int64))], "window/inside")


def laid_in(node: Node, constant: Callable[[str, Any], str], white: Any, value: str, name: str) -> str:
    """`white` (1 × channels × rows × columns) with `value` in its window's place.

    Laid in with the channels last: that is how ONNX Runtime keeps bytes between convolutions, so its transpositions and these
    cancel each other out.
    """
    ready = constant(f"{name}/white", white.transpose(0, 2, 3, 1))
    four = [constant(f"{name}/{number}", np.array([number], np.int64)) for number in range(5)]
    zero, one, two = four[:3]
    end = constant(f"{name}/end", np.array([LAST], np.int64))
    top, left, bottom, right = (node("Slice", [WINDOW, four[at], four[at + 1]], f"{name}/side{at}") for at in range(4))
    last = node("Transpose", [value], f"{name}/last", perm=[0, 2, 3, 1])
    band = node("Slice", [ready, top, bottom, one], f"{name}/band")
    parts = [node("Slice", [band, zero, left, two], f"{name}/before"), last, node("Slice", [band, right, end, two], f"{name}/after")]
    middle = node("Concat", parts, f"{name}/middle", axis=2)
    parts = [node("Slice", [ready, zero, top, one], f"{name}/above"), middle, node("Slice", [ready, bottom, end, one], f"{name}/below")]
    whole = node("Concat", parts, f"{name}/whole", axis=1)
    return node("Transpose", [whole], f"{name}/first", perm=[0, 3, 1, 2])


def one_by_one(graph: onnx.GraphProto, side: int = 0) -> onnx.GraphProto:
    """A graph with the same inputs and outputs that takes the batch's pictures one after the other (ONNX operator Scan).

    With `side`, `WINDOW` becomes a second input: a row a picture, or one for all; not given, it is the whole square.
    """
    (entry,) = graph.input
    outer = {
        name: f"row:{name}" for name in (entry.name, WINDOW, *(one.name for one in graph.output))
    }  # a body may not use its graph's names anew
    for node in graph.node:
        node.input[:] = [outer.get(name, name) for name in node.input]
        node.output[:] = [outer.get(name, name) for name in node.output]
    axis = numpy_helper.from_array(np.array([0], np.int64), "row:axis")
    nodes = [
        helper.make_node("Unsqueeze", ["one:picture", axis.name], [outer[entry.name]], name="one:picture"),
        *graph.node,
        *(helper.make_node("Squeeze", [outer[one.name], axis.name], [f"one:{one.name}"], name=f"one:{one.name}") for one in graph.output),
    ]
    told, rows = [_one_of(one, f"one:{one.name}") for one in graph.output], [_one_of(entry, "one:picture")]
    before: list[onnx.NodeProto] = []
    names, entries, defaults = [entry.name], [entry], []
    if side:
        rows.append(helper.make_tensor_value_info(outer[WINDOW], onnx.TensorProto.INT64, [4]))
        entries.append(helper.make_tensor_value_info(WINDOW, onnx.TensorProto.INT64, ["M", 4]))
        whole = np.array([[0, 0, side // CELL, side // CELL]], np.int64)
        defaults = [numpy_helper.from_array(whole, WINDOW), numpy_helper.from_array(np.array([4], np.int64), "windows/width")]
        before = [
            helper.make_node("Shape", [entry.name], ["windows/count"], name="windows/count", start=0, end=1),
            helper.make_node("Concat", ["windows/count", "windows/width"], ["windows/shape"], name="windows/shape", axis=0),
            helper.make_node("Expand", [WINDOW, "windows/shape"], ["windows/all"], name="windows/all"),
        ]
        names.append("windows/all")
    body = helper.make_graph(nodes, f"{graph.name}, one picture", rows, told, [*graph.initializer, axis])
    scan = helper.make_node("Scan", names, [one.name for one in graph.output], name="one by one", body=body, num_scan_inputs=len(names))
    return helper.make_graph([*before, scan], graph.name, entries, list(graph.output), defaults)


def _one_of(batch: onnx.ValueInfoProto, name: str) -> onnx.ValueInfoProto:
    """What one row of a batch is."""
    told = batch.type.tensor_type
    return helper.make_tensor_value_info(name, told.elem_type, [one.dim_value for one in told.shape.dim][1:])
