"""Going to a new index and back again, while others search and write."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from opensearchpy import OpenSearch
from support.opensearch_index import behind

from lookalike.domain.document import Document, Seen
from lookalike.domain.query import EngineQuery
from lookalike.errors import IndexProblem, RecipeMismatch, Unavailable
from lookalike.ports.engine import KeepsPrevious, SearchEngine
from lookalike.testing.documents import OTHER_RECIPE, RECIPE, make_documents
from lookalike.testing.engine_cases import put, worded

Open = Callable[..., SearchEngine]


@pytest.mark.opensearch
def test_a_rebuild_is_one_step_for_others(opened: Open, raw: OpenSearch) -> None:
    """Who searches meanwhile always gets one whole index; what others write or remove is carried over; one index is left."""
    engine, reader, writer = opened(), opened(read_only=True), opened()
    engine.prepare(RECIPE)
    documents = make_documents(1, 40)
    put(engine, *documents)
    kept = [one.id for one in documents[:2]]
    seen: set[int] = set()
    stop = threading.Event()
    failures: list[BaseException] = []

    def search() -> None:
        try:
            while not stop.is_set():
                seen.add(reader.search(EngineQuery(limit=1)).total)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test reports it
            failures.append(error)

    searcher = threading.Thread(target=search)
    searcher.start()
    with engine.rebuild(OTHER_RECIPE) as target:
        put(target, *make_documents(2, 30, recipe=OTHER_RECIPE), *(worded(name) for name in kept))
        put(writer, worded("late"))
        writer.remove(["sku-of-nobody", *kept])
    put(writer, worded("after"))
    stop.set()
    searcher.join()
    assert not failures
    assert seen <= {40, 41, 40 - 1, 31, 32}
    assert reader.get([*kept, "late", "after"])[:2] == [None, None]
    assert {one.id for one in reader.documents()} >= {"late", "after"}
    assert reader.status().recipe == OTHER_RECIPE.id
    previous = str((engine.status().details or {})["previous"])
    assert set(raw.indices.get(index=f"{behind(engine)[:-6]}*")) == {previous, behind(engine), f"{behind(engine)}-removed"}
    with pytest.raises(RecipeMismatch):
        put(writer, *make_documents(3, 2, plain=True))


@pytest.mark.opensearch
def test_a_rebuild_that_fails_leaves_the_old_index_as_it_was(opened: Open, raw: OpenSearch) -> None:
    engine = opened()
    engine.prepare(RECIPE)
    put(engine, worded("a"))
    before = behind(engine)

    def fail() -> None:
        with engine.rebuild(OTHER_RECIPE):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    put(engine, worded("b"))
    assert behind(engine) == before
    assert list(raw.indices.get(index=f"{before[:-6]}*")) == [before]


@pytest.mark.opensearch
def test_a_rollback_goes_back_and_loses_no_write(opened: Open) -> None:
    """What was written since the switch is in the old index, removed products are gone; pictures that only the new recipe has seen
    are kept unseen; and it can be gone forward again."""
    engine, other = opened(), opened()
    engine.prepare(RECIPE)
    documents = make_documents(1, 30, plain=True)
    put(engine, *documents, worded("kept"), worded("gone"), worded("changed"))
    with pytest.raises(IndexProblem, match="No index is kept"):
        engine.rollback()  # type: ignore[attr-defined]
    with engine.rebuild(OTHER_RECIPE) as target:
        put(target, *(_seen_by_other(one) for one in documents), worded("kept"), worded("gone"), worded("changed"))
    other.remove(["gone", documents[0].id, "nobody"])
    (seen,) = make_documents(9, 1, recipe=OTHER_RECIPE, plain=True)
    put(other, worded("changed", price=7), worded("new"), worded("came and went"), seen, replace(_seen_by_other(documents[1]), digest="x"))
    other.remove(["came and went"])
    assert isinstance(engine, KeepsPrevious)
    done = engine.rollback()
    assert (done.left, done.recipe) == (OTHER_RECIPE.id, RECIPE.id)
    assert (done.carried, done.removed, done.unseen) == (4, 2, 1)
    assert other.status().recipe == RECIPE.id
    found = {one.id: one for one in other.documents()}
    assert found.keys() == {one.id for one in documents[1:]} | {"kept", "changed", "new", seen.id}
    assert found["changed"].product.price == 7
    assert (found[seen.id].seen, set(found[seen.id].unseen.values()), found[seen.id].digest) == ((), {"other_recipe"}, "")
    assert found[documents[1].id].seen == documents[1].seen, "the same pictures keep what the old recipe saw in them"
    put(other, *make_documents(10, 1, plain=True))
    again = engine.rollback()
    assert (again.recipe, again.carried) == (OTHER_RECIPE.id, 1)
    assert len(list(other.documents())) == len(found) + 1
    assert engine.check() == []


def _seen_by_other(document: Document) -> Document:
    """The same product and pictures, seen under the other recipe."""
    (like,) = make_documents(1, 1, recipe=OTHER_RECIPE, plain=True)
    seen = [Seen(one.picture, replace(like.seen[0].analysis, digest=one.analysis.digest)) for one in document.seen]
    return replace(document, seen=tuple(seen))


@pytest.mark.opensearch
def test_what_was_kept_long_enough_goes(opened: Open, raw: OpenSearch) -> None:
    """With the next opening for writing; and what a rebuild replaces next replaces what was kept."""
    engine = opened()
    engine.prepare(RECIPE)
    first = behind(engine)
    for recipe in (OTHER_RECIPE, RECIPE):
        with engine.rebuild(recipe):
            pass
    now = behind(engine)
    assert set(raw.indices.get(index=f"{now[:-6]}*")) == {now, f"{now}-removed", f"{now[:-6]}000002"}
    assert not raw.indices.exists(index=first)
    meta = raw.indices.get_mapping(index=now)[now]["mappings"]["_meta"]
    meta["lookalike"]["previous"]["at"] -= 25 * 3600
    raw.indices.put_mapping(index=now, body={"_meta": meta})
    opened().prepare(RECIPE)
    assert list(raw.indices.get(index=f"{now[:-6]}*")) == [now]
    engine.remove(["nobody"])
    with pytest.raises(IndexProblem, match="No index is kept"):
        engine.rollback()  # type: ignore[attr-defined]


@pytest.mark.opensearch
def test_what_a_process_that_died_left_closed_opens_by_itself(opened: Open, raw: OpenSearch) -> None:
    """A lease that is not renewed ends: the next writer opens the index, and the one who was taken for dead cannot switch any more.
    A block without a lease is an operator's, and stays."""
    engine, other = opened(), opened()
    engine.prepare(RECIPE)
    put(engine, worded("a"))
    index = behind(engine)

    def rebuild_and_freeze() -> None:
        with engine.rebuild(OTHER_RECIPE) as target:
            put(target, worded("a"))
            # between two steps of its carrying, this process stands still for longer than its lease
            indexes = engine._indexes  # type: ignore[attr-defined]
            with indexes.carrying(indexes.look()) as lease:
                stale = f"{index}-carrying-{1}-dead"
                lease._act([{"add": {"index": index, "alias": stale}}])
                lease.alias = stale
                with pytest.raises(Unavailable, match="process that died"):
                    put(other, worded("b"))
                put(other, worded("c"))
                lease.switch([])

    with pytest.raises(Unavailable, match="did not say"):
        rebuild_and_freeze()
    put(other, worded("d"))
    assert behind(other) == index
    assert [one.id for one in other.documents()] == ["a", "c", "d"]
    assert list(raw.indices.get(index=f"{index[:-6]}*")) == [index]
    raw.indices.put_settings(index=index, body={"index.blocks.write": True})
    with pytest.raises(Unavailable, match="takes no writes"):
        put(other, worded("e"))
    other.prepare(RECIPE)
    with pytest.raises(Unavailable, match="takes no writes"):
        put(other, worded("e"))
    raw.indices.put_settings(index=index, body={"index.blocks.write": None})


@pytest.mark.opensearch
def test_a_rebuild_and_the_way_back_under_load(opensearch_index: Callable[[str], str]) -> None:
    """30 searches and 20 writes a second: no search fails, no answered write is lost. The full size: benchmarks/opensearch_rebuild.py."""
    from benchmarks.opensearch_rebuild import run

    where, _, alias = opensearch_index("load").rpartition("/")
    told = run(where.replace("opensearch", "http", 1), alias, documents=1_000, searches=30, writes=20)
    assert told.failed_searches == []
    assert (told.lost_after_rebuild, told.lost_after_rollback) == ([], [])
    assert told.searches > 30
    assert told.writes > 40
    assert told.rolled_back.carried > 10
