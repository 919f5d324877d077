"""The OpenSearch engine: an alias on a cluster, one index behind it."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from lookalike.domain.analysis import Recipe, Vector
from lookalike.domain.document import Document
from lookalike.domain.query import EnginePage, EngineQuery
from lookalike.engines.carrying import carry
from lookalike.engines.legs import verify, verify_documents
from lookalike.engines.opensearch import documents, figures, reading, rebuilding, writing
from lookalike.engines.opensearch.address import Address, parse_address
from lookalike.engines.opensearch.client import Client
from lookalike.engines.opensearch.indexes import WRITES, Index, Indexes, Lease
from lookalike.engines.opensearch.plan import Limits
from lookalike.engines.opensearch.search import Search
from lookalike.engines.opensearch.vectors import VectorCount
from lookalike.errors import IndexNotFound, IndexProblem, LookalikeError, RecipeMismatch, Unavailable
from lookalike.ports.engine import EngineStatus, RolledBack, SearchEngine, Write, Written

Json = dict[str, Any]

_TRUSTED_SECONDS = 1.0
"""So long a search may believe what it knows of the index: after another process' rebuild it asks with the old recipe at most
that long. Writes always ask."""

_AT_ONCE = 500

_AT_ONCE_BESIDE_OTHERS = 100

_ROUNDS = 10
_FEW = 200
"""A rebuild carries what was written meanwhile in up to so many rounds, until so few come that writers can be made to wait."""

_Answer = TypeVar("_Answer")


def open_opensearch(location: str, *, read_only: bool = False, settings: Mapping[str, str] | None = None) -> SearchEngine:
    """The index at `opensearch://HOST:9200/NAME` (docs/opensearch.md); the cluster is first asked by the first call.

    `settings`: those of docs/opensearch.md, which `Address` and `Layout` explain. Raises: InvalidSetting.
    """
    address = parse_address(location, settings or {})
    return OpenSearchEngine(address, Client(address), writable=not read_only)


class OpenSearchEngine:
    """A `SearchEngine` over an alias; its promises are those of the port. Several processes may write at once."""

    strategies = frozenset({"auto", "exact", "hnsw"})

    def __init__(
        self, address: Address, client: Client, *, writable: bool, index: Index | None = None, others: rebuilding.GivesWay | None = None
    ) -> None:
        """`index`: this one whatever the alias leads to. `others`: to whom a batch of writes gives way."""
        self._address, self._client, self._writable = address, client, writable
        self._indexes = Indexes(address, client)
        self._fixed, self._known = index, index
        self._others = others
        self._vectors = VectorCount()
        self._lock = threading.Lock()
        self._closed = self._rebuilding = False

    def prepare(self, recipe: Recipe) -> None:
        """See the port. An index without products takes any recipe."""
        index = self._look()
        if index is not None and self._writable and not self._fixed:
            self._indexes.recover(index)
            self._indexes.tidy(index)
        if index is not None and index.recipe.id == recipe.id:
            return
        if index is not None and (not self._writable or self._fixed or self._count(index.name)):
            raise RecipeMismatch(index.recipe.id, recipe.id)
        if not self._writable:
            raise self._not_there()
        new = self._indexes.create(recipe, named=index is None)
        if index is not None and new is not None:
            self._indexes.hand_over(index, new, None)
        self.prepare(recipe)

    def put(self, writes: Sequence[Write]) -> list[Written]:
        """See the port. A document that OpenSearch refuses is an error, raised when all others are stored."""
        with self._writer() as index:
            verify_documents([write.document for write in writes], index.recipe)
            try:
                return self._put(self._target(index), writes)
            finally:
                self._vectors.forget()

    def remove(self, ids: Sequence[str], if_version: Mapping[str, int] = {}) -> list[bool]:
        """See the port."""
        with self._writer() as index:
            self._indexes.note_removed(index, ids)
            try:
                return writing.remove(self._target(index), ids, if_version)
            finally:
                self._vectors.forget()

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
        return self._asked(lambda index: self._search(index, query).page())

    def with_hashes(self, hashes: Sequence[str], limit: int) -> list[str]:
        """See `HashLookup`."""
        return self._asked(lambda _: reading.with_hashes(self._client, self._name, hashes, limit)) if hashes else []

    def categories_near(self, vector: Vector, limit: int) -> list[tuple[str | None, float]]:
        """See `CategoryLookup`."""
        query = EngineQuery(vector=vector, weights={"picture": 1.0}, limit=limit)
        return self._asked(lambda index: self._search(index, query).categories())

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
        """See the port. What any process writes meanwhile is carried over; writers get Unavailable only while the last of it is."""
        with self._alone():
            beginning = new = None
            try:
                old = self._look()
                if old is not None:
                    self._indexes.tidy(old)
                    beginning = rebuilding.begin(self._client, old.name)
                new = self._indexes.create(recipe)
                if new is None:
                    raise Unavailable("Another process began to rebuild this index in the same moment.", 5.0)
                yield self._opened(new, old)
                if old is None or beginning is None:
                    self._indexes.hand_over(None, new, None)
                else:
                    known = rebuilding.known_before(self._client, beginning)
                    self._carry(old, new, beginning.last, lambda each: rebuilding.removed_since(self._client, beginning, known, each))
                new = None
            finally:
                if new is not None:
                    self._indexes.discard(new)
                if beginning is not None:
                    rebuilding.end(self._client, beginning)

    def rollback(self) -> RolledBack:
        """See `ports.engine.KeepsPrevious`."""
        with self._alone():
            index = self._present()
            kept = self._indexes.kept(index)
            if kept is None or index.previous is None:
                told = "it was not rebuilt, or what it replaced was kept long enough (keep_hours)"
                raise IndexProblem(f"No index is kept that {self._address} could go back to: {told}. Rebuild it under the recipe you want.")
            self._indexes.block(kept.name, blocked=False)
            return self._carry(index, kept, index.previous.last, lambda _: self._indexes.removed_since(index))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Of this process only one at a time goes to another index."""
        self._verify_writable()
        with self._lock:
            if self._fixed or self._rebuilding:
                raise Unavailable("The index is being rebuilt already. Try again when that is done.", 5.0)
            self._rebuilding = True
        try:
            yield
        finally:
            self._rebuilding = False

    def _opened(self, index: Index, beside: Index | None = None) -> "OpenSearchEngine":
        others = rebuilding.GivesWay(self._client, beside.name) if beside is not None else None
        return OpenSearchEngine(self._address, self._client, writable=True, index=index, others=others)

    def _carry(self, old: Index, new: Index, last: tuple[int, ...], removed: Callable[[Callable[[], object]], list[str]]) -> RolledBack:
        """Bring the new index to where the old one is, and switch. Most is carried while everybody writes on; then the old one takes
        no writes any more, unless this fails. `last`: what was stored later is carried; `removed` tells what was removed."""
        source, target = self._opened(old), self._opened(new)
        brought: dict[str, bool] = {}

        def bring(ids: Sequence[str], each: Callable[[], object] = lambda: None) -> None:
            unseen = carry(ids, new.recipe, old=source.get, new=target.get, put=target.put, remove=target.remove, each=each)
            brought.update({name: name in unseen for name in ids})

        for _ in range(_ROUNDS):
            ids, last = rebuilding.stored_since(self._client, old.name, last)
            bring(ids)
            if len(ids) <= _FEW:
                break
        with self._indexes.carrying(old) as lease:
            ids, _ = rebuilding.stored_since(self._client, old.name, last)
            bring(ids, lease.renew)
            gone = self._absent(source, [*removed(lease.renew), *brought], lease)
            removed_now = 0
            for start in range(0, len(gone), _AT_ONCE):
                lease.renew()
                removed_now += sum(target.remove(gone[start : start + _AT_ONCE]))
            self._indexes.hand_over(old, new, lease)
        self._look()
        return RolledBack(old.recipe.id, new.recipe.id, len(brought.keys() - gone), removed_now, sum(brought.values()))

    def _absent(self, source: "OpenSearchEngine", ids: Sequence[str], lease: Lease) -> list[str]:
        """Those that are not there, as what was carried first may have been removed since."""
        found: list[str] = []
        for start in range(0, len(ids), _AT_ONCE):
            lease.renew()
            part = ids[start : start + _AT_ONCE]
            there = source.digests(part)
            found += [name for name in part if name not in there]
        return list(dict.fromkeys(found))

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
            "previous": index and index.previous and index.previous.name,
            "left_over": self._indexes.left_over(index),
            "kept_until": None if index is None or index.previous is None else index.previous.at + self._address.keep_hours * 3600,
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

    def _put(self, target: writing.Target, writes: Sequence[Write]) -> list[Written]:
        if self._others is None:
            return writing.put(target, writes)
        written: list[Written] = []
        quiet = replace(target, refresh="false")
        for start in range(0, len(writes), _AT_ONCE_BESIDE_OTHERS):
            began = time.monotonic()
            written += writing.put(quiet, writes[start : start + _AT_ONCE_BESIDE_OTHERS])
            self._others.after(time.monotonic() - began)
        self._client.refresh(target.name)
        return written

    def _target(self, index: Index) -> writing.Target:
        """Where to write: an alias of that index alone, so that nothing verified for it gets into the one that replaces it."""
        return writing.Target(self._client, index.name + WRITES, self._address.refresh)

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
        self._known = self._indexes.look()
        return self._known

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

    def _search(self, index: Index, query: EngineQuery) -> Search:
        verify(query, self.strategies, index.recipe, self.fields)
        told = self._address
        limits = Limits(told.exact_below, told.window, index.rescored, self._vectors.of(index.name))
        return Search(self._ask, query, index.recipe, limits, lambda many: self._vectors.learn(index.name, many))

    def _ask(self, bodies: Sequence[Json]) -> list[Json]:
        return self._client.search(self._name, bodies)

    def _held(self, ids: Sequence[str], names: Sequence[str]) -> list[Json | None]:
        """So much of the source of each product, None where there is none."""
        found: list[Json | None] = []
        for start in range(0, len(ids), _AT_ONCE):
            told = self._client.held(self._name, ids[start : start + _AT_ONCE], names)
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
        except Unavailable:
            if index.leases and not self._fixed and not self._indexes.recover(index):
                told = "The index was left closed for writing by a process that died; it is open again. Send the write again."
                raise Unavailable(told, 1.0) from None
            raise

    def _verify_writable(self) -> None:
        if self._closed:
            raise IndexProblem("This index is closed. Open it again.")
        if not self._writable:
            raise IndexProblem(f"{self._address} was opened for reading only. Open it for writing.")
