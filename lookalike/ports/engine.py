"""The search engine: keeps documents, answers queries."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from lookalike.domain.analysis import Recipe, Vector
from lookalike.domain.document import Document
from lookalike.domain.product import Product
from lookalike.domain.query import EnginePage, EngineQuery


@dataclass(frozen=True, slots=True)
class Write:
    """Put `document`; with `if_version` only where the product is at that version (0: where it does not exist)."""

    document: Document
    if_version: int | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a write: the product's new version, and whether it was new. `conflict` holds the version found instead."""

    id: str
    version: int
    created: bool
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """For `status`, `/readyz` and metrics. `details` are the engine's own figures, JSON.

    Among them `recall`: recall@10 of a search by vector against exact comparison, measured when the index was opened; 1.0 where
    every search compares exactly, None or left out where it is not known.
    """

    ready: bool
    documents: int
    recipe: str | None
    engine: str
    writable: bool = True
    message: str = ""
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What going back to the index before the last rebuild did: which recipe it left and which it has now, how many products that
    were written since were carried over, how many removed, and how many of the carried have pictures to be looked at again."""

    left: str
    recipe: str
    carried: int
    removed: int
    unseen: int


@runtime_checkable
class KeepsPrevious(Protocol):
    """An engine that keeps the index that a rebuild has replaced, for a time: an ability beside `SearchEngine`."""

    def rollback(self) -> RolledBack:
        """Go back to it. What was written since is carried over, as by `rebuild`; a second call goes forward again.

        Raises: IndexProblem where none is kept; IndexNotFound, Unavailable.
        """


class SearchEngine(Protocol):
    """One index. Threads may call it at once; a call that returned is seen by every later one.

    Raises of all methods: IndexProblem and Unavailable.
    """

    strategies: frozenset[str]
    """Which of `query.STRATEGIES` this engine can do; auto always."""

    def prepare(self, recipe: Recipe) -> None:
        """Make the index usable for vectors of `recipe`: created where it is not there. Raises: RecipeMismatch."""

    def put(self, writes: Sequence[Write]) -> list[Written]:
        """Store documents, replacing what has their ids; durable and searchable on return. Results in order.

        A conflict is a result, not an error; the other writes still happen. Of two writes to one id the later wins.
        """

    def remove(self, ids: Sequence[str], if_version: Mapping[str, int] = {}) -> list[bool]:
        """Remove products; True where there was one and it is gone. Durable on return.

        A product that `if_version` names goes only where it is at that version, found out and done in one step: a write that
        comes in between keeps it, and the answer is False.
        """

    def get(self, ids: Sequence[str]) -> list[Document | None]:
        """The documents in order, None for each that is not there. Vectors are within rounding (fp16) of what was put."""

    def digests(self, ids: Sequence[str]) -> dict[str, str]:
        """`Document.digest` of those that are there: cheap, for skipping what is unchanged."""

    def search(self, query: EngineQuery) -> EnginePage:
        """The page that `EngineQuery` describes. Raises: InvalidInput for an unknown sort field (at "sort"), a damaged token
        (at "cursor") or a strategy that this index cannot do (at "strategy"), a vector of another dimension (at "like")."""

    def suggest(self, prefix: str, limit: int) -> list[tuple[str, str, int]]:
        """(text, kind, count) with kind title, brand, category or tag: values with a word that starts with `prefix`, best first."""

    def fields(self) -> list[str]:
        """The canonical fields that some product has, for facets and sorting."""

    def documents(self) -> Iterator[Document]:
        """Every document in the order of ids (by code point), from one moment's state. Raises: IndexDamaged."""

    def rebuild(self, recipe: Recipe) -> AbstractContextManager["SearchEngine"]:
        """A new, empty index of `recipe` to write to. Searches see the old one until the block ends, then only the new one;
        where the block raises, the old one stays.

        Writes to the old one meanwhile are durable and searchable at once, and are in the new one too when it takes over, as the
        last word on their products. Vectors of the old recipe cannot be: a picture keeps what the new index has seen in the same
        bytes, else it is kept unseen, with an empty `digest`.
        """

    def status(self) -> EngineStatus:
        """How it is; never raises for what it can tell."""

    def check(self) -> list[str]:
        """Verify everything that is stored: a sentence for each fault, [] when all is well."""

    def close(self) -> None:
        """Give back files and connections. Calls after it are refused."""


AMENDABLE = frozenset({"price", "currency", "in_stock", "url", "group", "created", "attributes"})
"""The fields of a product in which no word is searched, and of which no picture has anything to say."""


@dataclass(frozen=True, slots=True)
class Amendable:
    """A product as it is, to be amended. `digests`: of the bytes of each picture that was seen, by place.

    `unseen`: why others were not. `kept` is the engine's own.
    """

    product: Product
    version: int
    digest: str
    digests: Mapping[int, str]
    unseen: Mapping[int, str]
    kept: object = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Amendment:
    """`product` and `digest` in place of what `of` has; they differ in `AMENDABLE` fields only."""

    product: Product
    digest: str
    of: Amendable


@runtime_checkable
class AmendsProducts(Protocol):
    """An engine that changes prices and stock without reading or writing what was seen: an ability beside `SearchEngine`."""

    def amendable(self, ids: Sequence[str]) -> list[Amendable | None]:
        """In order; None for one that is not there, or that `get` must read."""

    def amend(self, amendments: Sequence[Amendment]) -> list[Written]:
        """As `put` of the whole documents would at the versions that were read: durable on return, conflicts are results."""


@runtime_checkable
class HashLookup(Protocol):
    """What an engine can do besides: find pictures by their perceptual hash, for when nobody is there to make vectors."""

    def with_hashes(self, hashes: Sequence[str], limit: int) -> list[str]:
        """The ids of products that have a picture with one of these hashes (16 hex digits); of an earlier hash first, then by id."""


@runtime_checkable
class CategoryLookup(Protocol):
    """What an engine can do besides: tell what category is near a vector, without fetching the products."""

    def categories_near(self, vector: Vector, limit: int) -> list[tuple[str | None, float]]:
        """(category, cosine) of the nearest products, nearest first; None for one without a category. As `search` by the picture finds
        them. Raises: InvalidInput, IndexNotFound."""
