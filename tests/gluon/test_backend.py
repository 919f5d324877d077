"""GluonCV's networks behind the ports, run by MXNet, beside the same networks exported and run by ONNX Runtime."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gluon.conftest import SEED
from numpy.typing import NDArray
from PIL import Image

import lookalike
from lookalike import plugins
from lookalike.errors import NetworkRefused, NotFound
from lookalike.ports.vision import Embedder
from lookalike.testing.embedders import EmbedderContract
from lookalike.vision.gluon.backend import FOLDER, opened
from lookalike.vision.gluon.importing import import_network
from lookalike.vision.gluon.networks import network_named
from lookalike.vision.gluon.seeded import seeded
from lookalike.vision.networks.zoo import Zoo

pytestmark = pytest.mark.gluon

CLASSIFIER, DETECTOR = "resnet18_v1b", "yolo3_darknet53_coco"
Pixels = NDArray[np.uint8]


@pytest.fixture(scope="session")
def weighted(cache: Path) -> Callable[[str], Path]:
    """Makes the weights of a network, where they are not made yet, and puts them where a user would."""

    def make(name: str) -> Path:
        file = cache / FOLDER / f"{name}.params"
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            seeded(network_named(name), SEED).save_parameters(str(file))
        return file

    return make


@pytest.fixture(scope="session")
def photographs() -> list[Pixels]:
    """Two pictures of the sample shop, of other proportions."""
    folder = Path(lookalike.__file__).parent / "sample_shop" / "pictures"
    first, second = (np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.glob("*.jpg"))[:2])
    return [first[:, : first.shape[1] * 2 // 3], second]


class TestGluonEmbedder(EmbedderContract):
    """The public contract of embedders, kept by MXNet."""

    @pytest.fixture(autouse=True)
    def _weights(self, cache: Path, weighted: Callable[[str], Path]) -> None:
        weighted(CLASSIFIER)
        self.cache = cache

    def make_embedder(self) -> Embedder:
        """Through its entry point."""
        embedder: Embedder = plugins.load("embedder", f"gluon-{CLASSIFIER}")(self.cache, "auto")
        return embedder


def test_vectors_are_those_of_the_export(weighted: Callable[[str], Path], cache: Path, zoo: Zoo, photographs: list[Pixels]) -> None:
    """An index that was made with one can be asked by the other."""
    done = import_network(CLASSIFIER, zoo, weighted(CLASSIFIER))
    direct = plugins.load("embedder", f"gluon-{CLASSIFIER}")(cache, "auto").embed(photographs)
    exported = zoo.embedder(done.card.name, "pad").embed(photographs)
    for one, other in zip(direct, exported, strict=True):
        assert np.abs(one.vector - other.vector).max() <= 1e-4
        assert np.abs(one.label_scores - other.label_scores).max() <= 1e-4
    assert float(direct[0].vector @ direct[1].vector) < 0.999, "two pictures that look alike to it prove nothing"


def test_boxes_are_those_of_the_export(weighted: Callable[[str], Path], zoo: Zoo, photographs: list[Pixels]) -> None:
    """The same labels, scores and places, in fractions of the picture."""
    done = import_network(DETECTOR, zoo, weighted(DETECTOR), pictures=1)
    direct: Any = opened(DETECTOR, weighted(DETECTOR))
    direct.least = 0.01
    exported = zoo.detector(done.card.name, 0.01)
    for ours, theirs in zip(direct.detect(photographs), exported.detect(photographs), strict=True):
        assert len(ours) == len(theirs) > 10
        for one in ours:
            twin = max(
                (other for other in theirs if other.label == one.label), key=lambda other: other.box.intersection_over_union(one.box)
            )
            assert np.abs(np.subtract(one.box.edges(), twin.box.edges())).max() <= 1e-4
            assert abs(one.score - twin.score) <= 1e-4


def test_missing_and_wrong_weights_are_said(
    tmp_path: Path, cache: Path, weighted: Callable[[str], Path], photographs: list[Pixels]
) -> None:
    """Missing ones when the network is opened, another network's when it is built."""
    with pytest.raises(NotFound, match=r"resnet50_v1b\.params"):
        plugins.load("embedder", "gluon-resnet50_v1b")(tmp_path, "auto")
    wrong: Any = opened("resnet50_v1b", weighted(CLASSIFIER))
    with pytest.raises(NetworkRefused, match="does not hold the weights of resnet50_v1b"):
        wrong.embed(photographs)
