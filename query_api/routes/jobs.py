"""`/v1/products:bulk` and `/v1/jobs`: many changes at once, in the background."""

from apiflask import APIBlueprint
from flask import Response

from lookalike.bootstrap import House
from lookalike.domain.commands import ApplyChanges
from lookalike.errors import LookalikeError
from query_api.problem import HttpProblem
from query_api.reading import NDJSON_TYPES, arguments, content_type, stream
from query_api.rows import spooled
from query_api.telling import answer


def blueprint(house: House) -> APIBlueprint:
    """The routes of bulk changes."""
    routes = APIBlueprint("jobs", __name__)

    @routes.post("/v1/products:bulk")
    @routes.doc(operation_id="bulkProducts", tags=["Products"])
    def bulk() -> Response:
        """Put, patch and delete products by lines of JSON; answers a job."""
        kind, _ = content_type()
        if kind not in NDJSON_TYPES:  # without a type as well: a form on a foreign page could send that
            raise HttpProblem(415, f"Found the Content-Type {kind[:80]!r}. Send JSON Lines as {NDJSON_TYPES[0]}.")
        command = ApplyChanges(spooled(stream(), house.folder))
        try:
            ticket = house.runner.submit(command)
        except LookalikeError:
            command.close()
            raise
        return answer(ticket.as_json(), 202, {"Location": f"/v1/jobs/{ticket.id}"})

    @routes.get("/v1/jobs/<id:job_id>")
    @routes.doc(operation_id="getJob", tags=["Products"])
    def job(job_id: str) -> Response:
        """How far a job is."""
        arguments()
        return answer(house.runner.ticket(job_id).as_json())

    @routes.delete("/v1/jobs/<id:job_id>")
    @routes.doc(operation_id="cancelJob", tags=["Products"])
    def cancel(job_id: str) -> Response:
        """Stop a job before its next row; what is done stays done."""
        return answer(house.runner.cancel(job_id).as_json())

    return routes
