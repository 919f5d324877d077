"""Removing kept pictures that no product refers to any more."""

from collections.abc import Iterable
from dataclasses import dataclass

from lookalike.domain.document import Document
from lookalike.domain.picture import STORED
from lookalike.ports.pictures import CanBeSwept

GRACE_SECONDS = 86_400.0
"""What is younger stays: it may belong to a product that somebody is about to write."""


@dataclass(frozen=True, slots=True)
class Swept:
    """Pictures that stay, those that are gone (or, in a dry run, would go) with their bytes, and leftovers of interrupted writers."""

    kept: int
    removed: int
    removed_bytes: int
    leftovers: int
    dry_run: bool

    def as_json(self) -> dict[str, object]:
        """For a report."""
        return {
            "kept": self.kept,
            "removed": self.removed,
            "bytes": self.removed_bytes,
            "leftovers": self.leftovers,
            "dry_run": self.dry_run,
        }


def sweep(documents: Iterable[Document], pictures: CanBeSwept, *, grace_seconds: float = GRACE_SECONDS, dry_run: bool = False) -> Swept:
    """Forget the pictures that no document refers to and that nobody put within `grace_seconds`.

    `documents`: of the index, read after the pictures were listed, so what was written meanwhile counts. Putting a picture
    again makes it young: a product that is just being written keeps what it found. Raises: IndexDamaged, and then nothing is removed.
    """
    old: dict[bytes, int] = {}
    stay = 0
    for one in pictures.kept():
        if one.age_seconds > grace_seconds:
            old[bytes.fromhex(one.digest)] = one.size
        else:
            stay += 1
    if old:
        for document in documents:
            for found in _referred(document):
                stay += old.pop(found, None) is not None
    leftovers, gone = 0, [digest.hex() for digest in old]
    if not dry_run:
        young = {one.digest for one in pictures.kept() if one.age_seconds <= grace_seconds} if gone else set()
        gone = [digest for digest in gone if digest not in young]
        for digest in gone:
            pictures.forget(STORED + digest)
        leftovers = pictures.tidy(grace_seconds, gone)
    return Swept(stay, len(gone), sum(old[bytes.fromhex(digest)] for digest in gone), leftovers, dry_run)


def _referred(document: Document) -> set[bytes]:
    """The digests of a product's pictures: those that it names, and those of the web as they were seen."""
    named = {one.removeprefix(STORED) for one in document.product.pictures if one.startswith(STORED)}
    seen = {one.analysis.digest for one in document.seen}
    return {bytes.fromhex(one) for one in named | seen if _is_digest(one)}


def _is_digest(told: str) -> bool:
    return len(told) == 64 and set(told) <= set("0123456789abcdef")
