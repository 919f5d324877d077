"""A product that is put together field by field from dirty data: each field is cleaned, and a bad one costs only itself."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from lookalike.catalogues.amazon_text import brand_of, is_script, path_of, price_of
from lookalike.catalogues.text import plain, unmangled
from lookalike.domain.commands import RowFailure
from lookalike.domain.product import CATEGORY_JOINT, Product, parse_product
from lookalike.errors import InvalidInput
from lookalike.ports.catalogue import SourceRow

_LONGEST = {"title": 5_000, "description": 100_000, "brand": 500}
_LONGEST_ATTRIBUTE = 5_000
_MOST_ATTRIBUTES = 300
_MOST_PICTURES = 50
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_WEB = ("http://", "https://")


class Draft:
    """What is known of a row so far: fields as a product's JSON, what was lost, what was odd."""

    def __init__(self, row: int, product_id: object) -> None:
        self.row = row
        self.told: dict[str, Any] = {"id": product_id.strip() if isinstance(product_id, str) else product_id}
        self._attributes: dict[str, Any] = {}
        self._lost: list[tuple[str, str]] = []
        self._notes: dict[str, None] = {}

    def note(self, code: str) -> None:
        """Something odd that cost nothing."""
        self._notes[code] = None

    def lose(self, reason: str, message: str) -> None:
        """Something that is left out of the product."""
        self._lost.append((reason, message))

    def clean(self, value: str) -> str:
        """A text without tags, entities, control characters; UTF-8 that was read as Latin-1 put right."""
        text = plain(value)
        if text is not value and text != value:
            if "<" in value or "&" in value:
                self.note("html")
            if _CONTROL.search(value):
                self.note("control_characters")
        if not text.isascii() and (whole := unmangled(text)) != text:
            self.note("mangled_utf8")
            return whole
        return text

    def title(self, told: object) -> None:
        """Scripts in place of a title are dropped."""
        if isinstance(told, str) and is_script(told):
            self.lose("bad_title", f"Found a piece of the page's script, {told[:30]!r}…, where the title should be; it has none now.")
            told = None
        self._put("title", self._text("title", told))
        if "title" not in self.told:
            self.note("no_title")

    def description(self, *told: object) -> None:
        """Paragraphs, a line each: text or lists of texts."""
        parts = [part for one in told for part in (one if isinstance(one, list) else [one])]
        self._put("description", self._text("description", [part for part in parts if part]))

    def brand(self, told: object) -> None:
        """ "Visit Amazon's Jane Doe Page" is Jane Doe."""
        self._put("brand", self._text("brand", brand_of(told) if isinstance(told, str) else told))

    def created(self, when: str | None) -> None:
        """ISO 8601."""
        self._put("created", when)

    def price(self, told: object) -> None:
        """Of a range the lower end; the upper one is the attribute `price_to`."""
        try:
            found = price_of(told)
        except InvalidInput as error:
            self.lose("bad_price", f"{error.problems[0].message} The product has no price now.")
            return
        if found is not None:
            self.told["price"], high, self.told["currency"] = found
            if high is not None:
                self.attribute("price_to", high)
                self.note("price_range")

    def categories(self, paths: Sequence[object]) -> None:
        """The longest path is the product's category; with others, all of them are the attribute `categories`."""
        found: list[str] = []
        longest: list[str] = []
        for one in paths:
            names, junk = path_of(one if isinstance(one, list) else [one], self.clean)
            if junk:
                self.note("category_junk")
            if len(names) > len(longest):
                longest = names
            if names:
                found.append(CATEGORY_JOINT.join(names))
        if longest:
            self.told["category"] = longest
        found = list(dict.fromkeys(found))
        if len(found) > 1:
            self._attributes["categories"] = found

    def rank(self, found: tuple[int, str] | None) -> None:
        """(sales rank, in what)."""
        if found is not None:
            self._attributes["sales_rank"], self._attributes["sales_rank_in"] = found

    def attribute(self, name: str, value: object) -> None:
        """A text, number, truth value or list of those; what is missing or of another kind is passed over."""
        if value is None or value in ("", []) or len(self._attributes) >= _MOST_ATTRIBUTES:
            return
        if isinstance(value, str):
            value = self.clean(value)[:_LONGEST_ATTRIBUTE]
        elif isinstance(value, list):
            value = [self.clean(one)[:_LONGEST_ATTRIBUTE] if isinstance(one, str) else one for one in value[:500]]
            if not all(isinstance(one, str | int | float) for one in value):
                return
        elif not isinstance(value, int | float):
            return
        self._attributes[name[:100].strip()] = value

    def pictures(self, told: Iterable[object], placeholders: Sequence[str]) -> None:
        """References to the web, each once, without the pictures that shops show where they have none."""
        found: dict[str, None] = {}
        for one in told:
            if not one:
                continue
            if not isinstance(one, str) or not one.strip().lower().startswith(_WEB) or len(one) > 5_000:
                self.lose("bad_picture", f"Found {str(one)[:60]!r} among the pictures; an address that starts with http:// is wanted.")
            elif not any(mark in one for mark in placeholders):
                found[one.strip()] = None
        if len(found) > _MOST_PICTURES:
            self.lose("too_many_pictures", f"Found {len(found)} pictures; the first {_MOST_PICTURES} are kept.")
        if found:
            self.told["pictures"] = list(found)[:_MOST_PICTURES]
        else:
            self.note("no_picture")

    def finished(self) -> SourceRow | RowFailure:
        """The product with what was lost on the way; a failure where even the id is none."""
        if self._attributes:
            self.told["attributes"] = {**self._attributes, **self.told.get("attributes", {})}
        try:
            product = self._product()
        except InvalidInput as error:
            name = self.told.get("id")
            return RowFailure(self.row, ascii(name)[1:-1][:512] if isinstance(name, str) and name else None, "invalid", str(error))
        lost = tuple(RowFailure(self.row, product.id, reason, message) for reason, message in self._lost)
        return SourceRow(self.row, product, lost, tuple(self._notes))

    def _product(self) -> Product:
        try:
            return parse_product(self.told)
        except InvalidInput as error:
            faulty = {re.split(r"[.\[]", one.at, maxsplit=1)[0]: one.message for one in error.problems}
            if "id" in faulty:
                raise
        for field, message in faulty.items():
            if field != "attributes":
                self.lose("bad_field", f"{field}: {message} It is left out.")
                del self.told[field]
                continue
            for name, value in list(self.told["attributes"].items()):
                try:
                    parse_product({"id": "x", "attributes": {name: value}})
                except InvalidInput as error:
                    self.lose("bad_field", f"{error} It is left out.")
                    del self.told["attributes"][name]
        return parse_product(self.told)

    def _put(self, field: str, value: str | None) -> None:
        if value:
            self.told[field] = value

    def _text(self, field: str, told: object) -> str | None:
        if not told:
            return None
        parts = told if isinstance(told, list) else [told]
        if not all(isinstance(one, str) for one in parts):
            self.lose("bad_field", f"{field}: something other than text is in it; that is left out.")
        joint = "\n" if field == "description" else " "
        text = joint.join(cleaned for one in parts if isinstance(one, str) and (cleaned := self.clean(one)))
        if len(text) > _LONGEST[field]:
            self.lose("cut", f"{field}: it has {len(text):,} characters; the first {_LONGEST[field]:,} are kept.")
            text = text[: _LONGEST[field]]
        return text
