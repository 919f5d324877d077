"""Writes the learned cut-out as an ONNX graph with its weights in half precision."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lookalike.learning.cutout_network import CHANNELS, REACH
from lookalike.vision.efficientnet_lite.graph import IR_VERSION, OPSET

Array = NDArray[np.float32]
GRIDS = (56, 28, 14, 7)


class _Writer:
    """Collects the graph's nodes and constants."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self._weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._twice = self.constant("twice", np.array([1, 1, 2, 2], np.float32))

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def node(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def convolved(self, name: str, source: str, deviation: Array | None = None) -> str:
        """With the weights of that name, of maps that have such deviations: the head learned on standardised ones."""
        kernel = np.asarray(self._weights[name], np.float32)
        if kernel.ndim == 3:
            shaped, groups = kernel.transpose(2, 0, 1)[:, None], kernel.shape[2]
        else:
            shaped, groups = kernel.transpose(3, 2, 0, 1), 1
        if deviation is not None:
            shaped = shaped / deviation[None, :, None, None]
        side = kernel.shape[0]
        inputs = [source, self._half(f"{name}/weight", shaped), self._half(f"{name}/bias", self._weights[f"{name}/bias"])]
        return self.node("Conv", inputs, f"{name}/conv", group=groups, kernel_shape=[side, side], pads=[side // 2] * 4)

    def plus(self, one: str, other: str, name: str) -> str:
        return self.node("Relu", [self.node("Add", [one, other], f"{name}/sum")], name)

    def doubled(self, source: str) -> str:
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self.node("Resize", [source, "", self._twice], f"{source}/doubled", **how)

    def _half(self, name: str, value: Array) -> str:
        return self.node("Cast", [self.constant(f"{name}/half", value.astype(np.float16))], name, to=TensorProto.FLOAT)


def exported(weights: Mapping[str, Array], deviations: Sequence[Array], taps: Sequence[str], note: str) -> onnx.ModelProto:
    """The graph: the maps named `taps` (1 × channels × grid × grid) → `mask` (1 × 56 × 56, 0…1) and `products` (1 × 28 × 28 × 5):
    how surely the middle of a product lies in that cell, and its left, top, right and bottom side in 0…1."""
    to = _Writer(weights)
    four, eight, sixteen, thirty_two = zip(taps, deviations, strict=True)
    deep = to.node("Relu", [to.convolved("reduce32", *thirty_two)], "deep/entry")
    whole = to.convolved("whole", to.node("ReduceMean", [deep], "deep/mean", axes=[2, 3], keepdims=1))
    deep = to.plus(to.convolved("context32", deep), whole, "deep")
    middle = to.plus(to.convolved("reduce16", *sixteen), to.doubled(deep), "middle/entry")
    middle = to.node("Relu", [to.convolved("mix16", middle)], "middle")
    fine = to.plus(to.convolved("reduce8", *eight), to.doubled(to.convolved("down16", middle)), "fine/entry")
    fine = to.plus(to.convolved("mix8", to.convolved("spread8", fine)), fine, "fine")
    _mask(to, fine, four)
    _boxes(to, fine)
    shapes = {"mask": [1, GRIDS[0], GRIDS[0]], "products": [1, GRIDS[1], GRIDS[1], 5]}
    entries = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, side, side])
        for name, channels, side in zip(taps, CHANNELS, GRIDS, strict=True)
    ]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    graph = helper.make_graph(to.nodes, "cut-out", entries, outputs, to.constants, doc_string=note)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="lookalike")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model


def _mask(to: _Writer, fine: str, four: tuple[str, Array]) -> None:
    last = to.plus(to.convolved("reduce4", *four), to.doubled(to.convolved("down8", fine)), "last/entry")
    last = to.plus(to.convolved("mix4", to.convolved("spread4", last)), last, "last")
    seen = to.convolved("mask", to.node("Relu", [to.convolved("again4", last)], "last/again"))
    planes = to.node("Sigmoid", [seen], "mask/planes")
    to.node("Squeeze", [planes, to.constant("mask/axis", np.array([1], np.int64))], "mask")


def _boxes(to: _Writer, fine: str) -> None:
    found = to.plus(to.convolved("mix_boxes", to.convolved("spread_boxes", fine)), fine, "found")
    cells = to.node("Transpose", [to.convolved("boxes", found)], "cells", perm=[0, 2, 3, 1])
    parts = to.constant("cells/parts", np.array([1, 4], np.int64))
    to.nodes.append(helper.make_node("Split", [cells, parts], ["cells/centre", "cells/sides"], name="cells/split", axis=3))
    centre = to.node("Sigmoid", ["cells/centre"], "centre")
    grid = (np.arange(GRIDS[1], dtype=np.float32) + 0.5) / GRIDS[1]
    x, y = np.meshgrid(grid, grid)
    signs = to.constant("sides/signs", np.array([-REACH, -REACH, REACH, REACH], np.float32))
    away = to.node("Mul", [to.node("Softplus", ["cells/sides"], "sides/away"), signs], "sides/signed")
    sides = to.node("Add", [to.constant("sides/middle", np.stack([x, y, x, y], axis=-1)[None]), away], "sides")
    to.node("Concat", [centre, sides], "products", axis=3)
