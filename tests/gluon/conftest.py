"""Tests that need MXNet. tests/integration/test_gluon.py runs them with the Python of .venv-gluon; elsewhere they are not collected."""

import importlib.util
from pathlib import Path

import pytest

from lookalike.vision.networks.zoo import Zoo

if importlib.util.find_spec("mxnet") is None:
    collect_ignore_glob = ["test_*.py"]

SEED = 7


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder for the session; weights lie in it as a user would put them there."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    """Where tests install what they import."""
    return Zoo(tmp_path_factory.mktemp("models"))
