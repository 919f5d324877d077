"""Which of GluonCV's networks there are here, and what they take and give, as data: nothing of MXNet is imported.

Sizes and normalisation: GluonCV's presets (gluoncv/data/transforms/presets). All take RGB, N×3×height×width, 0…1, less the
mean, divided by the deviation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lookalike.errors import InvalidSetting

Task = Literal["embedding", "detection", "segmentation"]

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
GLUONCV = "GluonCV 0.10.5.post0"
OUTPUTS: Mapping[Task, tuple[str, ...]] = {
    "embedding": ("features", "logits"),
    "detection": ("labels", "scores", "boxes"),
    "segmentation": ("maps",),
}
"""What the outputs are called, in the worker as in the ONNX file: features N×dimension, logits N×classes; labels and scores N×boxes×1
(−1 where there is no box), boxes N×boxes×4 in pixels of the input, left, top, right, bottom; maps N×classes×height×width, logits."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network by GluonCV's name. `size`: height and width of its input; of a network that takes any, those it is proved with.

    `any_size`: its input may be of any size. `dimension`: of its features, 0 without. `labels`: the list's name in a card.
    `proposals`: how many regions Faster R-CNN looks at again (GluonCV: 1,000; its time goes with them), 0 for networks without.
    """

    name: str
    task: Task
    size: tuple[int, int]
    labels: str
    dimension: int = 0
    any_size: bool = False
    proposals: int = 0

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs' names in order."""
        return OUTPUTS[self.task]


def _segmenters() -> list[Network]:
    kinds = ("fcn_resnet50", "fcn_resnet101", "deeplab_resnet50")
    # COCO's 21 classes are those of VOC: gluoncv/data/mscoco/segmentation.py
    return [Network(f"{kind}_{data}", "segmentation", (480, 480), "voc-21") for kind in kinds for data in ("voc", "coco")]


NETWORKS: Mapping[str, Network] = {
    one.name: one
    for one in (
        Network("resnet18_v1b", "embedding", (224, 224), "imagenet-1k", 512),
        Network("resnet50_v1b", "embedding", (224, 224), "imagenet-1k", 2048),
        Network("resnet101_v1b", "embedding", (224, 224), "imagenet-1k", 2048),
        Network("inceptionv3", "embedding", (299, 299), "imagenet-1k", 2048),
        Network("mobilenetv2_1.0", "embedding", (224, 224), "imagenet-1k", 1280),
        Network("faster_rcnn_resnet50_v1b_coco", "detection", (600, 800), "coco-80", any_size=True, proposals=1000),
        Network("ssd_512_resnet50_v1_coco", "detection", (512, 512), "coco-80"),
        Network("yolo3_darknet53_coco", "detection", (416, 416), "coco-80"),
        *_segmenters(),
    )
}


def network_named(name: str) -> Network:
    """A network by GluonCV's name. Raises: InvalidSetting."""
    if name not in NETWORKS:
        raise InvalidSetting(f"There is no GluonCV network {name!r} here. There are {', '.join(NETWORKS)}.")
    return NETWORKS[name]
