"""The embedded engine keeps the engines' contract, exact and with codes."""

from pathlib import Path

from lookalike.engines.embedded import open_embedded
from lookalike.ports.engine import SearchEngine
from lookalike.testing.engine import EngineContract


class TestEmbeddedEngine(EngineContract):
    def open_engine(self, folder: Path) -> SearchEngine:
        return open_embedded(str(folder / "shop.lookalike"))
