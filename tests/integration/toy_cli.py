"""The command line with a toy for a network, for tests in processes of their own: `python toy_cli.py WORD …`.

`TOY_SLOW` seconds pass for every picture; `TOY_RECIPE` gives the recipe another name, `TOY_NETWORK` another content. A picture
that is `TOY_POISON` pixels wide kills the process that looks at it; one `TOY_ENDLESS` wide is never done with.
"""

import os
import signal
import threading
import time
from collections.abc import Sequence

from lookalike import bootstrap
from lookalike.cli import main
from lookalike.domain.analysis import Analysis, Recipe
from lookalike.domain.geometry import Box
from lookalike.domain.picture import Picture
from lookalike.testing.fakes import ToySeer


class SlowSeer(ToySeer):
    """A toy that takes its time."""

    def analyse(self, looks: Sequence[tuple[Picture, Box | None]]) -> list[Analysis]:
        """One analysis for each look."""
        time.sleep(float(os.environ.get("TOY_SLOW", "0")) * len(looks))
        for picture, _ in looks:
            if picture.width == int(os.environ.get("TOY_POISON", "0")):
                os.kill(os.getpid(), signal.SIGKILL)
            if picture.width == int(os.environ.get("TOY_ENDLESS", "0")):
                threading.Event().wait()
        return super().analyse(looks)


RECIPE = Recipe(os.environ.get("TOY_RECIPE", "toy"), 16, 3, {"network": os.environ.get("TOY_NETWORK", "toy")})
bootstrap._seeing = lambda _settings: (RECIPE, lambda: SlowSeer(RECIPE))

if __name__ == "__main__":
    main()
