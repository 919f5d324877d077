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
    """How many pictures stay; the digests of those that are gone (or, in a dry run, would go) and their bytes; leftovers of
    interrupted writers that are gone."""

    kept: int
    removed: tuple[str, ...]
    removed_bytes: int
    leftovers: int
    dry_run: bool

    def as_json(self) -> dict[str, object]:
        """For a report."""
        return {
            "kept": self.kept,
            "removed": len(self.removed),
            "bytes": self.removed_bytes,
            "leftovers": self.leftovers,
            "dry_run": self.dry_run,
        }


def sweep(documents: Iterable[Document], pictures: CanBeSwept, *, grace_seconds: float = GRACE_SECONDS, dry_run: bool = False) -> Swept:
    """Forget the pictures that no document refers to and that nobody put or fetched within `grace_seconds`.

    It may run while others write: the pictures are listed before `documents` is read, so what was written meanwhile counts,
    and a picture of a product that is just being written is young. Raises: IndexDamaged, and then nothing is removed.
    """
    stay, old = 0, dict[bytes, int]()
    for one in pictures.each():
        if one.age_seconds > grace_seconds:
            old[bytes.fromhex(one.digest)] = one.size
        else:
            stay += 1
    for document in documents if old else ():
        for found in _referred(document):
            stay += old.pop(found, None) is not None
    gone = {digest.hex(): size for digest, size in old.items()}
    if dry_run:
        return Swept(stay, tuple(gone), sum(gone.values()), 0, dry_run)
    removed = {digest: size for digest, size in gone.items() if pictures.drop_older(digest, grace_seconds)}
    return Swept(stay + len(gone) - len(removed), tuple(removed), sum(removed.values()), pictures.tidy(grace_seconds), dry_run)


def _referred(document: Document) -> set[bytes]:
    """The digests of a product's pictures: those that it names, and those of the web as they were seen."""
    named = {one.removeprefix(STORED) for one in document.product.pictures if one.startswith(STORED)}
    seen = {one.analysis.digest for one in document.seen}
    return {bytes.fromhex(one) for one in named | seen if _is_digest(one)}


def _is_digest(told: str) -> bool:
    return len(told) == 64 and set(told) <= set("0123456789abcdef")
