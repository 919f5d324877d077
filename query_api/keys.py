"""Who may write: everybody, unless a key is set."""

import hmac

from flask import request

from query_api.problem import HttpProblem

READING = frozenset({"GET", "HEAD", "OPTIONS"})


def check_key(wanted: str | None) -> None:
    """Nothing where a request may write. Raises: HttpProblem(401)."""
    if not wanted or request.method in READING:
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else request.headers.get("X-Api-Key", "")
    # compared in constant time, and as the bytes that were sent: WSGI hands headers on as latin-1
    if not hmac.compare_digest(given.encode("latin-1", "replace"), wanted.encode()):
        state = "Another key was sent" if given else "None was sent"
        detail = f"Writing needs the key that LOOKALIKE_WRITE_KEY sets. {state}; send 'Authorization: Bearer KEY' or 'X-Api-Key: KEY'."
        raise HttpProblem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="lookalike"'})
