"""Events wait in a bounded queue: nobody waits for them, nothing grows, and what is lost is counted."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from lookalike.domain.request_id import named
from lookalike.errors import Unavailable
from lookalike.ports.events import Event
from lookalike.services.events import BATCH, Events
from lookalike.telemetry.logs import Cleaner


class Place:
    """A sink of tests, which can be away, be slow, and refuse what is told so."""

    def __init__(self) -> None:
        self.batches: list[list[Event]] = []
        self.open, self.away, self.asked = threading.Event(), False, threading.Event()
        self.open.set()

    def write(self, events: Sequence[Event]) -> int:
        self.asked.set()
        assert self.open.wait(30)
        if self.away:
            raise Unavailable("Nobody is there.")
        self.batches.append(list(events))
        return sum(event.get("bad", False) for event in events)

    def close(self) -> None:
        self.open.set()

    @property
    def events(self) -> list[Event]:
        return [event for batch in self.batches for event in batch]


@pytest.fixture
def place() -> Place:
    return Place()


@contextmanager
def telling(place: Place, **options: object) -> Iterator[Events]:
    events = Events(place, gather_seconds=0.01, **options)  # type: ignore[arg-type]
    try:
        yield events
    finally:
        events.close()


def test_events_arrive_in_order_and_in_batches(place: Place) -> None:
    """With time, kind, id and request; what is None is left out."""
    with telling(place, application="shop") as events:
        place.open.clear()
        with named("request-1"):
            for number in range(BATCH + 7):
                assert events.tell({"kind": "search", "number": number, "client_id": None})
        place.open.set()
        assert events.flush(10)
    assert [event["number"] for event in place.events] == list(range(BATCH + 7))
    assert max(map(len, place.batches)) <= BATCH
    assert len({event["event_id"] for event in place.events}) == BATCH + 7
    first = place.events[0]
    assert (first["application"], first["request_id"], "client_id" in first) == ("shop", "request-1", False)


def test_a_full_queue_drops_the_newest_and_waits_for_nobody(place: Place) -> None:
    """While the place hangs, telling returns at once."""
    place.open.clear()
    with telling(place, most_waiting=10) as events:
        assert events.tell({"number": 0})
        assert place.asked.wait(10), "the first is on its way, so ten more have room"
        assert [events.tell({"number": number}) for number in range(1, 15)] == [True] * 10 + [False] * 4
        assert (events.waiting(), events.counts()["dropped"]) == (11, 4)
        place.open.set()
        assert events.flush(10)
        assert [event["number"] for event in place.events] == list(range(11))
        assert events.counts() == {"written": 11, "dropped": 4, "refused": 0}


def test_what_could_not_be_written_is_written_when_the_place_is_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that was taken is lost by a restart there."""
    monkeypatch.setattr("lookalike.services.events.FIRST_PAUSE_SECONDS", 0.01)
    place.away = True
    with telling(place) as events:
        events.tell({"number": 1})
        assert place.asked.wait(10)
        assert not events.flush(0.05)
        place.away = False
        assert events.flush(10)
    assert [event["number"] for event in place.events] == [1]


def test_closing_ends_although_the_place_is_away(place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """What is lost by it is counted and told."""
    monkeypatch.setattr("lookalike.services.events.CLOSING_SECONDS", 0.05)
    place.away = True
    events = Events(place, gather_seconds=0.0)
    for number in range(3):
        events.tell({"number": number})
    events.close()
    assert (events.counts()["written"], events.tell({"number": 9})) == (0, False)
    assert "3 events could not be written" in caplog.text


def test_refused_ones_and_defects_are_counted(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """Neither ends the thread that all later events need."""
    with telling(place) as events:
        events.tell({"bad": True})
        events.tell({"bad": False})
        assert events.flush(10)
        assert events.counts() == {"written": 1, "dropped": 0, "refused": 1}
        events.tell({"bad": object()})  # the place adds it up, and cannot
        assert events.flush(10)
        events.tell({"bad": False})
        assert events.flush(10)
        assert events.counts() == {"written": 2, "dropped": 0, "refused": 2}
    assert "refused" in caplog.text


def test_the_sample_is_a_share_that_all_processes_choose_alike(place: Place) -> None:
    """By the id alone."""
    with telling(place, sample=0.25) as one, telling(Place(), sample=0.25) as other:
        names = [f"query-{number}" for number in range(4_000)]
        chosen = [one.samples(name) for name in names]
        assert chosen == [other.samples(name) for name in names]
        assert 0.22 < sum(chosen) / len(names) < 0.28
    with telling(place, sample=0.0) as none, telling(Place(), sample=1.0) as all_:
        assert not any(map(none.samples, names))
        assert all(map(all_.samples, names))


def test_messages_are_cleaned(place: Place) -> None:
    """Whatever a source said of a row."""
    with telling(place, clean=Cleaner(["s3cret-key"])) as events:
        events.tell({"message": "s3cret-key at http://me:pw@x/y.jpg?sig=1"})
        assert events.flush(10)
    assert place.events[0]["message"] == "******** at http://…@x/y.jpg?…"


def test_without_a_place_nothing_is_taken() -> None:
    """And no thread is begun."""
    before = threading.active_count()
    events = Events()
    assert (events.on, events.tell({"kind": "search"}), events.samples("q"), events.flush(0)) == (False, False, False, True)
    events.close()
    assert threading.active_count() == before
