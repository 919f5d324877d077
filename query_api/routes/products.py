"""`/v1/products/{id}`: one product, read and written; and what is similar to it."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from lookalike.bootstrap import House
from lookalike.domain import values
from lookalike.domain.filters import EVERYTHING, Filter, parse_filter
from lookalike.domain.product import parse_patch, parse_product
from lookalike.domain.query import DEFAULT_LIMIT, LARGEST_LIMIT, Like, SearchRequest
from lookalike.errors import InvalidInput, NotFound
from query_api.observing import Observer, with_query_id
from query_api.preconditions import expected_version, unchanged
from query_api.reading import arguments, deadline, json_argument, json_body, whole_number
from query_api.telling import answer, document_json, entity_tag, nones_of, search_json


def blueprint(house: House, observer: Observer) -> APIBlueprint:
    """The routes of single products."""
    routes = APIBlueprint("products", __name__)

    @routes.get("/v1/products/<id:product_id>")
    @routes.doc(operation_id="getProduct", tags=["Products"])
    def read(product_id: str) -> Response:
        """Read a product."""
        arguments()
        document = house.engine.get([product_id])[0]
        if document is None:
            raise NotFound("product", product_id)
        headers = {"ETag": entity_tag(document.version)}
        if unchanged(document.version):
            return Response(status=304, headers=headers)
        return answer(document_json(document), headers=headers)

    @routes.put("/v1/products/<id:product_id>")
    @routes.doc(operation_id="putProduct", tags=["Products"])
    def put(product_id: str) -> Response:
        """Create or replace a product; it is searchable on return."""
        told = dict(values.mapping(json_body(), ""))
        if told.setdefault("id", product_id) is None:
            told["id"] = product_id
        product = parse_product(told)
        if product.id != product_id:
            raise InvalidInput.at(
                "id", f"Found {product.id[:80]!r}, but the address names {product_id[:80]!r}. Leave it out, or let them agree."
            )
        stored = house.keeper.put(product, expected_version(house.engine, product_id))
        return _written(stored.document, 201 if stored.created else 200)

    @routes.patch("/v1/products/<id:product_id>")
    @routes.doc(operation_id="patchProduct", tags=["Products"])
    def patch(product_id: str) -> Response:
        """Change fields of a product (merge patch); vectors stay unless its pictures change."""
        changes = parse_patch(json_body())
        if changes.get("id", product_id) != product_id:
            raise InvalidInput.at("id", "A product's id does not change; put a new product instead.")
        stored = house.keeper.patch(product_id, changes, expected_version(house.engine, product_id))
        return _written(stored.document, 200)

    @routes.delete("/v1/products/<id:product_id>")
    @routes.doc(operation_id="deleteProduct", tags=["Products"])
    def delete(product_id: str) -> Response:
        """Remove a product."""
        if not house.keeper.remove(product_id, expected_version(house.engine, product_id)):
            raise NotFound("product", product_id)
        return Response(status=204)

    @routes.get("/v1/products/<id:product_id>/similar")
    @routes.doc(operation_id="similarProducts", tags=["Search"])
    def similar(product_id: str) -> Response:
        """Find what looks like a product, itself left out."""
        given = arguments(limit=whole_number(1, LARGEST_LIMIT), filter=_filter)
        limit, rule = given.get("limit", DEFAULT_LIMIT), given.get("filter", EVERYTHING)
        with observer.search(SearchRequest(like=(Like(product=product_id),), limit=limit, filter=rule)) as noted:
            found = noted.answer = house.searcher.similar(product_id, limit, rule, deadline())
        return answer(with_query_id(search_json(found, explain=False), noted), nones=nones_of(found))

    return routes


def _filter(told: str, at: str) -> Filter:
    return parse_filter(json_argument(told, at), at)


def _written(document: Any, status: int) -> Response:
    return answer(document_json(document), status, {"ETag": entity_tag(document.version)})
