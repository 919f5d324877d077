"""What text in a shop's files means: prices, lists, stock."""

import html
import json
import re
from typing import Any

from lookalike.errors import InvalidInput

_SYMBOLS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "zł": "PLN", "₽": "RUB", "₺": "TRY", "R$": "BRL"}
_SPACES = r"\u00a0\u202f\u2009 "
_NUMBER = rf"(?<!\d)\.\d{{1,2}}(?![\d.,])|\d{{1,3}}(?:['{_SPACES}]\d{{3}})++(?:[.,]\d{{1,2}})?(?!\d)|\d[\d.,']*+"
_AMOUNT = re.compile(_NUMBER)
_RANGE = re.compile(rf"({_NUMBER})[^\d]{{0,12}}?(?:-|–|—|\bto\b|\bbis\b|\bà\b)[^\d-]{{0,12}}?({_NUMBER})")
_LONGEST_PRICE = 60
"""Characters of a price without its HTML; what is longer is a sentence or a script with numbers in it."""
_GROUPS = re.compile(rf"['{_SPACES}]")
_NOT_IN_PRICES = re.compile(r"[{}<>=#]")
_CODE = re.compile(r"\b[A-Z]{3}\b")
_IN = frozenset({"in stock", "in_stock", "instock", "yes", "true", "y", "available", "limited availability", "preorder", "backorder"})
_OUT = frozenset({"out of stock", "out_of_stock", "outofstock", "no", "false", "n", "unavailable", "sold out", "discontinued", ""})
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,14})")
_DECIMAL = re.compile(r"-?(0|[1-9]\d{0,14})\.\d{1,12}")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*+>")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad\u200b\ufeff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def plain(text: str) -> str:
    """What a reader of a web page sees of a text: no tags, scripts or styles, entities as their characters, white space as one space.

    Control characters and soft hyphens are left out, halves of surrogate pairs become U+FFFD. Clean text comes back as it is.
    """
    if text.isprintable() and not ("<" in text or "&" in text or "  " in text or text[:1] == " " or text[-1:] == " "):
        return text
    if "<" in text:
        for opening, closing in (("<!--", "-->"), ("<script", "</script>"), ("<style", "</style>")):
            text = _without(text, opening, closing)
        text = _TAG.sub(" ", text)
    if "&" in text:
        text = _unescaped(_unescaped(text))  # "&amp;quot;" is common: escaped once by the shop, once by whoever copied it
    if not text.isprintable():
        text = _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))
    return " ".join(text.split())


def _unescaped(text: str) -> str:
    try:
        return html.unescape(text)
    except ValueError:  # "&#…;" of more digits than Python makes a number of
        return text


def _without(text: str, opening: str, closing: str) -> str:
    """Text without what stands from each `opening` to the next `closing`. An opening that is never closed stays."""
    folded = text.lower()
    if len(folded) != len(text) or opening not in folded:  # a few letters change their length, and then no place would fit
        return text
    kept: list[str] = []
    start = 0
    while (at := folded.find(opening, start)) >= 0 and (end := folded.find(closing, at)) >= 0:
        kept += (text[start:at], " ")
        start = end + len(closing)
    return "".join((*kept, text[start:]))


def unmangled(text: str) -> str:
    """Text that was UTF-8 and read as Latin-1 or Windows-1252, put right ("Ã©" is "é"); any other text as it is."""
    if text.isascii():
        return text
    for encoding in ("latin-1", "cp1252"):
        try:
            return text.encode(encoding).decode()
        except UnicodeError:
            continue
    return text


def parse_price(text: str) -> tuple[float, str | None]:
    """(amount, currency or None) of "$1,299.00", "12,99 €", "EUR 5"; of a range such as "$12.99 - $24.50" the lower end.

    Raises: InvalidInput where no amount is in it, or much else.
    """
    low, _, currency = parse_price_range(text)
    return low, currency


def parse_price_range(text: str) -> tuple[float, float | None, str | None]:
    """(amount, upper end of a range or None, currency or None); as `parse_price`."""
    told = plain(text)
    found = _AMOUNT.search(told) if len(told) <= _LONGEST_PRICE and not _NOT_IN_PRICES.search(told) else None
    if found is None or "-" in told[: found.start()]:
        raise InvalidInput.at("price", f"Found {text[:40]!r}; a price is an amount of 0 or more, such as 19.90 or '$19.90'.")
    code = _CODE.search(told)
    symbol = next((name for mark, name in _SYMBOLS.items() if mark in told), None)
    currency = code[0] if code else symbol
    both = _RANGE.match(told, found.start())
    if both is None:
        return _amount(found[0]), None, currency
    low, high = sorted((_amount(both[1]), _amount(both[2])))
    return low, high, currency


def _amount(digits: str) -> float:
    """The last of comma and point is the decimal mark, unless three digits follow a lone one: "1,299" and "1.299" are thousands."""
    digits = _GROUPS.sub("", digits).rstrip(".,")
    mark = max(digits.rfind(","), digits.rfind("."))
    if mark < 0:
        return float(digits)
    whole, fraction = digits[:mark], digits[mark + 1 :]
    alone = digits.count(digits[mark]) == 1
    if (digits[mark] == "," and alone and len(fraction) == 3 and "." not in whole) or not alone:
        whole, fraction = digits, ""
    return float((whole or "0").replace(".", "").replace(",", "") + ("." + fraction if fraction else ""))


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no JSON number (RFC 8259 §6)")


_LOOSE = json.JSONDecoder(strict=False, parse_constant=_refuse)


def loose_json(text: str) -> Any:
    """The value that JSON text means; unlike `strict_json` it may have raw control characters inside its strings.

    Raises: ValueError, with a sentence that says where.
    """
    try:
        return _LOOSE.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def in_stock(told: object) -> object:
    """True or false of a shop's word or count; anything else as it is, for the check that follows."""
    if isinstance(told, bool):
        return told
    if isinstance(told, int | float):
        return told > 0
    if isinstance(told, str):
        word = told.strip().casefold()
        if word in _IN:
            return True
        if word in _OUT:
            return False
        if _INTEGER.fullmatch(word):
            return int(word) > 0
    return told


def parts(text: str, field: str) -> list[str]:
    """The entries of a list in one cell: a JSON list; else split at | and ; and, but for pictures (URLs hold commas), at commas."""
    if text.lstrip().startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list):
            return found
    if field == "pictures" and text.startswith("data:"):
        return [text]
    pattern = r"[|;]|\s+(?=https?://)" if field == "pictures" else r"[|;,]"
    return [one.strip() for one in re.split(pattern, text) if one.strip()]


def kind_of(cells: list[str]) -> str:
    """What all filled cells of a column are: number, boolean or text; text where there are none."""
    filled = [one for one in cells if one]
    if filled and all(_INTEGER.fullmatch(one) or _DECIMAL.fullmatch(one) for one in filled):
        return "number"
    if filled and all(one.casefold() in ("true", "false") for one in filled):
        return "boolean"
    return "text"


def typed(cell: str, kind: str) -> str | float | bool:
    """A cell as its column's kind; one that does not fit stays text."""
    if kind == "number":
        if _INTEGER.fullmatch(cell):
            return int(cell)
        if _DECIMAL.fullmatch(cell):
            return float(cell)
    if kind == "boolean" and cell.casefold() in ("true", "false"):
        return cell.casefold() == "true"
    return cell
