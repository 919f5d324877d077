"""The rows of a bulk change: counted as they come, parsed as they are done."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.domain.commands import ChangeRow, RowFailure
from lookalike.errors import InvalidInput
from query_api import rows
from query_api.problem import HttpProblem


class Dripping(io.BytesIO):
    """A stream that gives at most so many bytes at once."""

    def __init__(self, content: bytes, most: int) -> None:
        super().__init__(content)
        self._most = most

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(self._most, self._most if size is None or size < 0 else size))


_LINES = st.lists(st.sampled_from([b'{"id": "a"}', b"", b"  ", b"{not", b"\xff", b'{"op": "delete", "id": "x"}', b"\r"]), max_size=12)


@given(_LINES, st.booleans(), st.integers(1, 40))
def test_what_is_counted_is_what_is_read(lines: list[bytes], ended: bool, most: int) -> None:
    """However the bytes come in; a row's number is its line, blank ones count along and are passed over."""
    content = b"\n".join(lines) + (b"\n" if ended else b"")
    wanted = [number for number, line in enumerate(content.split(b"\n"), 1) if line.strip()]
    if not wanted:
        with pytest.raises(InvalidInput):
            rows.spooled(Dripping(content, most), None)
        return
    spooled = rows.spooled(Dripping(content, most), None)
    assert len(spooled) == len(wanted)
    for _ in range(2):
        assert [one.row for one in spooled] == wanted
    spooled.close()


def test_a_large_body_lies_in_a_file_that_has_no_name(tmp_path: Path) -> None:
    """Beside the index, where there is room for it; nothing of it is left, not even after a kill."""
    line = b'{"id": "p%07d", "description": "' + b"x" * 900 + b'"}\n'
    spooled = rows.spooled(io.BytesIO(b"".join(line % number for number in range(5000))), tmp_path)
    assert list(tmp_path.iterdir()) == []
    found = list(spooled)
    assert [one.id for one in found if isinstance(one, ChangeRow)] == [f"p{number:07d}" for number in range(5000)]
    spooled.close()


def test_too_much_is_refused_before_it_is_all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and values are bounded."""
    monkeypatch.setattr(rows, "MOST_ROWS", 10)
    with pytest.raises(HttpProblem, match="more than 10 rows"):
        rows.spooled(io.BytesIO(b'{"id": "a"}\n' * 11), None)
    enough = rows.spooled(io.BytesIO(b'{"id": "a"}\n' * 10), None)
    assert len(enough) == 10
    enough.close()
    monkeypatch.setattr(rows, "MOST_VALUES", 10)
    with pytest.raises(HttpProblem, match="more than 10 values"):
        rows.spooled(io.BytesIO(b"[" * 11), None)


def test_a_line_that_is_wrong_is_a_failure_of_its_row() -> None:
    """With a reason, and its id where it has one."""
    told = [rows.parsed_row(7, line) for line in (b"{", b"\xff", b"3", b'{"op": "upsert", "id": "a"}')]
    assert [(one.row, one.id, one.reason) for one in told if isinstance(one, RowFailure)] == [
        *((7, None, "not_json"), (7, None, "not_json"), (7, None, "invalid"), (7, "a", "invalid"))
    ]
