"""`/v1/search` and `/v1/analyze`: what shoppers ask."""

from dataclasses import replace
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from lookalike.bootstrap import House
from lookalike.domain import values
from lookalike.domain.geometry import Box
from lookalike.domain.query import Like, SearchRequest
from lookalike.domain.query_parsing import parse_picture, parse_search, with_pictures
from lookalike.errors import InvalidInput, Overloaded, Unavailable
from query_api.observing import Observer, with_query_id
from query_api.reading import deadline, is_multipart, json_body, multipart
from query_api.telling import answer, categories_json, nones_of, search_json, stand_in_json


def blueprint(house: House, observer: Observer) -> APIBlueprint:
    """The routes of searching."""
    routes = APIBlueprint("search", __name__)

    @routes.post("/v1/search")
    @routes.doc(operation_id="search", tags=["Search"])
    def search() -> Response:
        """Find products by pictures, words and filters."""
        request = _search_request()
        with observer.search(request) as noted:
            found = noted.answer = house.searcher.search(request, deadline())
        return answer(with_query_id(search_json(found, request.explain), noted), nones=nones_of(found))

    @routes.post("/v1/analyze")
    @routes.doc(operation_id="analyze", tags=["Search"])
    def analyze() -> Response:
        """See what is on a picture, and keep it for further searches."""
        like = _picture_request()
        content, upload = house.searcher.content(like), like.upload
        like = replace(like, content=content, url=None, upload=None)
        try:
            analysis = house.searcher.analyse(like, deadline())
        except Overloaded:
            raise
        except Unavailable:
            stood_in = house.searcher.stand_in(like)
            return answer(stand_in_json(stood_in, upload or house.uploads.keep(content)))
        upload = upload or house.uploads.keep(content)
        told = analysis.as_json() | {"upload": upload, "took_ms": {name: round(value, 2) for name, value in analysis.took_ms.items()}}
        if not analysis.categories:
            told["categories"] = categories_json(house.searcher.categories(analysis.main.vector))
        return answer(told)

    return routes


def _search_request() -> SearchRequest:
    if not is_multipart():
        return parse_search(json_body())
    pictures, told = multipart()
    return with_pictures(parse_search(told), pictures)


def _picture_request() -> Like:
    if not is_multipart():
        return parse_picture(json_body())
    pictures, told = multipart()
    given: Any = values.mapping(told, "query")
    if set(given) - {"box"}:
        raise InvalidInput.at("query", "Beside the picture an analysis takes a 'box', nothing else.")
    if len(pictures) != 1:
        raise InvalidInput.at("picture", f"Found {len(pictures)} pictures; send one, as a file part 'picture'.")
    return Like(content=pictures[0], box=Box.parse(given["box"]) if given.get("box") is not None else None)
