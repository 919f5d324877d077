"""The picture store: every kind of reference to bytes, and a shelf for bytes that have no other home."""

import base64
import binascii
import contextlib
import errno
import os
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote_to_bytes

from lookalike.domain.picture import OUTSIDE, STORED, digest_of
from lookalike.domain.picture_address import is_address
from lookalike.domain.reasons import PictureReason
from lookalike.errors import PictureUnavailable, StorageFull
from lookalike.pictures.known import Known, KnownAddresses
from lookalike.pictures.web import Fetched, Validators, Web
from lookalike.ports.pictures import KeptPicture

_DIGEST = re.compile(r"[0-9a-f]{64}")
_MOST_UNKEPT = 4096
_RENEWED_SECONDS = 3600.0
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Shelf(Protocol):
    """Where bytes lie by their digest."""

    def read(self, digest: str) -> bytes | None:
        """The bytes, None where there are none."""

    def has(self, digest: str) -> bool:
        """Whether there is something; whether it is whole only `read` tells."""

    def write(self, digest: str, content: bytes, *, durable: bool) -> None:
        """Keep bytes; `durable` ones survive a power cut too. Raises: StorageFull."""

    def drop(self, digest: str) -> None:
        """Forget bytes."""

    def renew(self, digest: str) -> None:
        """Somebody refers to these bytes, so they are young again."""


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

    def has(self, digest: str) -> bool:
        """Whether there is a file."""
        return self._place(digest).is_file()

    def write(self, digest: str, content: bytes, *, durable: bool = True) -> None:
        """Keep bytes; what is there already becomes as young as what is new. Raises: StorageFull."""
        place = self._place(digest)
        if self._renewed(place) and self.read(digest) is not None:
            if durable:  # whoever put it first may not have waited for the disk
                with place.open("rb") as file:
                    os.fsync(file.fileno())
            return
        passing = place.with_name(f".{secrets.token_hex(8)}")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with passing.open("wb") as file:
                file.write(content)
                if durable:
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

    def renew(self, digest: str) -> None:
        """The file is young again; to the hour, for reading shall not cost a write each time."""
        place = self._place(digest)
        with contextlib.suppress(FileNotFoundError):
            if time.time() - place.stat().st_mtime > _RENEWED_SECONDS:
                os.utime(place)

    def drop_older(self, digest: str, seconds: float) -> bool:
        """Forget bytes, unless somebody put or fetched them within so many seconds; whether they are gone.

        The file is put aside before its age is looked at: who comes before that makes it young, so it is put back; who
        comes after finds none and writes it anew.
        """
        place = self._place(digest)
        aside = place.with_name(f".{secrets.token_hex(8)}")
        try:
            place.rename(aside)
            if time.time() - aside.stat().st_mtime <= seconds:
                aside.replace(place)
                return False
            aside.unlink()
        except FileNotFoundError:
            return False
        return True

    def each(self) -> Iterator[KeptPicture]:
        """All that is there, in no order; what vanishes meanwhile is left out."""
        for file in self._files():
            if _DIGEST.fullmatch(file.name) and (about := _about(file)) is not None:
                yield KeptPicture(file.name, about.st_size, max(0.0, time.time() - about.st_mtime))

    def tidy(self, older_than_seconds: float) -> int:
        """Remove what interrupted writers left behind; how many it was."""
        removed = 0
        for file in self._files():
            about = _about(file) if file.name.startswith(".") else None
            if about is not None and time.time() - about.st_mtime > older_than_seconds:
                Path(file.path).unlink(missing_ok=True)
                removed += 1
        return removed

    def _files(self) -> Iterator["os.DirEntry[str]"]:
        if not self._folder.is_dir():
            return
        for folder in sorted(one.path for one in os.scandir(self._folder) if one.is_dir(follow_symlinks=False)):
            with os.scandir(folder) as entries:
                yield from entries

    @staticmethod
    def _renewed(place: Path) -> bool:
        try:
            os.utime(place)
        except FileNotFoundError:
            return False
        return True

    def _place(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest


def _about(file: "os.DirEntry[str]") -> os.stat_result | None:
    try:
        return file.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None


class MemoryShelf:
    """Bytes in memory, for an index that lives there too."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def read(self, digest: str) -> bytes | None:
        """The bytes, None where there are none."""
        with self._lock:
            return self._kept.get(digest)

    def has(self, digest: str) -> bool:
        """Whether there are bytes."""
        with self._lock:
            return digest in self._kept

    def write(self, digest: str, content: bytes, *, durable: bool = True) -> None:
        """Keep bytes."""
        with self._lock:
            self._kept[digest] = content

    def drop(self, digest: str) -> None:
        """Forget bytes."""
        with self._lock:
            self._kept.pop(digest, None)

    def renew(self, digest: str) -> None:
        """Here nothing grows old."""


class FileReader(Protocol):
    """Reads picture files, as far as it may."""

    def fetch(self, path: str) -> bytes:
        """The bytes of a file. Raises: PictureUnavailable."""


class Pictures:
    """PictureStore over a shelf, the web and files. Whose word is taken for a path is `files`' to say. Thread-safe.

    `known` remembers which bytes an address brought, once they are kept: from then on its server is only asked whether they
    are still the same.
    """

    def __init__(self, shelf: Shelf, web: Web, files: FileReader, most_bytes: int, known: KnownAddresses | None = None) -> None:
        self._shelf, self._web, self._files, self._most_bytes = shelf, web, files, most_bytes
        self._known = known or KnownAddresses()
        self._unkept: OrderedDict[str, dict[str, Known]] = OrderedDict()
        self._lock = threading.Lock()

    def fetch(self, reference: str) -> bytes:
        """The bytes that a reference means, within limits of size and time. Raises: PictureUnavailable, with a reason."""
        if reference.startswith(STORED):
            digest = reference.removeprefix(STORED)
            content = self._shelf.read(digest) if _DIGEST.fullmatch(digest) else None
            if content is not None:
                self._shelf.renew(digest)
            else:
                raise PictureUnavailable(PictureReason.NOT_FOUND, f"No picture is kept under {reference[:80]!r}; send it again.")
            return content
        if reference[:5].lower() == "data:":
            content = from_data_url(reference, self._most_bytes)
            with self._lock:
                self._unkept.pop(digest_of(content), None)  # these have no other home, whoever else may have the same
            return content
        if reference.startswith(OUTSIDE):
            told = reference.removeprefix(OUTSIDE)[:100]
            message = f"{told!r} leads out of the folder or prefix of the catalogue's pictures. Name one that holds them all: --pictures."
            raise PictureUnavailable(PictureReason.NOT_ALLOWED, message)
        if _is_web(reference):
            known = self._kept_of([reference]).get(reference)
            found = self._settled(reference, known, self._web.fetch(reference, None if known is None else known.validators))
            # spoiled in the moment that its server said it was unchanged: then it is fetched whole
            return found if found is not None else self._settled(reference, None, self._web.fetch(reference)) or b""
        if is_address(reference):
            state = f"{reference[:80]!r} is an address of this server, but of none of the product's pictures"
            raise PictureUnavailable(PictureReason.BAD_REFERENCE, f"{state}. Send the picture's own address, or its bytes.")
        return self._files.fetch(reference)

    def fetch_all(self, references: Sequence[str]) -> list[bytes | PictureUnavailable]:
        """As `fetch` for each, those of the web side by side; what cannot be had is a result."""
        addresses = list(dict.fromkeys(one for one in references if _is_web(one)))
        known = self._kept_of(addresses)
        wanted = [(one, known[one].validators if one in known else None) for one in addresses]
        fetched = dict(zip(addresses, self._web.fetch_all(wanted), strict=True))
        return [self._result(one, known.get(one), fetched[one]) if one in fetched else self._attempt(one) for one in references]

    def keep(self, content: bytes) -> str:
        """Keep bytes for good; the same bytes are kept once. Returns `stored:DIGEST`. Raises: StorageFull."""
        digest = digest_of(content)
        with self._lock:
            known = self._unkept.pop(digest, None)
        # What came from the web can come again: nobody waits for the disk, and what a power cut leaves damaged counts as not there.
        self._shelf.write(digest, content, durable=known is None)
        self._known.keep(known or {})
        return STORED + digest

    def forget(self, reference: str) -> None:
        """Drop kept bytes; nothing happens where there are none."""
        digest = reference.removeprefix(STORED)
        if _DIGEST.fullmatch(digest):
            self._shelf.drop(digest)

    def _kept_of(self, addresses: Sequence[str]) -> dict[str, Known]:
        return {address: one for address, one in self._known.find(addresses).items() if self._shelf.has(one.digest)}

    def _settled(self, address: str, known: Known | None, fetched: Fetched) -> bytes | None:
        """The bytes, and what is to be remembered of them; None where the shelf lost them."""
        content, told = fetched.content, fetched.validators
        if content is None:
            content = None if known is None else self._shelf.read(known.digest)
        if content is None:
            return None
        digest = digest_of(content)
        if known is not None and known.digest == digest:
            if told is not None and known.validators != told:
                self._known.keep({address: Known(digest, told)})
        else:
            self._remember(digest, address, told)
        return content

    def _remember(self, digest: str, address: str, told: Validators | None) -> None:
        """Until the bytes are kept; a shopper's never are, and then nothing of him reaches a disk."""
        with self._lock:
            addresses = self._unkept.setdefault(digest, {})
            if told is not None:
                addresses[address] = Known(digest, told)
            while len(self._unkept) > _MOST_UNKEPT:
                self._unkept.popitem(last=False)

    def _result(self, address: str, known: Known | None, fetched: Fetched | PictureUnavailable) -> bytes | PictureUnavailable:
        if isinstance(fetched, PictureUnavailable):
            return fetched
        content = self._settled(address, known, fetched)
        return self._attempt(address) if content is None else content

    def _attempt(self, reference: str) -> bytes | PictureUnavailable:
        try:
            return self.fetch(reference)
        except PictureUnavailable as error:
            return error


def _is_web(reference: str) -> bool:
    return re.match(r"https?:", reference, re.IGNORECASE) is not None


def from_data_url(reference: str, most_bytes: int) -> bytes:
    """The bytes in a `data:` URL (RFC 2397), strictly read. Raises: PictureUnavailable (bad_reference, too_large)."""
    head, comma, body = reference[5:].partition(",")
    if not comma:
        raise PictureUnavailable(PictureReason.BAD_REFERENCE, "The data: URL has no comma; it reads data:image/jpeg;base64,….")
    kind, *parameters = (one.strip().lower() for one in head.split(";"))
    if kind and not kind.startswith("image/") and kind != "application/octet-stream":
        raise PictureUnavailable(PictureReason.BAD_REFERENCE, f"The data: URL holds {kind[:40]!r}; an image is wanted.")
    if len(body) > most_bytes * 4 // 3 + 4:
        raise PictureUnavailable(PictureReason.TOO_LARGE, f"The picture has more than {most_bytes:,} bytes (LOOKALIKE_PICTURE_BYTES).")
    try:
        content = base64.b64decode(body, validate=True) if "base64" in parameters else unquote_to_bytes(body)
    except (binascii.Error, ValueError) as error:
        raise PictureUnavailable(PictureReason.BAD_REFERENCE, f"The data: URL is no base64: {error}.") from error
    if not content:
        raise PictureUnavailable(PictureReason.BAD_REFERENCE, "The data: URL holds no bytes.")
    return content
