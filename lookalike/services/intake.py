"""How a change becomes a document: fetch the pictures, pass over what is known, look at the rest, write.

The three steps of a batch are apart, so that `services.index` can run those of several batches at once.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lookalike.domain.analysis import Analysis, Recipe
from lookalike.domain.document import Document, Seen
from lookalike.domain.picture import digest_of
from lookalike.domain.picture_address import is_address, meant
from lookalike.domain.product import PRODUCT_FIELDS, Product, patched
from lookalike.domain.reasons import PASSING, REFUSED
from lookalike.errors import LookalikeError, NotFound, PictureUnavailable, PictureUnreadable, VersionConflict
from lookalike.ports.engine import SearchEngine, Write, Written
from lookalike.ports.pictures import PictureStore
from lookalike.ports.vision import Look, PictureAnalyser
from lookalike.services.figures import IntakeFigures

PictureFailure = PictureUnreadable | PictureUnavailable
_NO_BYTES = "data:,"
"""What stands in a product for a data: URL that holds no bytes: it need not be kept."""


@dataclass(frozen=True, slots=True)
class Change:
    """A checked change of one product: put `product`, patch by `changes` (of `parse_patch`), or delete."""

    row: int
    op: str
    id: str
    product: Product | None = None
    changes: Mapping[str, Any] | None = None
    if_version: int | None = None

    @property
    def looks(self) -> bool:
        """Whether pictures may have to be looked at for it."""
        return self.op == "put" or (self.op == "patch" and "pictures" in (self.changes or {}))


@dataclass(slots=True)
class Outcome:
    """What became of a change: indexed, unchanged, removed or failed (with `error`, and nothing was written).

    `failures`: the pictures that could not be read, by place; the product is indexed all the same.
    """

    change: Change
    state: str
    document: Document | None = None
    created: bool = False
    failures: dict[int, PictureFailure] = field(default_factory=dict)
    error: LookalikeError | None = None


class LeftAlone(PictureUnavailable):
    """Raised by the store that `foresee` may be given: nobody tried to fetch this picture, so it is taken for what it was."""

    def __init__(self) -> None:
        super().__init__("not_allowed", "It was not fetched.")


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would become of a put: add, change (`reason` says of what) or unchanged; `failures` as of an `Outcome`."""

    change: Change
    what: str
    reason: str = ""
    failures: dict[int, PictureFailure] = field(default_factory=dict)


@dataclass(slots=True)
class _Item:
    """A change on its way. `pictures`: one entry each of the product's: its reference, its bytes' digest, what is known of it."""

    change: Change
    product: Product | None = None
    old: Document | None = None
    pictures: list["_Picture"] = field(default_factory=list)
    mark: str = ""
    outcome: Outcome | None = None


@dataclass(slots=True)
class _Picture:
    reference: str
    digest: str | None = None
    content: bytes | None = None
    analysis: Analysis | None = None
    failure: PictureFailure | None = None
    keep: bool = False


@dataclass(slots=True)
class Batch:
    """Changes of different products between two steps."""

    items: list[_Item]
    wanted: dict[str, bytes] = field(default_factory=dict)
    """Bytes to be looked at, by digest."""
    seen: dict[str, Analysis | PictureUnreadable] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        """The products that it changes."""
        return [item.change.id for item in self.items]


class Intake:
    """Makes documents of changes. Threads may work on different batches at once.

    `pictures` decides which references are taken; where it has `fetch_all` (see `lookalike.ports.pictures.FetchesMany`) a
    batch's pictures are fetched side by side.
    """

    def __init__(
        self,
        engine: SearchEngine,
        analyser: PictureAnalyser,
        pictures: PictureStore,
        recipe: Recipe,
        figures: IntakeFigures | None = None,
    ) -> None:
        self._engine, self._analyser, self._pictures, self._recipe = engine, analyser, pictures, recipe
        self._figures = figures or IntakeFigures()

    def read(self, changes: Sequence[Change], known: Document | None = None) -> Batch:
        """Step one: fetch bytes, find what is unchanged. No two changes may be of one product.

        `known` is the product's document where the caller has read it already; then there is one change only.
        """
        items = [_Item(change, change.product) for change in changes]
        puts = [item for item in items if item.change.op == "put"]
        digests = {known.id: known.digest} if known else self._engine.digests([item.change.id for item in puts]) if puts else {}
        patches = [item.change.id for item in items if item.change.op == "patch"]
        documents = {known.id: known} if known else self._documents(patches)
        for item in items:
            if item.change.op == "patch":
                self._patch(item, documents.get(item.change.id))
        looking = [item for item in items if item.outcome is None and item.product is not None and self._fetches(item)]
        addressed = [item.change.id for item in puts if item.product is not None and any(map(is_address, item.product.pictures))]
        documents |= {} if known else self._documents(addressed)
        for item in looking:
            item.old = item.old or documents.get(item.change.id)
            _resolve(item)
        with self._figures.timed("fetch"):
            self._fetch(looking)
        for item in looking:
            assert item.product is not None
            self._recognise(item)
            item.mark = self._mark(item.product, [_mark_of(one) for one in item.pictures])
            found = digests.get(item.change.id, "")
            if item.change.op == "put" and found.partition("!")[0] == item.mark:
                item.outcome = Outcome(item.change, "unchanged", known, failures=_failures_of(found, item))
        open_items = [item for item in looking if item.outcome is None]
        if not known:
            documents |= self._documents(
                [one.change.id for one in open_items if one.change.id in digests and one.change.id not in documents]
            )
        batch = Batch(items)
        for item in open_items:
            if item.old is None and item.change.id in documents:
                item.old = documents[item.change.id]
                self._recognise(item)
            batch.wanted |= {
                one.digest: one.content
                for one in item.pictures
                if one.digest is not None and one.content is not None and one.analysis is None
            }
        return batch

    def look(self, batch: Batch, *, strict: bool = False) -> Batch:
        """Step two: analyse what is wanted, keep the bytes that have no other home.

        Raises: Unavailable, StorageFull; with `strict` also the first failure of a picture, and then nothing is kept.
        """
        if batch.wanted:
            results = self._analyser.analyse([Look(content) for content in batch.wanted.values()])
            batch.seen = dict(zip(batch.wanted, results, strict=True))
            for result in results:
                if isinstance(result, Analysis):
                    self._figures.spent(result.took_ms)
        pictures = [one for item in batch.items if item.outcome is None for one in item.pictures]
        for one in pictures:
            self._settle(one, batch.seen)
        failed = next((one.failure for one in pictures if one.failure is not None and one.analysis is None), None)
        if strict and failed is not None:
            raise failed
        for one in pictures:
            if one.keep and one.content is not None:
                self._pictures.keep(one.content)
            one.content = None  # a batch that waits to be written needs no bytes
        batch.wanted = {}
        return batch

    def write(self, batch: Batch) -> list[Outcome]:
        """Step three: what is not unchanged goes into the engine; durable on return. Outcomes in the order of the changes.

        Raises: IndexProblem, Unavailable.
        """
        removing = [item for item in batch.items if item.change.op == "delete"]
        writing = [item for item in batch.items if item.outcome is None and item.change.op != "delete"]
        documents = [self._document(item) for item in writing]
        if documents or removing:
            with self._figures.timed("engine"):
                self._store(writing, documents, removing)
        outcomes = [item.outcome for item in batch.items if item.outcome is not None]
        self._figures.came(Counter(one.state for one in outcomes))
        return outcomes

    def foresee(self, changes: Sequence[Change]) -> list[Foreseen]:
        """What a put of each product would come to, without looking or writing; a picture may be `LeftAlone`.

        No two changes may be of one product. Whether bytes are a picture at all is only seen by looking.
        """
        return [_foreseen(item, self._mark) for item in self.read(changes).items]

    def _store(self, writing: Sequence[_Item], documents: Sequence[Document], removing: Sequence[_Item]) -> None:
        if documents:
            writes = [Write(one, item.change.if_version) for one, item in zip(documents, writing, strict=True)]
            for item, document, written in zip(writing, documents, self._engine.put(writes), strict=True):
                item.outcome = _written(item, document, written)
        if removing:
            for item, removed in zip(removing, self._engine.remove([one.change.id for one in removing]), strict=True):
                item.outcome = Outcome(item.change, "removed" if removed else "unchanged")

    def _documents(self, ids: Sequence[str]) -> dict[str, Document]:
        return {one.id: one for one in self._engine.get(ids) if one is not None} if ids else {}

    def _patch(self, item: _Item, old: Document | None) -> None:
        if old is None:
            error = NotFound("product", item.change.id, "PUT it to create it.")
            item.outcome = Outcome(item.change, "failed", error=error)
            return
        item.old = old
        item.product = patched(old.product, item.change.changes or {})
        if item.change.if_version is None:  # what was read is what is changed
            item.change = replace(item.change, if_version=old.version)

    def _fetches(self, item: _Item) -> bool:
        """Whether the product's pictures are to be looked into; a patch of anything else keeps what was seen."""
        assert item.product is not None
        if item.change.op == "put" or "pictures" in (item.change.changes or {}):
            return True
        assert item.old is not None
        old, seen = item.old, {one.picture: one.analysis for one in item.old.seen}
        for place, reference in enumerate(item.product.pictures):
            analysis = seen.get(place)
            failure = None if analysis else PictureUnavailable(old.unseen.get(place, "not_found"), "The picture could not be read before.")
            item.pictures.append(_Picture(reference, analysis.digest if analysis else None, analysis=analysis, failure=failure))
        item.mark = self._mark(item.product, [_mark_of(one) for one in item.pictures])
        if item.product == old.product:
            item.outcome = Outcome(item.change, "unchanged", old)
        return False

    def _fetch(self, items: Sequence[_Item]) -> None:
        references = list(dict.fromkeys(one for item in items if item.product for one in item.product.pictures))
        fetched = dict(zip(references, fetch_all(self._pictures, references), strict=True))
        digests = {reference: digest_of(found) for reference, found in fetched.items() if isinstance(found, bytes)}
        for item in items:
            assert item.product is not None
            for reference in item.product.pictures:
                found, inline = fetched[reference], reference[:5].lower() == "data:"
                if isinstance(found, bytes):
                    digest = digests[reference]
                    keep = inline or reference[:4].lower() == "http"
                    item.pictures.append(_Picture(f"stored:{digest}" if inline else reference, digest, found, keep=keep))
                else:
                    item.pictures.append(_Picture(_NO_BYTES if inline else reference, failure=found))
            item.product = replace(item.product, pictures=tuple(one.reference for one in item.pictures))

    def _recognise(self, item: _Item) -> None:
        """Give pictures that were seen before what was seen in them."""
        if item.old is None:
            return
        seen = [one for one in item.old.seen if one.analysis.recipe_id == self._recipe.id]
        by_digest = {one.analysis.digest: one.analysis for one in seen}
        by_reference = {
            item.old.product.pictures[one.picture]: one.analysis for one in seen if one.picture < len(item.old.product.pictures)
        }
        for one in item.pictures:
            if one.digest is not None:
                one.analysis = by_digest.get(one.digest)
            elif isinstance(one.failure, PictureUnavailable) and one.failure.reason in PASSING and one.reference in by_reference:
                one.analysis = by_reference[one.reference]
                one.digest = one.analysis.digest
                if one.failure.reason in REFUSED:  # it came from the command line, and stays
                    one.failure = None

    @staticmethod
    def _settle(one: _Picture, seen: Mapping[str, Analysis | PictureUnreadable]) -> None:
        if one.digest is None or one.content is None or one.analysis is not None:
            return
        result = seen[one.digest]
        if isinstance(result, PictureUnreadable):
            one.failure = result
        else:
            one.analysis = result

    def _document(self, item: _Item) -> Document:
        assert item.product is not None
        seen = tuple(Seen(place, one.analysis) for place, one in enumerate(item.pictures) if one.analysis is not None)
        unseen = {place: one.failure.reason for place, one in enumerate(item.pictures) if one.failure is not None and one.analysis is None}
        failed = ",".join(f"{place}={one.failure.reason}" for place, one in enumerate(item.pictures) if one.failure is not None)
        return Document(item.product, seen, f"{item.mark}!{failed}" if failed else item.mark, unseen=unseen)

    def _mark(self, product: Product, marks: Sequence[str]) -> str:
        """What `Document.digest` starts with: content, pictures and recipe. After "!" it goes on with the pictures that failed."""
        told = f"{self._recipe.id}\n{product.content_digest(tuple(marks))}"
        return hashlib.sha256(told.encode()).hexdigest()[:40]


def fetch_all(pictures: PictureStore, references: Sequence[str]) -> list[bytes | PictureUnavailable]:
    """The bytes of each reference, side by side where the store can do that; what cannot be had is a result."""
    together = getattr(pictures, "fetch_all", None)
    if together is not None:
        return list(together(references))
    found: list[bytes | PictureUnavailable] = []
    for reference in references:
        try:
            found.append(pictures.fetch(reference))
        except PictureUnavailable as error:
            found.append(error)
    return found


def _resolve(item: _Item) -> None:
    """Addresses that we handed out mean the pictures that the product has: so what a GET told can be put again."""
    if item.product is not None and item.old is not None:
        own = item.old.product.pictures
        item.product = replace(item.product, pictures=tuple(meant(one, item.change.id, own) for one in item.product.pictures))


def _mark_of(one: _Picture) -> str:
    if one.digest is not None:
        return f"{one.reference} {one.digest}"
    return f"{one.reference} !{one.failure.reason if one.failure else ''}"


def _failures_of(digest: str, item: _Item) -> dict[int, PictureFailure]:
    """The failures that an unchanged product had when it was written: they are still there, and still to be told."""
    failures: dict[int, PictureFailure] = {}
    for entry in filter(None, digest.partition("!")[2].split(",")):
        place, _, reason = entry.partition("=")
        one = item.pictures[int(place)] if int(place) < len(item.pictures) else None
        before = "The picture is as it was when it could not be read."
        failures[int(place)] = one.failure if one and one.failure else PictureUnreadable(reason, before)
    return failures


def _written(item: _Item, document: Document, written: Written) -> Outcome:
    if written.conflict:
        expected = item.change.if_version or 0
        error = VersionConflict(item.change.id, expected, written.version or None)
        return Outcome(item.change, "failed", error=error)
    failures = {place: one.failure for place, one in enumerate(item.pictures) if one.failure is not None}
    return Outcome(item.change, "indexed", replace(document, version=written.version), written.created, failures)


def _foreseen(item: _Item, mark: Callable[[Product, Sequence[str]], str]) -> Foreseen:
    assert item.product is not None
    old = item.old
    for place, one in enumerate(item.pictures):
        before = None if old is None or one.reference not in old.product.pictures[place : place + 1] else old.unseen.get(place)
        if isinstance(one.failure, LeftAlone) and before is not None:
            one.failure = PictureUnavailable(before, "It could not be had when it was fetched last.")
    failures = {
        place: one.failure for place, one in enumerate(item.pictures) if one.failure is not None and not isinstance(one.failure, LeftAlone)
    }
    if item.outcome is not None:
        return Foreseen(item.change, item.outcome.state, failures=item.outcome.failures)
    if old is None:
        return Foreseen(item.change, "add", "new", failures)
    if old.digest.partition("!")[0] == mark(item.product, [_mark_of(one) for one in item.pictures]):
        return Foreseen(item.change, "unchanged", failures=failures)
    return Foreseen(item.change, "change", _differences(item, old), failures)


def _differences(item: _Item, old: Document) -> str:
    """The fields, and the pictures, in which a product differs from what the index has."""
    assert item.product is not None
    now, then = item.product.as_json(), old.product.as_json()
    told = [name for name in PRODUCT_FIELDS if name != "attributes" and now.get(name) != then.get(name)]
    mine, theirs = now.get("attributes", {}), then.get("attributes", {})
    told += [f"attributes.{name}" for name in sorted({*mine, *theirs}) if mine.get(name) != theirs.get(name)]
    if "pictures" not in told:
        told += [f"the bytes of pictures[{place}]" for place, one in enumerate(item.pictures) if one.analysis is None and one.digest]
    return ", ".join(told) or "the pictures that can be read"
