"""From JSON to a `SearchRequest`: strict, with the place of every problem. HTTP, command line and evaluation share it."""

import base64
import binascii
import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from lookalike.domain import values
from lookalike.domain.filters import Filter, canonical_field, parse_filter
from lookalike.domain.geometry import Box
from lookalike.domain.product import category_path, product_id
from lookalike.domain.query import LARGEST_LIMIT, LEGS, STRATEGIES, FacetRequest, Like, SearchRequest
from lookalike.errors import InvalidInput, Problem

MOST_LIKES = 100
MOST_PICTURES = 16
"""Pictures that one search may bring: each costs a pass through the networks."""
LONGEST_TEXT = 4_000
LONGEST_VECTOR = 8_192
LONGEST_ADDRESS = 8_000
MOST_TAGS = 100
MOST_FACETS = 50
LARGEST_WEIGHT = 1e6
CATEGORY_MODES = ("auto", "only", "off")

_SOURCES = ("picture", "product", "vector", "text")
_ORIGINS = ("url", "base64", "upload")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DATA_URL = re.compile(r"data:[\w.+/-]{0,100}(;[\w.=+-]{1,100})*;base64,", re.IGNORECASE)

Parser = Callable[[Any, str], Any]


def parse_search(told: object, at: str = "") -> SearchRequest:
    """The search that a JSON object means; null anywhere at the top level is the same as leaving the field out.

    Raises: InvalidInput with every problem found, each with its place ("like[0].box", "filter.price.gte").
    """
    request = SearchRequest(**_fields(told, at, _SEARCH, "A search"))
    _count_pictures(request, _below(at, "like"))
    return request


def with_pictures(request: SearchRequest, contents: Iterable[bytes]) -> SearchRequest:
    """The request with pictures that came beside it before its own examples. Raises: InvalidInput where they are too many."""
    request = replace(request, like=(*(Like(content=one) for one in contents), *request.like))
    _count_pictures(request, "picture")
    return request


def parse_picture(told: object, at: str = "") -> Like:
    """What `/v1/analyze` takes: `{"picture": {…}, "box": […]}`. Raises: InvalidInput."""
    found = _fields(told, at, {"picture": _picture, "box": Box.parse}, "An analysis")
    if "picture" not in found:
        raise InvalidInput.at(_below(at, "picture"), 'A picture is needed: {"picture": {"base64": "…"}}, or a multipart file part.')
    return Like(**found["picture"], box=found.get("box"))


def parse_facets(told: object, at: str = "facets") -> tuple[FacetRequest, ...]:
    """The facets that a JSON list means. Raises: InvalidInput."""
    found = tuple(_facet(one, f"{at}[{n}]") for n, one in enumerate(values.array(told, at, MOST_FACETS)))
    names: set[str] = set()
    for place, facet in enumerate(found):
        if facet.name in names:
            raise InvalidInput.at(f"{at}[{place}]", f"The field {values.shown(facet.name)} is asked for twice; the answer has it once.")
        names.add(facet.name)
    return found


def base64_bytes(value: object, at: str) -> bytes:
    """The bytes of a base64 string, with or without a `data:` prefix, line breaks and padding. Raises: InvalidInput."""
    if not isinstance(value, str):
        raise InvalidInput.at(at, f"Found {values.shown(value)}; a string in base64 is wanted.")
    with suppress(ValueError):  # most write it plainly; what follows, for all who do not, reads a long text again and again
        return binascii.a2b_base64(value, strict_mode=True)
    prefix = _DATA_URL.match(value)
    told = "".join((value[prefix.end() :] if prefix else value).split())
    told = told.replace("-", "+").replace("_", "/").rstrip("=")  # the URL alphabet means the same bytes
    try:
        return base64.b64decode(told + "=" * (-len(told) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput.at(at, "This is not base64: letters, digits, + and / are wanted.") from error


def unknown_field(name: object, known: Iterable[str], what: str, at: str) -> Problem:
    """The problem of a field that nobody knows, with the nearest one that exists."""
    names = sorted(known)
    near = difflib.get_close_matches(str(name)[:80], names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return Problem(_below(at, ascii(name)[1:-1][:120]), f"{what} has no such field. Known: {', '.join(names) or 'none'}.{hint}")


def _below(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _fields(told: object, at: str, parsers: Mapping[str, Parser], what: str) -> dict[str, Any]:
    """Each known field through its parser; all the problems of all fields in one error."""
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in values.mapping(told, at).items():
        parser = parsers.get(name)
        if parser is None:
            problems.append(unknown_field(name, parsers, what, at))
        elif value is not None:
            try:
                found[name] = parser(value, _below(at, name))
            except InvalidInput as error:
                problems += error.problems
    if problems:
        raise InvalidInput(problems)
    return {name: value for name, value in found.items() if value is not None}


def _each(value: object, at: str, most: int, parser: Parser) -> tuple[Any, ...]:
    found: list[Any] = []
    problems: list[Problem] = []
    for place, one in enumerate(values.array(value, at, most)):
        try:
            found.append(parser(one, f"{at}[{place}]"))
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(problems[:20])
    return tuple(found)


def _words(value: object, at: str) -> str | None:
    """Words for a search; None where there are none but blanks. Control characters mean nothing to anybody: blanks."""
    told = _CONTROL.sub(" ", values.text(value, at, LONGEST_TEXT)).strip()
    return told or None


def _tags(value: object, at: str) -> tuple[str, ...]:
    def tag(one: object, place: str) -> str:
        return values.text(one, place, 500).strip()

    return tuple(dict.fromkeys(name for name in _each(value, at, MOST_TAGS, tag) if name))


def _count_pictures(request: SearchRequest, at: str) -> None:
    examples = (*request.like, *request.unlike)
    pictures = sum(one.content is not None or one.url is not None or one.upload is not None for one in examples)
    if pictures > MOST_PICTURES:
        raise InvalidInput.at(at, f"Found {pictures} pictures; {MOST_PICTURES} at most in one search.")


def _likes(value: object, at: str) -> tuple[Like, ...]:
    return _each(value, at, MOST_LIKES, _like)


def _like(told: object, at: str) -> Like:
    parsers: dict[str, Parser] = {
        "picture": _picture,
        "product": product_id,
        "vector": _vector,
        "text": _words,
        "box": Box.parse,
        "weight": _weight,
    }
    given = values.mapping(told, at)
    found = _fields(given, at, parsers, "An example")
    named = [name for name in _SOURCES if given.get(name) is not None]
    if len(named) != 1:
        state = f"Found {' and '.join(named)}" if named else "Found none"
        raise InvalidInput.at(at, f"{state}; an example is exactly one of {', '.join(_SOURCES)}.")
    if "box" in found and "picture" not in found:
        raise InvalidInput.at(f"{at}.box", "A box belongs to a picture; leave it out here.")
    if named == ["text"] and "text" not in found:
        raise InvalidInput.at(f"{at}.text", "Found no words.")
    return Like(**(found | found.pop("picture", {})))


def _picture(told: object, at: str) -> dict[str, Any]:
    given = values.mapping(told, at)
    parsers: dict[str, Parser] = {"url": _address, "base64": base64_bytes, "upload": _upload}
    found = _fields(given, at, parsers, "A picture")
    if len(found) != 1:
        state = f"Found {' and '.join(found)}" if found else "Found none"
        raise InvalidInput.at(at, f"{state}; a picture is exactly one of {', '.join(_ORIGINS)}.")
    return {"content": found["base64"]} if "base64" in found else found


def _address(value: object, at: str) -> str:
    told = values.text(value, at, 100_000_000)
    if len(told) > LONGEST_ADDRESS and not told[:5].lower() == "data:":
        raise InvalidInput.at(at, f"Found {len(told):,} characters; an address has {LONGEST_ADDRESS:,} at most.")
    if told.startswith("stored:"):
        raise InvalidInput.at(at, "Pictures of the catalogue are asked for by product, uploaded ones by upload.")
    return told


def _upload(value: object, at: str) -> str:
    return values.text(value, at, 200, control=False)


def _vector(value: object, at: str) -> tuple[float, ...]:
    return tuple(float(values.number(one, f"{at}[{n}]")) for n, one in enumerate(values.array(value, at, LONGEST_VECTOR)))


def _weight(value: object, at: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        raise InvalidInput.at(at, "A weight is not below 0; what is to be avoided goes into 'unlike'.")
    return float(values.number(value, at, 0, LARGEST_WEIGHT))


def _weights(told: object, at: str) -> dict[str, float]:
    found: dict[str, float] = _fields(told, at, dict.fromkeys(LEGS, _weight), "The weights")
    if set(found) == set(LEGS) and not any(found.values()):
        raise InvalidInput.at(at, "All weights are 0: nothing is left to order the hits by. Give one of them a weight.")
    return found


def _category(value: object, at: str) -> str:
    told = values.text(value, at, 1000) if isinstance(value, str) else value
    return str(told) if told in CATEGORY_MODES else category_path(told, at)


def _facet(told: object, at: str) -> FacetRequest:
    if isinstance(told, str):
        name = values.text(told, at, 200)
        return FacetRequest(canonical_field(_named(name, at)), name)
    if not isinstance(told, Mapping):
        raise InvalidInput.at(at, f"Found {values.shown(told)}; a field's name or an object with 'field' is wanted.")
    found = _fields(told, at, _FACET, "A facet")
    if "field" not in found:
        raise InvalidInput.at(f"{at}.field", "A facet needs a field.")
    name = found.pop("field")
    field = canonical_field(name)
    if "depth" in found and field != "category":
        raise InvalidInput.at(f"{at}.depth", "Only 'category' has levels.")
    if "depth" in found and "ranges" in found:
        raise InvalidInput.at(f"{at}.ranges", "Give ranges or a depth, not both.")
    return FacetRequest(field, name, **found)


def _edges(value: object, at: str) -> tuple[float, ...]:
    edges: tuple[float, ...] = _each(value, at, 200, values.number)
    if not edges:
        raise InvalidInput.at(at, "Ranges need at least one edge, such as [0, 25, 50].")
    for place in range(1, len(edges)):
        if edges[place] <= edges[place - 1]:
            raise InvalidInput.at(f"{at}[{place}]", "The edges of ranges rise.")
    return edges


def _named(value: object, at: str) -> str:
    name = values.text(value, at, 200)
    if not name.strip():
        raise InvalidInput.at(at, "A field needs a name.")
    return name


def _sort(value: object, at: str) -> str:
    told = values.text(value, at, 200)
    if not told.lstrip("-").strip() or told.startswith("--"):
        raise InvalidInput.at(at, "Sort by relevance, price, -price, newest, or a field; '-' before it turns the order round.")
    return told


def _strategy(value: object, at: str) -> str:
    told = values.text(value, at, 200)
    if told not in STRATEGIES:
        near = difflib.get_close_matches(told, STRATEGIES, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise InvalidInput.at(at, f"Found {values.shown(told)}; a strategy is one of {', '.join(STRATEGIES)}.{hint}")
    return told


def _limit(value: object, at: str) -> int:
    return values.integer(value, at, 1, LARGEST_LIMIT)


def _share(value: object, at: str) -> float:
    return values.number(value, at, 0, 1)


def _cosine(value: object, at: str) -> float:
    return values.number(value, at, -1, 1)


def _token(value: object, at: str) -> str:
    return values.text(value, at, 20_000)


def _filter(value: object, at: str) -> Filter:
    return parse_filter(value, at)


def _group(value: object, at: str) -> str:
    return canonical_field(_named(value, at))


_FACET: dict[str, Parser] = {
    "field": _named,
    "ranges": _edges,
    "depth": lambda value, at: values.integer(value, at, 1, 20),
    "limit": lambda value, at: values.integer(value, at, 1, 1000),
}
_SEARCH: dict[str, Parser] = {
    "like": _likes,
    "unlike": _likes,
    "text": _words,
    "tags": _tags,
    "not_tags": _tags,
    "weights": _weights,
    "filter": _filter,
    "category": _category,
    "facets": parse_facets,
    "sort": _sort,
    "limit": _limit,
    "cursor": _token,
    "min_similarity": _cosine,
    "group_by": _group,
    "diversity": _share,
    "strategy": _strategy,
    "explain": values.boolean,
}
SEARCH_FIELDS = tuple(_SEARCH)
"""The fields of a search, for what describes them elsewhere (OpenAPI, documentation)."""
