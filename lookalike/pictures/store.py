"""The picture store: every kind of reference to bytes, and a shelf for bytes that have no other home."""

import base64
import binascii
import errno
import os
import re
import secrets
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote_to_bytes

from lookalike.domain.picture import digest_of
from lookalike.domain.picture_address import is_address
from lookalike.errors import PictureUnavailable, StorageFull

STORED = "stored:"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Shelf(Protocol):
    """Where bytes lie by their digest."""

    def read(self, digest: str) -> bytes | None:
        """The bytes, None where there are none."""

    def write(self, digest: str, content: bytes) -> None:
        """Keep bytes. Raises: StorageFull."""

    def drop(self, digest: str) -> None:
        """Forget bytes."""


class FolderShelf:
    """Bytes as files `ab/abcdef…` below a folder; a file is there whole or not at all, whatever happens to the machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, digest: str) -> bytes | None:
        """The bytes, None where there are none or a disk has spoiled them."""
        try:
            content = self._place(digest).read_bytes()
        except FileNotFoundError:
            return None
        return content if digest_of(content) == digest else None

    def write(self, digest: str, content: bytes) -> None:
        """Keep bytes, durably. Raises: StorageFull."""
        place = self._place(digest)
        if self.read(digest) is not None:
            return
        passing = place.with_name(f".{secrets.token_hex(8)}")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with passing.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            passing.replace(place)
        except OSError as error:
            passing.unlink(missing_ok=True)
            if error.errno in _FULL:
                raise StorageFull(f"The disk has no room for a picture of {len(content):,} bytes; free some, then repeat.") from error
            raise

    def drop(self, digest: str) -> None:
        """Forget bytes."""
        self._place(digest).unlink(missing_ok=True)

    def _place(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest


class MemoryShelf:
    """Bytes in memory, for an index that lives there too."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def read(self, digest: str) -> bytes | None:
        """The bytes, None where there are none."""
        with self._lock:
            return self._kept.get(digest)

    def write(self, digest: str, content: bytes) -> None:
        """Keep bytes."""
        with self._lock:
            self._kept[digest] = content

    def drop(self, digest: str) -> None:
        """Forget bytes."""
        with self._lock:
            self._kept.pop(digest, None)


class FileReader(Protocol):
    """Reads picture files, as far as it may."""

    def fetch(self, path: str) -> bytes:
        """The bytes of a file. Raises: PictureUnavailable."""


class Web(Protocol):
    """Fetches http and https URLs past the address guard."""

    def fetch(self, address: str) -> bytes:
        """The bytes at a URL. Raises: PictureUnavailable."""

    def fetch_all(self, wanted: Sequence[str]) -> list[bytes | PictureUnavailable]:
        """The bytes at each URL, fetched side by side."""

    def close(self) -> None:
        """Give back connections."""


class Pictures:
    """PictureStore over a shelf, the web and files. Whose word is taken for a path is `files`' to say. Thread-safe."""

    def __init__(self, shelf: Shelf, web: Web, files: FileReader, most_bytes: int) -> None:
        self._shelf, self._web, self._files, self._most_bytes = shelf, web, files, most_bytes

    def fetch(self, reference: str) -> bytes:
        """The bytes that a reference means, within limits of size and time. Raises: PictureUnavailable, with a reason."""
        if reference.startswith(STORED):
            digest = reference.removeprefix(STORED)
            content = self._shelf.read(digest) if _DIGEST.fullmatch(digest) else None
            if content is None:
                raise PictureUnavailable("not_found", f"No picture is kept under {reference[:80]!r}; send it again.")
            return content
        if reference[:5].lower() == "data:":
            return from_data_url(reference, self._most_bytes)
        if re.match(r"https?:", reference, re.IGNORECASE):
            return self._web.fetch(reference)
        if is_address(reference):
            state = f"{reference[:80]!r} is an address of this server, but of none of the product's pictures"
            raise PictureUnavailable("bad_reference", f"{state}. Send the picture's own address, or its bytes.")
        return self._files.fetch(reference)

    def fetch_all(self, references: Sequence[str]) -> list[bytes | PictureUnavailable]:
        """As `fetch` for each, those of the web side by side; what cannot be had is a result."""
        web = [one for one in references if re.match(r"https?:", one, re.IGNORECASE)]
        fetched = iter(self._web.fetch_all(web))
        return [next(fetched) if re.match(r"https?:", one, re.IGNORECASE) else self._attempt(one) for one in references]

    def keep(self, content: bytes) -> str:
        """Keep bytes for good; the same bytes are kept once. Returns `stored:DIGEST`. Raises: StorageFull."""
        digest = digest_of(content)
        self._shelf.write(digest, content)
        return STORED + digest

    def forget(self, reference: str) -> None:
        """Drop kept bytes; nothing happens where there are none."""
        digest = reference.removeprefix(STORED)
        if _DIGEST.fullmatch(digest):
            self._shelf.drop(digest)

    def _attempt(self, reference: str) -> bytes | PictureUnavailable:
        try:
            return self.fetch(reference)
        except PictureUnavailable as error:
            return error


def from_data_url(reference: str, most_bytes: int) -> bytes:
    """The bytes in a `data:` URL (RFC 2397), strictly read. Raises: PictureUnavailable (bad_reference, too_large)."""
    head, comma, body = reference[5:].partition(",")
    if not comma:
        raise PictureUnavailable("bad_reference", "The data: URL has no comma; it reads data:image/jpeg;base64,….")
    kind, *parameters = (one.strip().lower() for one in head.split(";"))
    if kind and not kind.startswith("image/") and kind != "application/octet-stream":
        raise PictureUnavailable("bad_reference", f"The data: URL holds {kind[:40]!r}; an image is wanted.")
    if len(body) > most_bytes * 4 // 3 + 4:
        raise PictureUnavailable("too_large", f"The picture has more than {most_bytes:,} bytes (LOOKALIKE_PICTURE_BYTES).")
    try:
        content = base64.b64decode(body, validate=True) if "base64" in parameters else unquote_to_bytes(body)
    except (binascii.Error, ValueError) as error:
        raise PictureUnavailable("bad_reference", f"The data: URL is no base64: {error}.") from error
    if not content:
        raise PictureUnavailable("bad_reference", "The data: URL holds no bytes.")
    return content
