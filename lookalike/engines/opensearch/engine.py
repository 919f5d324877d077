"""The OpenSearch engine: an alias on a cluster, one index behind it."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from lookalike.domain.analysis import Recipe
from lookalike.domain.document import Document
from lookalike.domain.query import EnginePage, EngineQuery
from lookalike.engines.carrying import carry
from lookalike.engines.legs import verify, verify_documents
from lookalike.engines.opensearch import documents, figures, mapping, reading, rebuilding, writing
from lookalike.engines.opensearch.address import Address, parse_address
from lookalike.engines.opensearch.client import Client
from lookalike.engines.opensearch.search import Search
from lookalike.errors import IndexNotFound, IndexProblem, LookalikeError, RecipeMismatch, Unavailable
from lookalike.ports.engine import EngineStatus, SearchEngine, Write, Written

Json = dict[str, Any]

_TRUSTED_SECONDS = 1.0
"""So long a search may believe what it knows of the index: after another process' rebuild it asks with the old recipe at most
that long. Writes always ask."""

_AT_ONCE = 500

_WRITES = "-writes"
"""What follows an index's name in the name of the alias that writes go to."""

_Answer = TypeVar("_Answer")


def open_opensearch(location: str, *, read_only: bool = False, settings: Mapping[str, str] | None = None) -> SearchEngine:
    """The index at `opensearch://HOST:9200/NAME` (docs/opensearch.md); the cluster is first asked by the first call.

    `settings`: exact_below, window, refresh, timeout, shards, replicas, ca (`Address` says what they are). Raises: InvalidSetting.
    """
    address = parse_address(location, settings or {})
    return OpenSearchEngine(address, Client(address), writable=not read_only)


@dataclass(frozen=True, slots=True)
class Index:
    """What is behind the alias now."""

    name: str
    recipe: Recipe
    known_at: float


class OpenSearchEngine:
    """A `SearchEngine` over an alias; its promises are those of the port. Several processes may write at once."""

    strategies = frozenset({"auto", "exact", "hnsw"})

    def __init__(self, address: Address, client: Client, *, writable: bool, index: Index | None = None) -> None:
        self._address, self._client, self._writable = address, client, writable
        self._fixed, self._known = index, index
        self._lock = threading.Lock()
        self._closed = self._rebuilding = False

    def prepare(self, recipe: Recipe) -> None:
        """See the port. An index without products takes any recipe."""
        index = self._look()
        if index is not None and index.recipe.id == recipe.id:
            return
        if index is not None and (not self._writable or self._fixed or self._count(index.name)):
            raise RecipeMismatch(index.recipe.id, recipe.id)
        if not self._writable:
            raise self._not_there()
        new = self._create(recipe, named=index is None)
        if index is not None and new is not None:
            self._switch(index, new)
        self.prepare(recipe)

    def put(self, writes: Sequence[Write]) -> list[Written]:
        """See the port. A document that OpenSearch refuses is an error, raised when all others are stored."""
        with self._writer() as index:
            verify_documents([write.document for write in writes], index.recipe)
            return writing.put(self._target(index), writes)

    def remove(self, ids: Sequence[str], if_version: Mapping[str, int] = {}) -> list[bool]:
        """See the port."""
        with self._writer() as index:
            return writing.remove(self._target(index), ids, if_version)

    def get(self, ids: Sequence[str]) -> list[Document | None]:
        """See the port."""
        found = self._asked(lambda index: (self._held(ids, documents.HELD), index.recipe))
        return [None if source is None else reading.decoded(name, source, found[1]) for name, source in zip(ids, found[0], strict=True)]

    def digests(self, ids: Sequence[str]) -> dict[str, str]:
        """See the port."""
        found = self._asked(lambda _: self._held(ids, ["digest"]))
        return {name: source["digest"] for name, source in zip(ids, found, strict=True) if source is not None}

    def search(self, query: EngineQuery) -> EnginePage:
        """See the port."""

        def page(index: Index) -> EnginePage:
            verify(query, self.strategies, index.recipe, self.fields)
            told = self._address
            return Search(self._ask, query, index.recipe, exact_below=told.exact_below, window=told.window).page()

        return self._asked(page)

    def with_hashes(self, hashes: Sequence[str], limit: int) -> list[str]:
        """See `HashLookup`."""
        return self._asked(lambda _: reading.with_hashes(self._client, self._name, hashes, limit)) if hashes else []

    def suggest(self, prefix: str, limit: int) -> list[tuple[str, str, int]]:
        """See the port."""
        return self._asked(lambda _: reading.suggest(self._client, self._name, prefix, limit))

    def fields(self) -> list[str]:
        """See the port."""
        return self._asked(lambda _: reading.fields(self._client, self._name))

    def documents(self) -> Iterator[Document]:
        """See the port."""
        index = self._present()
        sources = reading.sources(self._client, index.name, documents.HELD)
        return (reading.decoded(name, source, index.recipe) for name, source in sources)

    @contextmanager
    def rebuild(self, recipe: Recipe) -> Iterator[SearchEngine]:
        """See the port. What any process writes meanwhile is carried over; while that is done, writers get Unavailable."""
        self._verify_writable()
        with self._lock:
            if self._fixed or self._rebuilding:
                raise Unavailable("The index is being rebuilt already. Try again when that is done.", 5.0)
            self._rebuilding = True
        beginning = new = None
        try:
            old = self._look()
            if old is not None:
                beginning = rebuilding.begin(self._client, old.name)
            new = self._create(recipe)
            if new is None:
                raise Unavailable("Another process began to rebuild this index in the same moment.", 5.0)
            target = OpenSearchEngine(self._address, self._client, writable=True, index=new)
            yield target
            if old is not None and beginning is not None:
                self._carry(beginning, old, target, recipe)
            self._switch(old, new)
            new = None
        finally:
            self._rebuilding = False
            if new is not None:
                with self._client.asked() as raw:
                    raw.indices.delete(index=new.name)
            if beginning is not None:
                rebuilding.end(self._client, beginning)

    def _carry(self, beginning: rebuilding.Beginning, old: Index, target: "OpenSearchEngine", recipe: Recipe) -> None:
        """Bring the new index to where the old one is, which takes no writes any more unless this fails."""
        self._block(old, blocked=True)
        try:
            ids = rebuilding.changed(self._client, beginning)
            carry(ids, recipe, old=self.get, new=target.get, put=target.put, remove=target.remove)
        except BaseException:
            self._block(old, blocked=False)
            raise

    def status(self) -> EngineStatus:
        """See the port."""
        if self._closed:
            return EngineStatus(False, 0, None, "opensearch", self._writable, "This index is closed. Open it again.")
        try:
            index = self._look()
            count = 0 if index is None else self._count(index.name)
            with self._client.asked() as raw:
                version = raw.info()["version"]["number"]
        except LookalikeError as error:
            return EngineStatus(False, 0, None, "opensearch", self._writable, str(error))
        details = {
            "address": str(self._address),
            "index": index and index.name,
            "version": version,
            "exact_below": self._address.exact_below,
            "window": self._address.window,
        }
        recipe = None if index is None else index.recipe.id
        return EngineStatus(True, count, recipe, "opensearch", self._writable, "", details)

    def figures(self) -> Json:
        """See `lookalike.ports.counting.HasFigures`."""
        return self._asked(lambda _: figures.figures(self._client, self._name))

    def check(self) -> list[str]:
        """See the port: every document is read, and made again from its product."""
        index = self._present()
        return list(reading.faults(self._client, index.name, index.recipe))

    def close(self) -> None:
        """See the port."""
        with self._lock:
            if not self._closed and not self._fixed:
                self._client.close()
            self._closed = True

    # The index behind the alias

    @property
    def _name(self) -> str:
        return self._fixed.name if self._fixed else self._address.alias

    def _target(self, index: Index) -> writing.Target:
        """Where to write: an alias of that index alone, so that nothing verified for it gets into the one that replaces it."""
        return writing.Target(self._client, index.name + _WRITES, self._address.refresh)

    def _current(self) -> Index:
        """What is behind the alias, as it was a moment ago at most. Raises: IndexNotFound, IndexProblem."""
        known = self._known
        if self._closed:
            raise IndexProblem("This index is closed. Open it again.")
        if known is None or (not self._fixed and time.monotonic() - known.known_at > _TRUSTED_SECONDS):
            known = self._present()
        return known

    def _present(self) -> Index:
        """What is behind the alias now. Raises: IndexNotFound, IndexProblem."""
        found = self._look()
        if found is None:
            raise self._not_there()
        return found

    def _look(self) -> Index | None:
        """What is behind the alias now; None where there is nothing. Raises: IndexProblem."""
        if self._closed:
            raise IndexProblem("This index is closed. Open it again.")
        if self._fixed:
            return self._fixed
        with self._client.asked() as raw:
            told = raw.indices.get_mapping(index=self._address.alias, params={"ignore": 404})
        if "error" in told:
            told = {}
        if len(told) > 1:
            raise IndexProblem(f"Behind {self._address} are {len(told)} indexes ({', '.join(sorted(told))}); one is wanted.")
        self._known = None
        for name, one in told.items():
            self._known = Index(name, mapping.recipe_of(one["mappings"], name), time.monotonic())
        return self._known

    def _create(self, recipe: Recipe, *, named: bool = False) -> Index | None:
        """A new index; `named`: with the alias from the beginning. None where another process made one in the same moment."""
        with self._client.asked() as raw:
            major = int(raw.info()["version"]["number"].partition(".")[0])
            taken = raw.indices.get(index=f"{self._address.alias}-*", params={"expand_wildcards": "all"})
        numbers = [int(found[1]) for name in taken if (found := re.fullmatch(re.escape(self._address.alias) + r"-(\d{6})", name))]
        name = f"{self._address.alias}-{max(numbers, default=0) + 1:06d}"
        body = mapping.index_body(major, recipe, shards=self._address.shards, replicas=self._address.replicas)
        body["aliases"] = {name + _WRITES: {}} | ({self._address.alias: {}} if named else {})
        try:
            with self._client.asked() as raw:
                raw.indices.create(index=name, body=body)
        except IndexProblem as error:
            if "resource_already_exists" in str(error):
                return None
            raise
        return Index(name, recipe, time.monotonic())

    def _switch(self, old: Index | None, new: Index) -> None:
        """In one step the alias leads to the new index; then the old one goes. Who is still searching it asks again."""
        alias = self._address.alias
        actions: list[Json] = [{"add": {"index": new.name, "alias": alias}}]
        if old is not None:
            actions.append({"remove": {"index": old.name, "alias": alias}})
        with self._client.asked() as raw:
            raw.indices.update_aliases(body={"actions": actions})
            if old is not None:
                raw.indices.delete(index=old.name)
        self._look()

    def _block(self, index: Index, *, blocked: bool) -> None:
        with self._client.asked() as raw:
            raw.indices.put_settings(index=index.name, body={"index.blocks.write": blocked or None})

    def _asked(self, ask: Callable[[Index], _Answer]) -> _Answer:
        """What is asked of the index; once more where a rebuild took it away meanwhile."""
        index = self._current()
        try:
            return ask(index)
        except (Unavailable, IndexNotFound):
            now = self._look()
            if now is None or now.name == index.name:
                raise
            return ask(now)

    def _ask(self, bodies: Sequence[Json]) -> list[Json]:
        return self._client.search(self._name, bodies)

    def _held(self, ids: Sequence[str], names: Sequence[str]) -> list[Json | None]:
        """So much of the source of each product, None where there is none."""
        found: list[Json | None] = []
        for start in range(0, len(ids), _AT_ONCE):
            with self._client.asked() as raw:
                params = {"_source_includes": ",".join(names)}
                told = raw.mget(body={"ids": list(ids[start : start + _AT_ONCE])}, index=self._name, params=params)["docs"]
            found += [one["_source"] if one.get("found") else None for one in told]
        return found

    def _count(self, name: str) -> int:
        with self._client.asked() as raw:
            return int(raw.count(index=name)["count"])

    def _not_there(self) -> IndexNotFound:
        return IndexNotFound(f"There is no index at {self._address}. Create it by indexing a catalogue, or check the name.")

    @contextmanager
    def _writer(self) -> Iterator[Index]:
        """The index to write to, as it is now."""
        self._verify_writable()
        index = self._present()
        try:
            yield index
        except IndexNotFound as error:
            raise Unavailable("The index was replaced by another in this moment. Send the write again.", 1.0) from error

    def _verify_writable(self) -> None:
        if self._closed:
            raise IndexProblem("This index is closed. Open it again.")
        if not self._writable:
            raise IndexProblem(f"{self._address} was opened for reading only. Open it for writing.")
