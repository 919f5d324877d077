"""The pipeline: order, batches, what is on its way, and a source that breaks off."""

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.analysers.local import LocalAnalyser
from lookalike.domain.product import Product
from lookalike.engines.memory import open_memory
from lookalike.errors import StorageFull
from lookalike.ports.engine import SearchEngine, Write, Written
from lookalike.services.changes import Change
from lookalike.services.index import AHEAD, BATCH_BYTES, WIDEST, Indexer
from lookalike.services.intake import Intake
from lookalike.testing.fakes import TOY_RECIPE, ToyDecoder, ToyPictures, ToySeer


class House:
    """A memory engine and toys."""

    def __init__(self, batch_rows: int = 8) -> None:
        self.engine: SearchEngine = open_memory("memory:")
        self.engine.prepare(TOY_RECIPE)
        self.seer, self.pictures = ToySeer(), ToyPictures({str(number): b"PIC%d" % number for number in range(50)})
        self.analyser = LocalAnalyser(TOY_RECIPE, lambda: self.seer, ToyDecoder, threads=2)
        self.indexer = Indexer(Intake(self.engine, self.analyser, self.pictures, TOY_RECIPE), batch_rows)

    def close(self) -> None:
        self.analyser.close()
        self.engine.close()


@pytest.fixture
def house() -> Iterator[House]:
    opened = House()
    yield opened
    opened.close()


def puts(count: int) -> Iterator[Change]:
    return (Change(n + 1, "put", f"p{n}", Product(f"p{n}", pictures=(str(n % 50),))) for n in range(count))


def test_outcomes_come_in_order_and_after_they_are_durable(house: House) -> None:
    """Whoever is told that a product is indexed finds it."""
    rows = []
    for outcome in house.indexer.run(puts(300)):
        assert house.engine.get([outcome.change.id]) != [None]
        rows.append(outcome.change.row)
    assert rows == list(range(1, 301))
    assert len(house.seer.looked) <= 300


_OPS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["put", "patch", "delete"]), st.integers(0, 5)), max_size=60)


@settings(max_examples=60, deadline=None)
@given(_OPS)
def test_any_mix_of_changes_ends_as_if_done_one_by_one(operations: list[tuple[str, str, int]]) -> None:
    """The pipeline is quicker than doing one after the other, and no different."""
    house = House(batch_rows=3)
    wanted: dict[str, Product] = {}
    changes = []
    for row, (name, op, number) in enumerate(operations, 1):
        if op == "put":
            wanted[name] = Product(name, price=number, pictures=(str(number),))
            changes.append(Change(row, op, name, wanted[name]))
        elif op == "patch":
            if name in wanted:
                wanted[name] = Product(name, wanted[name].title, price=number, brand="B", pictures=wanted[name].pictures)
            changes.append(Change(row, op, name, changes={"price": number, "brand": "B"}))
        else:
            wanted.pop(name, None)
            changes.append(Change(row, op, name))
    outcomes = list(house.indexer.run(changes))
    found = {one.id: one for one in house.engine.documents()}
    house.close()
    assert [one.change.row for one in outcomes] == list(range(1, len(operations) + 1))
    assert {name: one.product for name, one in found.items()} == wanted
    assert all(len(one.seen) == 1 for one in found.values())


def test_the_networks_always_have_another_batch(house: House) -> None:
    """While one batch is written, others are being looked at: nobody waits for the disk."""
    real = house.engine.put
    waiting: list[int] = []

    def slow(writes: list[Write]) -> list[Written]:
        time.sleep(0.01)
        waiting.append(len(house.seer.looked))
        return real(writes)

    house.engine.put = slow  # type: ignore[method-assign,assignment]
    list(house.indexer.run(Change(n, "put", f"p{n}", Product(f"p{n}", pictures=(str(n % 50),))) for n in range(1, 400)))
    written = [min(8 * place, 399) for place in range(len(waiting))]
    assert sum(looked > done + 8 for looked, done in zip(waiting, written, strict=True)) > len(waiting) / 2


def test_what_is_on_its_way_is_bounded(house: House) -> None:
    """A source of any length is read no further ahead than a few batches."""
    read: list[int] = []

    def source() -> Iterator[Change]:
        for change in puts(2000):
            read.append(change.row)
            yield change

    most = 0
    for done, _ in enumerate(house.indexer.run(source()), 1):
        most = max(most, len(read) - done)
    assert most <= 8 * (AHEAD + WIDEST + 3)


def test_large_pictures_make_small_batches(house: House) -> None:
    """Bytes on their way are bounded too."""
    house.pictures.contents = {str(number): b"PIC" + bytes(2_000_000) for number in range(50)}
    sizes: list[int] = []
    look = house.analyser.analyse

    def watching(looks, deadline=None):  # type: ignore[no-untyped-def]
        sizes.append(sum(len(one.content) for one in looks))
        return look(looks, deadline)

    house.analyser.analyse = watching  # type: ignore[method-assign]
    house.pictures.contents = {name: content + name.encode() for name, content in house.pictures.contents.items()}
    indexer = Indexer(Intake(house.engine, house.analyser, house.pictures, TOY_RECIPE), 64)
    assert len(list(indexer.run(puts(200)))) == 200
    assert max(sizes[-3:]) <= BATCH_BYTES


def test_an_engine_that_refuses_ends_the_run_and_keeps_what_is_done(house: House) -> None:
    """The error comes through; threads end; what was told as indexed is there."""
    real, calls = house.engine.put, []

    def full(writes: list[Write]) -> list[Written]:
        calls.append(len(writes))
        if len(calls) > 3:
            raise StorageFull("The disk is full.")
        return real(writes)

    house.engine.put = full  # type: ignore[method-assign,assignment]
    told: list[str] = []

    def run() -> None:
        for outcome in house.indexer.run(puts(500)):
            told.append(outcome.change.id)  # noqa: PERF401 — a comprehension would lose what came before the error

    with pytest.raises(StorageFull):
        run()
    assert len(told) == 24
    assert all(one is not None for one in house.engine.get(told))
    assert not [one for one in threading.enumerate() if one.name.startswith("lookalike-intake")]


def test_a_source_that_breaks_off_keeps_its_error(house: House) -> None:
    """What a catalogue raises reaches the caller."""

    def source() -> Iterator[Change]:
        yield from puts(20)
        raise OSError("the disk was pulled out")

    with pytest.raises(OSError, match="pulled out"):
        list(house.indexer.run(source()))
