"""Events in files: whole lines, a bounded number of files, one file for each process that writes."""

import json
from pathlib import Path

import pytest

from lookalike.errors import InvalidSetting, StorageFull
from lookalike.telemetry.event_file import EventFile, open_event_file


def lines(folder: Path) -> dict[str, list[dict[str, object]]]:
    return {path.name: [json.loads(line) for line in path.read_text("utf-8").splitlines()] for path in sorted(folder.glob("*.jsonl*"))}


def test_files_take_turns_and_lose_the_oldest_alone(tmp_path: Path) -> None:
    """Each line is a whole event, whatever characters it has."""
    sink = EventFile(tmp_path / "events", most_bytes=300, kept=2)
    assert sink.write([{"n": number, "user_query": "rot\n\u2028ß"} for number in range(40)]) == 0
    sink.close()
    found = lines(tmp_path / "events")
    assert set(found) == {"events-1.jsonl", "events-1.jsonl.1", "events-1.jsonl.2"}
    told = [event["n"] for name in sorted(found, reverse=True) for event in found[name]]
    assert told == list(range(40 - len(told), 40))
    assert all(path.stat().st_size <= 300 for path in (tmp_path / "events").glob("*.jsonl*"))


def test_two_at_once_have_files_of_their_own(tmp_path: Path) -> None:
    """And the number is free again when its process is gone."""
    first, second = EventFile(tmp_path), EventFile(tmp_path)
    first.write([{"n": 1}])
    second.write([{"n": 2}])
    first.close()
    third = EventFile(tmp_path)
    third.write([{"n": 3}])
    for sink in (second, third):
        sink.close()
    assert {name: [event["n"] for event in told] for name, told in lines(tmp_path).items()} == {
        "events-1.jsonl": [1, 3],
        "events-2.jsonl": [2],
    }


def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    """So that the events wait; it may be mended."""
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    sink = EventFile(tmp_path / "file")
    with pytest.raises(StorageFull, match="cannot be written"):
        sink.write([{"n": 1}])
    sink.close()


def test_an_index_in_memory_has_no_folder() -> None:
    """Then it has to be said where."""
    with pytest.raises(InvalidSetting, match="file:FOLDER"):
        open_event_file("", settings={}, folder=None, application="x")
