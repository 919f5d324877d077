"""GluonCV's networks run by MXNet behind the ports: the adapters of `vision.networks`, on another runtime.

MXNet is imported by the first picture. Opening a network only reads its weights' checksum, so that a process without MXNet can
say which recipe its workers have.
"""

import re
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lookalike.errors import NotFound
from lookalike.ports.vision import Pixels
from lookalike.vision.gluon.cards import card_of
from lookalike.vision.gluon.networks import Network, network_named
from lookalike.vision.networks import network as networks
from lookalike.vision.networks.card import Card, DetectionCard, EmbeddingCard, SegmentationCard
from lookalike.vision.networks.detection import SHOWN_SCORE, CardDetector
from lookalike.vision.networks.embedding import CardEmbedder
from lookalike.vision.networks.preparing import Placement, prepared
from lookalike.vision.networks.segmentation import CardSegmenter

if TYPE_CHECKING:
    from lookalike.vision.gluon.runtime import Runner

FOLDER = "gluon"
"""In the cache folder: where the weights lie that a user has put there, NAME.params or GluonCV's own NAME-1a2b3c4d.params."""


class GluonNetwork(networks.Network):
    """A network of GluonCV's with the weights of a .params file. Built by the first call (after a fork); one picture at a time.

    `names` are the outputs that its adapter reads, in that order.
    """

    def __init__(self, card: Card, network: Network, weights: Path, names: Sequence[str]) -> None:
        super().__init__(card, weights)
        self._network, self._order = network, [network.outputs.index(name) for name in names]
        self._runner: Runner | None = None
        self._running = threading.Lock()

    def run(self, pictures: Sequence[Pixels]) -> list[tuple[list[networks.Tensor], Placement]]:
        """For each picture its tensors, and where it lay. Raises: MissingDependency, NetworkRefused."""
        feeds = [prepared(self.card.input, one) for one in pictures]
        with self._running:  # MXNet spreads one picture over the cores itself, and its graphs are no place for two threads
            runner = self._built()
            told = [runner.run(np.asarray(feed[None], np.float32)) for feed, _ in feeds]
        return [([one[place] for place in self._order], where) for one, (_, where) in zip(told, feeds, strict=True)]

    def _built(self) -> "Runner":
        if self._runner is None:
            from lookalike.vision.gluon.runtime import Runner, with_weights

            self._runner = Runner(with_weights(self._network, self.path), self._network)
        return self._runner


class GluonEmbedder(CardEmbedder):
    """Embedder: pooled features and class scores. The whole picture on white, as our own networks see it."""

    def __init__(self, card: EmbeddingCard, network: Network, weights: Path) -> None:
        super().__init__(card, weights, fit="pad")
        self._network = GluonNetwork(self.told, network, weights, ("features", "logits"))


class GluonDetector(CardDetector):
    """Detector: what is left after the network's own suppression."""

    def __init__(self, card: DetectionCard, network: Network, weights: Path, least: float = SHOWN_SCORE) -> None:
        super().__init__(card, weights, least=least)
        self.network = GluonNetwork(card, network, weights, ("boxes", "labels", "scores"))


class GluonSegmenter(CardSegmenter):
    """Segmenter: whatever is not background is the product."""

    def __init__(self, card: SegmentationCard, network: Network, weights: Path) -> None:
        super().__init__(card, weights)
        self.network = GluonNetwork(card, network, weights, ("maps",))


def weights_of(name: str, cache_dir: Path) -> Path:
    """The file of weights that lies in the cache folder for a network. Raises: NotFound with where to put it."""
    folder = cache_dir / FOLDER
    form = re.compile(re.escape(name) + r"(-[0-9a-f]{8})?\.params")
    found = sorted(one for one in folder.glob("*.params") if form.fullmatch(one.name)) if folder.is_dir() else []
    if not found:
        raise NotFound(
            "network", f"gluon-{name}", f"Put its weights, {name}.params, into {folder}; docs/gluon.md tells where they come from."
        )
    return found[0]


def opened(name: str, weights: Path) -> GluonEmbedder | GluonDetector | GluonSegmenter:
    """A network with the weights in a file. Raises: InvalidSetting, OSError."""
    network = network_named(name)
    card = card_of(network, weights, f"weights {weights.name}", "Run by MXNet.")
    if isinstance(card, EmbeddingCard):
        return GluonEmbedder(card, network, weights)
    if isinstance(card, DetectionCard):
        return GluonDetector(card, network, weights)
    assert isinstance(card, SegmentationCard)
    return GluonSegmenter(card, network, weights)


def open_named(name: str, cache_dir: Path, precision: str = "auto", threads: int = 1) -> GluonEmbedder | GluonDetector | GluonSegmenter:
    """A network with the weights in the cache folder, in fp32 whatever the precision. Raises: NotFound, OSError."""
    return opened(name, weights_of(name, cache_dir))


_Opener = Callable[..., GluonEmbedder | GluonDetector | GluonSegmenter]
open_resnet18_v1b: _Opener = partial(open_named, "resnet18_v1b")
open_resnet50_v1b: _Opener = partial(open_named, "resnet50_v1b")
open_resnet101_v1b: _Opener = partial(open_named, "resnet101_v1b")
open_inceptionv3: _Opener = partial(open_named, "inceptionv3")
open_mobilenetv2: _Opener = partial(open_named, "mobilenetv2_1.0")
open_faster_rcnn_resnet50: _Opener = partial(open_named, "faster_rcnn_resnet50_v1b_coco")
open_ssd_512_resnet50: _Opener = partial(open_named, "ssd_512_resnet50_v1_coco")
open_yolo3_darknet53: _Opener = partial(open_named, "yolo3_darknet53_coco")
open_fcn_resnet50_voc: _Opener = partial(open_named, "fcn_resnet50_voc")
open_fcn_resnet50_coco: _Opener = partial(open_named, "fcn_resnet50_coco")
open_fcn_resnet101_voc: _Opener = partial(open_named, "fcn_resnet101_voc")
open_fcn_resnet101_coco: _Opener = partial(open_named, "fcn_resnet101_coco")
open_deeplab_resnet50_voc: _Opener = partial(open_named, "deeplab_resnet50_voc")
open_deeplab_resnet50_coco: _Opener = partial(open_named, "deeplab_resnet50_coco")
