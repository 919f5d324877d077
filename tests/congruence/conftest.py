"""The catalogue that every engine is compared on, and the engine that is right."""

import pytest
from test_engines import filled

from lookalike.domain.document import Document
from lookalike.engines.memory import open_memory
from lookalike.ports.engine import SearchEngine
from lookalike.testing.documents import make_documents


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return make_documents(11, 400)


@pytest.fixture(scope="module")
def memory(documents: list[Document]) -> SearchEngine:
    return filled(open_memory(""), documents)
