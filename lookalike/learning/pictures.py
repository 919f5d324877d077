"""The pictures that we may learn from: clothing (CC0) and the training part of grocery (MIT)."""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import LookalikeError

Labelled = list[tuple[Path, str]]


class TrainingDataMissing(LookalikeError):
    """The folder of pictures is not where it was said to be."""


def clothing(shared: Path) -> Labelled:
    """(path, kind) of the clothing photos. Raises: TrainingDataMissing."""
    table = _existing(shared / "data" / "clothing" / "products.csv")
    with table.open(encoding="utf-8", newline="") as file:
        return [(table.parent / "images" / f"{row['image']}.jpg", row["label"]) for row in csv.DictReader(file)]


def clothing_senders(shared: Path) -> Labelled:
    """(path, who sent it) of the clothing photos. Raises: TrainingDataMissing."""
    table = _existing(shared / "data" / "clothing" / "products.csv")
    with table.open(encoding="utf-8", newline="") as file:
        return [(table.parent / "images" / f"{row['image']}.jpg", row["sender_id"]) for row in csv.DictReader(file)]


def grocery_train(shared: Path) -> Labelled:
    """(path, class number) of the grocery photos for training. Raises: TrainingDataMissing."""
    return _grocery(shared, "train")


def grocery_val(shared: Path) -> Labelled:
    """(path, class number) of the grocery photos for measuring: nothing is learned from them. Raises: TrainingDataMissing."""
    return _grocery(shared, "val")


def _grocery(shared: Path, part: str) -> Labelled:
    table = _existing(shared / "data" / "grocery" / f"{part}.txt")
    rows = (line.split(",") for line in table.read_text(encoding="utf-8").splitlines() if line.strip())
    return [(table.parent / row[0].strip(), row[1].strip()) for row in rows]


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise TrainingDataMissing(f"There is no {path}. Say where the pictures lie with --shared.")
    return path


def picture_of(path: Path) -> NDArray[np.uint8]:
    """The upright RGB pixels. Raises: PictureUnreadable, OSError."""
    # Imported here: `learning` and `pictures` are neighbours, and only this script needs both.
    from PIL import Image, ImageOps

    with Image.open(path) as opened:
        return np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
