"""What the engines' contract works with: short ways to write and to read."""

from dataclasses import replace

from lookalike.domain.analysis import Vector
from lookalike.domain.document import Document
from lookalike.domain.product import Product
from lookalike.domain.query import EnginePage, EngineQuery
from lookalike.ports.engine import SearchEngine, Write

PICTURE = {"picture": 1.0}
TEXT = {"text": 1.0}


def worded(name: str, **fields: object) -> Document:
    """A document without pictures."""
    return Document(Product(name, **fields))  # type: ignore[arg-type]


def put(engine: SearchEngine, *documents: Document) -> None:
    """Write documents, whatever was there."""
    engine.put([Write(one) for one in documents])


def ids(page: EnginePage) -> list[str]:
    """The ids of a page's hits."""
    return [hit.id for hit in page.hits]


def pages(engine: SearchEngine, query: EngineQuery) -> list[str]:
    """The ids of all pages."""
    found: list[str] = []
    while True:
        page = engine.search(query)
        found += ids(page)
        if page.next is None:
            return found
        assert page.hits, "a page with a next one cannot be empty"
        query = replace(query, after=page.next)


def first_vector(documents: list[Document]) -> Vector:
    """Of the first product that was seen."""
    return next(one for one in documents if one.seen).seen[0].analysis.main.vector
