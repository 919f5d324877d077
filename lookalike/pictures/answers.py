"""What a picture's server answers: statuses into reasons, Retry-After into seconds, a body into bytes within limits."""

import datetime
import re
import zlib
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import aiohttp

from lookalike.domain.reasons import PictureReason
from lookalike.errors import PictureUnavailable
from lookalike.pictures.headers import format_of
from lookalike.pictures.web import Validators

LATER_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_FORBIDDEN = frozenset({401, 402, 403, 407, 451})
_UNTYPED = frozenset({"application/octet-stream", "binary/octet-stream", "application/x-binary"})
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
_CHUNK = 1 << 16
_HEAD = 64
"""So many bytes tell what a file is."""
_MOST_VALIDATOR = 1_000


def validators_of(url: str, headers: Mapping[str, str]) -> Validators | None:
    """The validators of an answer; None where it has none that can be sent back."""

    def plain(name: str) -> str | None:
        told = headers.get(name, "")
        return told if re.fullmatch(rf"[\x20-\x7e]{{1,{_MOST_VALIDATOR}}}", told) else None

    etag, modified = plain("ETag"), plain("Last-Modified")
    return Validators(url, etag, modified) if etag or modified else None


def failure_of(status: int) -> PictureUnavailable:
    """Why there is no picture in an answer of this status."""
    if status == 404:
        return PictureUnavailable(PictureReason.NOT_FOUND, "The picture's server answered 404: it is not there.")
    if status == 410:
        return PictureUnavailable(PictureReason.GONE, "The picture's server answered 410: it is gone for good.")
    if status in _FORBIDDEN:
        return PictureUnavailable(PictureReason.FORBIDDEN, f"The picture's server answered {status}: we may not have it.")
    if status == 429:
        return PictureUnavailable(PictureReason.RATE_LIMITED, "The picture's server answered 429: too many requests.")
    if status >= 500:
        return PictureUnavailable(PictureReason.SERVER_ERROR, f"The picture's server answered {status}: it has a fault.")
    return PictureUnavailable(PictureReason.HTTP_ERROR, f"The picture's server answered {status}, not 200.")


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """What Retry-After tells (RFC 9110, 10.2.3): seconds, or a date, by the server's own clock where it shows it."""
    told = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,10}", told):
        return float(told)
    until = _date(told)
    if until is None:
        return None
    now = _date(headers.get("Date", "")) or datetime.datetime.now(datetime.UTC)
    return max(0.0, (until - now).total_seconds())


def _date(told: str) -> datetime.datetime | None:
    try:
        found = parsedate_to_datetime(told)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=datetime.UTC)


async def body_of(answer: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    """The bytes of an answer, unpacked where it is packed though we did not ask for that.

    Raises: PictureUnavailable (too_large, wrong_type, truncated), as soon as that is certain.
    """
    if (answer.content_length or 0) > most_bytes:
        raise _too_large(most_bytes)
    kind, packing = answer.content_type.lower(), answer.headers.get("Content-Encoding", "identity").strip().lower()
    if packing not in ("identity", "") and packing not in _PACKED:
        message = f"The picture's server packed it as {packing[:40]!r}, though we asked for it plain."
        raise PictureUnavailable(PictureReason.WRONG_TYPE, message)
    unpack = zlib.decompressobj(wbits=47) if packing in _PACKED else None  # 32 + 15: gzip or zlib, it tells which
    doubtful = not kind.startswith("image/") and kind not in _UNTYPED
    content = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK):
        content += chunk if unpack is None else _unpacked(unpack, chunk, most_bytes + 1 - len(content))
        if len(content) > most_bytes:
            raise _too_large(most_bytes)
        if doubtful and len(content) >= _HEAD:
            _check_kind(bytes(content[:_HEAD]), kind)
            doubtful = False
    if unpack is not None and not unpack.eof:
        raise PictureUnavailable(PictureReason.TRUNCATED, "The packed picture ends before its end.")
    if doubtful:
        _check_kind(bytes(content), kind)
    return bytes(content)


def _unpacked(unpack: "zlib._Decompress", chunk: bytes, most: int) -> bytes:
    """At most so many bytes: a bomb is never unpacked whole."""
    try:
        return unpack.decompress(chunk, most)
    except zlib.error as error:
        raise PictureUnavailable(PictureReason.TRUNCATED, f"The packed picture is damaged: {error}.") from error


def _check_kind(head: bytes, kind: str) -> None:
    """What is declared as something else may still be a picture: its bytes have the last word."""
    if not format_of(head)[0]:
        message = f"The picture's server sent {kind[:80]!r} where a picture was wanted."
        raise PictureUnavailable(PictureReason.WRONG_TYPE, message)


def _too_large(most: int) -> PictureUnavailable:
    return PictureUnavailable(PictureReason.TOO_LARGE, f"The picture has more than {most:,} bytes (LOOKALIKE_PICTURE_BYTES).")
