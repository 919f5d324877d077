"""A product as a shop describes it."""

import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from lookalike.domain import values
from lookalike.domain.values import Scalar
from lookalike.errors import InvalidInput, Problem

CATEGORY_JOINT = " > "
_sorted_json = json.JSONEncoder(sort_keys=True, ensure_ascii=True).encode
AttributeValue = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """One product. `pictures` are references: URLs, `data:` URLs, paths, or `stored:DIGEST`.

    `category` is a path joined by " > "; `created` is ISO 8601 text as it was given.
    """

    id: str
    title: str | None = None
    description: str | None = None
    brand: str | None = None
    category: str | None = None
    price: float | int | None = None  # int, too: msgspec would make 5.0 of a 5 where only floats are told
    currency: str | None = None
    url: str | None = None
    tags: tuple[str, ...] = ()
    group: str | None = None
    in_stock: bool | None = None
    created: str | None = None
    pictures: tuple[str, ...] = ()
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:  # noqa: PLR0912 — every product written or shown comes here; a loop takes three times as long
        """The product of interfaces.md; what is missing is left out."""
        told: dict[str, Any] = {"id": self.id}
        if self.title is not None:
            told["title"] = self.title
        if self.description is not None:
            told["description"] = self.description
        if self.brand is not None:
            told["brand"] = self.brand
        if self.category is not None:
            told["category"] = self.category
        if self.price is not None:
            told["price"] = self.price
        if self.currency is not None:
            told["currency"] = self.currency
        if self.url is not None:
            told["url"] = self.url
        if self.tags:
            told["tags"] = list(self.tags)
        if self.group is not None:
            told["group"] = self.group
        if self.in_stock is not None:
            told["in_stock"] = self.in_stock
        if self.created is not None:
            told["created"] = self.created
        if self.pictures:
            told["pictures"] = list(self.pictures)
        if self.attributes:
            told["attributes"] = {key: list(one) if isinstance(one, tuple) else one for key, one in self.attributes.items()}
        return told

    @property
    def created_at(self) -> float | None:
        """`created` in seconds since 1970."""
        return None if self.created is None else values.instant(self.created)

    def content_digest(self, picture_digests: tuple[str, ...]) -> str:
        """SHA-256 over the fields and the bytes of the pictures: equal products need no second look."""
        told = self.as_json() | {"pictures": list(picture_digests)}
        return hashlib.sha256(_sorted_json(told).encode()).hexdigest()


PRODUCT_FIELDS = tuple(one.name for one in fields(Product))
SEEN_FIELDS = ("predicted_tags", "predicted_colours", "quality")
"""What an analysis adds to the fields that can be filtered and counted."""


def category_path(value: object, at: str) -> str:
    """ "Clothing > Shoes" of a string or of a list of names. Raises: InvalidInput."""
    if isinstance(value, list):
        steps = [values.text(one, f"{at}[{n}]", 200, control=False) for n, one in enumerate(values.array(value, at, 20))]
    else:
        steps = values.text(value, at, 1000, control=False).split(">")
    path = CATEGORY_JOINT.join(step.strip() for step in steps if step.strip())
    if not path:
        raise InvalidInput.at(at, "A category needs a name, such as 'Clothing > Shoes'.")
    return path


def product_id(value: object, at: str = "id") -> str:
    """An identifier: 1…512 bytes of UTF-8 without control characters. Raises: InvalidInput."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        value = str(value)
    name = values.text(value, at, 512, control=False)
    if not name or name in (".", ".."):
        raise InvalidInput.at(at, "An id has at least one character and is neither '.' nor '..', which no URL can carry.")
    if len(name.encode()) > 512:
        raise InvalidInput.at(at, f"Found {len(name.encode())} bytes; an id has 512 at most.")
    return name


def _created(value: object, at: str) -> str:
    told = values.text(value, at, 64, control=False)
    try:
        values.instant(told)
    except ValueError as error:
        raise InvalidInput.at(at, f"Found {values.shown(told)}; a time is ISO 8601, such as 2026-11-21T09:30:00Z.") from error
    return told


def _scalar(value: object, at: str) -> Scalar:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return values.text(value, at, 5000)
    if isinstance(value, int | float):
        return values.number(value, at)
    raise InvalidInput.at(at, f"Found {values.shown(value)}; an attribute is a string, a number, true or false, or a list of those.")


def _attributes(value: object, at: str) -> dict[str, AttributeValue]:
    told = values.mapping(value, at)
    if len(told) > 500:
        raise InvalidInput.at(at, f"Found {len(told):,} attributes; 500 at most.")
    found: dict[str, AttributeValue] = {}
    for name, one in sorted(told.items()):
        place = f"{at}.{name}"[:120]
        if not values.text(name, at, 100, control=False).strip():
            raise InvalidInput.at(at, "An attribute needs a name.")
        if isinstance(one, list):
            found[name] = tuple(_scalar(part, f"{place}[{n}]") for n, part in enumerate(values.array(one, place, 500)))
        elif one is not None:
            found[name] = _scalar(one, place)
    return found


def _texts(value: object, at: str, most: int, longest: int) -> tuple[str, ...]:
    entries = values.array([value] if isinstance(value, str) else value, at, most)
    return tuple(values.text(one, f"{at}[{n}]", longest) for n, one in enumerate(entries))


_text = values.text
_PARSERS: dict[str, Callable[[object, str], object]] = {
    "id": product_id,
    "title": functools.partial(_text, longest=5_000),
    "description": functools.partial(_text, longest=100_000),
    "brand": functools.partial(_text, longest=500),
    "category": category_path,
    "price": functools.partial(values.number, lowest=0, highest=1e12),
    "currency": functools.partial(_text, longest=20),
    "url": functools.partial(_text, longest=5_000),
    "tags": functools.partial(_texts, most=200, longest=500),
    "group": functools.partial(_text, longest=500),
    "in_stock": values.boolean,
    "created": _created,
    "pictures": functools.partial(_texts, most=50, longest=64_000_000),
    "attributes": _attributes,
}


def parse_fields(told: object, at: str = "") -> dict[str, Any]:
    """The fields of a product or of a patch, checked; null stays None, and an absent field is absent.

    Raises: InvalidInput with every problem found, each with its place.
    """
    given = values.mapping(told, at)
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in given.items():
        place = f"{at}.{name}" if at else str(name)
        parser = _PARSERS.get(name)
        try:
            if parser is None:
                raise InvalidInput.at(
                    ascii(place)[1:-1][:120],
                    f"A product has no field of that name; its own fields go under 'attributes'. Known: {', '.join(PRODUCT_FIELDS)}.",
                )
            found[name] = None if value is None else parser(value, place)
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(problems)
    return found


def parse_product(told: object, at: str = "") -> Product:
    """The product that a JSON object means; `id` is needed. Raises: InvalidInput with every problem found."""
    found = parse_fields(told, at)
    if found.get("id") is None:
        raise InvalidInput.at(f"{at}.id" if at else "id", "A product needs an id.")
    return Product(**{name: value for name, value in found.items() if value is not None})


def patched(product: Product, changes: Mapping[str, Any]) -> Product:
    """The product after a merge patch (RFC 7396) of `parse_fields`' result; null removes, attributes merge by name.

    An attribute cannot be told apart from a removed one after parsing, so `changes["attributes"]` may hold None values.
    """
    told: dict[str, Any] = {name: getattr(product, name) for name in PRODUCT_FIELDS}
    for name, value in changes.items():
        if name == "attributes" and value is not None:
            merged = {**product.attributes, **value}
            told[name] = {key: one for key, one in merged.items() if one is not None}
        elif name != "id":
            told[name] = value
    return Product(**{name: value for name, value in told.items() if value is not None})


def parse_patch(told: object, at: str = "") -> dict[str, Any]:
    """The changes of a merge patch: as `parse_fields`, but attributes may be null, which removes them. Raises: InvalidInput."""
    found = parse_fields(told, at)
    given = values.mapping(told, at).get("attributes")
    if isinstance(given, Mapping):
        found["attributes"] = {**{name: None for name, one in given.items() if one is None}, **found["attributes"]}
    return found
