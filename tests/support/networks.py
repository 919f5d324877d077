"""Small networks made on the spot: detectors and segmenters that always say the same, classifiers, and a pair like CLIP's."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


def saved(path: Path, nodes: Sequence[onnx.NodeProto], inputs: Mapping[str, tuple[int, list[int | str]]], outputs: Sequence[str],
          constants: Mapping[str, NDArray[np.generic]]) -> Path:  # fmt: skip
    """A checked ONNX file; inputs are name → (element type, shape)."""
    graph = helper.make_graph(
        list(nodes),
        "made-up",
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path


def saying(
    path: Path, outputs: Mapping[str, NDArray[np.generic]], shape: list[int | str], kind: int = TensorProto.FLOAT, **more: list[int]
) -> Path:
    """A network that gives these tensors whatever it sees; `more` are further inputs, as float32."""
    nodes = [helper.make_node("Identity", [f"{name}_told"], [name]) for name in outputs]
    given = {"picture": (kind, shape), **{name: (TensorProto.FLOAT, list(one)) for name, one in more.items()}}
    return saved(path, nodes, given, list(outputs), {f"{name}_told": value for name, value in outputs.items()})


def classifier(path: Path, side: int = 32, width: int = 16, classes: int = 10, seed: int = 3) -> Path:
    """Two convolutions, a pool, a layer of classes and a softmax; its features have no output of their own."""
    rng = np.random.default_rng(seed)
    nodes = [
        helper.make_node("Conv", ["picture", "w1"], ["c1"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("GlobalAveragePool", ["r2"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w3"], ["m"]),
        helper.make_node("Add", ["m", "b3"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    constants = {
        "w1": rng.normal(0, 0.4, (8, 3, 3, 3)).astype(np.float32),
        "w2": rng.normal(0, 0.3, (width, 8, 3, 3)).astype(np.float32),
        "w3": rng.normal(0, 0.5, (width, classes)).astype(np.float32),
        "b3": np.zeros(classes, np.float32),
    }
    return saved(path, nodes, {"picture": (TensorProto.FLOAT, ["n", 3, side, side])}, ["probabilities"], constants)


COLOURS = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "yellow": (1, 1, 0), "white": (1, 1, 1)}
WORDS = ("[PAD]", "[UNK]", "a", "photo", "of", "shoe", *COLOURS)


def pair(folder: Path, dimension: int = 32, length: int = 8, seed: int = 11) -> dict[str, Path]:
    """A network with two encoders, CLIP's shape in small: random weights, but the same for both, so that colours' names mean colours.

    The picture encoder averages the picture, the text encoder the colours that are named; a tokenizer.json goes with it.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    shared = np.random.default_rng(seed).normal(0, 1, (3, dimension)).astype(np.float32)
    network = saved(
        folder / "vision.onnx",
        [
            helper.make_node("GlobalAveragePool", ["pixel_values"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("MatMul", ["flat", "w"], ["image_embeds"]),
        ],
        {"pixel_values": (TensorProto.FLOAT, ["n", 3, 32, 32])},
        ["image_embeds"],
        {"w": shared},
    )
    table = np.array([np.array(COLOURS[word]) - 0.45 if word in COLOURS else (0.0, 0.0, 0.0) for word in WORDS], np.float32)
    text = saved(
        folder / "text.onnx",
        [
            helper.make_node("Gather", ["table", "input_ids"], ["each"]),
            helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
            helper.make_node("Mul", ["each", "wide"], ["counted"]),
            helper.make_node("ReduceSum", ["counted", "first"], ["sum"], keepdims=0),
            helper.make_node("MatMul", ["sum", "w"], ["text_embeds"]),
        ],
        {"input_ids": (TensorProto.INT64, ["n", length]), "attention_mask": (TensorProto.INT64, ["n", length])},
        ["text_embeds"],
        {"table": table, "w": shared, "last": np.array([2]), "first": np.array([1])},
    )
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return {"network": network, "text": text, "tokenizer": folder / "tokenizer.json"}
