"""A change of the catalogue, what became of it, and what would."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lookalike.domain.document import Document
from lookalike.domain.product import Product
from lookalike.errors import LookalikeError, PictureUnavailable, PictureUnreadable
from lookalike.ports.engine import AMENDABLE

PictureFailure = PictureUnreadable | PictureUnavailable


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
    def amends(self) -> bool:
        """Whether it is a patch of fields alone in which no word is searched, of whatever version there is."""
        return self.op == "patch" and self.if_version is None and AMENDABLE.issuperset(self.changes or {})

    @property
    def looks(self) -> bool:
        """Whether pictures may have to be looked at for it."""
        return self.op == "put" or (self.op == "patch" and "pictures" in (self.changes or {}))


@dataclass(slots=True)
class Outcome:
    """What became of a change: indexed, unchanged, removed or failed (with `error`, and nothing was written).

    `failures`: the pictures that could not be read, by place; the product is indexed all the same. `document` is None too where
    the product was amended, and nobody read the whole of it: then there is only `product`.
    """

    change: Change
    state: str
    document: Document | None = None
    created: bool = False
    failures: dict[int, PictureFailure] = field(default_factory=dict)
    error: LookalikeError | None = None
    product: Product | None = None


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
