"""The part of the engines' contract that is about searching."""

import itertools
import random
from dataclasses import replace

import numpy as np
import pytest

from lookalike.domain import filters
from lookalike.domain.document import Document
from lookalike.domain.filters import Filter, Match, Not
from lookalike.domain.product import Product
from lookalike.domain.query import EngineQuery, FacetRequest, Sort
from lookalike.errors import InvalidInput
from lookalike.ports.engine import CategoryLookup, HashLookup, SearchEngine
from lookalike.testing.documents import make_documents, make_filter
from lookalike.testing.engine_cases import PICTURE, TEXT, first_vector, ids, pages, put, worded


class SearchingContract:
    """What a search answers; the fixtures `engine` and `shop` are those of `EngineContract`."""

    def test_filters_mean_what_they_say(self, engine: SearchEngine, shop: list[Document]) -> None:
        """Exact ids through all pages, exact totals."""
        rng = random.Random(5)
        for _ in range(60):
            rule = make_filter(rng, shop)
            wanted = {one.id for one in shop if filters.fits(rule, one.read)}
            assert set(pages(engine, EngineQuery(filter=rule, limit=61))) == wanted, rule
            assert engine.search(EngineQuery(filter=rule, limit=1)).total == len(wanted)

    def test_every_leg_obeys_the_filter(self, engine: SearchEngine, shop: list[Document]) -> None:
        """And the limit is filled after filtering."""
        rng = random.Random(6)
        for _ in range(20):
            rule = make_filter(rng, shop)
            fitting = {one.id for one in shop if filters.fits(rule, one.read)}
            page = engine.search(EngineQuery(vector=first_vector(shop), weights=PICTURE, filter=rule, limit=20))
            seen = {one.id for one in shop if one.seen}
            assert len(page.hits) == min(20, len(fitting & seen)) == min(20, page.total)
            for query in (EngineQuery(words="red shoes", weights=TEXT), EngineQuery(tags=("boot",), weights={"tags": 1})):
                assert set(pages(engine, replace(query, filter=rule))) <= fitting

    def test_a_picture_search_ranks_everything_with_a_vector(self, engine: SearchEngine, shop: list[Document]) -> None:
        """By the nearest object, which the hit names; scores fall and lie in 0…1."""
        vector = first_vector(shop)
        query = EngineQuery(vector=vector, weights=PICTURE, limit=1000)
        hits = engine.search(query).hits
        assert {hit.id for hit in hits} == {one.id for one in shop if one.seen}
        assert all(a.score >= b.score for a, b in itertools.pairwise(hits))
        assert all(0 <= hit.score <= 1 for hit in hits)
        documents = {one.id: one for one in shop}
        for hit in hits:
            nearest = documents[hit.id].similarity(vector)
            assert nearest is not None
            assert hit.similarity == pytest.approx(nearest[0], abs=2e-3)
            assert hit.score == pytest.approx((1 + nearest[0]) / 2, abs=2e-3)
            assert (hit.picture, hit.object) == nearest[1:]

    def test_weights_and_explanations(self, engine: SearchEngine, shop: list[Document]) -> None:
        """A weight of 0 removes a leg; a leg that matches nothing changes nothing."""
        picture = EngineQuery(vector=first_vector(shop), weights=PICTURE, limit=50)
        pure = ids(engine.search(picture))
        for more in (
            replace(picture, words="red", weights={"picture": 1, "text": 0}),
            replace(picture, words="zqxjvv", weights={"picture": 0.7, "text": 0.3}),
            replace(picture, tags=("zqxjvv",), weights={"picture": 0.7, "tags": 0.3}),
        ):
            assert ids(engine.search(more)) == pure
        mixed = replace(picture, words="red", tags=("boot",), weights={"picture": 0.5, "text": 0.3, "tags": 0.2})
        hit = engine.search(mixed).hits[0]
        assert hit.score == pytest.approx(sum(weight * hit.legs.get(leg, 0) for leg, weight in mixed.weights.items()), abs=1e-5)

    def test_pages_join(self, engine: SearchEngine, shop: list[Document]) -> None:
        """Without holes or repeats, by score, words, field, group and diversity."""
        picture = EngineQuery(vector=first_vector(shop), weights=PICTURE)
        for query in (
            picture,
            replace(picture, words="red shoes", weights={"picture": 0.5, "text": 0.5}),
            EngineQuery(words="red shoes", weights=TEXT),
            EngineQuery(sort=Sort("price")),
            EngineQuery(sort=Sort("price", descending=True)),
            replace(picture, sort=Sort("in_stock")),
            replace(picture, group_by="group"),
            replace(picture, diversity=0.3),
            EngineQuery(),
        ):
            whole = ids(engine.search(replace(query, limit=1000)))
            assert len(whole) == len(set(whole)) > 20
            assert pages(engine, replace(query, limit=17)) == whole, query

    def test_pages_join_while_others_write(self, engine: SearchEngine, shop: list[Document]) -> None:
        """Products that did not move are neither lost nor shown twice."""
        query = EngineQuery(sort=Sort("attributes.brand"), limit=20)
        first = engine.search(query)
        engine.remove(ids(first)[:5])
        put(engine, worded("!new", title="new"))
        rest = pages(engine, replace(query, after=first.next))
        assert sorted(ids(first) + [one for one in rest if one != "!new"]) == sorted(one.id for one in shop)

    def test_identical_vectors_page_in_the_order_of_ids(self, engine: SearchEngine) -> None:
        """Ties are broken by id, also between pages."""
        one = make_documents(4, 1, plain=True)[0]
        names = [f"n{number:03d}" for number in range(120)]
        put(engine, *(replace(one, product=Product(name)) for name in reversed(names)))
        query = EngineQuery(vector=one.seen[0].analysis.main.vector, weights=PICTURE, limit=7)
        assert pages(engine, query) == names

    def test_facets_count_the_result(self, engine: SearchEngine, shop: list[Document]) -> None:
        """Without their own field's top-level filter; ranges include empty ones."""
        rule: Filter = filters.All((Match("brand", ("Acme",)), Not(Match("in_stock", (False,)))))
        facets = (
            FacetRequest("brand", "brand"),
            FacetRequest("in_stock", "in_stock"),
            FacetRequest("category", "level", depth=1),
            FacetRequest("price", "price", ranges=(0, 25, 5000)),
        )
        page = engine.search(EngineQuery(filter=rule, facets=facets, limit=1))
        stocked = [one for one in shop if one.product.in_stock is not False]
        brands = [one.product.brand for one in stocked if one.product.brand]
        expected = sorted(((brands.count(name), name) for name in set(brands)), key=lambda pair: (-pair[0], pair[1]))
        assert [(one.count, one.value) for one in page.facets["brand"]] == expected
        acme = [one for one in shop if one.product.brand == "Acme"]
        counted = {one.value: one.count for one in page.facets["in_stock"]}
        assert counted == {flag: sum(one.product.in_stock is flag for one in acme) for flag in (True, False)}
        clothes = sum((one.product.category or "").startswith("Clothing") for one in acme if one.product.in_stock is not False)
        assert {one.value: one.count for one in page.facets["level"]}["Clothing"] == clothes
        assert [one.value for one in page.facets["price"]] == ["0-25", "25-5000", "5000-"]
        assert page.facets["price"][2].count == 0

    def test_sorting(self, engine: SearchEngine, shop: list[Document]) -> None:
        """Missing last either way; an unknown field is refused."""
        for descending in (False, True):
            hits = engine.search(EngineQuery(sort=Sort("price", descending), limit=1000)).hits
            prices = [hit.product.price for hit in hits]
            having = [price for price in prices if price is not None]
            assert having == sorted(having, reverse=descending)
            assert prices[len(having) :] == [None] * (200 - len(having))
            lacking = ids(engine.search(EngineQuery(sort=Sort("price", descending), limit=1000)))[len(having) :]
            assert lacking == sorted(lacking)
        with pytest.raises(InvalidInput) as caught:
            engine.search(EngineQuery(sort=Sort("attributes.nobody")))
        assert caught.value.problems[0].at == "sort"

    def test_without_a_question_the_newest_come_first(self, engine: SearchEngine, shop: list[Document]) -> None:
        """Instants, whatever their zone."""
        hits = engine.search(EngineQuery(limit=1000)).hits
        when = [hit.product.created_at for hit in hits if hit.product.created_at is not None]
        assert when == sorted(when, reverse=True)
        assert len(hits) == 200

    def test_grouping_shows_the_best_of_each(self, engine: SearchEngine, shop: list[Document]) -> None:
        """Products without the field stand alone; `total` counts products."""
        query = EngineQuery(vector=first_vector(shop), weights=PICTURE, limit=1000)
        groups, wanted = set(), []
        whole = engine.search(query)
        for hit in whole.hits:
            if hit.product.group is None or hit.product.group not in groups:
                wanted.append(hit.id)
                groups.add(hit.product.group)
        grouped = engine.search(replace(query, group_by="group"))
        assert ids(grouped) == wanted
        assert grouped.total == whole.total

    def test_tags(self, engine: SearchEngine, shop: list[Document]) -> None:
        """Own and predicted, whatever the case; `not_tags` leaves out exactly what has them."""
        having = {one.id for one in shop if "quokka" in {tag.casefold() for tag in (*one.product.tags, *one.predicted_tags())}}
        found = engine.search(EngineQuery(tags=("QuoKKa",), weights={"tags": 1}, limit=1000))
        assert set(ids(found)) == having
        assert found.hits[0].tags == ("QuoKKa",)
        rest = pages(engine, EngineQuery(not_tags=("quokka",)))
        assert set(rest) == {one.id for one in shop} - having

    def test_minimal_similarity(self, engine: SearchEngine, shop: list[Document]) -> None:
        """Drops what has a lower cosine or none, in hits, total and facets."""
        query = EngineQuery(vector=first_vector(shop), weights=PICTURE, limit=1000, facets=(FacetRequest("currency", "currency"),))
        edge = engine.search(query).hits[30].similarity
        page = engine.search(replace(query, min_similarity=edge))
        assert 31 <= len(page.hits) == page.total == page.facets["currency"][0].count < 40

    def test_words(self, engine: SearchEngine) -> None:
        """Stems, case and diacritics do not matter; all words beat some words; operators are words."""
        put(engine, worded("a", title="Red running shoes"), worded("b", title="Crème brûlée"), worded("c", title="red tea"))
        for text, wanted in {
            "RUNNING shoe": ["a"],
            "creme": ["b"],
            "red shoes": ["a", "c"],
            'tea" OR NOT (': ["c"],
            "NEAR(red)": ["c", "a"],
            "title:tea*": ["c"],
            '"': [],
            "shoes -red": ["a", "c"],
        }.items():
            assert sorted(ids(engine.search(EngineQuery(words=text, weights=TEXT)))) == sorted(wanted), text
        assert ids(engine.search(EngineQuery(words="red shoes", weights=TEXT)))[0] == "a"

    def test_suggestions(self, engine: SearchEngine) -> None:
        """Any word's beginning, folded, with counts."""
        put(engine, *(worded(str(n), title="Émile's tea", brand="Émile", tags=("Tee",), category="Food > Teapots") for n in range(3)))
        assert ("Émile", "brand", 3) in engine.suggest("emi", 10)
        assert {kind for _, kind, _ in engine.suggest("TE", 10)} == {"title", "tag", "category"}
        assert len(engine.suggest("te", 2)) == 2
        assert engine.suggest("mile", 10) == []

    def test_impossible_queries_are_refused(self, engine: SearchEngine, shop: list[Document]) -> None:
        """With the place named."""
        short = np.ones(3, np.float32)
        for query, at in (
            (EngineQuery(after="nonsense"), "cursor"),
            (EngineQuery(after=(engine.search(EngineQuery(limit=3)).next or "")[:-2] + "xx"), "cursor"),
            (EngineQuery(strategy="magic"), "strategy"),
            (EngineQuery(vector=short, weights=PICTURE), "like"),
            (EngineQuery(vector=np.full(16, np.nan, np.float32), weights=PICTURE), "like"),
        ):
            with pytest.raises(InvalidInput) as caught:
                engine.search(query)
            assert caught.value.problems[0].at == at

    def test_pictures_are_found_by_their_hash(self, engine: SearchEngine) -> None:
        """Where the engine can do that: of the first hash first, then by id; through changes and removals."""
        if not isinstance(engine, HashLookup):
            return
        one, two, three, four = make_documents(7, 4, plain=True)
        hashes = ["00ff00ff00ff00ff", "00ff00ff00ff00fe", "123456789abcdef0"]
        put(engine, _hashed(one, hashes[1]), _hashed(two, hashes[0]), _hashed(three, hashes[1]), _hashed(four, "f" * 16), worded("plain"))
        assert engine.with_hashes(hashes, 10) == [two.id, *sorted((one.id, three.id))]
        assert engine.with_hashes(hashes, 1) == [two.id]
        assert engine.with_hashes(["0" * 16], 10) == engine.with_hashes([], 10) == []
        put(engine, _hashed(four, hashes[0]), _hashed(two, "f" * 16))
        engine.remove([one.id])
        assert engine.with_hashes(hashes, 10) == [four.id, three.id]

    def test_categories_near_are_those_that_a_search_finds(self, engine: SearchEngine, shop: list[Document]) -> None:
        """Where the engine can do that."""
        if not isinstance(engine, CategoryLookup):
            return
        vector = first_vector(shop)
        hits = engine.search(EngineQuery(vector=vector, weights=PICTURE, limit=15)).hits
        told = engine.categories_near(vector, 15)
        assert [path for path, _ in told] == [hit.product.category for hit in hits]
        assert [cosine for _, cosine in told] == pytest.approx([hit.similarity for hit in hits], abs=2e-6)
        with pytest.raises(InvalidInput):
            engine.categories_near(np.ones(3, np.float32), 15)


def _hashed(document: Document, phash: str) -> Document:
    """The same product whose pictures have another hash."""
    return replace(document, seen=tuple(replace(one, analysis=replace(one.analysis, phash=phash)) for one in document.seen))
