"""What is derived from the database and kept in files: never trusted, never missed."""

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.domain.document import Document
from lookalike.domain.query import EngineQuery, Sort
from lookalike.engines.embedded import open_embedded
from lookalike.engines.embedded.engine import EmbeddedEngine
from lookalike.engines.embedded.names import Names
from lookalike.engines.embedded.pool import Pool
from lookalike.engines.memory import open_memory
from lookalike.ports.engine import SearchEngine
from lookalike.testing.documents import RECIPE, make_documents, make_facets, make_query, make_sort
from lookalike.testing.engine_cases import ids, pages, put, worded

CODES = {"exact_below": "100"}


def shrink(patch: pytest.MonkeyPatch) -> None:
    """Everything that a large index does, a small one does too."""
    patch.setattr("lookalike.engines.embedded.store.CACHED_FROM", 1)
    patch.setattr("lookalike.engines.embedded.store._SAVED_AFTER", (150, 150))
    patch.setattr("lookalike.engines.embedded.vectors.FILED_FROM", 64)
    patch.setattr("lookalike.engines.embedded.pool._SMALL", 16)
    patch.setattr("lookalike.engines.embedded.names._SORTED_ALONE", 20)
    patch.setattr("lookalike.engines.embedded.names._RANKED_ANEW", 40)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)


def opened(path: Path, *, read_only: bool = False) -> EmbeddedEngine:
    engine = open_embedded(str(path), settings=CODES, read_only=read_only)
    assert isinstance(engine, EmbeddedEngine)
    return engine


def live(engine: SearchEngine, seed: int) -> None:
    """A shop's life: products come, change, go, and come back."""
    rng = random.Random(seed)
    documents = make_documents(seed, 500)
    for start in range(0, 500, 50):
        put(engine, *documents[start : start + 50])
        changed = rng.sample(documents[: start + 50], 10)
        put(engine, *(replace(one, product=replace(one.product, price=rng.random(), title=f"new {rng.random()}")) for one in changed))
        other = make_documents(seed + start + 1, 8)
        put(engine, *(replace(one, product=replace(one.product, id=old.id)) for one, old in zip(other, changed, strict=False)))
        engine.remove([one.id for one in rng.sample(documents[: start + 50], 12)])


def answers(engine: SearchEngine) -> list[object]:
    """Much of what can be asked."""
    rng, documents = random.Random(9), make_documents(1, 500)
    found: list[object] = [
        ids(engine.search(EngineQuery(limit=1000))),
        engine.fields(),
        engine.suggest("new", 50),
        engine.status().documents,
    ]
    for legs in (("picture",), ("picture", "text"), ("tags", "category"), ("colour",), ("picture", "colour", "category"), ()):
        for _ in range(2):
            query = replace(make_query(rng, documents, legs=legs), facets=make_facets(rng), limit=50)
            page = engine.search(query)
            found += [ids(page), page.total, page.facets, [(hit.score, hit.picture, hit.object, hit.tags) for hit in page.hits]]
            found.append(pages(engine, replace(query, sort=make_sort(rng))))
    found.append(pages(engine, EngineQuery(sort=Sort("id"), limit=70)))
    return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[object]]:
    """A closed index with a cache, and the answers of its database with everything derived anew."""
    place = tmp_path_factory.mktemp("shop") / "shop.lookalike"
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        engine = opened(place)
        engine.prepare(RECIPE)
        live(engine, 1)
        engine.close()
        return place, anew(place)


@pytest.fixture
def path(shop: tuple[Path, list[object]], tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(shop[0], tmp_path / "shop.lookalike")
    assert {one.suffix for one in shop[0].iterdir()} >= {".columns", ".vectors", ".colours"}
    return tmp_path / "shop.lookalike"


@pytest.fixture
def wanted(shop: tuple[Path, list[object]]) -> list[object]:
    return shop[1]


def derived(path: Path) -> list[Path]:
    return [one for one in path.iterdir() if one.suffix in (".columns", ".vectors", ".colours")]


def anew(path: Path) -> list[object]:
    """The answers of the same database with everything derived anew."""
    copy = path.with_name("copy.lookalike")
    shutil.copytree(path, copy)
    for one in derived(copy):
        one.unlink()
    engine = opened(copy)
    assert engine._store._saved_change  # it has written what it derived
    found = answers(engine)
    engine.close()
    shutil.rmtree(copy)
    return found


def test_from_the_cache_it_answers_what_the_database_says(path: Path, wanted: list[object]) -> None:
    engine = opened(path)
    codes = engine._store.state.vectors.codes.arrays()  # type: ignore[union-attr]
    assert (engine.status().details or {})["vector_bytes_in_memory"] == sum(half.nbytes for half in codes.values())
    assert answers(engine) == wanted
    live(engine, 1)
    put(engine, *make_documents(77, 30))
    reader = opened(path, read_only=True)
    assert answers(reader) == answers(engine)
    assert reader.check() == engine.check() == []
    reader.close()
    engine.close()
    again = opened(path)
    assert answers(again) == anew(path)
    again.close()


def test_a_process_that_dies_leaves_a_right_cache_or_an_older_one(path: Path) -> None:
    engine = opened(path)
    put(engine, *make_documents(55, 120))
    engine.remove([one.id for one in make_documents(1, 500)[:60]])
    died = path.with_name("died.lookalike")
    shutil.copytree(path, died)  # as a kill would leave it: nothing was closed
    wanted = answers(engine)
    engine.close()
    again = opened(died)
    assert answers(again) == wanted
    again.close()


def flipped(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[random.Random(file.name).randrange(len(data) - 1)] ^= 0x10
    file.write_bytes(data)


def flipped_late(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 0x01
    file.write_bytes(data)


def halved(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("kind", [".columns", ".vectors", ".colours"])
@pytest.mark.parametrize("harm", [flipped, flipped_late, halved, emptied, Path.unlink])
def test_a_damaged_file_is_made_anew(path: Path, wanted: list[object], kind: str, harm: Callable[[Path], None]) -> None:
    for one in derived(path):
        if one.suffix == kind:
            harm(one)
    reader = opened(path, read_only=True)
    assert answers(reader) == wanted
    reader.close()
    engine = opened(path)
    assert answers(engine) == wanted
    put(engine, worded("after"))
    assert engine.check() == []
    engine.close()


def test_a_cache_of_another_state_is_not_taken(path: Path, tmp_path: Path) -> None:
    """Of an older one whose changes are forgotten, and of another index of the same size."""
    older = tmp_path / "older"
    shutil.copytree(path, older)
    other = tmp_path / "other.lookalike"
    engine = opened(other)
    engine.prepare(RECIPE)
    live(engine, 2)
    engine.close()
    engine = opened(path)
    for number in range(30):
        put(engine, *(worded(f"n{number}-{at}", title=f"t{number}") for at in range(20)))
    engine._store.database.writer.execute("DELETE FROM changes WHERE number < (SELECT max(number) - 20 FROM changes)")  # type: ignore[union-attr]
    wanted = answers(engine)
    engine.close()
    for source in (older, other):
        for one in derived(path):
            one.unlink()
        for one in derived(source):
            shutil.copy(one, path / one.name)
        engine = opened(path)
        assert answers(engine) == wanted
        engine.close()


def test_where_nothing_can_be_cached_it_works_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.lookalike").mkdir()
    for name in ("index-000001.columns", "index-000001.1.vectors", "index-000001.1.colours"):
        (tmp_path / "a.lookalike" / name / "in the way").mkdir(parents=True)
    (tmp_path / "a.lookalike" / "index-000001.sqlite").write_bytes(b"")
    engine, free = opened(tmp_path / "a.lookalike"), opened(tmp_path / "b.lookalike")
    for one in (engine, free):
        one.prepare(RECIPE)
        live(one, 1)
    assert answers(engine) == answers(free)
    engine.close()
    free.close()
    engine, free = opened(tmp_path / "a.lookalike"), opened(tmp_path / "b.lookalike")
    assert answers(engine) == answers(free)
    engine.close()
    free.close()


def test_changes_that_go_on_for_ever_take_no_more_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("columns", "tags"):
        monkeypatch.setattr(f"lookalike.engines.embedded.{module}._COMPACTED_FROM", 50)
    monkeypatch.setattr("lookalike.engines.embedded.state._DEAD_ROWS", 50)
    engine, rng = opened(path), random.Random(3)
    documents = make_documents(1, 100)
    for number in range(60):
        chosen = rng.sample(documents, 50)
        put(
            engine,
            *(replace(one, product=replace(one.product, price=number + rng.random(), tags=("a", "b", f"t{number}"))) for one in chosen),
        )
        engine.remove([chosen[0].id])
    state = engine._store.state
    price, tags = state.column("price"), state.column("tags")
    assert price is not None
    assert tags is not None
    count = state.count
    assert max(len(price), len(tags), len(state.names._pool)) < 3 * count
    assert max(tags._pool.size, state.tags._entries.size, len(state.vectors or ())) < 12 * count
    again = opened(path, read_only=True)
    assert answers(again) == answers(engine)
    again.close()
    engine.close()


def test_recall_is_measured_when_it_opens_and_told(path: Path) -> None:
    engine = opened(path)
    details = engine.status().details or {}
    assert details["recall_queries"] == 16
    assert details["recall"] >= 0.99
    assert details["recall_in_a_tenth"] >= 0.99
    engine.close()


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[EmbeddedEngine, SearchEngine, list[Document]]]:
    """A ladder of many rungs, words too common to weigh, and the oracle."""
    monkeypatch.setattr("lookalike.engines.embedded.ranking.LADDER", (20, 60))
    monkeypatch.setattr("lookalike.engines.embedded.ranking.FEW", 10)
    monkeypatch.setattr("lookalike.engines.embedded.ranking._MOST_WORDED", 15)
    monkeypatch.setattr("lookalike.engines.embedded.text.MOST_WEIGHED", 40)
    documents = make_documents(4, 900)
    engine, oracle = opened(tmp_path / "many.lookalike"), open_memory("")
    for one in (engine, oracle):
        one.prepare(RECIPE)
        put(one, *documents)
    yield engine, oracle, documents
    engine.close()


def test_pages_of_a_long_ladder_join(many: tuple[EmbeddedEngine, SearchEngine, list[Document]]) -> None:
    engine, oracle, documents = many
    rng = random.Random(5)
    for legs in (("picture",), ("picture", "text"), ("picture", "colour", "category"), ("picture", "tags")):
        for _ in range(2):
            query = replace(make_query(rng, documents, legs=legs), limit=33)
            joined = pages(engine, query)
            assert len(joined) == len(set(joined))
            assert set(joined) == set(pages(oracle, query)), query


def test_common_words_find_the_same_products(many: tuple[EmbeddedEngine, SearchEngine, list[Document]]) -> None:
    engine, oracle, _ = many
    for words in ("red", "shoes red", "boot", "red zqxjvv", "tea zqxjvv Straße", "Läufer", "crème boot tea red"):
        query = EngineQuery(words=words, weights={"text": 1}, limit=1000)
        exact, page = oracle.search(query), engine.search(query)
        assert page.total == exact.total
        with_all = [{hit.id for hit in one.hits if hit.score > 0.5} for one in (exact, page)]
        assert with_all[0] == with_all[1]
        assert page.total < 1000


@given(st.lists(st.text(max_size=5), max_size=60), st.lists(st.text(max_size=5), max_size=30))
def test_a_pool_is_a_list_without_repeats(first: list[str], second: list[str]) -> None:
    pool, told = Pool(), list(dict.fromkeys([*first, *second]))
    pool.codes(first)
    pool = Pool.held(pool.arrays())
    pool.codes(second)
    assert list(pool.texts()) == told
    assert pool.codes(reversed(told)) == list(reversed(range(len(told))))
    again = Pool.held(pool.arrays())
    assert [again[code] for code in range(len(again))] == told
    assert all(one.find(text) == (told.index(text) if text in told else -1) for one in (pool, again) for text in [*told, "no such"])


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 30), st.booleans()), max_size=80))
def test_names_are_a_dictionary_both_ways(steps: list[tuple[str, int, bool]]) -> None:
    names, slots = Names(), {}
    for text, slot, kept in steps:
        holder = {held: name for name, held in slots.items()}
        if not kept:
            if slot in holder:
                names.remove(slot)
                del slots[holder[slot]]
        elif slots.get(text, slot) == slot:
            names.put([slot], [text])
            slots.pop(holder.get(slot, ""), None)
            slots[text] = slot
        if len(slots) % 3 == 2:
            names = Names.held(names.arrays())
    assert names.count == len(slots)
    assert {name: names.slot_of(name) for name in "abcdefgh"} == {name: slots.get(name, -1) for name in "abcdefgh"}
    taken = np.array(sorted(slots.values()), np.intp)
    order = taken[np.argsort(names.places(taken))] if len(taken) else taken
    assert [names[int(slot)] for slot in order] == sorted(slots)
