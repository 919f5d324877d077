"""Our translation of MXNet's non-maximum suppression says what MXNet says."""

import mxnet
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from lookalike.vision.gluon.suppression import box_nms
from lookalike.vision.sessions import open_session

pytestmark = pytest.mark.gluon


class _Output:
    name = "rows"


def _in_onnx(rows: NDArray[np.float32], classes: int, told: dict[str, object]) -> NDArray[np.float32]:
    constants: list[onnx.TensorProto] = []
    node = {"name": "nms", "inputs": [[0, 0, 0]], "attrs": {name: str(value) for name, value in told.items()}}
    nodes = box_nms(node, {"outputs_lookup": [[_Output()]], "initializer": constants}, classes)
    rows_in, rows_out = (helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None] * 3) for name in ("rows", "nms0"))
    model = helper.make_model(helper.make_graph(nodes, "nms", [rows_in], [rows_out], constants),
                              opset_imports=[helper.make_opsetid("", 13)], ir_version=8)  # fmt: skip
    onnx.checker.check_model(model)
    found: NDArray[np.float32] = open_session(model.SerializeToString()).run(None, {"rows": rows})[0]
    return found


CASES = [
    (1, 50, 3, -1, False),
    (1, 200, 5, 60, False),
    (3, 80, 1, -1, False),
    (2, 100, 4, 30, True),
    (1, 400, 80, 400, False),
    (1, 10, 2, 99, False),
]


@pytest.mark.parametrize(("pictures", "boxes", "classes", "topk", "force"), CASES)
def test_it_keeps_what_mxnet_keeps(pictures: int, boxes: int, classes: int, topk: int, force: bool) -> None:
    """By class and across, before and after `topk`, in the same order, −1 where nothing is."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        corner, size = rng.uniform(0, 60, (pictures, boxes, 2)), rng.uniform(5, 40, (pictures, boxes, 2))
        labels = rng.integers(0, classes, (pictures, boxes, 1))
        scores = rng.permutation(pictures * boxes).reshape(pictures, boxes, 1) / (pictures * boxes)  # no two alike
        rows = np.concatenate([labels, scores, corner, corner + size], axis=2).astype(np.float32)
        told = {"overlap_thresh": 0.45, "valid_thresh": 0.1, "topk": topk, "id_index": 0, "score_index": 1, "coord_start": 2,
                "force_suppress": force}  # fmt: skip
        theirs = mxnet.nd.contrib.box_nms(mxnet.nd.array(rows), **told).asnumpy()
        ours = _in_onnx(rows, classes, told)
        assert 0 < (theirs[..., 1] > 0).sum() < rows[..., 1].size
        np.testing.assert_array_equal(ours, theirs[:, : ours.shape[1]])
        assert (theirs[:, ours.shape[1] :] == -1).all()


def test_what_is_not_translated_is_refused() -> None:
    """Centres in place of corners would come out as other boxes."""
    with pytest.raises(ValueError, match="corners"):
        box_nms({"name": "nms", "attrs": {"in_format": "center"}}, {}, 1)
