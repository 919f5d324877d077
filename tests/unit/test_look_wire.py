"""Answers on their way through Redis: exact to the bit, and of another version told as such."""

import json

import pytest

from lookalike.analysers import wire
from lookalike.domain.analysis import Analysis
from lookalike.domain.geometry import Box
from lookalike.errors import PictureUnreadable, Unavailable
from lookalike.ports.analyses import LookKey
from lookalike.testing.documents import make_documents


@pytest.fixture(scope="module")
def analyses() -> list[Analysis]:
    """Awkward ones: several objects, boxes with long fractions, names in other alphabets."""
    return [seen.analysis for document in make_documents(3, 60) for seen in document.seen]


def test_an_analysis_comes_back_to_the_last_bit(analyses: list[Analysis]) -> None:
    """Vectors, fractions and where the time went."""
    for one in analyses:
        look, back = wire.read_answer(wire.answer("a1", one))
        assert look == "a1"
        assert back == one
        assert isinstance(back, Analysis)
        for before, after in zip(one.objects, back.objects, strict=True):
            assert before.vector.tobytes() == after.vector.tobytes()
            assert before.colour_vector.tobytes() == after.colour_vector.tobytes()
        assert back.took_ms == one.took_ms


def test_what_is_kept_for_another_picture_or_version_is_nothing(analyses: list[Analysis]) -> None:
    """A key's own analysis, or none: an upgrade must not answer from what it cannot read."""
    one = analyses[0]
    body, key = wire.seen_body(one), LookKey(one.digest, one.recipe_id)
    assert wire.kept_of(body, key) == one
    assert wire.kept_of(body, LookKey("0" * 64, one.recipe_id)) is None
    for damaged in (b"", b"{}", b"[1]", body[:-9], body.replace(b'"dimensions"', b'"sizes"')):
        assert wire.kept_of(damaged, key) is None


def test_failures_are_told_without_what_a_network_says_of_itself() -> None:
    """Unreadable with its reason; a defect by its kind alone; another version as unavailable, not as a wait for the deadline."""
    assert wire.read_answer(wire.answer("b", PictureUnreadable("empty", "Nothing.")))[1].args == ("Nothing.",)
    told = wire.read_answer(wire.answer("b", RuntimeError("/secret/path")))[1]
    assert isinstance(told, Unavailable)
    assert "secret" not in str(told)
    assert isinstance(wire.read_answer(b'{"look":"b","poison":true}')[1], PictureUnreadable)
    for other in ({"look": "b", "seen": {"vectors": 5}}, {"look": "b", "new": 1}):
        assert isinstance(wire.read_answer(json.dumps(other).encode())[1], Unavailable)
    with pytest.raises(json.JSONDecodeError):
        wire.read_answer(b"no answer")


def test_a_box_comes_back(analyses: list[Analysis]) -> None:
    """And none is none."""
    box = Box(0.1, 1 / 3, 0.7, 0.9999999999)
    assert wire.box_of(wire.box_text(box)) == box
    assert wire.box_of(wire.box_text(None)) is None
