"""Why a picture failed: one short code each, the same in reports, dead letters, jobs and errors (docs/pictures.md)."""

from enum import StrEnum


class PictureReason(StrEnum):
    """The `reason` of PictureUnavailable and PictureUnreadable."""

    # the reference itself
    BAD_REFERENCE = "bad_reference"
    """It is neither a URL, a data: URL nor a path that could be one, or leads to something that is no file."""
    NOT_ALLOWED = "not_allowed"
    """A file that this caller may not name."""
    FORBIDDEN_ADDRESS = "forbidden_address"
    """The address guard refuses the host, its address, the port, or a name and password in the URL."""
    # the way to the server
    DNS = "dns"
    """The host's name is not known, or could not be looked up."""
    TLS = "tls"
    """The server's certificate is not valid, or no encryption could be agreed on."""
    CONNECTION = "connection"
    """No connection, or it broke; a file that the disk does not give."""
    TIMEOUT = "timeout"
    """No answer in time."""
    TOO_SLOW = "too_slow"
    """The answer began, but its bytes did not all come in time."""
    TOO_MANY_REDIRECTS = "too_many_redirects"
    # what the server says
    NOT_FOUND = "not_found"
    """404, or no such file, or nothing kept under that name."""
    GONE = "gone"
    """410: it was there, and will not be again."""
    FORBIDDEN = "forbidden"
    """401, 402, 403, 407 or 451; a file that the system does not let us read."""
    RATE_LIMITED = "rate_limited"
    """429, and its Retry-After is longer than we wait, or came after every attempt."""
    SERVER_ERROR = "server_error"
    """5xx after every attempt."""
    HTTP_ERROR = "http_error"
    """Any other status that brings no picture."""
    WRONG_TYPE = "wrong_type"
    """A page, JSON or other text where a picture was wanted, or an encoding that we did not ask for."""
    # the bytes
    TOO_LARGE = "too_large"
    """More bytes than `LOOKALIKE_PICTURE_BYTES`, announced or not, packed or unpacked."""
    EMPTY = "empty"
    NOT_A_PICTURE = "not_a_picture"
    UNSUPPORTED_FORMAT = "unsupported_format"
    TRUNCATED = "truncated"
    """The bytes end before the picture does, or before the length that was announced, or are damaged."""
    TOO_MANY_PIXELS = "too_many_pixels"
    """More than `LOOKALIKE_MAX_PIXELS`, told by the header before anything is decoded."""
    TOO_MANY_SCANS = "too_many_scans"
    """A progressive JPEG that would take too long."""
    KILLS_WORKER = "kills_worker"
    """The process that looked at it ended, twice: out of memory, out of time, or a defect in a network."""


LATER: frozenset[str] = frozenset(
    {
        *(PictureReason.DNS, PictureReason.TLS, PictureReason.CONNECTION, PictureReason.TIMEOUT, PictureReason.TOO_SLOW),
        *(PictureReason.RATE_LIMITED, PictureReason.SERVER_ERROR, PictureReason.HTTP_ERROR),
    }
)
"""The same picture may well be had in a while."""
PASSING: frozenset[str] = LATER | {
    *(PictureReason.FORBIDDEN, PictureReason.TOO_MANY_REDIRECTS, PictureReason.NOT_ALLOWED, PictureReason.FORBIDDEN_ADDRESS),
    PictureReason.TRUNCATED,
}
"""As the reason of a PictureUnavailable it says nothing of the picture itself: what was seen of it before stays."""
REFUSED: frozenset[str] = frozenset({PictureReason.NOT_ALLOWED, PictureReason.FORBIDDEN_ADDRESS})
"""Whose word was not taken; the picture itself may be well."""
