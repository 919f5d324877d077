"""Where pictures' bytes come from and lie."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from lookalike.errors import PictureUnavailable


class PictureStore(Protocol):
    """Turns references into bytes, and keeps bytes that have no other home.

    References: `stored:DIGEST` (kept by us), http(s) URLs, `data:` URLs, file paths. What is allowed is the store's to say.
    """

    def fetch(self, reference: str) -> bytes:
        """The bytes, within limits of size and time. Raises: PictureUnavailable, with a reason."""

    def keep(self, content: bytes) -> str:
        """Keep bytes for good; the same bytes are kept once. Returns `stored:DIGEST`."""

    def forget(self, reference: str) -> None:
        """Drop kept bytes; nothing happens where there are none."""


class FetchesMany(Protocol):
    """What a picture store can do besides: fetch side by side."""

    def fetch_all(self, references: Sequence[str]) -> list[bytes | PictureUnavailable]:
        """As `fetch` for each, in order; what cannot be had is a result."""


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """Bytes that are kept: SHA-256 in hex, how many, and for how long they have lain there since they were last put."""

    digest: str
    size: int
    age_seconds: float


class CanBeSwept(Protocol):
    """What a picture store can do besides: show what it keeps, so that what nobody refers to can go."""

    def kept(self) -> Iterator[KeptPicture]:
        """All that is kept, in no order."""

    def forget(self, reference: str) -> None:
        """Drop kept bytes; nothing happens where there are none."""

    def tidy(self, older_than_seconds: float, forgotten: Collection[str]) -> int:
        """Remove what interrupted writers left behind, and what is remembered of `forgotten` digests; how many it was."""
