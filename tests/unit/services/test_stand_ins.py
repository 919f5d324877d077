"""What stands in for the networks: the same picture's analysis out of the catalogue, and nothing else."""

import dataclasses

import pytest

from lookalike.domain.analysis import Analysis
from lookalike.domain.geometry import Box
from lookalike.engines.memory import open_memory
from lookalike.ports.engine import SearchEngine, Write
from lookalike.ports.vision import Glance
from lookalike.services.stand_ins import HASH_APART, StandIns, near_hashes
from lookalike.testing.documents import RECIPE, make_documents

HASH = "f0e1d2c3b4a59687"


@pytest.fixture
def engine() -> SearchEngine:
    """Three products; the second has a picture of HASH with two objects."""
    engine = open_memory("memory:")
    engine.prepare(RECIPE)
    for number, document in enumerate(make_documents(11, 3, plain=True)):
        seen = document.seen[0]
        one = seen.analysis.main
        objects = tuple(dataclasses.replace(one, box=box) for box in (Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1)))
        analysis = dataclasses.replace(seen.analysis, phash=HASH if number == 1 else "0" * 15 + "1", objects=objects)
        engine.put([Write(dataclasses.replace(document, seen=(dataclasses.replace(seen, analysis=analysis),)))])
    return engine


def stood_in(engine: SearchEngine, phash: str, box: Box | None = None) -> Analysis | None:
    return StandIns(engine, lambda _: Glance("d" * 64, 640, 480, phash)).find(b"bytes", box).analysis


def test_near_hashes_are_all_within_two_bits_the_nearest_first() -> None:
    """1 + 64 + 2,016 of them, none twice."""
    near = near_hashes(HASH)
    apart = [(int(one, 16) ^ int(HASH, 16)).bit_count() for one in near]
    assert len(set(near)) == len(near) == 1 + 64 + 64 * 63 // 2
    assert apart == sorted(apart)
    assert set(apart) == set(range(HASH_APART + 1))


def test_the_same_picture_stands_in_as_it_was_seen_under_the_asked_pictures_name(engine: SearchEngine) -> None:
    """Up to two bits apart; digest and size are the asked picture's, vectors the catalogue's; a box picks the object."""
    two_off = f"{int(HASH, 16) ^ 0b1000000001:016x}"
    found = stood_in(engine, two_off)
    assert found is not None
    assert (found.digest, found.width, found.phash, found.recipe_id) == ("d" * 64, 640, two_off, RECIPE.id)
    assert found.main.box == Box(0, 0, 0.5, 1)
    boxed = stood_in(engine, HASH, Box(0.6, 0.1, 0.9, 0.9))
    assert boxed is not None
    assert boxed.main.box == Box(0.5, 0, 1, 1)


def test_nothing_else_stands_in(engine: SearchEngine) -> None:
    """Neither three bits apart, nor a plain picture, whose hash many have."""
    assert stood_in(engine, f"{int(HASH, 16) ^ 0b111:016x}") is None
    assert stood_in(engine, "0" * 16) is None
