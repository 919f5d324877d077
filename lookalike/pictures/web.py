"""What a picture store asks of the web: bytes, or the word that those it has are still the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lookalike.errors import PictureUnavailable


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server said to recognise the bytes by (RFC 9110, 8.8). `url` is where they lay, after redirects."""

    url: str
    etag: str | None = None
    modified: str | None = None

    def headers(self) -> dict[str, str]:
        """The request "only if it changed"."""
        told = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Fetched:
    """`content` None: the server says that the bytes are those that the caller has."""

    content: bytes | None
    validators: Validators | None = None


class Web(Protocol):
    """Fetches http and https URLs past the address guard. Threads may call it at once."""

    def fetch(self, address: str, known: Validators | None = None) -> Fetched:
        """The bytes at a URL, for somebody who waits. `known`: of bytes that the caller has. Raises: PictureUnavailable."""

    def fetch_all(self, wanted: Sequence[tuple[str, Validators | None]]) -> list[Fetched | PictureUnavailable]:
        """As `fetch` for each, side by side and without haste; what cannot be had is a result."""

    def close(self) -> None:
        """Give back connections."""
