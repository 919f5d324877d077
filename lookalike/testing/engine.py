"""The contract of a search engine, for ours and for yours.

    class TestMyEngine(EngineContract):
        def open_engine(self, folder):
            return MyEngine(folder)

`folder` is empty at first; opened again after `close`, a durable engine has what was put (else set `durable = False`).
"""

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lookalike.domain.document import Document, Seen
from lookalike.domain.filters import Exists, Match
from lookalike.domain.product import Product
from lookalike.domain.query import EngineQuery, FacetRequest, Sort
from lookalike.errors import IndexProblem, InvalidInput, RecipeMismatch
from lookalike.ports.engine import Amendment, AmendsProducts, SearchEngine, Write, Written
from lookalike.testing.documents import OTHER_RECIPE, RECIPE, make_documents
from lookalike.testing.engine_amending import AmendingContract
from lookalike.testing.engine_cases import PICTURE, TEXT, first_vector, ids, pages, put, worded
from lookalike.testing.engine_searching import SearchingContract


class EngineContract(SearchingContract, AmendingContract):
    """Subclass it, say how your engine is opened, and let pytest collect it."""

    durable = True

    def open_engine(self, folder: Path) -> SearchEngine:
        """Your engine over `folder`, writable, not yet prepared."""
        raise NotImplementedError

    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[SearchEngine]:
        """An empty, prepared engine."""
        engine = self.open_engine(tmp_path)
        engine.prepare(RECIPE)
        yield engine
        engine.close()

    @pytest.fixture
    def shop(self, engine: SearchEngine) -> list[Document]:
        """Two hundred awkward documents, put in two batches."""
        documents = make_documents(1, 200)
        put(engine, *documents[:150])
        put(engine, *documents[150:])
        return documents

    def test_an_empty_index_answers(self, engine: SearchEngine) -> None:
        """Nothing is there, and everything can be asked."""
        vector = make_documents(1, 3, plain=True)[0].seen[0].analysis.main.vector
        for query in (EngineQuery(), EngineQuery(vector=vector, weights=PICTURE), EngineQuery(words="shoe", weights=TEXT)):
            page = engine.search(replace(query, sort=Sort("price")))
            assert (ids(page), page.total, page.next) == ([], 0, None)
        assert engine.status().ready
        assert engine.status().documents == 0
        assert (list(engine.documents()), engine.fields(), engine.check(), engine.suggest("a", 5)) == ([], [], [], [])
        assert engine.get(["x"]) == [None]
        assert engine.remove(["x"]) == [False]

    def test_get_answers_what_was_put(self, engine: SearchEngine, shop: list[Document]) -> None:
        """All fields to the letter, vectors within a rounding of fp16."""
        for put_one, got in zip(shop, engine.get([one.id for one in shop]), strict=True):
            assert got is not None
            assert got == replace(put_one, version=1)
            for before, after in zip(put_one.seen, got.seen, strict=True):
                for one, other in zip(before.analysis.objects, after.analysis.objects, strict=True):
                    np.testing.assert_allclose(one.vector, other.vector, atol=1e-3)
                    np.testing.assert_allclose(one.colour_vector, other.colour_vector, atol=1e-3)

    def test_documents_come_in_the_order_of_ids(self, engine: SearchEngine, shop: list[Document]) -> None:
        """By code point."""
        assert [one.id for one in engine.documents()] == sorted(one.id for one in shop)

    def test_documents_are_one_moments_state(self, engine: SearchEngine, shop: list[Document]) -> None:
        """What is written while reading is not seen."""
        reading = engine.documents()
        first = next(reading)
        engine.remove([one.id for one in shop])
        assert len([first, *reading]) == 200

    def test_versions_count_writes(self, engine: SearchEngine) -> None:
        """From 1, also twice in one batch; the later write wins."""
        one, other = worded("a", price=1), worded("a", price=2)
        assert [(w.version, w.created) for w in engine.put([Write(one), Write(other)])] == [(1, True), (2, False)]
        assert [hit.version for hit in engine.search(EngineQuery()).hits] == [2]
        got = engine.get(["a"])[0]
        assert got is not None
        assert got.product.price == 2

    def test_a_conflict_is_a_result(self, engine: SearchEngine) -> None:
        """The other writes still happen."""
        put(engine, worded("a", price=1))
        writes = [Write(worded("a", price=2), 7), Write(worded("b"), 0), Write(worded("c"), 1), Write(worded("a", price=3), 1)]
        found = [(one.id, one.version, one.conflict) for one in engine.put(writes)]
        assert found == [("a", 1, True), ("b", 1, False), ("c", 0, True), ("a", 2, False)]
        assert engine.status().documents == 2

    def test_a_replaced_document_leaves_nothing_behind(self, engine: SearchEngine) -> None:
        """Neither words nor values, tags or vectors."""
        one, other = make_documents(3, 2, plain=True)
        put(engine, replace(one, product=Product("a", title="Zwölf Boxkämpfer", brand="X", tags=("t",))))
        put(engine, replace(other, product=Product("a", title="Quizfrage")))
        for query in (
            EngineQuery(words="Boxkämpfer", weights=TEXT),
            EngineQuery(filter=Match("brand", ("X",))),
            EngineQuery(filter=Exists("tags")),
        ):
            assert ids(engine.search(query)) == []
        assert ids(engine.search(EngineQuery(words="quizfrage", weights=TEXT))) == ["a"]
        hit = engine.search(EngineQuery(vector=one.seen[0].analysis.main.vector, weights=PICTURE)).hits[0]
        assert hit.similarity is not None
        assert hit.similarity < 0.99
        assert engine.search(EngineQuery(facets=(FacetRequest("brand", "brand"),))).facets["brand"] == ()

    def test_removed_products_are_gone(self, engine: SearchEngine, shop: list[Document]) -> None:
        """From every door, and they can come back."""
        gone = [one.id for one in shop[:50]]
        assert engine.remove([*gone, "nobody", gone[0]]) == [True] * 50 + [False, False]
        assert engine.status().documents == 150
        assert set(pages(engine, EngineQuery(limit=37))) == {one.id for one in shop[50:]}
        assert set(pages(engine, EngineQuery(vector=first_vector(shop), weights=PICTURE))).isdisjoint(gone)
        assert engine.get(gone[:1]) == [None]
        assert engine.digests([gone[0], shop[60].id]) == {shop[60].id: shop[60].digest}
        put(engine, shop[0])
        assert shop[0].id in pages(engine, EngineQuery())

    def test_a_removal_may_ask_for_a_version(self, engine: SearchEngine) -> None:
        """Another version keeps the product; the other removals still happen, and one without a version asks for none."""
        put(engine, worded("a"), worded("b"), worded("c"))
        put(engine, worded("a", price=2))
        assert engine.remove(["a", "b", "c", "nobody"], {"a": 1, "b": 1, "nobody": 1}) == [False, True, True, False]
        assert ids(engine.search(EngineQuery())) == ["a"]
        assert engine.remove(["a"], {"a": 0}) == [False]
        assert engine.remove(["a", "a"], {"a": 2}) == [True, False]
        assert engine.status().documents == 0

    def test_a_removal_never_takes_a_write_that_came_in_between(self, engine: SearchEngine) -> None:
        """Whoever removes what he read removes exactly that: of a removal and a write of one version only one succeeds."""
        for _ in range(40):
            version = engine.put([Write(worded("a"))])[0].version
            start = threading.Barrier(2)
            written: list[Written] = []

            def write(start: threading.Barrier = start, written: list[Written] = written, version: int = version) -> None:
                start.wait()
                written.extend(engine.put([Write(worded("a", price=1), version)]))

            writer = threading.Thread(target=write)
            writer.start()
            start.wait()
            removed = engine.remove(["a"], {"a": version})[0]
            writer.join()
            assert removed == written[0].conflict
            assert (engine.get(["a"])[0] is None) == removed

    def test_vectors_of_another_recipe_are_refused(self, engine: SearchEngine, shop: list[Document]) -> None:
        """At prepare and at put; what is there stays."""
        with pytest.raises(RecipeMismatch):
            engine.prepare(OTHER_RECIPE)
        with pytest.raises(RecipeMismatch):
            put(engine, *make_documents(9, 3, recipe=OTHER_RECIPE, plain=True))
        seen = make_documents(9, 1, plain=True)[0].seen[0]
        short = replace(seen, analysis=replace(seen.analysis, objects=(replace(seen.analysis.main, vector=np.ones(3, np.float32)),)))
        with pytest.raises(InvalidInput):
            put(engine, Document(Product("short"), (short,)))
        engine.prepare(RECIPE)
        assert engine.status().documents == 200
        assert engine.check() == []

    def test_a_rebuild_switches_when_it_ends(self, engine: SearchEngine, shop: list[Document]) -> None:
        """Searches see the old index until then, and keep it where the block fails."""
        new = make_documents(9, 30, recipe=OTHER_RECIPE)
        with pytest.raises(RecipeMismatch), engine.rebuild(OTHER_RECIPE) as target:
            put(target, *new, *shop)
        assert engine.status().documents == 200
        with engine.rebuild(OTHER_RECIPE) as target:
            put(target, *new)
            assert target.status().documents == 30
            assert engine.search(EngineQuery()).total == 200
        assert engine.search(EngineQuery()).total == 30
        assert engine.status().recipe == OTHER_RECIPE.id
        put(engine, worded("after", title="after"))
        assert engine.status().documents == 31

    def test_writes_during_a_rebuild_are_in_the_new_index(self, engine: SearchEngine) -> None:
        """At once in the old one, and as the last word in the new one; pictures seen under the new recipe keep their vectors."""
        old = make_documents(9, 12, plain=True)
        new = make_documents(10, 12, recipe=OTHER_RECIPE, plain=True)
        bytes_of = {one.id: one.seen[0].analysis.digest for one in old}

        def same(one: Document, other: Document) -> Document:
            analysis = replace(other.seen[0].analysis, digest=bytes_of[one.id])
            return replace(one, seen=(Seen(0, analysis),))

        put(engine, *old)
        with engine.rebuild(OTHER_RECIPE) as target:
            engine.put([Write(replace(old[0], product=replace(old[0].product, price=777.0)))])
            put(target, *(same(one, other) for one, other in zip(old, new, strict=True)))
            engine.remove([old[1].id])
            put(engine, worded("during", title="Zwischendurch"))
            moved = replace(old[2].seen[0].analysis, digest="other bytes")
            put(engine, replace(old[2], seen=(Seen(0, moved),)))
            assert engine.search(EngineQuery(filter=Match("price", (777.0,)))).total == 1
            assert engine.search(EngineQuery()).total == 12
            assert target.status().documents == 12
        assert engine.search(EngineQuery()).total == 12
        cheap, gone, unseen, kept = engine.get([old[0].id, old[1].id, old[2].id, old[3].id])
        assert cheap is not None
        assert unseen is not None
        assert (gone, cheap.product.price, unseen.unseen, unseen.digest) == (None, 777.0, {0: "other_recipe"}, "")
        assert kept == replace(same(old[3], new[3]), version=1)
        page = engine.search(EngineQuery(vector=new[0].seen[0].analysis.main.vector, weights=PICTURE))
        assert (ids(page)[0], page.total) == (old[0].id, 10)
        assert ids(engine.search(EngineQuery(words="zwischendurch", weights=TEXT))) == ["during"]
        assert engine.check() == []

    def test_a_rebuild_that_fails_keeps_the_writes_of_its_time(self, engine: SearchEngine) -> None:
        """They are the old index's, which stays."""
        put(engine, worded("before"))

        def fail() -> None:
            with engine.rebuild(OTHER_RECIPE):
                put(engine, worded("during"))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert {one.id for one in engine.documents()} == {"before", "during"}
        put(engine, worded("after"))
        assert engine.status().documents == 3

    def test_what_was_put_is_there_after_opening_again(self, tmp_path: Path) -> None:
        """Documents, vectors, words, removals, versions and the recipe."""
        if not self.durable:
            return
        documents = make_documents(2, 120)
        engine = self.open_engine(tmp_path)
        engine.prepare(RECIPE)
        put(engine, *documents)
        put(engine, documents[0])
        engine.remove([documents[1].id])
        if isinstance(engine, AmendsProducts):
            found = [one for one in engine.amendable([one.id for one in documents[2:60]]) if one is not None]
            changes = [Amendment(replace(one.product, price=float(n), in_stock=None), "amended", one) for n, one in enumerate(found)]
            assert not any(one.conflict for one in engine.amend(changes))
        queries = (
            EngineQuery(vector=first_vector(documents), weights=PICTURE),
            EngineQuery(words="red", weights=TEXT),
            EngineQuery(sort=Sort("price")),
        )
        before = [pages(engine, query) for query in queries]
        kept = list(engine.documents())
        engine.close()
        again = self.open_engine(tmp_path)
        again.prepare(RECIPE)
        assert [pages(again, query) for query in queries] == before
        assert list(again.documents()) == kept
        assert again.check() == []
        again.close()

    def test_searching_while_writing(self, engine: SearchEngine) -> None:
        """Threads may call at once: no error, and what `put` returned is found."""
        documents = make_documents(8, 300, plain=True)
        put(engine, *documents[:50])
        failures: list[BaseException] = []
        stop = threading.Event()

        def search(number: int) -> None:
            rng = random.Random(number)
            try:
                while not stop.is_set():
                    one = rng.choice(documents)
                    engine.search(EngineQuery(vector=one.seen[0].analysis.main.vector, weights=PICTURE, limit=5))
                    engine.search(EngineQuery(words="red shoes", weights=TEXT, filter=Exists("brand")))
            except BaseException as error:  # noqa: BLE001 - whatever it is, the test reports it
                failures.append(error)

        searchers = [threading.Thread(target=search, args=(number,)) for number in range(3)]
        for searcher in searchers:
            searcher.start()
        for one in documents[50:]:
            put(engine, one)
            if one.product.title:
                assert ids(engine.search(EngineQuery(filter=Match("id", (one.id,))))) == [one.id]
        engine.remove([one.id for one in documents[:20]])
        stop.set()
        for searcher in searchers:
            searcher.join()
        assert not failures
        assert engine.status().documents == 280

    def test_a_closed_engine_refuses(self, tmp_path: Path) -> None:
        """With a sentence, not with a crash."""
        engine = self.open_engine(tmp_path)
        engine.close()
        engine.close()
        with pytest.raises(IndexProblem):
            engine.search(EngineQuery())
