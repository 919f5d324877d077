"""A real worker with a toy for a network, whose jobs are done by the test (TEST_HANDLE): `python handling_worker.py worker …`."""

import os
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from lookalike import bootstrap
from lookalike.cli import main
from lookalike.domain.analysis import Recipe
from lookalike.testing.fakes import ToySeer
from support.handles import handle_there
from workers import app, ingesting

RECIPE = Recipe("toy", 16, 3, {"network": "toy"})
bootstrap._seeing = lambda _settings: (RECIPE, lambda: ToySeer(RECIPE))
app.TASKS = (partial(ingesting.register, handle=handle_there(os.environ["TEST_HANDLE"])),)

if __name__ == "__main__":
    main()
