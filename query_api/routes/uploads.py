"""`/v1/uploads/{id}`: the picture that a shopper gave, shown again or forgotten."""

from apiflask import APIBlueprint
from flask import Response

from lookalike.bootstrap import House
from lookalike.errors import NotFound
from lookalike.pictures.decode import Limits
from lookalike.pictures.thumbnail import LARGEST, SMALLEST, shown
from query_api.reading import arguments, whole_number

SIDE = 1600
"""The longer side in pixels where none is asked for: what the page shows fits, and no camera's 50 megapixels travel back."""


def blueprint(house: House, limits: Limits | None = None) -> APIBlueprint:
    """The routes of shoppers' pictures. Whoever knows the id, which cannot be guessed, may see and forget the picture."""
    routes = APIBlueprint("uploads", __name__)

    @routes.get("/v1/uploads/<id:upload_id>")
    @routes.doc(operation_id="getUpload", tags=["Search"])
    def read(upload_id: str) -> Response:
        """Show a shopper's picture: upright, reduced to `size`, as a JPEG of our own."""
        side = arguments(size=whole_number(SMALLEST, LARGEST)).get("size", SIDE)
        found = shown(house.uploads.content(upload_id), side, limits)
        response = Response(found.content, mimetype=found.mimetype)
        response.headers["Cache-Control"] = "no-store"  # it is a person's own; no cache keeps it longer than we do
        response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
        return response

    @routes.delete("/v1/uploads/<id:upload_id>")
    @routes.doc(operation_id="forgetUpload", tags=["Search"])
    def forget(upload_id: str) -> Response:
        """Forget a shopper's picture at once."""
        if not house.uploads.forget(upload_id):
            raise NotFound("upload", upload_id)
        return Response(status=204)

    return routes
