"""Where a page ended: opaque for callers, bound to the query that it belongs to."""

import base64
import binascii
import hashlib
import json

from lookalike.domain.query import SearchRequest
from lookalike.errors import InvalidInput

_ADVICE = "Send back `next` of the page before, with the same query; or leave the cursor out for the first page."


def fingerprint(request: SearchRequest, pictures: tuple[str, ...]) -> str:
    """Names all of a request that decides which hits come in which order.

    `pictures` stands for the pictures' bytes: one name for each that has any, in order.
    """
    examples = [
        (like.url, like.product, like.vector, like.text, like.box, like.weight, side)
        for side, likes in (("like", request.like), ("unlike", request.unlike))
        for like in likes
    ]
    rest = (
        request.text,
        request.tags,
        request.not_tags,
        sorted(request.weights.items()),
        request.filter,
        request.category,
        request.sort,
        request.min_similarity,
        request.group_by,
        request.diversity,
        request.strategy,
    )
    return hashlib.sha256(repr((examples, pictures, rest)).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def wrap(query: str, token: str) -> str:
    """The cursor for an engine's token and the fingerprint of its query."""
    return base64.urlsafe_b64encode(json.dumps([query, token]).encode()).decode().rstrip("=")


def unwrap(cursor: str, query: str) -> str:
    """The engine's token. Raises: InvalidInput where the cursor is damaged or belongs to another query."""
    try:
        told = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        owner, token = map(str, told) if isinstance(told, list) else ("", "")
    except (ValueError, binascii.Error, RecursionError) as error:
        raise InvalidInput.at("cursor", f"This cursor is damaged. {_ADVICE}") from error
    if owner != query:
        raise InvalidInput.at("cursor", f"This cursor belongs to another query. {_ADVICE}")
    return token
