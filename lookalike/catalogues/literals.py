"""Python literals, as one dataset writes its lines: read without evaluating anything, by way of JSON.

A literal's strings are rewritten as JSON's, `True`, `False` and `None` as what JSON calls them; the standard library's
JSON parser does the rest, so nothing but dictionaries, lists, text, numbers, truth values and None can come out. Several times as
fast as `ast.literal_eval`, and without its traps: it builds a syntax tree of twenty times the line's size, and a deep one
ends in MemoryError or RecursionError (docs/decisions/0050).
"""

import json
import re
from typing import Any

_TOKEN = re.compile(
    r"""
    (?P<plain> (?: '[^'"\\]*+' [\s,:\[\]{}]*+ )++ )        # strings that only need other quotes, with what is between them
  | (?P<string> [uUbB]? (?: '[^'\\]*+(?:\\.[^'\\]*+)*+' | "[^"\\]*+(?:\\.[^"\\]*+)*+" ) )
  | (?P<word> \b(?:True|False|None)\b )
  | (?P<long> \b\d++[lL]\b )
  | (?P<bad> ['"\\] )                                           # a string that never ends: without this every later quote is tried too
    """,
    re.VERBOSE | re.DOTALL,
)
_WORDS = {"True": "true", "False": "false", "None": "null"}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|.)|\"", re.DOTALL)
_SIMPLE = {"'": "'", '"': '\\"', "\\": "\\\\", "n": "\\n", "r": "\\r", "t": "\\t", "b": "\\b", "f": "\\f", "a": "\\u0007", "v": "\\u000b"}


def parse_literal(line: str) -> Any:
    """What a Python literal of dictionaries, lists, strings, numbers, True, False and None means; the data has no tuples.

    Also Python 2's `u''` and `7L`; bytes are taken for UTF-8. Raises: ValueError, with what is wrong and where. The time is
    proportional to the line's length, whatever is in it.
    """
    try:
        return _DECODER.decode(_TOKEN.sub(_as_json, line))
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no Python literal of text, numbers, lists and dictionaries: {error.msg.lower()}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no literal")


_DECODER = json.JSONDecoder(strict=False, parse_constant=_refuse)


def _as_json(found: re.Match[str]) -> str:
    text = found[0]
    kind = found.lastgroup
    if kind == "plain":
        return text.replace("'", '"')
    if kind == "string":
        return _string(text)
    if kind == "word":
        return _WORDS[text]
    if kind == "long":
        return text[:-1]
    raise ValueError(f"a string that begins at character {found.start() + 1:,} never ends")


def _string(text: str) -> str:
    prefix = text[0].lower() if text[0] in "uUbB" else ""
    inner = text[len(prefix) + 1 : -1]
    if prefix == "b":
        return json.dumps(_bytes(inner))
    if "\\" in inner:
        return f'"{_ESCAPE.sub(_escape, inner)}"'
    return '"' + inner.replace('"', '\\"') + '"'


def _escape(found: re.Match[str]) -> str:
    told = found[1]
    if told is None:  # a bare quotation mark, which a '…' string may hold
        return '\\"'
    first = told[0]
    if first in _SIMPLE and len(told) == 1:
        return _SIMPLE[told]
    if first == "u":
        if len(told) == 1:
            raise ValueError("an escape \\u without four digits")
        return f"\\{told}"
    if first == "\n":
        return ""
    if first in "xU" and len(told) > 1:
        code = int(told[1:], 16)
    elif first in "01234567":
        code = int(told, 8)
    elif first in "xUN":
        raise ValueError(f"an escape \\{told} that means no character")
    else:
        return f"\\\\{told}"  # Python leaves an escape alone that it does not know
    if code > 0x10FFFF:
        raise ValueError(f"an escape \\{told} that means no character")
    return json.dumps(chr(code))[1:-1]


def _bytes(inner: str) -> str:
    """The text that the bytes of a b'' literal are, in UTF-8."""

    def one(found: re.Match[str]) -> str:
        told = found[1]
        if told is None or told[0] in "uU":  # no escapes of bytes
            return found[0]
        if len(told) == 1 and told in "nrtbfav'\"\\":
            return {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "a": "\a", "v": "\v"}.get(told, told)
        if told[0] == "x" and len(told) == 3:
            return chr(int(told[1:], 16))
        if told[0] in "01234567":
            return chr(int(told, 8) & 255)
        if told == "x":
            raise ValueError("an escape \\x without two digits")
        return "" if told == "\n" else found[0]

    try:
        return _ESCAPE.sub(one, inner).encode("latin-1").decode()
    except UnicodeError:
        raise ValueError("bytes that are not UTF-8") from None
