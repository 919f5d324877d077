"""Lists of labels that cards may name instead of writing them out."""

from collections.abc import Mapping

COCO_80 = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange",
    "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed",
    "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven",
    "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip
# COCO's own numbers run from 1 to 90: these ten were given up before the annotations came out (Lin et al. 2014).
_GIVEN_UP = frozenset((12, 26, 29, 30, 45, 66, 68, 69, 71, 83))
VOC_21 = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "dining table", "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa", "train", "tv monitor",
)  # fmt: skip
IMAGENET = "imagenet-1k"
"""The 1,000 classes in the usual order. They have no names here: a reviewed list turns them into words for shops (`vision.words`)."""
IMAGENET_CLASSES = 1000


def _numbered() -> tuple[str, ...]:
    names = iter(COCO_80)
    return tuple("" if number in _GIVEN_UP else next(names) for number in range(1, 91))


LISTS: Mapping[str, tuple[str, ...]] = {
    "coco-80": COCO_80,
    "coco-90": _numbered(),
    "voc-20": VOC_21[1:],
    "voc-21": VOC_21,
    IMAGENET: ("",) * IMAGENET_CLASSES,
}
"""Name → labels in order; "" is a number without a label."""
