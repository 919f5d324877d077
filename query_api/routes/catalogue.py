"""`/v1/facets`, `/v1/suggest` and `/v1/pictures`: what the catalogue holds."""

from apiflask import APIBlueprint
from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from lookalike.bootstrap import House
from lookalike.domain import values
from lookalike.domain.document import Document
from lookalike.domain.filters import EVERYTHING, Filter, canonical_field, parse_filter
from lookalike.domain.picture_address import mark, picture_of
from lookalike.domain.query import EngineQuery, FacetRequest
from lookalike.domain.query_parsing import MOST_FACETS
from lookalike.domain.reasons import LATER
from lookalike.errors import InvalidInput, NotFound, PictureUnavailable, PictureUnreadable, Unavailable
from lookalike.pictures.decode import Limits
from lookalike.pictures.thumbnail import LARGEST, SMALLEST, Shown, shown
from lookalike.services.remembering import Remembered
from query_api.reading import arguments, json_argument, whole_number
from query_api.telling import answer, facets_json

_NOT_COUNTED = frozenset({"id", "title", "description", "url", "price", "created", "group", "pictures"})
"""Fields that have nearly as many values as products; they are counted when they are asked for."""


def blueprint(house: House, limits: Limits | None = None, cache_bytes: int = 64_000_000) -> APIBlueprint:
    """The routes of the catalogue. `cache_bytes`: memory for reduced pictures."""
    routes = APIBlueprint("catalogue", __name__)
    reduced: Remembered[tuple[str, int | None], Shown] = Remembered(cache_bytes, ttl_seconds=600, weigh=len)

    @routes.get("/v1/facets")
    @routes.doc(operation_id="facets", tags=["Catalogue"])
    def facets() -> Response:
        """Count the values of fields over the catalogue, or what a filter leaves of it."""
        given = arguments(many=("field",), field=_field, filter=_filter, limit=whole_number(1, 1000))
        names = given.get("field") or [name for name in house.engine.fields() if name not in _NOT_COUNTED]
        asked = tuple(FacetRequest(canonical_field(name), name, limit=given.get("limit", 100)) for name in dict.fromkeys(names))
        page = house.engine.search(EngineQuery(facets=asked[:MOST_FACETS], filter=given.get("filter", EVERYTHING), limit=1))
        return answer({"facets": facets_json(page.facets), "total": {"value": page.total, "relation": page.relation}})

    @routes.get("/v1/suggest")
    @routes.doc(operation_id="suggest", tags=["Catalogue"])
    def suggest() -> Response:
        """Complete what somebody types: titles, brands, categories, tags."""
        given = arguments(q=lambda told, at: values.text(told, at, 200), limit=whole_number(1, 100))
        if "q" not in request.args:
            raise InvalidInput.at("q", "What shall be completed? Add ?q=…")
        prefix = given.get("q", "").strip()
        found = house.engine.suggest(prefix, given.get("limit", 10)) if prefix else []
        return answer({"suggestions": [{"text": text, "kind": kind, "count": count} for text, kind, count in found]})

    @routes.get("/v1/pictures/<id:picture_id>")
    @routes.doc(operation_id="picture", tags=["Catalogue"])
    def picture(picture_id: str) -> AnyResponse:
        """A product's picture, reduced to `size` pixels on its longer side."""
        size = arguments(size=whole_number(SMALLEST, LARGEST)).get("size")
        product_id, place, wanted = picture_of(picture_id)
        document = house.engine.get([product_id])[0]
        # Only what was seen is shown: a bulk row may name any file of this machine; it is kept as a reference that was refused.
        if document is None or place not in {one.picture for one in document.seen}:
            raise NotFound("picture", picture_id)
        reference = document.product.pictures[place]
        name = mark(reference)
        found = reduced.find((f"{picture_id}/{name}", size))
        if found is None:
            found = _shown(house, document, place, size, limits)
            reduced.keep((f"{picture_id}/{name}", size), found)
        lasting = wanted == name and reference.startswith(("stored:", "data:"))
        response = Response(found.content, mimetype=found.mimetype)
        response.set_etag(f"{name}-{size or 'whole'}")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if lasting else "public, max-age=600"
        # whatever a picture's bytes may pretend to be besides, a browser that opens them directly runs nothing
        response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
        return response.make_conditional(request)

    return routes


def _shown(house: House, document: Document, place: int, size: int | None, limits: Limits | None) -> Shown:
    name = f"{document.id} {place + 1}"
    try:
        return shown(house.picture(document, place), size, limits)
    except PictureUnavailable as error:
        if error.reason in LATER:
            raise Unavailable("The picture's own server does not deliver it at the moment.", retry_after_seconds=30) from error
        raise NotFound("picture", name, "Its bytes cannot be had any more.") from error
    except PictureUnreadable as error:
        raise NotFound("picture", name, "Its bytes are no picture that can be shown.") from error


def _filter(told: str, at: str) -> Filter:
    return parse_filter(json_argument(told, at), at)


def _field(told: str, at: str) -> str:
    return values.text(told, at, 200, control=False)
