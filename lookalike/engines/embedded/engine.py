"""The embedded engine: a folder, one writing process, any number of readers."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import faiss

from lookalike.domain.analysis import Recipe
from lookalike.domain.document import Document
from lookalike.domain.query import EnginePage, EngineQuery
from lookalike.engines.carrying import carry
from lookalike.engines.embedded import folder, suggest
from lookalike.engines.embedded.folder import FIRST, Meta, WriterLock
from lookalike.engines.embedded.health import Health
from lookalike.engines.embedded.loading import without_collecting
from lookalike.engines.embedded.ranking import DEAR
from lookalike.engines.embedded.search import Search
from lookalike.engines.embedded.store import Store
from lookalike.engines.legs import verify
from lookalike.errors import IndexDamaged, IndexProblem, InvalidSetting, LookalikeError, RecipeMismatch, Unavailable
from lookalike.ports.engine import Amendable, Amendment, EngineStatus, SearchEngine, Write, Written

EXACT_BELOW = 50_000
"""Up to so many candidates every vector is compared: a tenth of them with a filter, a category or colours, where a product
costs more (docs/decisions/0023)."""

_BATCH = 100
_FEW_MISSED = 200
"""So many writes are carried over while others wait: a tenth of a second."""

_Answer = TypeVar("_Answer")


def open_embedded(location: str, *, read_only: bool = False, settings: Mapping[str, str] | None = None) -> SearchEngine:
    """The index in the folder `location`, created where it is not there (not with `read_only`).

    `settings`: `exact_below`, from how many candidates on a search may be approximate. Raises: IndexProblem, InvalidSetting.
    """
    return EmbeddedEngine(Path(location), read_only=read_only, exact_below=_exact_below(settings or {}))


def _exact_below(settings: Mapping[str, str]) -> int:
    unknown = settings.keys() - {"exact_below"}
    if unknown:
        raise InvalidSetting(f"The embedded engine has no setting {sorted(unknown)[0]!r}. It has: exact_below.")
    told = settings.get("exact_below", str(EXACT_BELOW))
    if not told.isdecimal():
        raise InvalidSetting(f"exact_below is {told!r}; a whole number of candidates is wanted, such as {EXACT_BELOW}.")
    return int(told)


class EmbeddedEngine:
    """A `SearchEngine` over one folder; its promises are those of the port."""

    strategies = frozenset({"auto", "exact"})

    def __init__(self, path: Path, *, read_only: bool, exact_below: int) -> None:
        self._path, self._writable, self._exact_below = path, not read_only, exact_below
        self._writing = threading.Lock()
        self._closed = False
        self._health = Health()
        self._missed: dict[str, None] | None = None
        """While the index is rebuilt: ids written since, in order."""
        self._threads = threading.local()
        self._lock: WriterLock | None = None
        known = folder.read_meta(path)
        if read_only:
            if known is None:
                raise folder.not_there(path)
            self._meta = known
            self._store = self._opened(known.database)
            return
        folder.make_folder(path)
        self._lock = WriterLock(path)
        try:
            self._meta = folder.read_meta(path) or self._create()
            for one in folder.leftovers(path, self._meta):
                one.unlink(missing_ok=True)
            self._store = self._opened(self._meta.database)
        except BaseException:
            self._lock.release()
            raise

    def prepare(self, recipe: Recipe) -> None:
        """See the port. An index without products takes any recipe."""
        if not self._writable:
            known = self._current().recipe
            if known is not None and known.id != recipe.id:
                raise RecipeMismatch(known.id, recipe.id)
            return
        with self._writer() as store:
            if store.prepare(recipe):
                self._meta = Meta(self._meta.database, recipe.id)
                folder.write_meta(self._path, self._meta)

    def put(self, writes: Sequence[Write]) -> list[Written]:
        """See the port."""
        # A batch makes thousands of small objects and no circles: looking for those took a tenth of the time
        quiet = without_collecting() if len(writes) >= _BATCH else contextlib.nullcontext()
        with quiet:
            return self._put(writes)

    def remove(self, ids: Sequence[str], if_version: Mapping[str, int] = {}) -> list[bool]:
        """See the port."""
        with self._writer() as store:
            self._note(ids)
            return store.remove(ids, if_version)

    def get(self, ids: Sequence[str]) -> list[Document | None]:
        """See the port."""
        return self._reading(lambda store: store.get(ids))

    def amendable(self, ids: Sequence[str]) -> list[Amendable | None]:
        """See `AmendsProducts`."""
        return self._reading(lambda store: store.amendable(ids))

    def amend(self, amendments: Sequence[Amendment]) -> list[Written]:
        """See `AmendsProducts`."""
        with self._writer() as store:
            self._note([one.product.id for one in amendments])
            return store.amend(amendments)

    def digests(self, ids: Sequence[str]) -> dict[str, str]:
        """See the port."""
        return self._reading(lambda store: store.digests(ids))

    def search(self, query: EngineQuery) -> EnginePage:
        """See the port."""

        def answer(store: Store) -> EnginePage:
            verify(query, self.strategies, store.recipe, lambda: suggest.fields(store.state))
            return Search(store.state, store.database, query, self._exact_below).page()

        return self._reading(answer)

    def with_hashes(self, hashes: Sequence[str], limit: int) -> list[str]:
        """See `HashLookup`. The first time all bodies are read: 80 ms for 20,000 products, and so on."""
        return self._reading(lambda store: store.state.with_hashes(hashes, limit))

    def suggest(self, prefix: str, limit: int) -> list[tuple[str, str, int]]:
        """See the port."""
        return self._reading(lambda store: suggest.suggestions(store.state, prefix, limit))

    def fields(self) -> list[str]:
        """See the port."""
        return self._reading(lambda store: suggest.fields(store.state))

    def documents(self) -> Iterator[Document]:
        """See the port."""
        return self._current().documents()

    @contextmanager
    def rebuild(self, recipe: Recipe) -> Iterator[SearchEngine]:
        """See the port. Writes to this engine meanwhile go into the old index, and into the new one before it takes over."""
        with self._writer():
            if self._missed is not None:
                raise Unavailable("The index is being rebuilt already. Try again when that is done.", 5.0)
            self._missed = {}
        meta = Meta(self._meta.following(), recipe.id)
        new: Store | None = None
        try:
            new = Store(self._path / meta.database, writable=True, codes_from=self._exact_below // DEAR, create=True)
            new.prepare(recipe)
            yield _Rebuilt(self, new)
            while len(self._missed) > _FEW_MISSED:
                with self._writing:
                    missed, self._missed = self._missed, {}
                self._carry(list(missed), recipe, new)
            with self._writing:
                self._carry(list(self._missed), recipe, new)
                folder.write_meta(self._path, meta)
                old, self._store, self._meta, self._missed, new = self._store, new, meta, None, None
            old.close(save=False)
        finally:
            with self._writing:
                self._missed = None
            if new is not None:
                new.close(save=False)
            for one in folder.leftovers(self._path, self._meta):
                one.unlink(missing_ok=True)

    def _put(self, writes: Sequence[Write]) -> list[Written]:
        encoded = self._current().encoded(writes)
        with self._writer() as store:
            written = store.put(writes, encoded)
            self._note(one.id for one in written)
            return written

    def _carry(self, ids: Sequence[str], recipe: Recipe, new: Store) -> None:
        def put(writes: Sequence[Write]) -> None:
            new.put(writes, new.encoded(writes))

        carry(ids, recipe, old=self._store.get, new=new.get, put=put, remove=new.remove)

    def status(self) -> EngineStatus:
        """See the port."""
        store = self._store
        try:
            store = self._current()
            self._health.look(store)
            ready, message = True, ""
        except LookalikeError as error:
            ready, message = False, str(error)
        vectors = store.state.vectors
        exact: dict[str, float | None] = {"recall": 1.0 if vectors is None or vectors.codes is None else None}
        details = {
            "path": str(self._path),
            "rows": 0 if vectors is None else len(vectors),
            "dead_rows": 0 if vectors is None else vectors.dead,
            "codes": vectors is not None and vectors.codes is not None,
            "vector_bytes_in_memory": 0 if vectors is None else vectors.in_memory,
            **(store.state.recall or exact),
            "exact_below": self._exact_below,
        }
        recipe = None if store.recipe is None else store.recipe.id
        return EngineStatus(ready, store.state.count, recipe, "embedded", self._writable, message, details)

    def figures(self) -> dict[str, int]:
        """See `lookalike.ports.counting.HasFigures`: how much of the disk the index takes, kept pictures and all."""
        return {"size_bytes": sum(entry.stat().st_size for entry in self._path.rglob("*") if entry.is_file())}

    def check(self) -> list[str]:
        """See the port."""
        return self._current().check(self._writing)

    def close(self) -> None:
        """See the port."""
        with self._writing:
            if not self._closed:
                self._closed = True
                self._store.close()
                if self._lock is not None:
                    self._lock.release()

    def _create(self) -> Meta:
        """A new index. What a process left that was killed while it did the same holds no products, and goes."""
        for one in self._path.glob("index-*.sqlite*"):
            if one.name.endswith(".sqlite") and one.stat().st_size and (found := self._forgotten(one)) is not None:
                return found
        for one in self._path.glob("index-*.sqlite*"):
            one.unlink()
        Store(self._path / FIRST.database, writable=True, codes_from=self._exact_below // DEAR, create=True).close()
        folder.write_meta(self._path, FIRST)
        return FIRST

    def _forgotten(self, path: Path) -> Meta | None:
        """A database whose meta.json is gone: taken over where it holds products."""
        try:
            store = Store(path, writable=True, codes_from=self._exact_below // DEAR)
        except IndexDamaged:
            if path.stat().st_size > 1 << 17:  # more than the empty tables of a creation that was cut off
                raise
            return None
        with store.lock.reading():
            meta = Meta(path.name, store.recipe.id if store.recipe else None)
            empty = not store.state.count
        store.close()
        if empty:
            return None
        folder.write_meta(self._path, meta)
        return meta

    def _alone(self) -> None:
        """One thread for each call: a search is too short to be shared out, and faiss' helpers spin on everybody's cores."""
        if not hasattr(self._threads, "ready"):
            faiss.omp_set_num_threads(1)  # counts for the calling thread only
            self._threads.ready = True

    def _opened(self, database: str) -> Store:
        self._alone()
        return Store(self._path / database, writable=self._writable, codes_from=self._exact_below // DEAR)

    def _current(self) -> Store:
        """The store that counts, up to date with what other processes wrote. Raises: IndexProblem."""
        if self._closed:
            raise IndexProblem("This index is closed. Open it again.")
        if not self._writable:
            self._follow()
        return self._store

    def _follow(self) -> None:
        with self._writing:
            meta = folder.read_meta(self._path)
            if meta is None:
                raise folder.not_there(self._path)
            if meta.database != self._meta.database:
                old, self._store, self._meta = self._store, self._opened(meta.database), meta
                old.close()
            self._store.catch_up()

    def _reading(self, ask: Callable[[Store], _Answer]) -> _Answer:
        self._alone()
        while True:
            store = self._current()
            with store.lock.reading():
                if not store.closed:
                    try:
                        return ask(store)
                    except IndexDamaged as error:
                        self._health.met(error)
                        raise

    def _note(self, ids: Iterable[str]) -> None:
        if self._missed is not None:
            self._missed.update(dict.fromkeys(ids))

    @contextmanager
    def _writer(self) -> Iterator[Store]:
        if not self._writable:
            raise IndexProblem(f"{self._path} was opened for reading only. Open it for writing.")
        self._alone()
        with self._writing:
            if self._closed:
                raise IndexProblem("This index is closed. Open it again.")
            yield self._store


class _Rebuilt(EmbeddedEngine):
    """The new index inside a `rebuild` block: the same engine over the new store."""

    def __init__(self, outer: EmbeddedEngine, store: Store) -> None:
        self._path, self._writable, self._exact_below = outer._path, True, outer._exact_below  # noqa: SLF001 - one family
        self._writing, self._threads = threading.Lock(), threading.local()
        self._closed, self._missed, self._health = False, None, Health()
        self._lock, self._meta, self._store = None, Meta(store.database.path.name), store

    def prepare(self, recipe: Recipe) -> None:
        """The recipe is settled."""
        if self._store.recipe is None or self._store.recipe.id != recipe.id:
            raise RecipeMismatch(self._store.recipe.id if self._store.recipe else "none", recipe.id)

    @contextmanager
    def rebuild(self, recipe: Recipe) -> Iterator[SearchEngine]:
        """Refused."""
        raise IndexProblem("This index is being rebuilt already.")
        yield self

    def close(self) -> None:
        """The block that opened it closes it."""
