"""Python literals are read as Python reads them, and nothing is ever run."""

import ast
import time
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.catalogues.literals import parse_literal

TEXTS = st.text() | st.text(alphabet="'\"\\nxu07{}[]:, é😀\u2028\x00")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=20,
)
LINE = """{'asin': 'B0', 'title': "Men's \\"Café\\" \\\\ \\xe9\\u00e9", u'n': [1, -2.5e-3, None, True, [3, 4]], 'r': {'a': ['x', 'y']}}"""


@given(VALUES)
@settings(max_examples=300, deadline=None)
def test_what_python_writes_is_read_back(value: Any) -> None:
    """`repr` there, `parse_literal` back; also in ASCII, where everything else is escaped."""
    assert parse_literal(repr(value)) == value
    assert parse_literal(ascii(value)) == value


@given(st.integers(0, len(LINE)), st.integers(0, 6), st.text(alphabet="'\"\\{}[](),:u0bxnTL \n", max_size=4))
@settings(max_examples=500, deadline=None)
def test_damage_means_what_python_says_or_is_refused(at: int, removed: int, added: str) -> None:
    """Whatever is cut out of a line or put into it: where both read it, the value is Python's own."""
    line = LINE[:at] + added + LINE[at + removed :]
    try:
        found = parse_literal(line)
    except ValueError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wanted = _plain(ast.literal_eval(line.strip()))
        except (ValueError, SyntaxError, TypeError):
            return  # JSON's or Python 2's spelling, or keys that Python cannot hash
    assert found == wanted


def _plain(value: Any) -> Any:
    """Bytes as text, as we read them."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return {_plain(key): _plain(one) for key, one in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize(
    ("line", "value"),
    [
        *((r"{u'a': 7L, 'b': b'Gr\xc3\xbcn'}", {"a": 7, "b": "Grün"}), (r"'\101\x41\u0041\U00000041\N'", None), (r"'\q'", "\\q")),
        *((r"u'\ud83d\ude00'", "😀"), ("'True, None'", "True, None"), ("'7L'", "7L")),
    ],
)
def test_python_2_and_its_bytes(line: str, value: object) -> None:
    """`u''`, `L`, bytes in UTF-8, escapes; what means nothing is refused."""
    if value is None:
        with pytest.raises(ValueError, match="escape"):
            parse_literal(line)
    else:
        assert parse_literal(line) == value


@pytest.mark.parametrize(
    "line",
    [
        *(
            "__import__('os').system('x')",
            "{'a': open('x')}",
            "[x for x in 'a']",
            "1 if 1 else 2",
            "f'{1}'",
            "{1, 2}",
            "(1, 2)",
            "(1)",
            "nan",
            "-inf",
            "",
        ),
        *("'a' 'b'", "'''a'''", "{'a': 1", "'a", "a'", "\\", "{'a' 'b'}", "[1,]", "1_000", "0x10", "b'\\xff'", "'\\x4'", "'\\U00110000'"),
    ],
)
def test_what_is_no_literal_of_data_is_refused(line: str) -> None:
    """With a sentence, never by running it."""
    with pytest.raises(ValueError, match=r"."):
        parse_literal(line)


@pytest.mark.parametrize(
    "bomb",
    [
        *("[" * 1_000_000, "(" * 1_000_000, "{'a':" * 200_000, "-" * 1_000_000, "'\\'" * 333_333, "\"'" * 500_000, "'" * 999_999),
        *("\\" * 1_000_000, "'" + "\\x41" * 250_000 + "'", "1" * 1_000_000, "1L," * 333_333, "'a'" * 333_333, "True" * 250_000),
    ],
    ids=lambda bomb: ascii(bomb[:6])[1:-1],
)
def test_bombs_take_the_time_of_a_line(bomb: str) -> None:
    """A megabyte that is built to be slow or deep: a second at the most on a loaded machine, and no more depth than JSON has."""
    began = time.process_time()
    try:
        assert isinstance(parse_literal(bomb), str | list)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either end is right, only not another error
    assert time.process_time() - began < 2
