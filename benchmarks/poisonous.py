"""The default network, but it dies of what is all magenta: a picture that kills whoever looks at it (benchmarks/faults.py)."""

import io
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from lookalike.ports.vision import Embedded, ModelCard, Pixels
from lookalike.vision.embedders import OnnxEmbedder

MAGENTA = (255, 0, 255)
ENTRY_POINTS = "[lookalike.embedders]\npoisonous = benchmarks.poisonous:open_poisonous\n"


class Poisonous:
    """An embedder whose process ends as by a defect in a decoder or a driver: at once, with nothing told."""

    def __init__(self, inner: OnnxEmbedder) -> None:
        self._inner = inner
        self.card: ModelCard = inner.card

    def embed(self, crops: Sequence[Pixels]) -> list[Embedded]:
        """One result for each crop, unless one is poison."""
        if any((np.asarray(crop) == MAGENTA).all(axis=2).mean() > 0.9 for crop in crops):
            os.kill(os.getpid(), signal.SIGKILL)
        return self._inner.embed(crops)


def open_poisonous(cache_dir: Path, precision: str = "auto", threads: int = 1) -> Poisonous:
    """What the entry point names."""
    return Poisonous(OnnxEmbedder("lite0", cache_dir, precision, threads))


def poison() -> bytes:
    """Such a picture."""
    out = io.BytesIO()
    Image.new("RGB", (64, 64), MAGENTA).save(out, "PNG")
    return out.getvalue()


def installed(folder: Path) -> Path:
    """What makes Python find it as a plugin: a folder for PYTHONPATH."""
    about = folder / "plugin" / "poisonous-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: poisonous\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")
    return about.parent
