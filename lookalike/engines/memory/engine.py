"""The memory engine: a dictionary of documents behind a lock."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from lookalike.domain.analysis import Recipe, SeenObject, Vector
from lookalike.domain.document import Document, Seen
from lookalike.domain.filters import OWN_FIELDS
from lookalike.domain.product import CATEGORY_JOINT
from lookalike.domain.query import EnginePage, EngineQuery
from lookalike.engines import counting, words
from lookalike.engines.carrying import carry
from lookalike.engines.legs import verify, verify_documents
from lookalike.engines.memory.bm25 import TextIndex
from lookalike.engines.memory.search import Search
from lookalike.errors import IndexProblem, RecipeMismatch, Unavailable
from lookalike.ports.engine import EngineStatus, SearchEngine, Write, Written


def open_memory(location: str, *, read_only: bool = False, settings: Mapping[str, str] | None = None) -> SearchEngine:
    """An empty index in this process' memory, whatever `location` says; it has no settings."""
    return MemoryEngine(writable=not read_only)


class MemoryEngine:
    """Exact search over documents in memory; a `SearchEngine` whose promises are those of the port."""

    strategies = frozenset({"auto", "exact"})

    def __init__(self, *, writable: bool = True) -> None:
        self._lock = threading.RLock()
        self._writable = writable
        self._recipe: Recipe | None = None
        self._documents: dict[str, Document] = {}
        self._texts = TextIndex()
        self._closed = False
        self._missed: dict[str, None] | None = None
        """While the index is rebuilt: ids written since, in order."""

    def prepare(self, recipe: Recipe) -> None:
        """See the port. An index without products takes any recipe."""
        with self._opened():
            if self._recipe is not None and self._recipe.id != recipe.id and self._documents:
                raise RecipeMismatch(self._recipe.id, recipe.id)
            self._recipe = recipe

    def put(self, writes: Sequence[Write]) -> list[Written]:
        """See the port."""
        with self._opened(writing=True):
            verify_documents([write.document for write in writes], self._recipe)
            self._note(write.document.id for write in writes)
            return [self._put(write) for write in writes]

    def remove(self, ids: Sequence[str], if_version: Mapping[str, int] = {}) -> list[bool]:
        """See the port."""
        with self._opened(writing=True):
            self._note(ids)
            return [self._remove(name, if_version.get(name)) for name in ids]

    def get(self, ids: Sequence[str]) -> list[Document | None]:
        """See the port."""
        with self._opened():
            return [self._documents.get(name) for name in ids]

    def digests(self, ids: Sequence[str]) -> dict[str, str]:
        """See the port."""
        with self._opened():
            return {name: self._documents[name].digest for name in ids if name in self._documents}

    def search(self, query: EngineQuery) -> EnginePage:
        """See the port."""
        with self._opened():
            verify(query, self.strategies, self._recipe, self.fields)
            return Search(self._documents, self._texts, query).page()

    def with_hashes(self, hashes: Sequence[str], limit: int) -> list[str]:
        """See `HashLookup`."""
        order = {one: place for place, one in reversed(list(enumerate(hashes)))}
        with self._opened():
            places = {
                name: min((order[seen.analysis.phash] for seen in one.seen if seen.analysis.phash in order), default=-1)
                for name, one in self._documents.items()
            }
        return sorted((name for name, place in places.items() if place >= 0), key=lambda name: (places[name], name))[:limit]

    def suggest(self, prefix: str, limit: int) -> list[tuple[str, str, int]]:
        """See the port."""
        asked = words.folded(prefix).strip()
        counts: Counter[tuple[str, str]] = Counter()
        with self._opened():
            for one in self._documents.values():
                counts.update(_suggestions(one, asked))
        return counting.suggestion_order(((text, kind, often) for (text, kind), often in counts.items()), asked)[:limit]

    def fields(self) -> list[str]:
        """See the port."""
        with self._opened():
            names = OWN_FIELDS.union(*({f"attributes.{key}" for key in one.product.attributes} for one in self._documents.values()))
            return sorted(name for name in names if any(one.read(name) for one in self._documents.values()))

    def documents(self) -> Iterator[Document]:
        """See the port."""
        with self._opened():
            kept = sorted(self._documents.values(), key=lambda one: one.id)
        return iter(kept)

    @contextmanager
    def rebuild(self, recipe: Recipe) -> Iterator[SearchEngine]:
        """See the port. Writes to this engine meanwhile go into the old index, and into the new one before it takes over."""
        with self._opened(writing=True):
            if self._missed is not None:
                raise Unavailable("The index is being rebuilt already. Try again when that is done.", 5.0)
            self._missed = {}
        new = MemoryEngine()
        new.prepare(recipe)
        try:
            yield new
            with self._lock:
                carry(list(self._missed), recipe, old=self.get, new=new.get, put=new.put, remove=new.remove)
                self._recipe, self._documents, self._texts = new._recipe, new._documents, new._texts
        finally:
            self._missed = None
            new.close()

    def status(self) -> EngineStatus:
        """See the port."""
        recipe = None if self._recipe is None else self._recipe.id
        details = {"recall": 1.0}  # it compares with everything
        return EngineStatus(not self._closed, len(self._documents), recipe, "memory", self._writable, details=details)

    def check(self) -> list[str]:
        """See the port: there is nothing that could be damaged."""
        with self._opened():
            return []

    def close(self) -> None:
        """See the port."""
        with self._lock:
            self._closed = True
            self._documents, self._texts = {}, TextIndex()

    @contextmanager
    def _opened(self, *, writing: bool = False) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise IndexProblem("This index is closed. Open it again.")
            if writing and not self._writable:
                raise IndexProblem("This index was opened for reading only. Open it for writing.")
            yield

    def _remove(self, name: str, if_version: int | None) -> bool:
        found = self._documents.get(name)
        if found is None or if_version not in (None, found.version):
            return False
        self._texts.remove(name)
        del self._documents[name]
        return True

    def _note(self, ids: Iterable[str]) -> None:
        if self._missed is not None:
            self._missed.update(dict.fromkeys(ids))

    def _put(self, write: Write) -> Written:
        name = write.document.id
        old = self._documents.get(name)
        found = old.version if old else 0
        if write.if_version is not None and write.if_version != found:
            return Written(name, found, created=False, conflict=True)
        document = replace(write.document, version=found + 1, seen=tuple(map(_rounded, write.document.seen)))
        self._documents[name] = document
        self._texts.put(document)
        return Written(name, document.version, created=old is None)


def _rounded(seen: Seen) -> Seen:
    """With vectors as every engine keeps them: fp16 has 3 decimals, which is more than networks agree in."""

    def half(vector: Vector) -> Vector:
        return vector.astype(np.float16).astype(np.float32)

    def kept(one: SeenObject) -> SeenObject:
        return replace(one, vector=half(one.vector), colour_vector=half(one.colour_vector))

    return replace(seen, analysis=replace(seen.analysis, objects=tuple(map(kept, seen.analysis.objects))))


def _suggestions(document: Document, asked: str) -> Iterator[tuple[str, str]]:
    """(text, kind) of what a product offers to someone who typed `asked`, folded."""
    product = document.product
    starts: Callable[[str], bool] = lambda text: words.starts_a_word(asked, words.folded(text))  # noqa: E731
    if product.title and starts(product.title):
        yield product.title, "title"
    if product.brand and starts(product.brand):
        yield product.brand, "brand"
    steps = product.category.split(CATEGORY_JOINT) if product.category else []
    for depth, step in enumerate(steps, 1):
        if starts(step):
            yield CATEGORY_JOINT.join(steps[:depth]), "category"
    for tag in dict.fromkeys([*product.tags, *document.predicted_tags()]):
        if starts(tag):
            yield tag, "tag"
