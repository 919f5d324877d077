"""What the texts in Amazon's product data mean: prices with scripts in them, ranks, dates, brands, category paths."""

import datetime
import re
from collections.abc import Callable, Iterable

from lookalike.catalogues.text import parse_price_range, plain
from lookalike.errors import InvalidInput

_SCRIPT = re.compile(r"[{};]\s*(?:var |function\b)|[{}]\s*(?:\}|[.#@]\w)|^\s*(?:var |\(?function|[.#@][\w-]+\s*[{,.])|getTime\(\)")
_AUTHOR_PAGE = re.compile(r"Visit (?:Amazon's |the )(.{1,200}) (?:Page|Store)")
_BY = re.compile(r"^by\b\s*:?\s*")
_RANK = re.compile(r">?#?\s?(\d[\d,]*)\s?in\s?([^(]{1,200})")
_MONTHS = {
    name: number
    for number, name in enumerate(
        ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"],
        1,
    )
}
_DATE = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2}), (\d{4})")
_NO_PRICE = frozenset({"", "none", "null", "nan", "n/a", "-", "–", "—", "currently unavailable", "currently unavailable."})
_ALT = re.compile(r"<img\b[^<>]*\balt=[\"']([^\"'<>]{1,200})[\"']", re.IGNORECASE)
_ONLY_TAGS = re.compile(r"\s*(?:<[^<>]*>\s*)+")


def price_of(told: object) -> tuple[float, float | None, str] | None:
    """(amount, upper end of a range or None, currency) of 12.99, "$12.99 - $24.50", "from 12.99"; None where none is told.

    Without a mark it is US dollars: the data is amazon.com's. Raises: InvalidInput for what is no price, such as a style sheet.
    """
    if isinstance(told, int | float) and not isinstance(told, bool):
        if not 0 <= told <= 1e12:
            raise InvalidInput.at("price", f"Found {str(told)[:30]}; a price is an amount of 0 or more.")
        return told, None, "USD"
    if told is None or told == []:
        return None
    if not isinstance(told, str):
        raise InvalidInput.at("price", f"Found {_kind(told)}; a price is a number or text.")
    if told.strip().casefold() in _NO_PRICE:
        return None
    if is_script(told):
        raise InvalidInput.at("price", f"Found a piece of the page's style sheet or script, {told[:30]!r}…, where the price should be.")
    low, high, currency = parse_price_range(told)
    return low, high, currency or "USD"


def is_script(text: str) -> bool:
    """Whether a text is a piece of a page's script or style sheet, as the 2018 data has them in titles and prices."""
    return ("{" in text or "(" in text or text.startswith("var ")) and _SCRIPT.search(text) is not None


def brand_of(told: str) -> str:
    """The name in "Visit Amazon's Jane Doe Page", "Visit the Acme Store", "by\\n    Acme"; any other text as it is."""
    text = plain(told)
    if not text.startswith(("by", "Visit ")):
        return text
    text = _BY.sub("", text)
    found = _AUTHOR_PAGE.fullmatch(text)
    return found[1] if found else text


def rank_of(told: object) -> tuple[int, str] | None:
    """(rank, in what) of {"Toys & Games": 21}, "866,012 in Movies & TV (", [">#2 in Video Games (See Top 100 …)", …]."""
    if isinstance(told, dict):
        pairs = [(rank, name) for name, rank in told.items() if isinstance(rank, int) and not isinstance(rank, bool) and 0 < rank < 10**12]
        return (pairs[0][0], plain(str(pairs[0][1]))[:200]) if pairs else None
    text = told[0] if isinstance(told, list) and told else told
    if not isinstance(text, str):
        return None
    found = _RANK.match(plain(text[:1000]))
    digits = found[1].replace(",", "") if found else ""
    return (int(digits), found[2].strip()) if found and len(digits) < 12 else None


def date_of(told: object) -> str | None:
    """ISO 8601 of "August 2, 2014"; None for anything else ("5 star5 star (0%)")."""
    found = _DATE.fullmatch(told.strip()) if isinstance(told, str) else None
    if found is None:
        return None
    name = found[1].lower()
    month = _MONTHS.get(name) or next((number for full, number in _MONTHS.items() if full[:3] == name), 0)
    try:
        return datetime.date(int(found[3]), month, int(found[2])).isoformat()
    except ValueError:
        return None


def path_of(steps: Iterable[object], clean: Callable[[str], str] = plain) -> tuple[list[str], bool]:
    """(names of a category path, was there junk). In the 2018 data a path goes over into the product's features behind a
    step of nothing but tags; a ">" inside a name would read as a level. `clean` tidies a name."""
    path: list[str] = []
    for step in steps:
        if not isinstance(step, str) or ("<" in step and _ONLY_TAGS.fullmatch(step)):
            return path, True
        name = clean(step).replace(">", "›").strip()
        if len(name) > 200 or len(path) == 20:
            return path, True
        if name:
            path.append(name)
    return path, False


def main_category_of(told: object) -> str:
    """The department; of "<img … alt="Digital Music"/>" the picture's text."""
    if not isinstance(told, str):
        return ""
    found = _ALT.search(told) if "<" in told else None
    return plain(found[1] if found else told).replace(">", "›")[:200]


def _kind(told: object) -> str:
    return {dict: "an object", list: "a list", bool: "true or false"}.get(type(told), "something else")
