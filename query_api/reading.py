"""What a request brings: strict JSON, multipart pictures, query arguments, preconditions."""

import io
from collections.abc import Callable, Mapping
from typing import IO, Any

from flask import current_app, g, request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from lookalike.domain.query_parsing import unknown_field
from lookalike.domain.values import strict_json
from lookalike.errors import InvalidInput, Problem
from query_api.problem import HttpProblem

JSON_TYPES = ("application/json", "application/merge-patch+json")
NDJSON_TYPES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/json-lines")
MOST_PARTS = 64
MOST_VALUES = 1_000_000
"""Values in one JSON body. An empty list is 3 bytes on the wire and 64 in memory: the body's size alone bounds nothing."""


def deadline() -> float:
    """When this request must be answered, in seconds of `time.monotonic()`."""
    return float(g.deadline)


def content_type() -> tuple[str, Mapping[str, str]]:
    """The media type in lower case, "" without one, and its parameters. Raises: HttpProblem where the body is coded."""
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise HttpProblem(415, f"The Content-Encoding {coding[:40]!r} is not read here; send the body as it is.")
    kind, parameters = parse_options_header(request.headers.get("Content-Type", ""))
    return kind.strip().lower(), parameters


def body() -> bytes:
    """The body's bytes. Raises: RequestEntityTooLarge."""
    return request.get_data(cache=False)


def stream() -> IO[bytes]:
    """The body's bytes as they come; where they were read to compare keys, from memory."""
    return io.BytesIO(request.get_data(cache=True)) if "idempotency_key" in g else request.stream


def json_body(*kinds: str) -> Any:
    """The body as strict JSON; without a Content-Type it is taken for JSON. Raises: HttpProblem (415, 400)."""
    kind, parameters = content_type()
    wanted = kinds or JSON_TYPES
    if kind and kind not in wanted:
        raise HttpProblem(415, f"Found the Content-Type {kind[:80]!r}. Send {wanted[0]}.")
    charset = parameters.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise HttpProblem(400, f"JSON is UTF-8 (RFC 8259 §8.1); found the charset {charset[:40]!r}.")
    return parsed_json(body(), "The body")


def parsed_json(content: bytes | str, what: str, most: int = MOST_VALUES) -> Any:
    """The value of JSON text in UTF-8. Raises: HttpProblem(400), (413)."""
    if not content.strip():
        raise HttpProblem(400, f"{what} is empty; a JSON document is wanted.")
    try:
        told = content if isinstance(content, str) else content.decode("utf-8")
        if len(told) > most and told.count(",") + told.count("[") + told.count("{") > most:
            raise HttpProblem(413, f"{what} holds more than {most:,} values.")
        return strict_json(told)
    except UnicodeDecodeError as error:
        raise HttpProblem(400, f"{what} is not UTF-8: {error.reason} at byte {error.start}.") from error
    except ValueError as error:
        raise HttpProblem(400, f"{what} is not JSON: {error}.") from error


def multipart() -> tuple[list[bytes], Any]:
    """The pictures of a multipart body, and what its part `query` holds ({} without one).

    Raises: HttpProblem(400), RequestEntityTooLarge, InvalidInput.
    """
    _, parameters = content_type()
    limit = current_app.config["MAX_CONTENT_LENGTH"]
    parser = FormDataParser(
        stream_factory=_in_memory, max_form_memory_size=limit, max_content_length=limit, max_form_parts=MOST_PARTS, silent=False
    )
    try:
        _, fields, files = parser.parse(request.stream, "multipart/form-data", request.content_length, dict(parameters))
    except RequestEntityTooLarge:
        raise
    except (ValueError, UnicodeError) as error:
        raise HttpProblem(400, f"The multipart body is damaged: {error}.") from error
    problems = [unknown_field(name, ("picture", "query"), "A multipart request", "") for name in {*fields, *files} - {"picture", "query"}]
    if "picture" in fields:
        problems.append(Problem("picture", "The picture came as a text field; send it as a file part, with a filename."))
    told = _query_part(fields, files)
    if problems:
        raise InvalidInput(problems)
    return [one.stream.read() for one in files.getlist("picture")], told


def _query_part(fields: MultiDict[str, str], files: MultiDict[str, FileStorage]) -> Any:
    given: list[bytes | str] = [*fields.getlist("query"), *(one.stream.read() for one in files.getlist("query"))]
    if len(given) > 1:
        raise InvalidInput.at("query", "Found several parts 'query'; one at most.")
    return parsed_json(given[0], "The part 'query'") if given else {}


def _in_memory(*_: object, **__: object) -> io.BytesIO:
    """Pictures of shoppers never touch a disk; the body's size is bounded already."""
    return io.BytesIO()


def is_multipart() -> bool:
    """Whether the body comes in parts. Raises: HttpProblem(415) where it is neither that nor JSON."""
    kind, _ = content_type()
    if kind and kind != "multipart/form-data" and kind not in JSON_TYPES:
        detail = f"Found the Content-Type {kind[:80]!r}. Send application/json, or multipart/form-data with a file part 'picture'."
        raise HttpProblem(415, detail)
    return kind == "multipart/form-data"


def arguments(many: tuple[str, ...] = (), **parsers: Callable[[str, str], Any]) -> dict[str, Any]:
    """The query arguments, each through its parser; absent and empty ones are left out.

    Those in `many` may come repeatedly and are lists; any other comes once at most.

    Raises: InvalidInput with every problem, unknown arguments included.
    """
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, given in request.args.lists():
        if name not in parsers:
            problems.append(unknown_field(name, parsers, "The query string of this address", ""))
        elif len(given) > 1 and name not in many:
            problems.append(Problem(name, "Found more than once."))
        else:
            try:
                told = [parsers[name](one, name) for one in given if one != ""]
            except InvalidInput as error:
                problems += error.problems
            else:
                found |= {name: told if name in many else told[0]} if told else {}
    if problems:
        raise InvalidInput(problems)
    return found


def whole_number(lowest: int, highest: int) -> Callable[[str, str], int]:
    """A parser of digits."""

    def parser(told: str, at: str) -> int:
        if not (told.isascii() and told.isdigit()) or len(told) > 12 or not lowest <= int(told) <= highest:
            raise InvalidInput.at(at, f"Found {told[:40]!r}; a whole number from {lowest:,} to {highest:,} is wanted.")
        return int(told)

    return parser


def json_argument(told: str, at: str) -> Any:
    """A parser of JSON in a query argument."""
    try:
        return strict_json(told)
    except ValueError as error:
        raise InvalidInput.at(at, f"This is not JSON: {error}.") from error
