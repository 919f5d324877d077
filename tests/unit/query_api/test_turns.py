"""Whoever comes back when told is let in: crowds before a line, by a clock of their own."""

import heapq
import random
from collections import deque
from dataclasses import dataclass, field

import pytest

from query_api.turns import HORIZON_SECONDS, LATE_SECONDS, Line, told_cookie, turn_in

THREADS, MOST, END = 32, 512, 120.0


@dataclass
class Crowd:
    """Visitors who ask again as soon as they are answered, before `THREADS` threads; a share of the refused never comes back."""

    visitors: int
    seconds: float
    gone: float = 0.0
    slower_from: float = END
    now: float = 0.0
    served: int = 0
    told: list[int] = field(default_factory=list)
    back: int = 0
    refused_again: int = 0
    unpromised: int = 0
    idle: float = 0.0

    def run(self) -> "Crowd":
        rng, line = random.Random(self.visitors), Line(MOST, THREADS, 20.0, clock=lambda: self.now)
        events: list[tuple[float, int, float, str | None]] = []  # when, number, when it began (below 0: it asks), its turn
        waiting, busy, number = deque[int](), 0, 0

        def later(when: float, began: float, turn: str | None = None) -> None:
            nonlocal number
            number += 1
            heapq.heappush(events, (when, number, began, turn))

        for _ in range(self.visitors):
            later(rng.random() * 0.05, -1.0)
        while events and events[0][0] < END:
            when, _, began, turn = heapq.heappop(events)
            self.idle += (when - self.now) * (THREADS - busy)
            self.now = when
            if began >= 0:
                busy, self.served = busy - 1, self.served + 1
                line.served(when - began)
                later(when + 0.005, -1.0)
            elif (refusal := line.refusal(len(waiting), turn)) is None:
                waiting.append(1)
                self.back += turn is not None
            else:
                self.back += turn is not None
                self.refused_again += turn is not None
                self.unpromised += refusal.turn is None
                self.told.append(refusal.seconds)
                away = END if rng.random() < self.gone else refusal.seconds + rng.random() * 0.2
                later(when + away, -1.0, refusal.turn)
            while waiting and busy < THREADS:
                waiting.popleft()
                busy += 1
                slow = 2 if when >= self.slower_from else 1
                later(when + self.seconds * slow * rng.uniform(0.5, 1.5), when)
        return self


@pytest.mark.parametrize("visitors", [600, 1000, 1500])
@pytest.mark.parametrize("seconds", [0.05, 0.6])
def test_whoever_comes_back_when_told_is_let_in(visitors: int, seconds: float) -> None:
    """However full it is meanwhile; no thread is idle for it, and no turn is further ahead than the horizon."""
    crowd = Crowd(visitors, seconds).run()
    assert crowd.back > 500
    assert crowd.refused_again <= 0.02 * crowd.back
    assert crowd.idle <= 0.02 * THREADS * END
    assert max(crowd.told) <= HORIZON_SECONDS
    assert crowd.unpromised == 0


@pytest.mark.parametrize("crowd", [Crowd(1000, 0.6, gone=0.5), Crowd(1000, 0.6, slower_from=40.0)], ids=["half are gone", "slower"])
def test_what_was_promised_holds_nobody_up(crowd: Crowd) -> None:
    """Whoever does not come leaves the place to others; and where answers take twice as long, the kept half bears it."""
    crowd.run()
    assert crowd.idle <= 0.02 * THREADS * END
    assert crowd.refused_again <= 0.05 * crowd.back


def test_more_than_can_be_promised_are_scattered() -> None:
    """Without a turn, beyond the horizon and not together."""
    crowd = Crowd(10_000, 0.6).run()
    far = [seconds for seconds in crowd.told if seconds > HORIZON_SECONDS]
    assert crowd.unpromised >= len(far) > 1000
    assert len(set(far)) > 20
    assert crowd.refused_again <= 0.02 * crowd.back


def test_a_turn_is_taken_once_in_its_time_and_cannot_be_made_up() -> None:
    now = [1000.0]
    line = Line(4, 1, 60.0, b"k" * 32, clock=lambda: now[0])
    line.served(20.0)  # a mean of one second
    first, second = (line.refusal(4, None) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.turn is not None
    assert second.seconds > first.seconds, "one after another"
    assert line.refusal(3, None) is not None, "the second half of the line is kept"
    early = line.refusal(3, first.turn)
    assert early is not None, "its time has not come"
    now[0] += first.seconds
    digit = "0" if first.turn[-1] != "0" else "1"
    assert line.refusal(3, first.turn[:-1] + digit) is not None
    assert Line(4, 1, 60.0, clock=lambda: now[0]).refusal(4, first.turn) is not None, "another key"
    assert Line(4, 1, 60.0, b"k" * 32, clock=lambda: now[0])._counts(first.turn, now[0]), "the same key, another process"
    assert line.refusal(3, first.turn) is None
    assert line.refusal(3, first.turn) is not None, "once"
    now[0] += HORIZON_SECONDS + LATE_SECONDS
    assert line.refusal(3, second.turn) is None, "no turn is out any more: the whole line is open"


def test_a_turn_travels_as_a_cookie() -> None:
    told = told_cookie("12.500-ab-cd", 7)
    assert "Max-Age=22;" in told
    assert turn_in(f"theme=dark; {told.partition(';')[0]}; other=1") == "12.500-ab-cd"
    assert turn_in("") is turn_in("lookalike-turn=<script>") is turn_in("not-lookalike-turn=1") is None
