"""What the kernel answers, as JSON of the contract."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from flask import Response

from lookalike.domain.document import Document
from lookalike.domain.picture_address import picture_url
from lookalike.domain.product import Product
from lookalike.domain.query import Answer, EngineHit, FacetCount
from lookalike.services.explain import why
from lookalike.services.stand_ins import StoodIn

_slow_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_NONE = b"null"
NOTHING_SEEN: Mapping[str, Any] = {"objects": [], "tags": [], "categories": [], "colours": []}


def answer(told: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None, nones: int = 0) -> Response:
    """A JSON answer. Raises: ValueError for NaN and infinities, which no answer of ours may hold.

    `nones` is how many values are None, where that is known: another number only costs time.
    """
    return Response(_body(told, nones), status=status, mimetype="application/json", headers=dict(headers or {}))


def _body(told: Mapping[str, Any], nones: int) -> bytes:
    """JSON by msgspec, a tenth of the time; by the standard library where msgspec knows no such type (NumPy's floats), refuses text
    that is no UTF-8, or says null more often than there are Nones: it does so for NaN, too."""
    try:
        body = msgspec.json.encode(told)
    except (TypeError, ValueError, OverflowError):
        return _slow_json(told).encode("utf-8", "replace")
    return body if body.count(_NONE) == nones else _slow_json(told).encode("utf-8", "replace")


def nones_of(found: Answer) -> int:
    """How many values of a `search_json` are None, those of an analysis aside."""
    edges = sum(one.lowest is not None and one.highest is None for counts in found.page.facets.values() for one in counts)
    return sum((hit.similarity is None) + (hit.picture is None) for hit in found.page.hits) + edges + (found.next is None)


def search_json(found: Answer, explain: bool) -> dict[str, Any]:
    """The answer of `/v1/search` and `/v1/products/{id}/similar`."""
    page = found.page
    seen: dict[str, Any] = found.analysis.as_json() if found.analysis is not None else dict(NOTHING_SEEN)
    if found.categories:
        seen["categories"] = categories_json(dict(found.categories))
    if found.upload is not None:
        seen["upload"] = found.upload
    return {
        "hits": [hit_json(hit, found.weights, explain) for hit in page.hits],
        "total": {"value": page.total, "relation": page.relation},
        "facets": facets_json(page.facets),
        "analysis": seen,
        "next": found.next,
        "strategy": page.strategy,
        "notices": list(found.notices),
        "took_ms": dict(found.took_ms),
    }


def stand_in_json(found: StoodIn, upload: str) -> dict[str, Any]:
    """The answer of `/v1/analyze` where nobody is there to look: what the catalogue knows of the same picture, or what a glance tells."""
    glance = found.glance
    told: dict[str, Any] = dict(NOTHING_SEEN) if found.analysis is None else found.analysis.as_json()
    told |= {"digest": glance.digest, "width": glance.width, "height": glance.height, "phash": glance.phash}
    return told | {"upload": upload, "took_ms": {}, "notices": ["Pictures cannot be looked at for the moment; try again soon."]}


def hit_json(hit: EngineHit, weights: Mapping[str, float], explain: bool) -> dict[str, Any]:
    """One hit."""
    return {
        "id": hit.id,
        "score": round(float(hit.score), 6),
        "similarity": None if hit.similarity is None else round(float(hit.similarity), 6),
        "product": product_json(hit.product, brief=True),
        "picture": hit.picture,
        "version": hit.version,
        "why": why(hit, weights, explain),
    }


def product_json(product: Product, brief: bool = False) -> dict[str, Any]:
    """A product, its pictures as addresses of ours; `brief` leaves out the description."""
    told = product.as_json()
    told["pictures"] = [picture_url(product.id, place, reference) for place, reference in enumerate(product.pictures)]
    if brief:
        told.pop("description", None)
    return told


def document_json(document: Document) -> dict[str, Any]:
    """One product of the catalogue: what GET, PUT and PATCH answer. `id` and `title` stand at the top, too."""
    told: dict[str, Any] = {
        "id": document.id,
        "title": document.product.title,
        "product": product_json(document.product),
        "version": document.version,
        "analysis": document.seen[0].analysis.as_json() if document.seen else None,
    }
    if document.unseen:
        told["unseen"] = [{"picture": place, "reason": reason} for place, reason in sorted(document.unseen.items())]
    return told


def entity_tag(version: int) -> str:
    """The ETag of a version."""
    return f'"{version}"'


def categories_json(categories: Mapping[str, float]) -> list[dict[str, Any]]:
    """Predicted categories with their probabilities, the likeliest first."""
    return [{"name": path, "score": round(share, 4)} for path, share in categories.items()]


def facets_json(facets: Mapping[str, Sequence[FacetCount]]) -> dict[str, Any]:
    """The facets of an answer."""
    return {name: [_count(one) for one in counts] for name, counts in facets.items()}


def _count(one: FacetCount) -> dict[str, Any]:
    if one.lowest is None:
        return {"value": one.value, "count": one.count}
    low, high = _plain(one.lowest), None if one.highest is None else _plain(one.highest)
    return {"value": f"{low}-{'' if high is None else high}", "from": low, "to": high, "count": one.count}


def _plain(edge: float) -> float | int:
    """25 for 25.0: an edge as its caller wrote it."""
    return int(edge) if float(edge).is_integer() and abs(edge) < 2**53 else edge
