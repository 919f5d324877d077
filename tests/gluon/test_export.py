"""Networks of each kind, exported: equal to GluonCV's on random pictures. The whole list: benchmarks/gluon_equality.py."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gluon.conftest import SEED

from lookalike.errors import InvalidSetting, NetworkRefused
from lookalike.vision.gluon.conversion import to_onnx
from lookalike.vision.gluon.equality import prove
from lookalike.vision.gluon.importing import import_network
from lookalike.vision.gluon.networks import network_named
from lookalike.vision.gluon.runtime import INPUT, outputs_of
from lookalike.vision.gluon.seeded import seeded
from lookalike.vision.networks.zoo import Zoo
from lookalike.vision.sessions import open_session

pytestmark = pytest.mark.gluon


@pytest.mark.parametrize("name", ["ssd_512_resnet50_v1_coco", "fcn_resnet50_voc"])
def test_what_is_imported_is_proved(name: str, zoo: Zoo) -> None:
    """Nothing is installed that was not compared, and what was compared is not all the same."""
    done = import_network(name, zoo, None, SEED, pictures=1)
    assert done.card.name in zoo.installed()
    assert done.proof
    for one in done.proof:
        assert one.holds, one
        assert one.compared >= 100


def test_faster_rcnn_of_any_size(tmp_path: Path) -> None:
    """Its graph, which ONNX Runtime refuses as MXNet exports it: equal, and at a size that it was not exported at too."""
    network = replace(network_named("faster_rcnn_resnet50_v1b_coco"), size=(192, 256), proposals=40)
    block, file = seeded(network, SEED), tmp_path / "network.onnx"
    file.write_bytes(to_onnx(block, network).SerializeToString())
    for size in ((192, 256), (240, 200)):
        for one in prove(block, replace(network, size=size), file, pictures=1):
            assert one.holds, one
            assert one.compared >= 100


def test_other_weights_are_noticed(tmp_path: Path) -> None:
    """A proof that cannot fail proves nothing."""
    network = network_named("resnet18_v1b")
    file = tmp_path / "network.onnx"
    file.write_bytes(to_onnx(seeded(network, 1), network).SerializeToString())
    assert not any(one.holds for one in prove(seeded(network, 2), network, file, pictures=1))


def test_a_batch_is_taken_as_its_pictures(tmp_path: Path) -> None:
    """Classifiers are exported for any number of pictures at once."""
    network = network_named("mobilenetv2_1.0")
    block, file = seeded(network, SEED), tmp_path / "network.onnx"
    file.write_bytes(to_onnx(block, network).SerializeToString())
    import mxnet

    batch = np.random.default_rng(1).normal(size=(3, 3, *network.size)).astype(np.float32)
    features, logits = open_session(file).run(["features", "logits"], {INPUT: batch})
    theirs = [one.asnumpy() for one in outputs_of(block, network, mxnet.nd.array(batch))]
    assert features.shape == (3, network.dimension)
    np.testing.assert_allclose(features, theirs[0], atol=1e-4)
    np.testing.assert_allclose(logits, theirs[1], atol=1e-4)


def test_what_is_impossible_is_said(zoo: Zoo, tmp_path: Path) -> None:
    """Before anything is built: no weights, no such network, proposals of a network that makes none; and a file of something else."""
    with pytest.raises(InvalidSetting, match="--params"):
        import_network("resnet18_v1b", zoo, None)
    with pytest.raises(InvalidSetting, match="resnet50_v1b"):
        import_network("resnet50", zoo, None, 1)
    with pytest.raises(InvalidSetting, match="Faster R-CNN"):
        import_network("resnet18_v1b", zoo, None, 1, proposals=5)
    other = tmp_path / "other.params"
    other.write_bytes(b"no weights")
    with pytest.raises(NetworkRefused, match=r"other\.params does not hold the weights"):
        import_network("resnet18_v1b", zoo, other)
