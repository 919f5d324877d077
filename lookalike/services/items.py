"""Changes on their way through the intake, with what is known of each of their pictures."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lookalike.domain.analysis import Analysis
from lookalike.domain.document import Document, Seen
from lookalike.domain.picture_address import meant
from lookalike.domain.product import Product
from lookalike.domain.reasons import PASSING, REFUSED
from lookalike.errors import PictureUnavailable, PictureUnreadable, VersionConflict
from lookalike.ports.engine import Written
from lookalike.services.changes import Change, Outcome, PictureFailure


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

    def settle(self, seen: Mapping[str, Analysis | PictureUnreadable]) -> None:
        """Take what came of looking at it, where it was looked at."""
        if self.digest is None or self.content is None or self.analysis is not None:
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
    pictures: list[ItemPicture] = field(default_factory=list)
    mark: str = ""
    outcome: Outcome | None = None

    def resolve(self) -> None:
        """Addresses that we handed out mean the pictures that the product has: so what a GET told can be put again."""
        if self.product is not None and self.old is not None:
            own = self.old.product.pictures
            self.product = replace(self.product, pictures=tuple(meant(one, self.change.id, own) for one in self.product.pictures))

    def recognise(self, recipe_id: str) -> None:
        """Give pictures that were seen before what was seen in them."""
        if self.old is None:
            return
        seen = [one for one in self.old.seen if one.analysis.recipe_id == recipe_id]
        by_digest = {one.analysis.digest: one.analysis for one in seen}
        by_reference = {
            self.old.product.pictures[one.picture]: one.analysis for one in seen if one.picture < len(self.old.product.pictures)
        }
        for one in self.pictures:
            if one.digest is not None:
                one.analysis = by_digest.get(one.digest)
            elif isinstance(one.failure, PictureUnavailable) and one.failure.reason in PASSING and one.reference in by_reference:
                one.analysis = by_reference[one.reference]
                one.digest = one.analysis.digest
                if one.failure.reason in REFUSED:  # it came from the command line, and stays
                    one.failure = None

    def failures_before(self, digest: str) -> dict[int, PictureFailure]:
        """The failures that an unchanged product had when it was written: they are still there, and still to be told."""
        failures: dict[int, PictureFailure] = {}
        for entry in filter(None, digest.partition("!")[2].split(",")):
            place, _, reason = entry.partition("=")
            one = self.pictures[int(place)] if int(place) < len(self.pictures) else None
            before = "The picture is as it was when it could not be read."
            failures[int(place)] = one.failure if one and one.failure else PictureUnreadable(reason, before)
        return failures

    def document(self) -> Document:
        """What is to be written."""
        assert self.product is not None
        seen = tuple(Seen(place, one.analysis) for place, one in enumerate(self.pictures) if one.analysis is not None)
        unseen = {place: one.failure.reason for place, one in enumerate(self.pictures) if one.failure is not None and one.unseen}
        failed = ",".join(f"{place}={one.failure.reason}" for place, one in enumerate(self.pictures) if one.failure is not None)
        return Document(self.product, seen, f"{self.mark}!{failed}" if failed else self.mark, unseen=unseen)

    def written(self, document: Document, written: Written) -> Outcome:
        """What became of it, by what the engine says of its document."""
        if written.conflict:
            expected = self.change.if_version or 0
            error = VersionConflict(self.change.id, expected, written.version or None)
            return Outcome(self.change, "failed", error=error)
        failures = {place: one.failure for place, one in enumerate(self.pictures) if one.failure is not None}
        return Outcome(self.change, "indexed", replace(document, version=written.version), written.created, failures)


def mark_of(recipe_id: str, product: Product, pictures: Sequence[ItemPicture]) -> str:
    """What `Document.digest` starts with: content, pictures and recipe. After "!" it goes on with the pictures that failed."""
    told = f"{recipe_id}\n{product.content_digest(tuple(one.mark for one in pictures))}"
    return hashlib.sha256(told.encode()).hexdigest()[:40]
