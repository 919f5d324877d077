"""Parts of the embedded engine that are easier to break than to see from outside."""

import random
import threading
import time
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.domain.filters import Range
from lookalike.domain.values import Scalar
from lookalike.engines.counting import order_key
from lookalike.engines.embedded import codes as codes_module
from lookalike.engines.embedded.codes import Codes, rotations
from lookalike.engines.embedded.columns import Column
from lookalike.engines.embedded.locks import ReadersOrWriter
from lookalike.engines.embedded.originals import decoded
from lookalike.engines.embedded.pool import Pool
from lookalike.engines.embedded.ranking import best_first
from lookalike.engines.embedded.rows import decode, encode
from lookalike.engines.paging import Position
from lookalike.errors import InvalidInput
from lookalike.testing.documents import RECIPE, make_documents

VALUES: list[Scalar] = [True, False, 0, 1, 1.0, 0.5, -3, "1", "true", "", "a", "b", "ü"]


def test_a_column_says_what_a_dictionary_says() -> None:
    rng = random.Random(1)
    column, plain = Column(), {}
    for _ in range(3000):
        slot = rng.randrange(60)
        plain[slot] = tuple(rng.choices(VALUES, k=rng.choice([0, 1, 1, 1, 2, 4])))
        column.put((slot,), (plain[slot],))
    held = [plain.get(slot, ()) for slot in range(70)]
    keys = [{order_key(one) for one in elements} for elements in held]
    for value in VALUES:
        assert column.matching((value,), 70).tolist() == [order_key(value) in one for one in keys]
    numbers = [[one for one in elements if not isinstance(one, bool | str)] for elements in held]
    assert column.within(Range("", gt=0, lte=1), 70).tolist() == [any(0 < one <= 1 for one in some) for some in numbers]
    for mask in (np.arange(70) % 3 > 0, np.ones(70, np.bool_)):
        chosen = None if mask.all() else np.flatnonzero(mask)
        counts = column.counts(chosen, mask)
        for code, value in enumerate(map(column.value, range(len(column)))):
            assert counts[code] == sum(order_key(value) in one for one, asked in zip(keys, mask, strict=True) if asked)
        spans: list[tuple[float, float | None]] = [(-5, 0), (0, 0.6), (0.6, 1), (0, None)]
        assert column.span_counts(spans, chosen, mask) == [
            sum(any(low <= one and (high is None or one < high) for one in numbers[slot]) for slot in np.flatnonzero(mask))
            for low, high in spans
        ]
    for slot, elements in enumerate(held):
        assert column.element(slot, largest=True) == max(elements, key=order_key, default=None)


def test_counts_of_all_follow_what_is_put() -> None:
    """They are kept from one question to the next."""
    column, everybody = Column(), np.ones(3, np.bool_)
    column.put((0, 1, 2), ("a", ("a", "b"), "b"))
    held: list[str | tuple[str, ...]] = ["a", ("a", "b"), "b"]
    for slot, told, expected in ((0, "b", {"a": 1, "b": 3}), (1, "c", {"a": 0, "b": 2, "c": 1}), (2, (), {"a": 0, "b": 1, "c": 1})):
        column.counts(None, everybody)
        column.keys(3, largest=True)
        column.put((slot,), (told,))
        assert {column.value(code): count for code, count in enumerate(column.counts(None, everybody))} == expected
        held[slot] = told
        for largest, pick in ((True, max), (False, min)):
            keys = column.keys(3, largest=largest)
            assert [None if np.isnan(key) else sorted("abc")[int(key)] for key in keys] == [pick(one) if one else None for one in held]
    column.clear(1)
    assert column.counts(None, everybody).tolist() == [0, 1, 0]


def test_a_pool_numbers_texts_as_a_dictionary_does() -> None:
    """Asked one by one or many at once, with the first ones frozen; two of these have one hash (CRC-32), frozen and not."""
    texts = [f"text {number}" for number in range(5000)]
    pool, numbers = Pool(), {text: number for number, text in enumerate(["plumless", *texts])}
    assert zlib.crc32(b"plumless") == zlib.crc32(b"buckeroo")
    assert pool.codes(numbers) == list(numbers.values())
    pool.arrays()  # freezes it
    assert pool.known(["buckeroo", "plumless", "nobody", "text 4999"]) == [-1, 0, -1, 5000]
    fresh = ["buckeroo", "text 7", "new", "plumless", "new", "buckeroo"]
    for text in fresh:
        numbers.setdefault(text, len(numbers))
    assert pool.codes(fresh) == [numbers[text] for text in fresh]
    assert pool.known(list(numbers)) == [pool.find(text) for text in numbers] == list(numbers.values())
    assert [pool[number] for number in numbers.values()] == list(numbers)
    pool.arrays()  # freezes the late ones too
    assert pool.known([*numbers, "nobody"]) == [*numbers.values(), -1]
    assert Pool().known(["a"]) == [-1]


def test_halves_are_decoded_exactly() -> None:
    """Every finite number of fp16: NumPy's cast says the same, to the sign of zero."""
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]
    assert decoded(halves).tobytes() == halves.astype(np.float32).tobytes()


def test_keys_sort_like_elements() -> None:
    rng = random.Random(2)
    column = Column()
    held = [tuple(rng.choices(VALUES, k=rng.choice([0, 1, 2]))) for _ in range(200)]
    column.put(range(200), held)
    for largest in (False, True):
        keys = column.keys(200, largest=largest)
        pick = max if largest else min
        having = [slot for slot in range(200) if held[slot]]
        assert np.isnan(keys).tolist() == [not one for one in held]
        ordered = sorted(having, key=lambda slot: keys[slot])
        elements = [order_key(pick(held[slot], key=order_key)) for slot in ordered]
        assert elements == sorted(elements)


@given(st.text(max_size=200), st.sampled_from(["score", "field"]))
def test_no_text_is_a_cursor_by_chance(text: str, kind: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Position.read(text, kind)
    assert caught.value.problems[0].at == "cursor"


@given(st.one_of(st.none(), st.booleans(), st.floats(allow_nan=False), st.text(max_size=50)), st.text(max_size=50))
def test_a_position_survives_its_token(key: Scalar | None, name: str) -> None:
    position = Position("field", key, name, 1, 2)
    assert Position.read(position.token(), "field") == position
    with pytest.raises(InvalidInput):
        Position.read(position.token(), "score")


def test_best_first_agrees_with_sorting_all() -> None:
    """Whether keys come at random, repeat like a pattern, or are nearly all the same."""
    noise = np.random.default_rng(3)
    ties, slots = noise.permutation(1000), np.arange(1000)
    for keys in (noise.integers(0, 40, 1000).astype(float), (slots % 18).astype(float), np.where(slots < 3, 0.0, np.inf)):
        everything = best_first(keys, slots, ties.__getitem__)
        assert everything.tolist() == sorted(range(1000), key=lambda at, keys=keys: (keys[at], ties[at]))  # type: ignore[misc]
        for most in (1, 17, 249, 1000):
            assert best_first(keys, slots, ties.__getitem__, most)[:most].tolist() == everything[:most].tolist()


def test_rotations_keep_lengths_and_codes_find_neighbours() -> None:
    for dimension in (16, 100, 256):
        rotation = rotations(dimension, 2 * dimension)
        assert rotation.shape == (2 * dimension, dimension)
        vectors = np.random.default_rng(4).normal(size=(50, dimension)).astype(np.float32)
        lengths = np.linalg.norm(vectors @ rotation.T, axis=1) / np.linalg.norm(vectors, axis=1)
        assert lengths.std() / lengths.mean() < 0.15
    codes = Codes(256)
    noise = np.random.default_rng(5)
    vectors = noise.normal(size=(3000, 256)).astype(np.float32)
    codes.append(vectors)
    found = [row in codes.nearest(vectors[row] + 0.5 * noise.normal(size=256).astype(np.float32), 20, None)[0] for row in range(50)]
    assert all(found)


@pytest.mark.parametrize("both_up_to", [100, 1_000_000])
@pytest.mark.parametrize("share", [None, 0.9, 0.6, 0.4, 0.1, 0.01, 0.0])
def test_codes_bring_the_nearest_of_the_chosen_rows(share: float | None, both_up_to: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes_module, "_BOTH_UP_TO", both_up_to)
    noise, most = np.random.default_rng(6), 60
    vectors = noise.normal(size=(4000, 128)).astype(np.float32)
    codes = Codes(128)
    codes.append(vectors[:1500])
    codes.append(vectors[1500:])
    codes = Codes(128, (codes.arrays()["codes_first"], codes.arrays()["codes_second"]))
    assert len(codes) == len(vectors)
    chosen = None if share is None else noise.random(len(vectors)) < share
    allowed = np.arange(len(vectors)) if chosen is None else np.flatnonzero(chosen)
    found, wanted = 0, 0
    for row in noise.choice(len(vectors), 20):
        asked = vectors[row] + 0.3 * noise.normal(size=128).astype(np.float32)
        everything, distances = codes.within(asked, -1.0, 100.0)
        assert everything.tolist() == list(range(len(vectors)))
        rows, told = codes.nearest(asked, most, chosen)
        assert set(rows.tolist()) <= set(allowed.tolist()), "a row that the filter leaves out"
        assert told.tolist() == distances[rows].tolist()
        last = np.sort(distances[allowed])[: most + 1][-1] if len(allowed) > most else 10**6
        near = set(allowed[distances[allowed] < last].tolist())
        found, wanted = found + len(near & set(rows.tolist())), wanted + len(near)
        if len(allowed) <= most:
            assert set(rows.tolist()) == set(allowed.tolist())
    assert found >= (0.9 if both_up_to == 100 else 0.97) * wanted


def test_writers_come_first_and_alone() -> None:
    lock, seen = ReadersOrWriter(), []
    inside = threading.Event()

    def read(name: str) -> None:
        with lock.reading():
            inside.set()
            seen.append(name)
            time.sleep(0.05)

    def write() -> None:
        with lock.writing():
            seen.append("writer")

    first = threading.Thread(target=read, args=("first",))
    first.start()
    inside.wait()
    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(0.01)
    late = threading.Thread(target=read, args=("late",))
    late.start()
    for one in (first, writer, late):
        one.join()
    assert seen == ["first", "writer", "late"]


@pytest.mark.parametrize("value", [10**30, -(2**70), 2**63, "null", "\u2028", 1e-7, 1e22, True, ("a", 0.1)])
def test_a_row_gives_back_what_it_was_given(value: Scalar | tuple[Scalar, ...]) -> None:
    """To the last digit, whichever encoder wrote it."""
    document = make_documents(3, 1)[0]
    product = replace(document.product, attributes={"odd": value})
    document = replace(document, product=product)
    row = encode([document])[0]
    told = decode(row.body, row.data, version=1, digest=row.digest, dimension=RECIPE.dimension, colour_dimension=RECIPE.colour_dimension)
    assert told.product == product
    assert [one.analysis.as_exact_json() for one in told.seen] == [one.analysis.as_exact_json() for one in document.seen]
