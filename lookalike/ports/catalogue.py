"""Sources of products."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from lookalike.domain.commands import RowFailure
from lookalike.domain.product import Product


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A product with its row number from 1.

    `lost` tells what of the row could not be read and was left out: the product is there, the row is reported all the same.
    `notes` are short codes of what was odd but cost nothing: "no_title", "html", "price_range". They are counted.
    """

    row: int
    product: Product
    lost: tuple[RowFailure, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CatalogueOptions:
    """How to read a source. `mapping` renames: field of ours → column of theirs. `pictures`: a folder or URL prefix."""

    mapping: dict[str, str] = field(default_factory=dict)
    pictures: str | None = None
    limit: int | None = None


class CatalogueSource(Protocol):
    """A stream of products; a bad row is a RowFailure in the stream, never an exception."""

    def rows(self) -> Iterator[SourceRow | RowFailure]:
        """Every row, in the order of the source, in constant memory. Raises: InvalidInput where there is no source at all."""

    def size(self) -> int | None:
        """How many rows there are, where that can be told cheaply; for progress."""
