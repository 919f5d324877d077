"""What text in a shop's files means: prices, lists, stock."""

import json
import re

from lookalike.errors import InvalidInput

_SYMBOLS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "zł": "PLN", "₽": "RUB", "₺": "TRY", "R$": "BRL"}
_AMOUNT = re.compile(r"\d[\d.,'\u00a0\u202f ]*")
_CODE = re.compile(r"\b[A-Z]{3}\b")
_IN = frozenset({"in stock", "in_stock", "instock", "yes", "true", "y", "available", "limited availability", "preorder", "backorder"})
_OUT = frozenset({"out of stock", "out_of_stock", "outofstock", "no", "false", "n", "unavailable", "sold out", "discontinued", ""})
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,14})")
_DECIMAL = re.compile(r"-?(0|[1-9]\d{0,14})\.\d{1,12}")


def parse_price(text: str) -> tuple[float, str | None]:
    """(amount, currency or None) of "$1,299.00", "12,99 €", "EUR 5"; of a range such as "$12.99 - $24.50" the lower end.

    Raises: InvalidInput where no amount is in it.
    """
    found = _AMOUNT.search(text)
    if found is None or "-" in text[: found.start()]:
        raise InvalidInput.at("price", f"Found {text[:40]!r}; a price is an amount of 0 or more, such as 19.90 or '$19.90'.")
    code = _CODE.search(text)
    symbol = next((name for mark, name in _SYMBOLS.items() if mark in text), None)
    return _amount(found[0]), code[0] if code else symbol


def _amount(digits: str) -> float:
    """The last of comma and point is the decimal mark, unless three digits follow a lone one: "1,299" and "1.299" are thousands."""
    digits = re.sub(r"[\s'\u00a0\u202f]", "", digits).rstrip(".,")
    mark = max(digits.rfind(","), digits.rfind("."))
    if mark < 0:
        return float(digits)
    whole, fraction = digits[:mark], digits[mark + 1 :]
    alone = digits.count(digits[mark]) == 1
    if (digits[mark] == "," and alone and len(fraction) == 3 and "." not in whole) or not alone:
        whole, fraction = digits, ""
    return float(re.sub(r"[.,]", "", whole or "0") + ("." + fraction if fraction else ""))


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
