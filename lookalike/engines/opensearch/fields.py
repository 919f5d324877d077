"""How a product's fields lie in the index, so that every filter, count and order is exact.

The product's own fields have mapped fields of their own. Attributes, of which a shop may have thousands, are all in one keyword
field, an entry for each element: NAME, a mark of the element's type, the value. Entries of one name sort as
`lookalike.engines.counting.order_key` does: booleans, numbers, strings.
"""

import hashlib
import re
import struct

from lookalike.domain.filters import OWN_FIELDS
from lookalike.domain.values import Scalar

NUMBERS = frozenset({"price", "created"})
BOOLEANS = frozenset({"in_stock"})
STRINGS = OWN_FIELDS - NUMBERS - BOOLEANS

BOOLEAN_MARK, NUMBER_MARK, STRING_MARK = "\x01", "\x02", "="
_AFTER_NUMBERS = "\x03"
LONGEST = 7_000
"""Characters of a term: Lucene takes 32,766 bytes. Of a longer text the beginning and a digest are kept, which is as exact."""

_ATTRIBUTE = "attributes."


def attribute(field: str) -> str | None:
    """The escaped name of an attribute's canonical field; None for a product's own field."""
    if not field.startswith(_ATTRIBUTE):
        return None
    return re.sub(r"[%=\x00-\x1f]", lambda found: f"%{ord(found[0]):02X}", field.removeprefix(_ATTRIBUTE))


def clipped(text: str) -> str:
    """A text as a term."""
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST - 80]}… sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def sortable(number: float) -> str:
    """16 hex digits that sort as the numbers do."""
    bits = int.from_bytes(struct.pack(">d", float(number) + 0.0), "big")  # + 0.0 makes one zero of the two
    return f"{bits ^ ((1 << 64) - 1 if bits >> 63 else 1 << 63):016x}"


def number_of(digits: str) -> float:
    """The number of `sortable`."""
    bits = int(digits, 16)
    bits ^= 1 << 63 if bits >> 63 else (1 << 64) - 1
    return float(struct.unpack(">d", bits.to_bytes(8, "big"))[0])


def entry(name: str, value: Scalar) -> str:
    """The entry of one element of an attribute; `name` is escaped."""
    if isinstance(value, bool):
        return f"{name}{BOOLEAN_MARK}{int(value)}"
    if isinstance(value, str):
        return f"{name}{STRING_MARK}{clipped(value)}"
    return f"{name}{NUMBER_MARK}{sortable(value)}"


def value_of(name: str, told: str) -> Scalar:
    """The element that an entry of an attribute holds."""
    mark, rest = told[len(name)], told[len(name) + 1 :]
    if mark == BOOLEAN_MARK:
        return rest == "1"
    return number_of(rest) if mark == NUMBER_MARK else rest


def entries_pattern(name: str) -> str:
    """A Lucene regular expression for all entries of an attribute."""
    escaped = re.sub(r"([^0-9A-Za-z])", r"\\\1", name)
    return f"{escaped}[{BOOLEAN_MARK}{NUMBER_MARK}{STRING_MARK}].*"


def number_bounds(name: str) -> tuple[str, str]:
    """Between these two, the second excluded, lie the numbers of an attribute."""
    return f"{name}{NUMBER_MARK}", f"{name}{_AFTER_NUMBERS}"
