"""From a row of somebody's file to a product: which column is which field, what text means, where the pictures lie."""

import dataclasses
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lookalike.catalogues.places import below_folder, below_prefix
from lookalike.catalogues.text import in_stock, parse_price, parts
from lookalike.domain.product import CATEGORY_JOINT, PRODUCT_FIELDS, Product, parse_product, product_id
from lookalike.errors import InvalidInput
from lookalike.ports.catalogue import CatalogueOptions

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")
"""File names that are taken for pictures; what the bytes are is seen later."""
_OUR_OWN = frozenset({"analysis", "vectors", "digest", "unseen"})
"""What `index-admin export` adds to a product: the product can be indexed again, but is looked at anew."""
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "id": ("productid", "sku", "itemid", "uniqid", "asin", "code"),
    "title": ("name", "productname", "producttitle", "productdisplayname", "displayname"),
    "description": ("desc", "longdescription", "productdescription", "about"),
    "brand": ("brandname", "manufacturer", "vendor"),
    "category": ("categories", "categorypath", "productcategory", "googleproductcategory", "producttype", "label"),
    "price": ("saleprice", "currentprice", "amount"),
    "currency": ("pricecurrency",),
    "url": ("link", "producturl", "producturl", "canonicalurl"),
    "tags": ("tag", "keywords", "labels"),
    "group": ("groupid", "itemgroupid", "parentid", "styleid", "parentsku"),
    "in_stock": ("instock", "availability", "available", "stock"),
    "created": ("createdat", "dateadded", "created_at"),
    "pictures": (
        *("picture", "image", "images", "imageurl", "imageurls", "imagelink", "pictureurl", "img", "imgurl", "photo"),
        *("photos", "filename", "imagepath", "imagefile", "primaryimage"),
    ),
}
_LEVELS = (("mastercategory", "maincategory", "department"), ("subcategory",), ("articletype", "producttype"))
"""Columns that are the levels of one category, when a file has at least two of them and no category of its own."""


class RowReader:
    """Makes products of rows. `home` is the folder that relative picture paths start from.

    `--map FIELD=COLUMN` wins; then a column with a field's name; then a usual other name for it. Whatever is left becomes
    an attribute. Several columns can be joined: `category=main>sub`, `tags=colour+season`.
    """

    def __init__(self, options: CatalogueOptions, home: Path) -> None:
        self._mapping, self._home = options.mapping, home
        self._web = options.pictures if options.pictures and re.match(r"https?://", options.pictures, re.IGNORECASE) else None
        self._folder = _picture_folder(options.pictures) if options.pictures is not None and self._web is None else None
        self._near = [home / name for name in ("pictures", "images") if (home / name).is_dir()] if options.pictures is None else []
        self._plans: dict[tuple[str, ...], dict[str, list[str]]] = {}

    def product(self, told: Mapping[str, Any]) -> Product:
        """The product that a row means. Raises: InvalidInput, with the field."""
        return self.with_pictures(parse_product(self.fields(told)))

    def with_pictures(self, product: Product) -> Product:
        """The product; where it names no picture, with the one that is named like it."""
        named = () if product.pictures else self._named_by(product.id)
        return dataclasses.replace(product, pictures=named) if named else product

    def fields(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """The row as the JSON of a product, not yet checked."""
        keys = tuple(told)
        plan = self._plans.get(keys)
        if plan is None:
            if len(self._plans) > 1000:  # rows of a thousand shapes: remembering them would only cost memory
                self._plans.clear()
            plan = self._plans[keys] = self.plan(keys)
        found: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for ours, theirs in plan.items():
            cells = [told[one] for one in theirs if told[one] not in (None, "")]
            if not cells:
                continue
            if ours.startswith("attributes."):
                _flatten(ours.removeprefix("attributes."), cells[0], extra)
            else:
                found[ours] = _joined(ours, cells)
        self._settle(found)
        own = found.get("attributes")
        if extra:
            found["attributes"] = {**extra, **own} if isinstance(own, Mapping) else own or extra
        return found

    def name_of(self, told: Mapping[str, Any]) -> str | None:
        """The id of a row that is otherwise wrong: the product's where it can be one, else as it may be shown; None without any."""
        named = self.plan(tuple(told)).get("id", [])
        name = told[named[0]] if named else None
        try:
            return product_id(name)
        except InvalidInput:
            return ascii(name)[1:-1][:512] if isinstance(name, str) and name else None

    def plan(self, columns: Sequence[str]) -> dict[str, list[str]]:
        """Which of our fields each column goes to; attributes as "attributes.NAME". Raises: InvalidInput for a bad --map."""
        plan: dict[str, list[str]] = {}
        for ours, theirs in self._mapping.items():
            named = _columns_of(ours, theirs, columns)
            if named:
                plan[ours if ours in PRODUCT_FIELDS or ours.startswith("attributes.") else f"attributes.{ours}"] = named
        left = [one for one in columns if one not in {name for names in plan.values() for name in names} and one not in _OUR_OWN]
        plain = {re.sub(r"[^a-z0-9]", "", one.casefold()): one for one in reversed(left)}
        for ours in PRODUCT_FIELDS:
            if ours not in plan and ours in left:
                plan[ours] = [ours]
        for ours, synonyms in _SYNONYMS.items():
            near = next(
                (plain[one] for one in (ours.replace("_", ""), *synonyms) if one in plain and [plain[one]] not in plan.values()), None
            )
            if ours not in plan and near is not None:
                plan[ours] = [near]
            if ours == "brand" and "category" not in plan:  # before a lone sub-category is taken for the whole
                levels = [name for names in _LEVELS if (name := next((plain[one] for one in names if one in plain), None))]
                if len(levels) > 1:
                    plan["category"] = levels
        taken = {name for names in plan.values() for name in names}
        for one in left:
            if one not in taken and one.strip():
                plan[f"attributes.{one.strip()}"] = [one]
        return plan

    def _settle(self, found: dict[str, Any]) -> None:
        """Text that stands for numbers, lists and truth values; references to pictures made whole."""
        if isinstance(price := found.get("price"), str):
            found["price"], currency = parse_price(price)
            if currency and "currency" not in found:
                found["currency"] = currency
        if isinstance(found.get("in_stock"), str | int | float):
            found["in_stock"] = in_stock(found["in_stock"])
        for name in ("tags", "pictures"):
            if isinstance(text := found.get(name), str):
                found[name] = parts(text, name)
        if isinstance(text := found.get("category"), str):
            found["category"] = re.sub(r"\s*[|»›]\s*", CATEGORY_JOINT, text)
        pictures = found.get("pictures")
        if isinstance(pictures, list):
            found["pictures"] = [self._reference(one) if isinstance(one, str) else one for one in pictures]

    def _reference(self, told: str) -> str:
        told = told.strip()
        if re.match(r"(https?://|data:|stored:)", told, re.IGNORECASE):
            return told
        if self._web is not None:
            return below_prefix(self._web, told)
        return below_folder(self._folder or self._home, told, also_absolute=self._folder is not None)

    def _named_by(self, product_id: str) -> tuple[str, ...]:
        """The picture that is named like the product. Where we only guess the folder, the file must be there."""
        if self._web is not None:
            return (below_prefix(self._web, product_id if "{}" in self._web else f"{product_id}.jpg"),)
        for folder in [self._folder] if self._folder else self._near:
            # Texts, since pathlib would take as long as all the rest of a row.
            stem = os.path.normpath(os.path.join(folder, product_id.lstrip("/")))
            if not stem.startswith(os.path.join(folder, "")):
                continue  # an id such as ../../x names no file of this folder
            found = next((stem + suffix for suffix in SUFFIXES if os.path.exists(stem + suffix)), None)
            if found or folder == self._folder:
                return (found or stem + SUFFIXES[0],)
        return ()


def reader_for(options: CatalogueOptions, source: Path) -> RowReader:
    """A reader for a file's rows; relative paths start from its folder."""
    return RowReader(options, source.resolve().parent)


def _picture_folder(told: str) -> Path:
    folder = Path(told).expanduser().resolve()
    if not folder.is_dir():
        raise InvalidInput.at(
            "--pictures", f"There is no folder {told!r}. Give a folder, or an address that starts with http:// or https://."
        )
    return folder


def _columns_of(ours: str, theirs: str, columns: Iterable[str]) -> list[str]:
    known = list(columns)
    if theirs in known:
        return [theirs]
    named = [one.strip() for one in re.split(r">" if ours == "category" else r"\+", theirs)]
    return [one for one in named if one in known]


def _joined(ours: str, cells: list[Any]) -> Any:
    if len(cells) == 1:
        return cells[0]
    if ours == "category":
        return CATEGORY_JOINT.join(map(str, cells))
    if ours in ("tags", "pictures"):
        listed = [parts(one, ours) if isinstance(one, str) else one if isinstance(one, list) else [one] for one in cells]
        return [one for cell in listed for one in cell]
    return " ".join(map(str, cells))


def _flatten(name: str, value: Any, into: dict[str, Any], depth: int = 0) -> None:
    """An attribute; objects become attributes with dots in their names. Lists of objects have no meaning as a filter: left out."""
    if isinstance(value, Mapping):
        if depth < 5:
            for key, one in value.items():
                _flatten(f"{name}.{key}", one, into, depth + 1)
    elif isinstance(value, list):
        into[name] = [one for one in value if one is not None and not isinstance(one, dict | list)]
    elif value is not None:
        into[name] = value
