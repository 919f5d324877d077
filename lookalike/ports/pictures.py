"""Where pictures' bytes come from and lie."""

from collections.abc import Iterator, Sequence
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
    """Bytes that are kept: SHA-256 in hex, how many, and the seconds since they were last put or fetched, to the hour."""

    digest: str
    size: int
    age_seconds: float


class CanBeSwept(Protocol):
    """Where kept bytes lie: it shows what is there, so that what nobody refers to can go. Others may put pictures meanwhile."""

    def each(self) -> Iterator[KeptPicture]:
        """All that is kept, in no order."""

    def drop_older(self, digest: str, seconds: float) -> bool:
        """Forget bytes, unless somebody put or fetched them within so many seconds; whether they are gone."""

    def tidy(self, older_than_seconds: float) -> int:
        """Remove what interrupted writers left behind; how many it was."""
