"""What tests of looking through workers share: a toy or moody worker, pictures for it, and clients that wait."""

import io
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from lookalike.domain.analysis import Recipe
from lookalike.errors import LookalikeError
from lookalike.ports.vision import Look, PictureAnalyser
from support import moody, plugin

TOY = [sys.executable, str(Path(__file__).parents[1] / "integration" / "toy_cli.py")]
"""A command line whose networks are a toy."""
TOY_RECIPE = Recipe("toy", 16, 3, {"network": "toy"})
"""The recipe of that."""
PATIENCE_SECONDS = 60


def install_moody(folder: Path) -> Path:
    """The plugin of moody.py as a recipe called moody, in a folder for PYTHONPATH."""
    return plugin.install(folder, "moody", Path(moody.__file__).read_text(encoding="utf-8"), "lookalike.embedders", "moody", "open_moody")


def painted(red: int, green: int, blue: int) -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (red, green, blue)).save(out, "PNG")
    return out.getvalue()


def deadly() -> bytes:
    """A picture that kills the moody worker that looks at it."""
    return painted(250, 5, 5)


def holding(shade: int = 250) -> bytes:
    """A picture at which the moody worker waits for the gate."""
    return painted(5, 5, shade)


def harmless(number: int) -> bytes:
    """One of a hundred others."""
    return painted(120 + number % 100, 130, 125)


class Clients:
    """Threads that ask one analyser for one picture each, and what they were told."""

    def __init__(self, analyser: PictureAnalyser, pictures: list[bytes], seconds: float = PATIENCE_SECONDS) -> None:
        self.told: list[Any] = [None] * len(pictures)
        self._threads = [threading.Thread(target=self._ask, args=(analyser, place, one, seconds)) for place, one in enumerate(pictures)]
        for thread in self._threads:
            thread.start()

    def _ask(self, analyser: PictureAnalyser, place: int, picture: bytes, seconds: float) -> None:
        try:
            self.told[place] = analyser.analyse([Look(picture)], time.monotonic() + seconds)[0]
        except LookalikeError as error:
            self.told[place] = error

    def all_told(self) -> list[Any]:
        """What each was told, once all were."""
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS + 10)
            assert not thread.is_alive(), "somebody waits past the deadline"
        return self.told


def comes(true: Callable[[], object], what: str) -> None:
    """Return once `true()` is, asked for with a breath between. Raises: AssertionError where it does not come."""
    breath, until = threading.Event(), time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < until, f"it did not come: {what}"
        breath.wait(0.01)


def kill_one(pid: int) -> None:
    """SIGKILL to one process."""
    os.kill(pid, 9)
