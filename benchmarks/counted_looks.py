"""An embedder for `kills.py` that writes down every look before it is taken, so that a kill can hide none.

The entry point `counted` names it; COUNTED_EMBEDDER says which installed embedder does the work, COUNTED_LOG where the looks go:
a line each, the SHA-256 of the pixels that the network is shown. COUNTED_SLOW: seconds that each look takes besides.
"""

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from lookalike import plugins
from lookalike.ports.vision import Embedded, Embedder, ModelCard, Pixels


def look_of(crop: Pixels) -> str:
    """What stands in the log for a crop."""
    return hashlib.sha256(repr(crop.shape).encode() + crop.tobytes()).hexdigest()


class Counted:
    """The embedder `inner`; one write a batch, appended, so that lines of several threads never mix."""

    def __init__(self, inner: Embedder, log: Path) -> None:
        self._inner = inner
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    @property
    def card(self) -> ModelCard:
        """Of the embedder that does the work."""
        return self._inner.card

    def embed(self, crops: Sequence[Pixels]) -> list[Embedded]:
        """Written down, then looked at."""
        os.write(self._log, "".join(look_of(crop) + "\n" for crop in crops).encode())
        time.sleep(float(os.environ.get("COUNTED_SLOW", "0")) * len(crops))
        return self._inner.embed(crops)


def open_counted(cache_dir: Path, precision: str = "auto", threads: int = 1) -> Counted:
    """What the entry point names."""
    inner: Embedder = plugins.load("embedder", os.environ["COUNTED_EMBEDDER"])(cache_dir, precision, threads)
    return Counted(inner, Path(os.environ["COUNTED_LOG"]))
