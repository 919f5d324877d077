"""If-Match and If-None-Match: which version a write expects."""

from flask import request

from lookalike.errors import VersionConflict
from lookalike.ports.engine import SearchEngine
from query_api.problem import HttpProblem


def expected_version(engine: SearchEngine, product_id: str) -> int | None:
    """The version that a write demands: None for any, 0 for a product that is not there yet.

    Raises: HttpProblem(412) where no version can fit, VersionConflict where the current one does not.
    """
    if request.headers.get("If-None-Match", "").strip() == "*":
        return 0
    given = request.headers.get("If-Match")
    if given is None:
        return None
    tags = [tag.strip() for tag in given.split(",") if tag.strip()]
    versions = [int(tag[1:-1]) for tag in tags if _is_version(tag)]
    if len(versions) == 1 and "*" not in tags:
        return versions[0]
    document = engine.get([product_id])[0]
    found = document.version if document is not None else None
    if found is not None and ("*" in tags or found in versions):
        return found
    if versions:
        raise VersionConflict(product_id, versions[0], found)
    state = "it does not exist" if found is None else f'its ETag is "{found}"'
    raise HttpProblem(412, f"Product {product_id[:80]!r} has none of the versions in If-Match; {state}.")


def unchanged(version: int) -> bool:
    """Whether the caller of a GET has this version already (weak comparison, RFC 9110 §13.1.2)."""
    given = request.headers.get("If-None-Match", "")
    tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
    return "*" in tags or f'"{version}"' in tags


def _is_version(tag: str) -> bool:
    """Whether a strong entity tag is one that we hand out."""
    inside = tag[1:-1]
    return tag[:1] == tag[-1:] == '"' and inside.isascii() and inside.isdigit() and len(inside) <= 18
