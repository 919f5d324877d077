"""Uploads: bounded in bytes and time, by ids that cannot be guessed."""

import pytest

from lookalike.errors import NotFound
from lookalike.services.uploads import Uploads


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_picture_stays_for_its_time_after_its_last_use() -> None:
    """Every use renews."""
    clock = Clock()
    uploads = Uploads(10, 100, clock)
    one, other = uploads.keep(b"one"), uploads.keep(b"other")
    clock.now = 9
    assert uploads.content(one) == b"one"
    clock.now = 18
    assert uploads.content(one) == b"one"
    with pytest.raises(NotFound):
        uploads.content(other)
    clock.now = 29
    assert len(uploads) == 0


def test_memory_is_bounded_and_what_was_used_longest_ago_goes_first() -> None:
    """A picture larger than all of it is not kept at all, and drives nobody out."""
    uploads = Uploads(10, 10)
    one, two = uploads.keep(b"1" * 4), uploads.keep(b"2" * 4)
    uploads.content(one)
    three = uploads.keep(b"3" * 4)
    huge = uploads.keep(b"4" * 11)
    assert [uploads.content(name)[:1] for name in (one, three)] == [b"1", b"3"]
    for gone in (two, huge):
        with pytest.raises(NotFound):
            uploads.content(gone)


def test_ids_are_long_random_and_forgettable() -> None:
    """128 bits at least; forgetting is at once."""
    uploads = Uploads(10, 100)
    names = {uploads.keep(b"x") for _ in range(50)}
    assert len(names) == 50
    assert all(name.startswith("u_") and len(name) >= 24 for name in names)
    name = names.pop()
    assert uploads.forget(name)
    assert not uploads.forget(name)
