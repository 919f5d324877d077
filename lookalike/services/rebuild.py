"""An index under another recipe: every product is looked at anew, from the pictures that it refers to."""

from collections.abc import Iterator
from dataclasses import replace

from lookalike.domain.analysis import Recipe
from lookalike.domain.document import Document
from lookalike.errors import PictureUnavailable
from lookalike.ports.engine import SearchEngine, Write
from lookalike.ports.pictures import PictureStore
from lookalike.ports.vision import PictureAnalyser
from lookalike.services.changes import Change, Outcome
from lookalike.services.index import Indexer
from lookalike.services.intake import Intake

BATCH = 200


def rebuilt(
    old: SearchEngine, fresh: SearchEngine, analyser: PictureAnalyser, pictures: PictureStore, recipe: Recipe, *, again: bool = False
) -> Iterator[Outcome]:
    """Fill `fresh` with the products of `old`. Where vectors are of `recipe` already, they are taken over, unless `again`.

    Raises: IndexProblem, Unavailable.
    """

    carried: list[Document] = []
    for document in () if again else old.documents():
        if _fits(document, recipe):
            carried.append(replace(document, version=0))
            if len(carried) == BATCH:
                yield from _carry(carried, fresh)
                carried = []
    yield from _carry(carried, fresh)

    as_seen = _AsSeen(pictures)

    def changes() -> Iterator[Change]:
        for row, document in enumerate(old.documents(), 1):
            if again or not _fits(document, recipe):
                as_seen.expect(document)
                yield Change(row, "put", document.id, document.product)

    yield from Indexer(Intake(fresh, analyser, as_seen, recipe)).run(changes())


class _AsSeen:
    """PictureStore that takes a picture of the web from what we kept of it: the other server may be away, or have another by now."""

    def __init__(self, pictures: PictureStore) -> None:
        self._pictures = pictures
        self._kept: dict[str, str] = {}

    def expect(self, document: Document) -> None:
        """This document's pictures are fetched next."""
        for one in document.seen:
            reference = document.product.pictures[one.picture]
            if reference[:4].lower() == "http":
                self._kept[reference] = f"stored:{one.analysis.digest}"

    def fetch(self, reference: str) -> bytes:
        """The bytes. Raises: PictureUnavailable."""
        kept = self._kept.pop(reference, None)
        if kept is not None:
            try:
                return self._pictures.fetch(kept)
            except PictureUnavailable:
                return self._pictures.fetch(reference)
        return self._pictures.fetch(reference)

    def keep(self, content: bytes) -> str:
        """Keep bytes."""
        return self._pictures.keep(content)

    def forget(self, reference: str) -> None:
        """Drop kept bytes."""
        self._pictures.forget(reference)


def _carry(documents: list[Document], fresh: SearchEngine) -> Iterator[Outcome]:
    if documents:
        fresh.put([Write(one) for one in documents])
    for one in documents:
        yield Outcome(Change(0, "put", one.id), "indexed", one)


def _fits(document: Document, recipe: Recipe) -> bool:
    return bool(document.seen) and not document.unseen and all(one.analysis.recipe_id == recipe.id for one in document.seen)
