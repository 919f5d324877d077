"""The OpenSearch engine keeps the engines' contract on a real server."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from lookalike.engines.opensearch import open_opensearch
from lookalike.ports.engine import SearchEngine
from lookalike.testing.engine import EngineContract


@pytest.mark.opensearch
class TestOpenSearchEngine(EngineContract):
    @pytest.fixture(autouse=True)
    def _server(self, opensearch_index: Callable[[str], str]) -> None:
        self._address = opensearch_index

    def open_engine(self, folder: Path) -> SearchEngine:
        name = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        return open_opensearch(self._address(name), settings={"replicas": "0"})
