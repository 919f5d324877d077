"""The memory engine keeps the engines' contract."""

from pathlib import Path

from lookalike.engines.memory import open_memory
from lookalike.ports.engine import SearchEngine
from lookalike.testing.engine import EngineContract


class TestMemoryEngine(EngineContract):
    durable = False

    def open_engine(self, folder: Path) -> SearchEngine:
        return open_memory("")
