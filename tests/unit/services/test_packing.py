"""The packed export: exact, compact, checked; and an index that others write to meanwhile is exported as at one moment."""

import io
import json
import random
import re
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.domain.analysis import Recipe
from lookalike.domain.document import Document
from lookalike.engines.embedded import open_embedded
from lookalike.engines.memory import open_memory
from lookalike.errors import ExportMismatch, IndexTooNew, InvalidInput, LookalikeError
from lookalike.ports.engine import SearchEngine, Write
from lookalike.services import packing
from lookalike.services.export import export_lines, read_lines
from lookalike.services.importing import Imported, import_documents
from lookalike.services.packing import pack, unpack
from lookalike.testing.documents import OTHER_RECIPE, RECIPE, make_documents

Open = Callable[[str], SearchEngine]


@pytest.fixture(params=["memory", "embedded"])
def open_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Makes an empty index of either kind, prepared."""
    opened: list[SearchEngine] = []

    def make(name: str) -> SearchEngine:
        engine: SearchEngine = open_memory("memory:") if request.param == "memory" else open_embedded(str(tmp_path / name))
        engine.prepare(RECIPE)
        opened.append(engine)
        return engine

    yield make
    for one in opened:
        one.close()


def packed(documents: list[Document]) -> bytes:
    return b"".join(pack(documents, RECIPE.id))


def unpacked(content: bytes, recipe: Recipe = RECIPE) -> list[Document]:
    return [one for batch in unpack(io.BytesIO(content), recipe) for one in batch]


def rounded(documents: list[Document]) -> list[Document]:
    """As every engine keeps them: vectors of fp16, versions its own."""
    engine = open_memory("memory:")
    engine.prepare(RECIPE)
    engine.put([Write(one) for one in documents])
    return [replace(one, version=0) for one in engine.documents()]


def vectors(documents: list[Document]) -> list[bytes]:
    objects = [one for document in documents for seen in document.seen for one in seen.analysis.objects]
    return [vector.tobytes() for one in objects for vector in (one.vector, one.colour_vector)]


@given(st.integers(0, 2**32), st.integers(0, 60))
@settings(max_examples=25, deadline=None)
def test_any_documents_come_back_to_the_last_digit(seed: int, count: int) -> None:
    """Every field, vector and score; the same documents give the same bytes."""
    whole = {"url": "https://shop.example/ä?a=1&b=2", "description": "one\ntwo\u2028three\x00", "tags": ("a\tb", "")}
    documents = rounded([replace(one, product=replace(one.product, **whole)) for one in make_documents(seed, count)])
    content = packed(documents)
    found = unpacked(content)
    assert found == documents
    assert vectors(found) == vectors(documents)
    assert packed(found) == content


def test_a_catalogue_moves_between_engines(tmp_path: Path) -> None:
    """Memory to embedded and back, in blocks: the exports of both forms are the same bytes at each stop."""
    documents = make_documents(5, 1300)
    first: SearchEngine = open_memory("memory:")
    second: SearchEngine = open_embedded(str(tmp_path / "shop"))
    third: SearchEngine = open_memory("memory:")
    for engine in (first, second, third):
        engine.prepare(RECIPE)
    first.put([Write(one) for one in documents])
    for source, target in ((first, second), (second, third)):
        content = packed(list(source.documents()))
        told = list(import_documents(unpack(io.BytesIO(content), RECIPE), target))
        assert told == [Imported(500), Imported(1000), Imported(1300)]
        assert packed(list(target.documents())) == content
        assert list(export_lines(target.documents())) == list(export_lines(source.documents()))
    for engine in (first, second, third):
        engine.close()


def test_an_import_goes_on_where_it_stopped(open_engine: Open) -> None:
    """What is there with the same digest is not written again; a changed product is; others of the index stay."""
    documents = rounded(make_documents(6, 1200))
    content = packed(documents)
    target = open_engine("target")
    target.put([Write(replace(documents[0], digest="older")), Write(make_documents(7, 1)[0])])
    cut = len(content) // 2
    with pytest.raises(InvalidInput, match=r"cut off at byte [\d,]+\. The (500|1,000) products"):
        list(import_documents(unpack(io.BytesIO(content[:cut]), RECIPE), target))
    before = target.status().documents
    assert before in (501, 1001)
    *_, last = import_documents(unpack(io.BytesIO(content), RECIPE), target)
    assert (last.unchanged, last.written) == (before - 1, 1200 - (before - 1))
    *_, again = import_documents(unpack(io.BytesIO(content), RECIPE), target)
    assert again == Imported(0, 1200)
    assert target.status().documents == 1201
    assert target.get([documents[0].id])[0] is not None
    assert target.digests([documents[0].id]) == {documents[0].id: documents[0].digest}


SMALL = packed(rounded(make_documents(8, 40)))


@given(st.integers(0, len(SMALL) - 1), st.integers(1, 255))
@settings(max_examples=150, deadline=None)
def test_any_changed_byte_is_noticed(place: int, flip: int) -> None:
    """With a sentence; what is told before is whole."""
    content = bytearray(SMALL)
    content[place] ^= flip
    with pytest.raises(LookalikeError, match=r"repeat the import|Update"):
        unpacked(bytes(content))


@given(st.integers(0, len(SMALL) - 1), st.binary(min_size=1, max_size=40))
@settings(max_examples=100, deadline=None)
def test_a_file_that_is_cut_or_goes_on_is_noticed(end: int, more: bytes) -> None:
    """At every byte."""
    for content in (SMALL[:end], SMALL + more, more, SMALL[:end] + more):
        if content != SMALL:
            with pytest.raises(LookalikeError, match=r"cut off|damaged"):
                unpacked(content)


def test_blocks_out_of_order_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, twice, or exchanged: each is whole, but not in its place."""
    monkeypatch.setattr(packing, "BLOCK_DOCUMENTS", 10)
    magic, head, one, two, three, last = pack(rounded(make_documents(9, 30)), RECIPE.id)
    assert len(unpacked(b"".join((magic, head, one, two, three, last)))) == 30
    for blocks in ((one, three, last), (two, one, three, last), (one, one, two, three, last), (one, two, three), (last,)):
        with pytest.raises(InvalidInput, match=r"cut off|damaged"):
            unpacked(b"".join((magic, head, *blocks)))


def forged(change: Callable[[dict[str, Any]], object]) -> bytes:
    """An export with right checksums whose first product with an analysis is not as we write it."""
    lines, data, dimensions = next(packing._chunks(rounded(make_documents(10, 30))))
    place, told = next((n, json.loads(line)) for n, line in enumerate(lines) if json.loads(line)["analysis"])
    change(told)
    lines[place] = json.dumps(told).encode()
    parts = [
        packing.MAGIC,
        packing._block(0, b"HEAD", {"format": 1, "recipe": RECIPE.id}),
        packing._block(1, b"DOCS", lines, data, dimensions),
    ]
    return b"".join([*parts, packing._block(2, b"LAST", {"documents": len(lines)})])


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.pop("analysis"),
        lambda told: told.update(analysis=5),
        lambda told: told.update(digest=5),
        lambda told: told.update(unseen=[]),
        lambda told: told.update(pictures=[]),
        lambda told: told.update(id=""),
        lambda told: told["analysis"][0]["objects"].append(told["analysis"][0]["objects"][0]),
        lambda told: told["analysis"][0].update(objects=[]),
        lambda told: told["analysis"][0]["objects"][0].update(box=[0, 0, 2, 2]),
        lambda told: told["analysis"][0]["objects"][0].update(label="\ud800"),
        lambda told: told["analysis"][0]["objects"][0].update(score=1e400),
        lambda told: told["analysis"][0].update(colours=[{"name": "red", "share": 1, "rgb": ["x"]}]),
        lambda told: told["analysis"][0].update(picture=7),
        lambda told: told["analysis"][0].update(width="wide"),
        lambda told: told["analysis"].append(told["analysis"][0]),
    ],
)
def test_a_forged_file_is_refused_before_anything_of_its_block_is_written(change: Callable[[dict[str, Any]], object]) -> None:
    """A right checksum makes no product right."""
    assert len(unpacked(forged(lambda told: None))) == 30
    with pytest.raises(InvalidInput, match=r"product \d+|damaged"):
        unpacked(forged(change))


def test_made_up_sizes_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A header that promises too much, and a few bytes that unpack to it, are refused."""
    monkeypatch.setattr(packing, "LARGEST_BLOCK", 8 << 20)
    head = packing.MAGIC + packing._block(0, b"HEAD", {"format": 1, "recipe": RECIPE.id})
    bomb = zlib.compress(bytes(20 << 20), 9)
    for packed_size, size in ((2**32 - 1, 100), (100, 2**32 - 1), (len(bomb), 1000), (len(bomb), 20 << 20)):
        bare = packing._HEADER.pack(b"DOCS", 1, packed_size, size, 0, 0, 0, bytes(8))
        block = bare[:24] + packing._checksum(1, bare, bomb) + bomb
        with pytest.raises(InvalidInput, match=r"header|cut off|larger|checksum"):
            unpacked(head + block)


def test_another_recipe_or_a_newer_format_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first product."""
    with pytest.raises(ExportMismatch, match=r"have changed.*index-admin rebuild.*--as jsonl"):
        unpacked(SMALL, OTHER_RECIPE)
    with pytest.raises(ExportMismatch, match="LOOKALIKE_RECIPE=testing"):
        unpacked(SMALL, Recipe("quality", 16, 6))
    monkeypatch.setattr(packing, "FORMAT", 2)
    newer = packed([])
    monkeypatch.undo()
    with pytest.raises(IndexTooNew, match="Update Lookalike"):
        unpacked(newer)
    assert unpacked(b"".join(pack([], None))) == []


def test_an_export_shows_one_moment_while_others_write(open_engine: Open) -> None:
    """Every write changes all products at once; whatever the export meets, they agree."""
    engine = open_engine("live")
    documents = make_documents(11, 400, plain=True)

    def writes(price: int) -> list[Write]:
        return [Write(replace(one, product=replace(one.product, price=price), digest=f"{one.id}-{price}")) for one in documents]

    engine.put(writes(0))
    stop = threading.Event()

    def keep_writing() -> None:
        price = 0
        while not stop.is_set():
            price += 1
            engine.put(writes(price))

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        seen = set()
        for turn in range(50):
            if turn >= 2 and len(seen) > 1:  # it did write meanwhile
                break
            found = unpacked(b"".join(pack(engine.documents(), RECIPE.id)))
            lines = io.BytesIO("\n".join(export_lines(engine.documents())).encode())
            again = [one for batch in read_lines(lines, RECIPE) for one in batch]
            for moment in (found, again):
                assert len(moment) == 400
                prices = {one.product.price for one in moment}
                assert len(prices) == 1
                seen |= prices
    finally:
        stop.set()
        writer.join()
    assert len(seen) > 1


def test_random_bytes_inside_a_line_of_json_lose_nothing(open_engine: Open) -> None:
    """JSON Lines have no checksums: a damaged line is refused with its number or says something valid, and the index stays whole."""
    lines = [line.encode() for line in export_lines(rounded(make_documents(12, 30)))]
    target = open_engine("target")
    target.put([Write(one) for one in make_documents(13, 5)])
    rng = random.Random(1)
    for _ in range(60):
        damaged = [bytearray(line) for line in lines]
        line = rng.choice(damaged)
        for _ in range(rng.randint(1, 4)):
            line[rng.randrange(len(line))] = rng.randrange(256)
        with suppress(InvalidInput, ExportMismatch):  # nothing else is raised
            list(import_documents(read_lines(io.BytesIO(b"\n".join(map(bytes, damaged))), RECIPE), target))
    assert target.check() == []
    assert len(list(target.documents())) == target.status().documents
    assert all(np.isfinite(one.vector).all() for document in target.documents() for seen in document.seen for one in seen.analysis.objects)


def test_the_documented_reader_reads(tmp_path: Path) -> None:
    """docs/export.md shows how to read a packed export without Lookalike."""
    documents = make_documents(14, 30)
    (tmp_path / "shop.lkx").write_bytes(packed(documents))
    text = (Path(__file__).parents[3] / "docs" / "export.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    done = subprocess.run([sys.executable, "-c", found[1]], cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=True)
    objects = [sum(len(seen.analysis.objects) for seen in one.seen) for one in documents]
    assert done.stdout.splitlines() == [f"{one.id} ({count}, 16)" for one, count in zip(documents, objects, strict=True)]
