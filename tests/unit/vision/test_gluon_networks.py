"""What is known of GluonCV's networks without MXNet: names, cards, where weights lie, and what is said where it is missing."""

import importlib.util
from pathlib import Path

import pytest

from lookalike import plugins
from lookalike.errors import InvalidSetting, MissingDependency, NotFound
from lookalike.vision.gluon.backend import FOLDER, weights_of
from lookalike.vision.gluon.cards import card_of
from lookalike.vision.gluon.importing import import_network
from lookalike.vision.gluon.networks import NETWORKS, network_named
from lookalike.vision.networks.card import load_card
from lookalike.vision.networks.zoo import Zoo

PORTS = {"embedding": "embedder", "detection": "detector", "segmentation": "segmenter"}
WITHOUT_MXNET = pytest.mark.skipif(importlib.util.find_spec("mxnet") is not None, reason="MXNet is installed here")


@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_has_an_entry_point_and_a_card(name: str, tmp_path: Path) -> None:
    """Opened by name without MXNet: its card says what a picture must become, and installs."""
    weights = tmp_path / FOLDER / f"{name}-0123abcd.params"
    weights.parent.mkdir()
    weights.write_bytes(name.encode())
    network = network_named(name)
    opened = plugins.load(PORTS[network.task], f"gluon-{name}")(tmp_path, "auto")
    assert opened.card.task == network.task
    assert opened.card.dimension == network.dimension
    zoo = Zoo(tmp_path / "models")
    card = zoo.add(card_of(network, weights, "weights of a test"), {"network": weights})
    assert load_card(zoo.folder / card.name / "card.json") == card
    assert len(card.label_names) == {"imagenet-1k": 1000, "coco-80": 80, "voc-21": 21}[network.labels]


def test_the_weights_are_part_of_what_a_network_is(tmp_path: Path) -> None:
    """Two files, two recipes: an index must notice that its workers got others."""
    digests = set()
    for content in (b"one", b"other"):
        (tmp_path / FOLDER).mkdir(exist_ok=True)
        (tmp_path / FOLDER / "resnet18_v1b.params").write_bytes(content)
        digests.add(plugins.load("embedder", "gluon-resnet18_v1b")(tmp_path, "auto").card.digest)
    assert len(digests) == 2


def test_weights_of_another_network_are_not_taken(tmp_path: Path) -> None:
    """By name only: resnet50_v1b is no beginning of resnet50_v1b_int8."""
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "resnet50_v1b_int8.params").touch()
    with pytest.raises(NotFound, match=r"resnet50_v1b\.params"):
        weights_of("resnet50_v1b", tmp_path)


def test_an_unknown_network_is_told_the_known() -> None:
    """With every name that there is."""
    with pytest.raises(InvalidSetting, match="yolo3_darknet53_coco"):
        network_named("yolo3")


@WITHOUT_MXNET
def test_without_mxnet_it_says_what_to_do(tmp_path: Path) -> None:
    """The environment is named, and nothing is left behind."""
    with pytest.raises(MissingDependency, match="make gluon"):
        import_network("resnet18_v1b", Zoo(tmp_path / "models"), None, 1)
    assert not (tmp_path / "models").exists()
