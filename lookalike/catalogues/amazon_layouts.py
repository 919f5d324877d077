"""The three public layouts of Amazon's product data: which of their fields is which of ours."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from lookalike.catalogues.amazon_draft import Draft
from lookalike.catalogues.amazon_text import brand_of, date_of, main_category_of, rank_of
from lookalike.catalogues.text import plain
from lookalike.domain.values import strict_json

Raw = Mapping[str, Any]
_PLACEHOLDERS = ("no-img", "no-image", "nav_logo", "transparent-pixel", "grey-pixel")
_DATES = ("Date First Available", "Date first listed on Amazon", "Date first available at Amazon.com")
_BRANDS = ("Brand", "Brand Name", "Manufacturer")
_NOT_KEPT = frozenset(
    {
        *("asin", "customer reviews", "average customer review", "best sellers rank", "amazon best sellers rank"),
        *(one.casefold() for one in (*_DATES, "Brand", "Brand Name")),
    }
)
"""Names of `details` that say what a field of ours says, or hold the page's widgets."""


def _2014(raw: Raw, draft: Draft) -> None:
    """`asin title description price imUrl brand categories salesRank`; `related` is left out."""
    draft.title(raw.get("title"))
    draft.description(raw.get("description"))
    draft.brand(raw.get("brand"))
    paths = raw.get("categories")
    if isinstance(paths, list) and paths and all(isinstance(one, str) for one in paths):
        paths = [paths]
    draft.categories(paths if isinstance(paths, list) else [])
    draft.price(raw.get("price"))
    draft.rank(rank_of(raw.get("salesRank")))
    draft.pictures([raw.get("imUrl")], _PLACEHOLDERS)


def _2018(raw: Raw, draft: Draft) -> None:
    """`asin title description feature brand category main_cat price rank date details imageURLHighRes imageURL`;
    `also_buy also_view tech1 tech2 fit similar_item` (HTML of the page, and lists of other products) are left out."""
    draft.title(raw.get("title"))
    draft.description(raw.get("description"), raw.get("feature"))
    path = raw.get("category")
    draft.categories([path] if isinstance(path, list) and path else [[main_category_of(raw.get("main_cat"))]])
    details = _details(raw.get("details"), draft)
    draft.brand(raw.get("brand") or _first(details, _BRANDS))
    draft.created(date_of(raw.get("date")) or date_of(_first(details, _DATES)))
    draft.price(raw.get("price"))
    draft.rank(rank_of(raw.get("rank")))
    large, small = raw.get("imageURLHighRes"), raw.get("imageURL")
    chosen = large or small
    draft.pictures(chosen if isinstance(chosen, list) else [chosen], (*_PLACEHOLDERS, "play-button-overlay"))


def _2023(raw: Raw, draft: Draft) -> None:
    """`parent_asin title subtitle description features store categories main_category price average_rating rating_number details
    images`; `videos` and `bought_together` are left out."""
    draft.title(raw.get("title"))
    draft.description(raw.get("description"), raw.get("features"))
    path = raw.get("categories")
    draft.categories([path] if isinstance(path, list) and path else [[main_category_of(raw.get("main_category"))]])
    details = _details(raw.get("details"), draft)
    brand, store = _first(details, _BRANDS[:2]), raw.get("store")
    draft.brand(brand or store)
    if brand and isinstance(store, str) and brand_of(store) != brand_of(str(brand)):
        draft.attribute("store", brand_of(store))
    draft.created(date_of(_first(details, _DATES)))
    draft.price(raw.get("price"))
    draft.rank(rank_of(details.get("Best Sellers Rank")))
    for name in ("average_rating", "rating_number"):
        if isinstance(raw.get(name), int | float):
            draft.attribute(name, raw[name])
    for name in ("subtitle", "author"):
        told = raw.get(name)
        draft.attribute(name, told.get("name") if isinstance(told, Mapping) else told)
    draft.pictures(_images(raw.get("images")), _PLACEHOLDERS)


def _details(told: object, draft: Draft) -> dict[str, Any]:
    """The table of details, tidied; what is no field of ours becomes an attribute. One mirror of the data has it as JSON text."""
    if isinstance(told, str) and told.lstrip().startswith("{"):
        try:
            told = strict_json(told)
        except ValueError:
            draft.lose("bad_details", "The field 'details' is text that is no JSON; the details are left out.")
    if not isinstance(told, Mapping):
        return {}
    found: dict[str, Any] = {}
    for key, value in told.items():
        name, kept = _name_of(key)
        found[name] = value
        if kept:
            draft.attribute(name, value)
    return found


@functools.lru_cache(4096)
def _name_of(key: str) -> tuple[str, bool]:
    """(a detail's name without white space, colon and HTML, whether it becomes an attribute). Most lines have the same few."""
    name = plain(key).rstrip(":").rstrip()
    return name, bool(name) and name.casefold() not in _NOT_KEPT


def _first(details: Mapping[str, Any], names: tuple[str, ...]) -> object:
    return next((details[name] for name in names if details.get(name)), None)


def _images(told: object) -> list[object]:
    """The largest version of every picture, the main one first; of a list of objects or, in one mirror, an object of lists."""
    if isinstance(told, Mapping):
        columns = [one if isinstance(one, list) else [] for one in map(told.get, ("hi_res", "large", "thumb"))]
        longest = max(map(len, columns))
        return [next((column[n] for column in columns if n < len(column) and column[n]), None) for n in range(longest)]
    if not isinstance(told, list):
        return [told]
    chosen: list[object] = []
    for one in told:
        found = (one.get("hi_res") or one.get("large") or one.get("thumb")) if isinstance(one, Mapping) else one
        if isinstance(one, Mapping) and one.get("variant") == "MAIN":
            chosen.insert(0, found)
        else:
            chosen.append(found)
    return chosen


LAYOUTS: dict[str, tuple[str, Callable[[Raw, Draft], None]]] = {
    "2014": ("asin", _2014),
    "2018": ("asin", _2018),
    "2023": ("parent_asin", _2023),
}
"""A layout's name → the field that is the id, and what reads a line of it into a draft."""

_MARKS = {
    "2023": frozenset({"parent_asin", "main_category", "rating_number", "bought_together"}),
    "2018": frozenset({"imageURLHighRes", "imageURL", "main_cat", "also_buy", "also_view", "tech1", "similar_item", "category"}),
    "2014": frozenset({"imUrl", "salesRank", "related", "categories"}),
}
_REVIEWS = frozenset({"reviewerID", "reviewText", "user_id", "helpful_vote", "verified_purchase"})


def marks_of(raw: Raw) -> dict[str, int]:
    """How much the fields of a line speak for each layout; "reviews" is for the files that are no products, and outweighs the rest."""
    keys = raw.keys()
    votes = {name: len(marks & keys) for name, marks in _MARKS.items()}
    votes["2023"] += 2 * ("parent_asin" in keys)  # its id, which no other layout has
    return votes | {"reviews": 4 * len(_REVIEWS & keys)}
