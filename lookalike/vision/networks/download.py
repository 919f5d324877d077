"""Fetching a network's file: resumed where it broke off, bounded, checked against its checksum before anybody sees it.

https only; http only from this machine itself. Redirects pass the same gate. What was fetched so far lies beside the target as
`.part` and is gone on with, in this run and in the next.
"""

import contextlib
import http.client
import ipaddress
import shutil
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from lookalike.errors import NetworkRefused, StorageFull, Unavailable
from lookalike.vision.networks.zoo import sha256_of

CHUNK = 1 << 20
LARGEST = 8 << 30
ATTEMPTS = 5
READ_SECONDS = 60.0
PARTIAL, BEYOND = 206, 416
Progress = Callable[[int, int | None], None]
"""(bytes so far, bytes in all where that is known)."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One download: from where, to which part, at most so many bytes, told to whom."""

    address: str
    part: Path
    most: int
    progress: Progress


class _Gate(urllib.request.HTTPRedirectHandler):
    """Redirects only to where we would have gone ourselves."""

    max_redirections = 5

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:  # noqa: PLR0917 — the library's own
        """The next request. Raises: NetworkRefused."""
        check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Broken(Exception):
    """The connection broke, or the server is in trouble: worth another attempt."""


def check_address(address: str) -> None:
    """Raises: NetworkRefused for an address that networks are not fetched from."""
    told = urllib.parse.urlsplit(address)
    if told.username or told.password:
        raise NetworkRefused("The network's address carries a user name; leave it out.")
    if told.scheme == "https" and told.hostname:
        return
    if told.scheme == "http" and told.hostname and _here(told.hostname):
        return
    raise NetworkRefused(f"Networks are fetched over https only (http from this machine itself), and {address[:200]!r} is another address.")


def _here(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def fetch(
    address: str, target: Path, sha256: str, *, most: int = LARGEST, progress: Progress = lambda done, total: None, pause: float = 1.0
) -> None:
    """Bring the file at `address` to `target`, whole and checked, or not at all.

    `pause`: seconds before the second attempt, doubled with each. Raises: NetworkRefused where the address may not be, the server
    has no such file, or the bytes are others; Unavailable where the server does not answer, StorageFull.
    """
    check_address(address)
    part = target.with_name(target.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    resumed = part.exists() and part.stat().st_size > 0
    wanted = _Wanted(address, part, most, progress)
    _fetch_all(wanted, pause)
    found = sha256_of(part)
    if found != sha256 and resumed:  # the file may have changed since the part was begun
        part.unlink()
        _fetch_all(wanted, pause)
        found = sha256_of(part)
    if found != sha256:
        part.unlink()
        raise NetworkRefused(f"What came from {address} has the SHA-256 {found}, not {sha256}. It was thrown away.")
    part.replace(target)


def _fetch_all(wanted: _Wanted, pause: float) -> None:
    address, part = wanted.address, wanted.part
    waiting = threading.Event()
    for attempt in range(1, ATTEMPTS + 1):
        before = part.stat().st_size if part.exists() else 0
        try:
            _fetch_rest(wanted)
        except _Broken as error:
            after = part.stat().st_size if part.exists() else 0
            if attempt == ATTEMPTS and after <= before:
                message = f"{address} does not give the file: {error}. What came so far is kept; try again later."
                raise Unavailable(message, 60.0) from error
            waiting.wait(min(pause * 2 ** (attempt - 1), 30.0))
        else:
            return
    raise Unavailable(f"{address} broke off {ATTEMPTS} times. What came so far is kept; try again.", 60.0)


def _fetch_rest(wanted: _Wanted) -> None:
    """What is still missing. Raises: _Broken, NetworkRefused, StorageFull."""
    address, part = wanted.address, wanted.part
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(address, headers={"User-Agent": "lookalike", "Accept-Encoding": "identity"})  # noqa: S310 — checked
    if done:
        request.add_header("Range", f"bytes={done}-")
    try:
        with urllib.request.build_opener(_Gate).open(request, timeout=READ_SECONDS) as answer:
            done = done if answer.status == PARTIAL and _starts_at(answer, done) else 0
            total = done + int(answer.headers["Content-Length"]) if answer.headers.get("Content-Length", "").isdecimal() else None
            _room(wanted, total, done)
            with part.open("r+b" if done else "wb") as file:
                file.seek(done)
                file.truncate()
                _copy(wanted, answer, file, done, total)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == BEYOND and done:  # nothing is missing, or the part is none of this file: the checksum tells
                return
            if error.code in (408, 425, 429) or error.code >= 500:
                raise _Broken(f"it answers {error.code}") from error
        raise NetworkRefused(f"{address} answers {error.code} ({error.reason}): there is no such file for us.") from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise _Broken(str(getattr(error, "reason", None) or error or type(error).__name__)) from error


def _copy(wanted: _Wanted, answer: Any, file: IO[bytes], done: int, total: int | None) -> None:
    while chunk := answer.read(CHUNK):
        done += len(chunk)
        if done > wanted.most:
            raise NetworkRefused(f"The file is larger than {wanted.most:,} bytes, more than its card says or than is fetched.")
        try:
            file.write(chunk)
        except OSError as error:
            raise StorageFull(f"The network cannot be written: {error.strerror}.") from error
        wanted.progress(done, total)
    if total is not None and done < total:
        raise _Broken(f"it broke off after {done:,} of {total:,} bytes")


def _starts_at(answer: Any, done: int) -> bool:
    return str(answer.headers.get("Content-Range", "")).startswith(f"bytes {done}-")


def _room(wanted: _Wanted, total: int | None, done: int) -> None:
    if total is None:
        return
    if total > wanted.most:
        message = f"{wanted.address} has {total:,} bytes, more than its card says or than is fetched ({wanted.most:,})"
        raise NetworkRefused(f"{message}.")
    needed, free = total - done, shutil.disk_usage(wanted.part.parent).free
    if needed > free:
        raise StorageFull(f"The network needs {needed:,} bytes more, and {free:,} are free. Set LOOKALIKE_MODELS_DIR to a larger disk.")
