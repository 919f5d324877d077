"""`/v1/products:bulk` and `/v1/jobs`: many changes at once, in the background."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from lookalike.bootstrap import House
from lookalike.domain.commands import ApplyChanges, ChangeRow, RowFailure
from lookalike.domain.values import shown, strict_json
from lookalike.errors import InvalidInput
from query_api.problem import HttpProblem
from query_api.reading import NDJSON_TYPES, arguments, body, content_type
from query_api.telling import answer

MOST_ROWS = 50_000
MOST_VALUES = 4_000_000
_OPERATIONS = ("put", "patch", "delete")
_ENVELOPE = frozenset({"op", "id", "product"})
_OF_AN_EXPORT = frozenset({"analysis", "vectors", "digest", "unseen"})
"""What `index-admin export` writes beside a product's fields. The index knows it by the pictures; nobody's word is taken for it."""


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
        ticket = house.runner.submit(parse_rows(body()))
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


def parse_rows(content: bytes) -> ApplyChanges:
    """The changes that lines of JSON mean; rows are lines, counted from 1; blank ones are skipped.

    A line that is no JSON, or none of our shapes, is a failure of that row. Raises: InvalidInput, HttpProblem(413).
    """
    if content.count(b",") + content.count(b"[") + content.count(b"{") > MOST_VALUES:
        raise HttpProblem(413, f"The rows hold more than {MOST_VALUES:,} values. Send them in several requests.")
    rows: list[ChangeRow] = []
    failures: list[RowFailure] = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        if len(rows) + len(failures) >= MOST_ROWS:
            raise HttpProblem(413, f"Found more than {MOST_ROWS:,} rows. Send them in several requests.")
        try:
            told = strict_json(line.decode("utf-8").strip())
        except UnicodeDecodeError as error:
            failures.append(RowFailure(number, None, "not_json", f"The line is not UTF-8: {error.reason} at byte {error.start}."))
            continue
        except ValueError as error:
            failures.append(RowFailure(number, None, "not_json", f"The line is not JSON: {error}."))
            continue
        try:
            rows.append(_change(number, told))
        except InvalidInput as error:
            failures.append(RowFailure(number, _name(told), "invalid", str(error)))
    if not rows and not failures:
        raise InvalidInput.at("", "Found no rows; send one product a line.")
    return ApplyChanges(tuple(rows), tuple(failures))


def _change(number: int, told: Any) -> ChangeRow:
    if not isinstance(told, dict):
        raise InvalidInput.at("", f'Found {shown(told)}; a row is an object: a product, or {{"op": …}}.')
    if "op" not in told:
        exported = told.keys() >= _OF_AN_EXPORT
        bare = {name: value for name, value in told.items() if name not in _OF_AN_EXPORT} if exported else told
        return ChangeRow(number, "put", _name(told), bare)
    operation = told["op"]
    if operation not in _OPERATIONS:
        raise InvalidInput.at("op", f"Found {shown(operation)}; an operation is one of {', '.join(_OPERATIONS)}.")
    if unknown := sorted(set(told) - _ENVELOPE):
        raise InvalidInput.at(ascii(unknown[0])[1:-1][:120], "A row with 'op' has 'id' and 'product' beside it, nothing else.")
    product = told.get("product")
    if operation == "delete":
        if product is not None:
            raise InvalidInput.at("product", "A product is deleted by its id alone.")
        if told.get("id") is None:
            raise InvalidInput.at("id", "Which product? An id is needed.")
        return ChangeRow(number, operation, _name(told), None)
    if not isinstance(product, dict):
        raise InvalidInput.at("product", f"Found {shown(product)}; an object is wanted.")
    name = told.get("id", product.get("id"))
    if product.get("id", name) != name:
        raise InvalidInput.at("product.id", f"Found {shown(product['id'])}, but the row's id is {shown(name)}.")
    if name is None:
        raise InvalidInput.at("id", "Which product? An id is needed.")
    return ChangeRow(number, operation, _name({"id": name}), {**product, "id": name})


def _name(told: Any) -> str | None:
    """The id of a row as a string, None where it is something else: for reports, unchecked."""
    name = told.get("id") if isinstance(told, dict) else None
    if isinstance(name, int) and not isinstance(name, bool) and abs(name) < 10**18:
        return str(name)
    return name if isinstance(name, str) else None
