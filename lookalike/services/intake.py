"""How a change becomes a document: fetch the pictures, pass over what is known, look at the rest, write.

The three steps of a batch are apart, so that `services.index` can run those of several batches at once.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lookalike.domain import deadline
from lookalike.domain.analysis import Analysis, Recipe
from lookalike.domain.document import Document
from lookalike.domain.picture import digest_of
from lookalike.domain.picture_address import is_address
from lookalike.errors import NotFound, PictureUnavailable, PictureUnreadable
from lookalike.ports.engine import Amendable, AmendsProducts, SearchEngine, Write
from lookalike.ports.pictures import PictureStore
from lookalike.ports.vision import Look, PictureAnalyser
from lookalike.services.changes import Change, Foreseen, Outcome
from lookalike.services.figures import IntakeFigures
from lookalike.services.foreseeing import foreseen
from lookalike.services.items import Item, ItemPicture, mark_of

_NO_BYTES = "data:,"
"""What stands in a product for a data: URL that holds no bytes: it need not be kept."""


@dataclass(slots=True)
class Batch:
    """Changes of different products between two steps."""

    items: list[Item]
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

    def by(self, analyser: PictureAnalyser) -> "Intake":
        """The same with another who looks."""
        return Intake(self._engine, analyser, self._pictures, self._recipe, self._figures)

    def read(self, changes: Sequence[Change], known: Document | None = None) -> Batch:
        """Step one: fetch bytes, find what is unchanged. No two changes may be of one product.

        `known` is the product's document where the caller has read it already; then there is one change only.
        """
        items = [Item(change, change.product) for change in changes]
        puts = [item for item in items if item.change.op == "put"]
        digests = {known.id: known.digest} if known else self._engine.digests([item.change.id for item in puts]) if puts else {}
        patches = [item.change.id for item in items if item.change.op == "patch"]
        amendable = {} if known else self._amendable([one.id for one in changes if one.amends])
        documents = {known.id: known} if known else self._documents([one for one in patches if one not in amendable])
        for item in items:
            if item.change.op == "patch":
                self._patch(item, amendable.get(item.change.id) or documents.get(item.change.id))
        looking = [item for item in items if item.outcome is None and item.product is not None and self._fetches(item)]
        addressed = [item.change.id for item in puts if item.product is not None and any(map(is_address, item.product.pictures))]
        documents |= {} if known else self._documents(addressed)
        for item in looking:
            item.old = item.old or documents.get(item.change.id)
            item.resolve()
        with self._figures.timed("fetch"):
            self._fetch(looking)
        for item in looking:
            assert item.product is not None
            item.recognise(self._recipe.id)
            item.mark = mark_of(self._recipe.id, item.product, item.pictures)
            found = digests.get(item.change.id, "")
            if item.change.op == "put" and found.partition("!")[0] == item.mark:
                item.outcome = Outcome(item.change, "unchanged", known, failures=item.failures_before(found))
        open_items = [item for item in looking if item.outcome is None]
        if not known:
            documents |= self._documents(
                [one.change.id for one in open_items if one.change.id in digests and one.change.id not in documents]
            )
        batch = Batch(items)
        for item in open_items:
            if item.old is None and item.change.id in documents:
                item.old = documents[item.change.id]
                item.recognise(self._recipe.id)
            for one in item.pictures:
                if one.wanted and one.digest is not None and one.content is not None:
                    batch.wanted[one.digest] = one.content
        return batch

    def look(self, batch: Batch, *, strict: bool = False) -> Batch:
        """Step two: analyse what is wanted, before the deadline where there is one; keep the bytes that have no other home.

        Raises: Unavailable, StorageFull; with `strict` also the first failure of a picture, and then nothing is kept.
        """
        if batch.wanted:
            results = self._analyser.analyse([Look(content) for content in batch.wanted.values()], deadline.moment())
            batch.seen = dict(zip(batch.wanted, results, strict=True))
            for result in results:
                if isinstance(result, Analysis):
                    self._figures.spent(result.took_ms)
        items = [item for item in batch.items if item.outcome is None]
        pictures = [one for item in items for one in item.pictures]
        for one in pictures:
            one.settle(batch.seen)
        # what a change does not touch may stay as bad as it was
        failed = [one.failure for item in items if item.change.looks for one in item.pictures if one.unseen]
        if strict and failed and failed[0] is not None:
            raise failed[0]
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
        open_items = [item for item in batch.items if item.outcome is None and item.change.op != "delete"]
        writing = [item for item in open_items if item.amendable is None]
        amending = [item for item in open_items if item.amendable is not None]
        documents = [item.document() for item in writing]
        if open_items or removing:
            with self._figures.timed("engine"):
                self._store(writing, documents, removing)
                self._amend(amending)
        outcomes = [item.outcome for item in batch.items if item.outcome is not None]
        self._figures.came(Counter(one.state for one in outcomes))
        return outcomes

    def foresee(self, changes: Sequence[Change]) -> list[Foreseen]:
        """What a put of each product would come to, without looking or writing; a picture may be `LeftAlone`.

        No two changes may be of one product. Whether bytes are a picture at all is only seen by looking.
        """
        return [foreseen(item, self._recipe.id) for item in self.read(changes).items]

    def _store(self, writing: Sequence[Item], documents: Sequence[Document], removing: Sequence[Item]) -> None:
        if documents:
            writes = [Write(one, item.change.if_version) for one, item in zip(documents, writing, strict=True)]
            for item, document, written in zip(writing, documents, self._engine.put(writes), strict=True):
                item.outcome = item.written(document, written)
        if removing:
            for item, removed in zip(removing, self._engine.remove([one.change.id for one in removing]), strict=True):
                item.outcome = Outcome(item.change, "removed" if removed else "unchanged")

    def _documents(self, ids: Sequence[str]) -> dict[str, Document]:
        return {one.id: one for one in self._engine.get(ids) if one is not None} if ids else {}

    def _amendable(self, ids: Sequence[str]) -> dict[str, Amendable]:
        if not ids or not isinstance(self._engine, AmendsProducts):
            return {}
        return {one.product.id: one for one in self._engine.amendable(ids) if one is not None}

    def _amend(self, items: Sequence[Item]) -> None:
        if items and isinstance(self._engine, AmendsProducts):
            for item, written in zip(items, self._engine.amend([one.amendment() for one in items]), strict=True):
                item.outcome = item.written(None, written)

    def _patch(self, item: Item, old: Document | Amendable | None) -> None:
        if old is None:
            error = NotFound("product", item.change.id, "PUT it to create it.")
            item.outcome = Outcome(item.change, "failed", error=error)
            return
        item.patch(old)

    def _fetches(self, item: Item) -> bool:
        """Whether the product's pictures are to be looked into; a patch of anything else keeps what was seen."""
        assert item.product is not None
        if item.change.op == "put" or "pictures" in (item.change.changes or {}):
            return True
        old = item.amendable or item.old
        assert old is not None
        item.keep_seen(old)
        item.mark = mark_of(self._recipe.id, item.product, item.pictures)
        if item.product == old.product:
            item.outcome = Outcome(item.change, "unchanged", item.old, product=item.product)
        return False

    def _fetch(self, items: Sequence[Item]) -> None:
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
                    item.pictures.append(ItemPicture(f"stored:{digest}" if inline else reference, digest, found, keep=keep))
                else:
                    item.pictures.append(ItemPicture(_NO_BYTES if inline else reference, failure=found))
            item.product = replace(item.product, pictures=tuple(one.reference for one in item.pictures))


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
