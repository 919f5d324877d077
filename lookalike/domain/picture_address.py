"""Addresses of products' pictures, as answers tell them: opaque, without what the shop's own references tell."""

import base64
import binascii
import hashlib
from collections.abc import Sequence

from lookalike.errors import NotFound

PREFIX = "/v1/pictures/"
_SAFE = bytes.maketrans(b"+/", b"-_")
"""From base64 to what stands in addresses as it is (RFC 4648 §5)."""


def picture_url(product_id: str, place: int, reference: str) -> str:
    """Where the picture at `place` of a product is served. Another picture at the same place has another address."""
    name = binascii.b2a_base64(product_id.encode(), newline=False).translate(_SAFE).rstrip(b"=").decode()
    return f"{PREFIX}{name}.{place}.{mark(reference)}"


def mark(reference: str) -> str:
    """A short name of what is behind a reference, for caches; long `data:` URLs are told apart by head and length."""
    told = f"{len(reference)}:{reference[:4096]}"
    return hashlib.blake2s(told.encode("utf-8", "replace"), digest_size=5).hexdigest()


def picture_of(token: str) -> tuple[str, int, str]:
    """(product id, place, mark) of an address's last segment. Raises: NotFound("picture")."""
    name, _, rest = token.partition(".")
    place, _, found_mark = rest.partition(".")
    try:
        product_id = base64.b64decode(name + "=" * (-len(name) % 4), altchars=b"-_", validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        product_id = ""
    if not product_id or not (place.isascii() and place.isdigit()) or len(place) > 4:
        raise NotFound("picture", token, "Addresses of pictures come with the hits.")
    return product_id, int(place), found_mark


def is_address(reference: str) -> bool:
    """Whether a reference is one of our addresses, `?size=` included."""
    return _told_by(reference) is not None


def meant(reference: str, product_id: str, pictures: Sequence[str]) -> str:
    """What a product's own address of ours stands for among its `pictures`; any other reference stays what it is.

    The picture counts, not its place: an address of a picture that moved finds it, one of a picture that is gone finds nothing.
    """
    told = _told_by(reference)
    if told is None or told[0] != product_id:
        return reference
    _, place, wanted = told
    if place < len(pictures) and mark(pictures[place]) == wanted:
        return pictures[place]
    return next((one for one in pictures if mark(one) == wanted), reference)


def _told_by(reference: str) -> tuple[str, int, str] | None:
    if not reference.startswith(PREFIX):
        return None
    try:
        return picture_of(reference.removeprefix(PREFIX).partition("?")[0])
    except NotFound:
        return None
