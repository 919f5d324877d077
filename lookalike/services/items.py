"""Changes on their way through the intake, with what is known of each of their pictures."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lookalike.domain.analysis import Analysis
from lookalike.domain.document import Document, Seen
from lookalike.domain.picture_address import meant
from lookalike.domain.product import Product, patched
from lookalike.domain.reasons import PASSING, REFUSED, PictureReason
from lookalike.errors import PictureUnavailable, PictureUnreadable, VersionConflict
from lookalike.ports.engine import Amendable, Amendment, Written
from lookalike.services.changes import Change, Outcome, PictureFailure

_DEADLY = (
    "Whoever looked at this picture before ended by it, so it is not looked at again. Replace it; or give the workers more memory "
    "or time, and replay the dead letter."
)


@dataclass(slots=True)
class ItemPicture:
    """A picture of an item. `keep`: its bytes have no other home, or one that may go away."""

    reference: str
    digest: str | None = None
    content: bytes | None = None
    analysis: Analysis | None = None
    failure: PictureFailure | None = None
    keep: bool = False

    @property
    def mark(self) -> str:
        """What of it the digest of its document is made of."""
        if self.digest is not None:
            return f"{self.reference} {self.digest}"
        return f"{self.reference} !{self.failure.reason if self.failure else ''}"

    @property
    def unseen(self) -> bool:
        """Whether it could not be read, now or when it was looked at last."""
        return self.failure is not None and self.analysis is None

    @property
    def wanted(self) -> bool:
        """Whether it has to be looked at."""
        return self.digest is not None and self.content is not None and self.analysis is None and self.failure is None

    def settle(self, seen: Mapping[str, Analysis | PictureUnreadable]) -> None:
        """Take what came of looking at it, where it was looked at."""
        if self.digest is None or not self.wanted:
            return
        result = seen[self.digest]
        if isinstance(result, PictureUnreadable):
            self.failure = result
        else:
            self.analysis = result


@dataclass(slots=True)
class Item:
    """A change on its way. `pictures`: one entry each of the product's: its reference, its bytes' digest, what is known of it."""

    change: Change
    product: Product | None = None
    old: Document | None = None
    amendable: Amendable | None = None
    """Stands in place of `old` where the change needs no more of the product."""
    pictures: list[ItemPicture] = field(default_factory=list)
    mark: str = ""
    outcome: Outcome | None = None

    def resolve(self) -> None:
        """Addresses that we handed out mean the pictures that the product has: so what a GET told can be put again."""
        if self.product is not None and self.old is not None:
            own = self.old.product.pictures
            self.product = replace(self.product, pictures=tuple(meant(one, self.change.id, own) for one in self.product.pictures))

    def recognise(self, recipe_id: str) -> None:
        """Give pictures that were seen before what was seen in them; those that killed who looked fail as they did, and kill nobody.

        Only a patch that names its pictures, as a replay of dead letters does, asks for another look at those.
        """
        if self.old is None:
            return
        deadly = set() if self.change.op == "patch" else {one.digest for one in _failed(self.old.digest).values()} - {None}
        seen = [one for one in self.old.seen if one.analysis.recipe_id == recipe_id]
        by_digest = {one.analysis.digest: one.analysis for one in seen}
        by_reference = {
            self.old.product.pictures[one.picture]: one.analysis for one in seen if one.picture < len(self.old.product.pictures)
        }
        for one in self.pictures:
            if one.digest is not None:
                one.analysis = by_digest.get(one.digest)
                if one.digest in deadly and one.analysis is None:
                    one.failure = PictureUnreadable(PictureReason.KILLS_WORKER, _DEADLY)
            elif isinstance(one.failure, PictureUnavailable) and one.failure.reason in PASSING and one.reference in by_reference:
                one.analysis = by_reference[one.reference]
                one.digest = one.analysis.digest
                if one.failure.reason in REFUSED:  # it came from the command line, and stays
                    one.failure = None

    def failures_before(self, digest: str) -> dict[int, PictureFailure]:
        """The failures that an unchanged product had when it was written: they are still there, and still to be told."""
        failures: dict[int, PictureFailure] = {}
        for place, failed in _failed(digest).items():
            one = self.pictures[place] if place < len(self.pictures) else None
            before = _DEADLY if failed.digest else "The picture is as it was when it could not be read."
            failures[place] = one.failure if one and one.failure else PictureUnreadable(failed.reason, before)
        return failures

    def patch(self, old: Document | Amendable) -> None:
        """Take `old` for what is to be patched."""
        if isinstance(old, Amendable):
            self.amendable = old
        else:
            self.old = old
        self.product = patched(old.product, self.change.changes or {})
        if self.change.if_version is None:  # what was read is what is changed
            self.change = replace(self.change, if_version=old.version)

    def keep_seen(self, old: Document | Amendable) -> None:
        """Take pictures as they were seen or could not be, without their bytes."""
        assert self.product is not None
        analyses = {} if isinstance(old, Amendable) else {one.picture: one.analysis for one in old.seen}
        digests = old.digests if isinstance(old, Amendable) else {place: one.digest for place, one in analyses.items()}
        failed = _failed(old.digest)
        for place, reference in enumerate(self.product.pictures):
            analysis = analyses.get(place)
            digest = digests[place] if place in digests else failed[place].digest if place in failed else None
            failure: PictureFailure | None = None
            if place not in digests:
                failure = PictureUnavailable(old.unseen.get(place, "not_found"), "The picture could not be read before.")
            self.pictures.append(ItemPicture(reference, digest, analysis=analysis, failure=failure))

    def document(self) -> Document:
        """What is to be written."""
        assert self.product is not None
        seen = tuple(Seen(place, one.analysis) for place, one in enumerate(self.pictures) if one.analysis is not None)
        unseen = {place: one.failure.reason for place, one in enumerate(self.pictures) if one.failure is not None and one.unseen}
        return Document(self.product, seen, self._digest(), unseen=unseen)

    def amendment(self) -> Amendment:
        """What is to be written in place of `amendable`."""
        assert self.product is not None
        assert self.amendable is not None
        return Amendment(self.product, self._digest(), self.amendable)

    def _digest(self) -> str:
        failed = ",".join(f"{place}={_told(one)}" for place, one in enumerate(self.pictures) if one.failure is not None)
        return f"{self.mark}!{failed}" if failed else self.mark

    def written(self, document: Document | None, written: Written) -> Outcome:
        """What became of it, by what the engine says of its document."""
        if written.conflict:
            expected = self.change.if_version or 0
            error = VersionConflict(self.change.id, expected, written.version or None)
            return Outcome(self.change, "failed", error=error)
        failures = {place: one.failure for place, one in enumerate(self.pictures) if one.failure is not None}
        stored = None if document is None else replace(document, version=written.version)
        return Outcome(self.change, "indexed", stored, written.created, failures, product=self.product)


@dataclass(frozen=True, slots=True)
class _Failed:
    """A picture that failed when its document was written. `digest`: of the bytes that kill who looks at them, else None."""

    reason: str
    digest: str | None


def _failed(digest: str) -> dict[int, _Failed]:
    """What a document's digest tells after "!", by place."""
    entries = (entry.partition("=") for entry in digest.partition("!")[2].split(",") if entry)
    parts = ((place, told.partition(":")) for place, _, told in entries)
    return {int(place): _Failed(reason, bytes_digest or None) for place, (reason, _, bytes_digest) in parts}


def _told(one: ItemPicture) -> str:
    """The same of one picture. Others may be readable with another limit or a newer decoder: they are looked at again with
    each change of their product."""
    assert one.failure is not None
    deadly = one.failure.reason == PictureReason.KILLS_WORKER and one.digest is not None
    return f"{one.failure.reason}:{one.digest}" if deadly else one.failure.reason


def mark_of(recipe_id: str, product: Product, pictures: Sequence[ItemPicture]) -> str:
    """What `Document.digest` starts with: content, pictures and recipe. After "!" it goes on with the pictures that failed."""
    told = f"{recipe_id}\n{product.content_digest(tuple(one.mark for one in pictures))}"
    return hashlib.sha256(told.encode()).hexdigest()[:40]
