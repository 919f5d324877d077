"""Adapters over made-up networks: what each output layout means, and what a card that is wrong is told."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto
from PIL import Image
from support.networks import classifier, saved, saying

from lookalike.errors import InvalidCard, InvalidSetting, NetworkRefused
from lookalike.ports.vision import Embedder
from lookalike.testing.embedders import EmbedderContract
from lookalike.vision.networks.card import Input, read_card
from lookalike.vision.networks.correcting import corrected
from lookalike.vision.networks.detection import CardDetector
from lookalike.vision.networks.embedding import CardEmbedder
from lookalike.vision.networks.graphs import load_graph, penultimate
from lookalike.vision.networks.network import How
from lookalike.vision.networks.preparing import placed, prepared
from lookalike.vision.networks.runtime import devices_of, open_on
from lookalike.vision.networks.segmentation import CardSegmenter

PICTURE = np.zeros((100, 200, 3), np.uint8)


def card(task: str, **told: Any) -> Any:
    return read_card({"name": "made-up", "task": task, "licence": "MIT", "source": "a test", **told}, "made-up")


@given(
    st.sampled_from(["pad", "crop", "middle", "stretch", "shorter"]),
    st.sampled_from(["centre", "top-left"]),
    st.integers(1, 900),
    st.integers(1, 900),
)
def test_a_box_on_the_input_comes_back_to_where_it_is_on_the_picture(fit: str, at: str, height: int, width: int) -> None:
    """The picture's own corners, wherever they came to lie, are 0 and 1; and what is shown lies on the canvas."""
    size = {"shorter": 64, "longest": 200, "multiple": 32} if fit == "shorter" else {"size": (64, 96)}
    where = placed(Input.model_validate({"fit": fit, "at": at, **size}), height, width)
    top, left = where.corner
    corners = np.array([[left, top, left + where.scaled[1], top + where.scaled[0]]])
    assert np.allclose(where.to_picture(corners), [[0, 0, 1, 1]])
    rows, columns, from_rows, from_columns = where.window()
    assert 0 <= rows.start < rows.stop <= where.canvas[0]
    assert 0 <= columns.start < columns.stop <= where.canvas[1]
    assert rows.stop - rows.start == from_rows.stop - from_rows.start
    assert columns.stop - columns.start == from_columns.stop - from_columns.start
    if fit == "shorter":
        assert where.canvas[0] % 32 == where.canvas[1] % 32 == 0


@given(st.integers(20, 500), st.integers(20, 500), st.sampled_from([(64, 56), (57, 50), (64, 64)]))
def test_a_crop_is_torchvisions_to_the_bit(height: int, width: int, sides: tuple[int, int]) -> None:
    """Resize(shorter) and CenterCrop(size) as torchvision 0.20 writes them down for Pillow's pictures (transforms/_functional)."""
    shorter, side = sides
    pixels = np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    new_width, new_height = (shorter, int(shorter * height / width)) if width <= height else (int(shorter * width / height), shorter)
    resized = np.asarray(Image.fromarray(pixels).resize((new_width, new_height), Image.Resampling.BILINEAR))
    top, left = round((new_height - side) / 2.0), round((new_width - side) / 2.0)
    wanted = resized[top : top + side, left : left + side]
    told = {"size": [side, side], "fit": "crop", "shorter": shorter, "resample": "linear", "range": [0, 255], "layout": "HWC"}
    made, _ = prepared(Input.model_validate(told), pixels)
    assert np.array_equal(made, wanted)


@pytest.mark.parametrize("groups", [1, 4])
def test_rounded_weights_shift_no_channel_once_biases_are_corrected(groups: int, tmp_path: Path) -> None:
    """The mean of each channel with weights rounded to a coarse scale is the mean without, at pixels that see no rim."""
    rng = np.random.default_rng(groups)
    constants = {"w1": rng.normal(0, 1, (4, 3, 1, 1)), "w2": rng.normal(0, 0.05, (8, 4 // groups, 1, 1))}
    constants["w2"][:, 0] += 6.0  # one large weight in a channel makes the scale coarse for the others
    nodes = [
        onnx.helper.make_node("Conv", ["picture", "w1"], ["c1"], name="first"),
        onnx.helper.make_node("Relu", ["c1"], ["r1"]),
        onnx.helper.make_node("Conv", ["r1", "w2"], ["c2"], name="second", group=groups),
    ]
    arrays = {name: value.astype(np.float32) for name, value in constants.items()}
    path = saved(tmp_path / "n.onnx", nodes, {"picture": (TensorProto.FLOAT, ["n", 3, 8, 8])}, ["c2"], arrays)
    feeds = [{"picture": rng.normal(0, 1, (1, 3, 8, 8)).astype(np.float32)} for _ in range(8)]

    def means(model: onnx.ModelProto) -> Any:
        session = open_on(model.SerializeToString(), ("cpu",)).session
        return np.mean([session.run(None, feed)[0].mean(axis=(0, 2, 3)) for feed in feeds], axis=0)

    before = means(load_graph(path))
    rounded, plain = load_graph(path), load_graph(path)
    assert corrected(rounded, feeds, ["first"]) == 1
    scale = np.abs(arrays["w2"]).max(axis=(1, 2, 3), keepdims=True) / 127
    coarse = onnx.numpy_helper.from_array(np.asarray(np.rint(arrays["w2"] / scale) * scale, np.float32), "w2")
    for model in (rounded, plain):
        next(one for one in model.graph.initializer if one.name == "w2").CopyFrom(coarse)
    assert np.allclose(means(rounded), before, atol=1e-5)
    assert groups > 1 or np.abs(means(plain) - before).max() > 1e-3


def test_pixels_become_what_the_card_says() -> None:
    """Range, mean, std and the fill, in the order of `colour`, by hand."""
    told = Input.model_validate(
        {"size": [8, 8], "colour": "BGR", "range": [0, 255], "mean": [1, 2, 3], "std": [1, 2, 4], "pad": [10, 20, 30], "at": "top-left"}
    )
    made, where = prepared(told, np.full((8, 16, 3), (200, 100, 50), np.uint8))
    assert made.shape == (3, 8, 8)
    assert made.dtype == np.float32
    assert where.scaled == (4, 8)
    assert np.allclose(made[:, 0, 0], [(50 - 1) / 1, (100 - 2) / 2, (200 - 3) / 4])
    assert np.allclose(made[:, 7, 7], [(10 - 1) / 1, (20 - 2) / 2, (30 - 3) / 4])
    bytes_, _ = prepared(told.model_copy(update={"type": "uint8", "layout": "HWC", "mean": (0, 0, 0), "std": (1, 1, 1)}), PICTURE + 7)
    assert bytes_.dtype == np.uint8
    assert bytes_.shape == (8, 8, 3)
    assert (bytes_[:4] == 7).all()


class TestAnyClassifier(EmbedderContract):
    """The pooled features of a classifier whose card names no tensor, through the public contract."""

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path) -> None:
        self.path = classifier(tmp_path / "network.onnx")

    def make_embedder(self) -> Embedder:
        return CardEmbedder(card("embedding", dimension=16, input={"size": [32, 32]}, files={"network": {"sha256": "0" * 64}}), self.path)

    def test_the_vector_is_what_the_last_layer_reads(self) -> None:
        assert penultimate(load_graph(self.path)) == "flat"

    def test_batches_of_any_size_say_the_same(self) -> None:
        told = card("embedding", dimension=16, input={"size": [32, 32]})
        crops = [np.random.default_rng(seed).integers(0, 256, (40, 50, 3), dtype=np.uint8) for seed in range(5)]
        alone, joined = (CardEmbedder(told, self.path, How(batch=size)).embed(crops) for size in (1, 3))
        assert all(np.allclose(one.vector, other.vector, atol=1e-5) for one, other in zip(alone, joined, strict=True))

    def test_a_wrong_card_is_told_what_is_right(self) -> None:
        for told, message in (
            ({"dimension": 17, "input": {"size": [32, 32]}}, "gives vectors of 16, its card says 17"),
            ({"dimension": 16, "input": {"size": [64, 64]}}, "takes 32 along H, its card says 64"),
            ({"dimension": 16, "input": {"size": [32, 32], "layout": "CHW"}}, "takes 4 axes"),
            ({"dimension": 16, "input": {"size": [32, 32], "tensor": "image"}}, "has no input 'image'; it has picture"),
            ({"dimension": 16, "input": {"size": [32, 32]}, "output": {"features": "nothing"}}, "no tensor 'nothing'"),
        ):
            with pytest.raises(NetworkRefused, match=message):
                CardEmbedder(card("embedding", **told), self.path).embed([PICTURE])


def test_bytes_that_are_no_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(NetworkRefused, match="no ONNX"):
        CardEmbedder(card("embedding", dimension=16, input={"size": [32, 32]}), path).embed([PICTURE])
    with pytest.raises(NetworkRefused):
        open_on(path, ("cpu",))


def floats(*rows: Any) -> np.ndarray:
    return np.array(rows, np.float32)


# One find in the picture's middle: [.25, .25, .75, .75] of a picture of 200 × 100, whatever the layout; and an empty or weak one.
GLUONCV = {"ids": floats([[[2], [-1]]]), "scores": floats([[[0.9], [-1]]]), "boxes": floats([[[16, 16, 48, 48], [-1, -1, -1, -1]]])}
ZOO = {"boxes": floats([16, 8, 48, 24], [0, 0, 1, 1]), "labels": np.array([3, 1], np.int64), "scores": floats(0.9, 0.1)}
FRACTIONS = {"b": floats([[[0.25, 0.25, 0.75, 0.75]]]), "l": np.array([[3]], np.int64), "s": floats([[0.9]])}
TENSORFLOW = {"n": floats([1]), "b": floats([[[0.25, 0.25, 0.75, 0.75]]]), "s": floats([[0.9]]), "c": floats([[3]])}
YOLOV3 = {
    "boxes": floats([[0, 0, 9, 9], [25, 50, 75, 150]]),
    "scores": floats([[0, 0], [0, 0], [0.2, 0.9]]),
    "indices": np.array([[[0, 2, 1], [-1, -1, -1]]], np.int32),
}


def yolox() -> dict[str, np.ndarray]:
    """Cells of strides 32 and 64 on 64 × 64; two that say the same box, of which suppression leaves the better, and a weak one."""
    rows = np.zeros((1, 5, 5 + 4), np.float32)
    # the picture lies at the top: 64 × 32 of 64 × 64; its middle is [16, 8, 48, 24]: centre (32, 16), size (32, 16)
    rows[0, 0] = [1.0, 0.5, np.log(1), np.log(0.5), 0.9, 0, 0, 1, 0]
    rows[0, 1] = [0.0, 0.5, np.log(1), np.log(0.5), 0.8, 0, 0, 1, 0]
    rows[0, 4] = [0.5, 0.5, np.log(0.2), np.log(0.2), 0.1, 1, 0, 0, 0]
    return {"output": rows}


SIDE = {"size": [64, 64], "fit": "stretch"}
DETECTORS = {
    "GluonCV": (GLUONCV, SIDE, {"layout": "boxes", "labels": "ids", "scores": "scores", "boxes": "boxes"}, {}),
    "ONNX zoo, Faster R-CNN": (ZOO, {"layout": "CHW", "fit": "shorter", "shorter": 32}, {"layout": "boxes"}, {"first_label": 1}),
    "ONNX zoo, SSD": (FRACTIONS, SIDE, {"layout": "boxes", "unit": "fractions"}, {"first_label": 1}),
    "TensorFlow": (
        TENSORFLOW,
        SIDE | {"layout": "NHWC", "type": "uint8", "range": [0, 255]},
        {"layout": "boxes", "unit": "fractions", "order": "tlbr", "boxes": "b", "labels": "c", "scores": "s"},
        {"first_label": 1},
    ),
    "ONNX zoo, YOLOv3": (YOLOV3, {"size": [64, 64], "size_tensor": "image_shape"}, {"layout": "yolov3", "order": "tlbr"}, {}),
    "YOLOX": (yolox(), {"size": [64, 64], "at": "top-left"}, {"layout": "yolox", "strides": [32, 64]}, {}),
}


@pytest.mark.parametrize("layout", DETECTORS)
def test_every_layout_of_detectors_finds_the_same_box(layout: str, tmp_path: Path) -> None:
    tensors, told, output, more = DETECTORS[layout]
    shape = {"CHW": [3, "h", "w"], "NHWC": [1, 64, 64, 3]}.get(told.get("layout", ""), [1, 3, 64, 64])
    extra = {"image_shape": [1, 2]} if "size_tensor" in told else {}
    path = saying(tmp_path / "n.onnx", tensors, shape, TensorProto.UINT8 if told.get("type") == "uint8" else TensorProto.FLOAT, **extra)
    detector = CardDetector(card("detection", labels=["a", "b", "shoe", "d"], input=told, output=output, **more), path)
    ((one,),) = detector.detect([PICTURE])
    assert one.label == "shoe"
    assert one.score == pytest.approx(0.9)
    assert one.box.edges() == pytest.approx((0.25, 0.25, 0.75, 0.75))


def test_tensors_in_the_wrong_places_are_told(tmp_path: Path) -> None:
    detector = CardDetector(
        card("detection", labels=["a"], input=SIDE, output={"layout": "boxes"}), saying(tmp_path / "n.onnx", GLUONCV, [1, 3, 64, 64])
    )
    with pytest.raises(NetworkRefused, match=r"output\.boxes, output\.labels, output\.scores"):
        detector.detect([PICTURE])


@pytest.mark.parametrize(("fit", "at"), [("stretch", "centre"), ("pad", "centre"), ("pad", "top-left"), ("shorter", "top-left")])
def test_a_mask_lies_where_the_product_is(fit: str, at: str, tmp_path: Path) -> None:
    """Maps at a quarter of the input, the auxiliary head after them; the left half of the picture is a bottle."""
    told = {"fit": fit, "at": at} | ({"shorter": 32} if fit == "shorter" else {"size": [64, 64]})
    where = placed(Input.model_validate(told), 100, 200)
    maps = np.zeros((1, 21, where.canvas[0] // 4, where.canvas[1] // 4), np.float32)
    maps[:, 0] = 4
    rows, columns, _, _ = where.window()
    maps[:, 5, rows.start // 4 : rows.stop // 4, columns.start // 4 : (columns.start + columns.stop) // 8] = 12
    path = saying(tmp_path / "n.onnx", {"out": maps, "aux": -maps}, [1, 3, "h", "w"])
    segmenter = CardSegmenter(card("segmentation", labels="voc-21", input=told, output={"product": ["bottle"]}), path)
    (mask,) = segmenter.segment([PICTURE])
    assert mask is not None
    assert mask.shape == (100, 200)
    assert mask[:, :90].min() > 0.9
    assert mask[:, 115:].max() < 0.1
    (numbers,) = segmenter.labels([PICTURE])
    assert (numbers[:, :90] == 5).all()
    assert (numbers[:, 115:] == 0).all()


def test_sigmoid_maps_stand_each_for_itself_and_nothing_is_none(tmp_path: Path) -> None:
    maps = np.zeros((1, 2, 32, 32), np.float32)
    maps[:, 1, :, 16:] = 0.9
    told = {"labels": ["skin", "clothes"], "input": {"size": [32, 32], "fit": "stretch"}}
    path = saying(tmp_path / "n.onnx", {"maps": maps}, [1, 3, 32, 32])
    sigmoid = {"kind": "sigmoid", "scores": "probabilities"}
    clothes = CardSegmenter(card("segmentation", output={**sigmoid, "product": ["clothes"]}, **told), path)
    (mask,) = clothes.segment([PICTURE])
    assert mask is not None
    assert cv2.resize(mask, (2, 1), interpolation=cv2.INTER_AREA)[0].tolist() == pytest.approx([0, 0.9], abs=0.03)
    skin = CardSegmenter(card("segmentation", output={**sigmoid, "product": ["skin"]}, **told), path)
    assert skin.segment([PICTURE]) == [None]
    assert set(np.unique(skin.labels([PICTURE])[0])) == {-1, 1}
    with pytest.raises(InvalidCard, match="hat is none of its labels"):
        CardSegmenter(card("segmentation", output={"product": ["hat"]}, **told), path)


def test_devices_fall_back_in_order_and_say_so(tmp_path: Path) -> None:
    path = classifier(tmp_path / "n.onnx")
    opened = open_on(path, devices_of("tensorrt,cuda"))
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        assert opened.device == "cpu"
        assert [one.partition(":")[0] for one in opened.notices] == ["tensorrt", "cuda"]
    assert open_on(path, devices_of("cpu")).notices == ()
    assert devices_of("auto")[-1] == "cpu"
    with pytest.raises(InvalidSetting, match="LOOKALIKE_DEVICE is 'gpu'"):
        devices_of("gpu")


def test_a_layer_behind_which_no_features_stand_is_refused(tmp_path: Path) -> None:
    path = saying(tmp_path / "n.onnx", {"logits": floats([1, 2])}, [1, 3, 32, 32])
    with pytest.raises(NetworkRefused, match=r"output\.features"):
        penultimate(onnx.load(str(path)))
