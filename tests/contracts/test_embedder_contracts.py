"""The embedders that ship with us keep the public contract, each opened through its entry point."""

from pathlib import Path
from typing import ClassVar

import pytest

from lookalike import plugins
from lookalike.ports.vision import Embedder
from lookalike.testing.embedders import EmbedderContract


class _Shipped(EmbedderContract):
    """In int8, which every CPU can do; the converted networks are kept for the session."""

    name: ClassVar[str]

    @pytest.fixture(autouse=True)
    def _cache(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        folder = tmp_path_factory.getbasetemp() / "networks"
        folder.mkdir(exist_ok=True)
        self.folder: Path = folder

    def make_embedder(self) -> Embedder:
        """The embedder of that name."""
        embedder: Embedder = plugins.load("embedder", self.name)(self.folder, "int8")
        return embedder


class TestLite0(_Shipped):
    """The default's network."""

    name = "efficientnet-lite0"


class TestLite1(_Shipped):
    """The larger one by itself."""

    name = "efficientnet-lite1"


class TestQuality(_Shipped):
    """Both, mixed into one vector."""

    name = "efficientnet-lite0+lite1"
