"""The line of pictures in Redis, against a model of it: random asking, claiming, answering, dying and sweeping."""

import json
import random
from collections import Counter

import pytest

from lookalike.broker import looks as lines
from lookalike.broker.connection import connect, shared_secret
from lookalike.broker.figures import figures
from lookalike.broker.looks import Claimed, LookQueue, Waiting
from lookalike.broker.names import KEYS
from lookalike.broker.scripts import MOST_TRIES

RECIPE, WORKER = "model@1", "one"


class Line:
    """A queue with a worker that says it lives, and what became of each look."""

    def __init__(self, url: str) -> None:
        self.url, self.client = url, connect(url)
        self.woken = 0
        self.queue = LookQueue(self.client, RECIPE, self._wake)
        self.answers: Counter[str] = Counter()
        self.poison: Counter[str] = Counter()

    def _wake(self) -> None:
        self.woken += 1
        self.client.lpush("lookalike.looks", "a message")

    def beat(self, *in_hand: str) -> None:
        self.queue.beat(WORKER, {}, in_hand)

    def ask(self, name: str, *, patient: bool = False, most: int = 0, seconds: float = 60) -> str:
        return self.queue.ask([Waiting(name, name, b"picture")], f"{KEYS}answers:me", None if patient else seconds, most).state

    def answer(self, claimed: list[Claimed]) -> None:
        self.queue.answer([(one, json.dumps({"look": one.id}).encode()) for one in claimed], {}, 0, 1.0)

    def die(self, claimed: list[Claimed]) -> None:
        """As when a worker is killed and its lease is over."""
        for one in claimed:
            self.client.zadd(f"{lines.base_of(RECIPE)}:leased", {one.id: 1})

    def read(self) -> None:
        for body in self.queue.fetch(f"{KEYS}answers:me", 0):
            told = json.loads(body)
            (self.poison if told.get("poison") else self.answers)[told["look"]] += 1


@pytest.fixture
def line(redis: str) -> Line:
    """An empty line with one worker alive."""
    made = Line(redis)
    made.beat()
    return made


@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_lost_nothing_is_answered_twice_whoever_dies(line: Line, seed: int) -> None:
    """Visitors first, oldest first; deadly looks die twice, the second time alone, and nobody else is given up."""
    rng = random.Random(seed)
    deadly, urgent, patient, deaths = set[str](), list[str](), list[str](), Counter[str]()
    number = 0
    for _ in range(150):
        if rng.random() < 0.55:
            name, is_patient = f"{number:04d}", rng.random() < 0.3
            number += 1
            assert line.ask(name, patient=is_patient) == "taken"
            (patient if is_patient else urgent).append(name)
            if rng.random() < 0.1:
                deadly.add(name)
        else:
            _turn(line, rng, urgent, patient, deadly, deaths)
    while urgent or patient:
        _turn(line, rng, urgent, patient, deadly, deaths)
    line.queue.sweep()
    line.read()
    given_up = {name for name, times in deaths.items() if times == MOST_TRIES}
    assert deadly == given_up == set(line.poison)
    assert line.answers == Counter({f"{one:04d}": 1 for one in range(number)} | dict.fromkeys(given_up, 0)) - Counter()
    told = figures(line.client, RECIPE)
    assert (told.urgent, told.patient, told.in_hand) == (0, 0, 0)
    assert told.counts["asked"] == number == told.counts["answered"] + told.counts.get("poison", 0)
    assert not list(line.client.keys(f"{KEYS}look:*")), "no picture stays"


def _turn(line: Line, rng: random.Random, urgent: list[str], patient: list[str], deadly: set[str], deaths: Counter[str]) -> None:
    """One claim, compared with the model, and what becomes of it."""
    claimed = line.queue.claim(rng.randint(1, 6))
    ids = [one.id for one in claimed]
    source = urgent or patient
    assert ids == source[: len(ids)], "the oldest, visitors before the catalogue"
    assert bool(ids) == bool(source)
    if any(deaths[one] for one in ids):
        assert len(ids) == 1, "whose worker died is looked at alone"
    if deadly & set(ids):
        deaths.update(ids)
        line.die(claimed)
        for one in ids:
            if deaths[one] == MOST_TRIES:
                source.remove(one)
        line.queue.sweep()
        # in which order looks of one batch come back is of no matter: all of them come before the others
        back = [one.decode() for one in reversed(line.client.lrange(_line_of(line, source is urgent), 0, -1))]
        assert sorted(back) == sorted(source)
        source[:] = back
    else:
        line.answer(claimed)
        del source[: len(ids)]


def _line_of(line: Line, is_urgent: bool) -> str:
    return f"{lines.base_of(RECIPE)}:{'urgent' if is_urgent else 'patient'}"


def test_a_claim_leaves_others_their_part_and_messages_do_not_pile_up(line: Line) -> None:
    """Three workers alive: nine looks are three each, and three messages are enough however many ask."""
    for other in ("two", "three"):
        line.queue.beat(other, {}, ())
    for number in range(9):
        line.ask(f"{number}")
    assert line.woken == 3
    assert [len(line.queue.claim(16)) for _ in range(3)] == [3, 2, 2], "a ninth of what waits for each of three, rounded up"


def test_all_or_none_are_taken_and_only_while_somebody_lives(line: Line) -> None:
    """The bound counts what waits; the first always gets in, patient looks are not counted; without a worker nobody is."""
    three = [Waiting(f"a{number}", "d", b"p") for number in range(3)]
    assert line.queue.ask(three, "answers", 60, 2).state == "taken", "the line was empty"
    assert line.ask("late", most=3) == "full"
    assert line.ask("bulk", patient=True, most=3) == "taken"
    assert figures(line.client, RECIPE).urgent == 3
    line.queue.leave(WORKER)
    asked = line.queue.ask(three, "answers", 60, 100)
    assert (asked.state, asked.alive) == ("nobody", 0)


def test_what_is_late_or_gone_is_dropped_and_counted(line: Line) -> None:
    """By Redis' own clock; a picture that somebody took back is no look any more."""
    line.ask("late")
    line.client.hset(f"{KEYS}look:late", "deadline", 1)
    line.ask("gone")
    line.queue.forget(["gone"])
    line.ask("good")
    assert [one.id for one in line.queue.claim(1)] == ["good"]
    told = figures(line.client, RECIPE).counts
    assert (told["late"], told["lost"]) == (1, 1)
    assert line.queue.there(["late", "gone", "good"]) == [False, False, True]


def test_who_is_refused_comes_later_than_who_was_before(line: Line) -> None:
    """Whichever process refused, up to a limit; and one secret is all theirs."""
    other = LookQueue(connect(line.url), RECIPE, lambda: None)
    told = [one.turn(20.0, 5.0, 40.0) for _ in range(3) for one in (line.queue, other)]
    assert told == pytest.approx([20.0, 25.0, 30.0, 35.0, 40.0, 40.0], abs=4)
    assert told == sorted(told)
    assert shared_secret(line.client, "turns") == shared_secret(connect(line.url), "turns") != shared_secret(line.client, "else")
