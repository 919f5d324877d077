"""MXNet's non-maximum suppression as ONNX nodes, with all that it means.

`_contrib_box_nms` (mxnet/src/operator/contrib/bounding_box-inl.h) takes rows of (class, score, box, …) in any order, drops those
below `valid_thresh`, keeps the `topk` with the highest scores, goes through them from the highest down and drops who overlaps a kept
one by more than `overlap_thresh`, unless they are of different classes. What is kept comes first, the highest score first; the rest is −1.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper


class _Writer:
    """Nodes and constants of one operator, their names begun with its own."""

    def __init__(self, prefix: str, constants: list[onnx.TensorProto]) -> None:
        self.prefix, self.constants = prefix, constants
        self.nodes: list[onnx.NodeProto] = []

    def constant(self, name: str, value: object, kind: type = np.int64) -> str:
        self.constants.append(numpy_helper.from_array(np.array(value, kind), f"{self.prefix}_nms_{name}"))
        return f"{self.prefix}_nms_{name}"

    def node(self, kind: str, inputs: list[str], name: str, more: tuple[str, ...] = (), **attributes: Any) -> str:
        outputs = [f"{self.prefix}_nms_{one}" for one in (name, *more)]
        self.nodes.append(helper.make_node(kind, inputs, outputs, name=outputs[0], **attributes))
        return outputs[0]


def box_nms(node: Mapping[str, Any], told: Mapping[str, Any], classes: int) -> list[onnx.NodeProto]:
    """The nodes for one operator over rows N×boxes×columns. `classes`: how many there are; 1 where a row of N holds only one.

    Rows beyond `topk` are left out instead of being filled with −1. Raises: ValueError for what GluonCV's detectors do not use.
    """
    attributes = node.get("attrs", {})
    if attributes.get("in_format", "corner") != "corner" or attributes.get("out_format", "corner") != "corner":
        raise ValueError("box_nms with centres in place of corners is not translated.")
    if int(attributes.get("background_id", "-1")) != -1:
        raise ValueError("box_nms with a class for the background is not translated.")
    label, score = int(attributes.get("id_index", "-1")), int(attributes.get("score_index", "1"))
    corner, topk = int(attributes.get("coord_start", "2")), int(attributes.get("topk", "-1"))
    by_class = classes > 1 and label != -1 and attributes.get("force_suppress", "False") in ("False", "0")

    source = told["outputs_lookup"][node["inputs"][0][0]][node["inputs"][0][1]].name
    to = _Writer(node["name"], told["initializer"])
    last, first, one, zero = to.constant("last", [-1]), to.constant("1", [1]), to.constant("one", 1), to.constant("zero", 0)

    def column(rows: str, start: int, end: int, name: str) -> str:
        return to.node("Slice", [rows, to.constant(f"{name}_from", [start]), to.constant(f"{name}_to", [end]), last], name)

    scores = to.node("Squeeze", [column(source, score, score + 1, "score"), last], "scores")
    count = to.node("Gather", [to.node("Shape", [scores], "shape"), first], "count", axis=0)
    if topk > 0:
        count = to.node("Min", [count, to.constant("topk", [topk])], "fewer")
    best = to.node("TopK", [scores, count], "best", ("place",), axis=1, largest=1, sorted=1)
    place = to.node("Unsqueeze", [f"{to.prefix}_nms_place", last], "place_2d")
    rows = to.node("GatherND", [source, place], "rows", batch_dims=1)

    candidates = to.node("Unsqueeze", [best, first], "candidates")
    if by_class:
        theirs = to.node("Transpose", [column(rows, label, label + 1, "label")], "theirs", perm=[0, 2, 1])
        mine = to.node("Equal", [theirs, to.constant("classes", np.arange(classes).reshape(1, -1, 1), np.float32)], "mine")
        candidates = to.node("Where", [mine, candidates, to.constant("never", -1, np.float32)], "by_class")
    overlap = to.constant("overlap", [float(attributes.get("overlap_thresh", "0.5"))], np.float32)
    valid = to.constant("valid", [float(attributes.get("valid_thresh", "0"))], np.float32)
    kept = to.node("NonMaxSuppression", [column(rows, corner, corner + 4, "box"), candidates, count, overlap, valid], "kept")

    # (picture, class, box) of what is kept → 1 at (picture, box), then all that is kept to the front, in its order
    at = to.node("Gather", [kept, to.constant("picture_and_box", [0, 2])], "at", axis=1)
    ones = to.node(
        "Expand", [one, to.node("Gather", [to.node("Shape", [kept], "kept_shape"), to.constant("0", [0])], "kept_count")], "ones"
    )
    nothing = to.node("Expand", [zero, to.node("Shape", [best], "best_shape")], "nothing")
    is_kept = to.node("ScatterND", [nothing, at, ones], "is_kept")
    far = to.node("Squeeze", [count, to.constant("axis", [0])], "far")
    rank = to.node("Range", [zero, far, one], "rank")
    urgent = to.node("Sub", [to.node("Mul", [is_kept, far], "lifted"), rank], "urgent")
    to.node("TopK", [urgent, count], "urgency", ("order",), axis=1, largest=1, sorted=1)
    order = to.node("Unsqueeze", [f"{to.prefix}_nms_order", last], "order_2d")
    sorted_rows = to.node("GatherND", [rows, order], "sorted", batch_dims=1)
    there = to.node("Cast", [to.node("GatherND", [is_kept, order], "is_there", batch_dims=1)], "there", to=int(onnx.TensorProto.BOOL))
    shown = to.node("Unsqueeze", [there, last], "there_2d")
    result = helper.make_node("Where", [shown, sorted_rows, to.constant("nobody", -1, np.float32)], [f"{to.prefix}0"], name=to.prefix)
    return [*to.nodes, result]
