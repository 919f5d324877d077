"""Checking values that come from outside: JSON scalars, text, times."""

import datetime
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from lookalike.errors import InvalidInput

Scalar = str | float | int | bool
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LARGEST_INTEGER = 2**53  # beyond it a JSON number is no exact integer any more (RFC 8259 §6)


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no JSON number (RFC 8259 §6)")


# One decoder for all: `json.loads` with options of its own makes a new one each time.
_decoder = json.JSONDecoder(parse_constant=_refuse)


def strict_json(text: str | bytes) -> Any:
    """The value that JSON text means; NaN, Infinity, doubled nesting bombs and lone bytes are refused.

    Raises: ValueError, with a sentence that says where.
    """
    try:
        return _decoder.decode(text if isinstance(text, str) else text.decode(json.detect_encoding(text), "surrogatepass"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8: {error.reason} at byte {error.start}") from None


def text(value: object, at: str, longest: int, *, control: bool = True) -> str:
    """A string of at most `longest` characters. Raises: InvalidInput."""
    if not isinstance(value, str):
        raise InvalidInput.at(at, f"Found {shown(value)}; a string is wanted.")
    if len(value) > longest:
        raise InvalidInput.at(at, f"Found {len(value):,} characters; {longest:,} at most.")
    if value.isprintable():  # most are, and then there is nothing to look for
        return value
    if _SURROGATE.search(value):
        raise InvalidInput.at(at, "Found half of a surrogate pair; send whole Unicode characters.")
    if not control and (found := _CONTROL.search(value) or re.search(r"[\t\r\n]", value)):
        raise InvalidInput.at(at, f"Found the control character U+{ord(found[0]):04X}; leave it out.")
    return value


def number(value: object, at: str, lowest: float = -1e300, highest: float = 1e300) -> float:
    """A finite number in [lowest, highest]; integers stay integers. Raises: InvalidInput."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput.at(at, f"Found {shown(value)}; a number is wanted.")
    try:
        finite = math.isfinite(value)
    except OverflowError:
        finite = False
    if not finite or not lowest <= value <= highest:
        raise InvalidInput.at(at, f"Found {shown(value)}; a number from {lowest:g} to {highest:g} is wanted.")
    return float(value) if isinstance(value, int) and abs(value) > _LARGEST_INTEGER else value


def integer(value: object, at: str, lowest: int, highest: int) -> int:
    """A whole number in [lowest, highest]. Raises: InvalidInput."""
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise InvalidInput.at(at, f"Found {shown(value)}; a whole number from {lowest:,} to {highest:,} is wanted.")
    return value


def boolean(value: object, at: str) -> bool:
    """True or false. Raises: InvalidInput."""
    if not isinstance(value, bool):
        raise InvalidInput.at(at, f"Found {shown(value)}; true or false is wanted.")
    return value


def mapping(value: object, at: str) -> Mapping[str, Any]:
    """A JSON object. Raises: InvalidInput."""
    if not isinstance(value, Mapping):
        raise InvalidInput.at(at, f"Found {shown(value)}; an object is wanted.")
    return value


def array(value: object, at: str, longest: int) -> list[Any]:
    """A JSON array of at most `longest` entries. Raises: InvalidInput."""
    if not isinstance(value, list):
        raise InvalidInput.at(at, f"Found {shown(value)}; a list is wanted.")
    if len(value) > longest:
        raise InvalidInput.at(at, f"Found {len(value):,} entries; {longest:,} at most.")
    return value


def instant(value: str) -> float:
    """Seconds since 1970 of an ISO 8601 date or time; without a zone it is UTC. Raises: ValueError."""
    when = datetime.datetime.fromisoformat(value.strip())
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    try:
        return when.timestamp()
    except OverflowError as error:
        raise ValueError(f"{value!r} is out of range") from error


def shown(value: object) -> str:
    """A value in a message: short, whatever it is."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, int) and abs(value) > 10**15:
        return "a huge number"
    if isinstance(value, str) and len(value) > 40:
        value = value[:37] + "…"
    return ascii(value) if isinstance(value, str) and _SURROGATE.search(value) else repr(value)
