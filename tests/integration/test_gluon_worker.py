"""A worker with MXNet, in its own environment, looks at a picture for a process without it."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support import gluon_environment, worker_process

import lookalike
from lookalike.bootstrap import analyser_of, recipe_of
from lookalike.domain.analysis import Analysis
from lookalike.domain.geometry import WHOLE
from lookalike.pictures.decode import Limits, PillowDecoder
from lookalike.ports.vision import Look, PictureAnalyser
from lookalike.settings import Settings
from lookalike.vision.networks.zoo import Zoo

pytestmark = pytest.mark.gluon

NAME = "resnet18_v1b"
MAKE = """
import sys
from pathlib import Path
from lookalike.vision.gluon.importing import import_network
from lookalike.vision.gluon.networks import network_named
from lookalike.vision.gluon.seeded import seeded
from lookalike.vision.networks.zoo import Zoo
cache = Path(sys.argv[1])
(cache / "gluon").mkdir()
weights = cache / "gluon" / (sys.argv[2] + ".params")
seeded(network_named(sys.argv[2]), 7).save_parameters(str(weights))
import_network(sys.argv[2], Zoo(cache / "models"), weights)
"""


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache folder with seeded weights, and the same network as ONNX."""
    made = gluon_environment.run("-c", MAKE, str(tmp_path), NAME, seconds=280)
    assert made.returncode == 0, made.stderr[-3000:]
    return tmp_path


@pytest.fixture
def analyser(redis: str, cache: Path) -> Iterator[PictureAnalyser]:
    """What an API process asks, with a worker in the other environment that answers."""
    told = {"LOOKALIKE_REDIS": redis, "LOOKALIKE_RECIPE": f"gluon-{NAME}", "LOOKALIKE_CACHE_DIR": str(cache), "OMP_WAIT_POLICY": "PASSIVE"}
    line = [gluon_environment.python(), "-W", "ignore", "-c", "from lookalike.cli import main; main()"]
    with worker_process.worker(told, "--pool", "solo", line=line):
        made = analyser_of(Settings(analyser="celery", redis=redis, recipe=f"gluon-{NAME}", cache_dir=cache))
        yield made
        made.close()


def test_a_worker_with_mxnet_looks_for_a_process_without(analyser: PictureAnalyser, cache: Path) -> None:
    """Its vector of a real picture is the one that the exported network makes here, and names the recipe that this process knows."""
    with pytest.raises(ModuleNotFoundError):
        __import__("mxnet")
    content = sorted((Path(lookalike.__file__).parent / "sample_shop" / "pictures").glob("*.jpg"))[0].read_bytes()
    [seen] = analyser.analyse([Look(content, WHOLE)], time.monotonic() + 60)
    assert isinstance(seen, Analysis)
    settings = Settings(recipe=f"gluon-{NAME}", cache_dir=cache)
    assert seen.recipe_id == recipe_of(settings).id
    picture = PillowDecoder(Limits(bytes=int(settings.picture_bytes), pixels=settings.max_pixels)).decode(content)
    [here] = Zoo(cache / "models").embedder(f"gluoncv-{NAME}", "pad").embed([picture.pixels])
    assert seen.objects[0].vector.shape == here.vector.shape == (512,)
    assert float(np.abs(seen.objects[0].vector - here.vector).max()) <= 1e-3
