"""The part of the engines' contract that is about amendments, for engines that have the ability (`AmendsProducts`)."""

import random
from dataclasses import replace

from lookalike.domain import filters
from lookalike.domain.document import Document
from lookalike.domain.query import EngineQuery, FacetRequest, Sort
from lookalike.ports.engine import AMENDABLE, Amendment, AmendsProducts, SearchEngine
from lookalike.testing.documents import make_documents, make_filter
from lookalike.testing.engine_cases import PICTURE, first_vector, ids, pages, put


class AmendingContract:
    """What an amendment changes, and what it leaves; the fixtures `engine` and `shop` are those of `EngineContract`."""

    def test_an_amended_product_is_as_if_it_had_been_put(self, engine: SearchEngine, shop: list[Document]) -> None:
        """In documents, filters, facets and order; vectors, words and tags stay."""
        if not isinstance(engine, AmendsProducts):
            return
        chosen, others = shop[20:160], make_documents(77, 200)
        before = pages(engine, EngineQuery(vector=first_vector(shop), weights=PICTURE))
        expected = {one.id: one for one in shop}
        for document, other in zip(chosen, others, strict=False):
            fields = {name: getattr(other.product, name) for name in AMENDABLE}
            product = replace(document.product, **fields)
            expected[document.id] = replace(document, product=product, digest=f"amended {document.id}", version=2)
        found = [one for one in engine.amendable([one.id for one in chosen]) if one is not None]
        assert [(one.product, one.version) for one in found] == [(one.product, 1) for one in chosen]
        for one, document in zip(found, chosen, strict=True):
            assert dict(one.digests) == {seen.picture: seen.analysis.digest for seen in document.seen}
            assert dict(one.unseen) == dict(document.unseen)
        changes = [Amendment(expected[one.product.id].product, f"amended {one.product.id}", one) for one in found]
        assert {(one.version, one.created, one.conflict) for one in engine.amend(changes)} == {(2, False, False)}
        for there in engine.get([one.id for one in chosen]):
            assert there is not None
            wanted = expected[there.id]
            assert (there.product, there.digest, there.version) == (wanted.product, wanted.digest, 2)
            assert [(one.picture, one.analysis.as_exact_json()) for one in there.seen] == [
                (one.picture, one.analysis.as_exact_json()) for one in wanted.seen
            ]
        now, rng = list(expected.values()), random.Random(9)
        for _ in range(60):
            rule = make_filter(rng, now)
            assert set(pages(engine, EngineQuery(filter=rule, limit=61))) == {one.id for one in now if filters.fits(rule, one.read)}, rule
        counted = engine.search(EngineQuery(facets=(FacetRequest("in_stock", "in_stock"),), limit=1)).facets["in_stock"]
        assert {one.value: one.count for one in counted} == {
            flag: sum(one.product.in_stock is flag for one in now) for flag in (True, False)
        }
        prices = [hit.product.price for hit in engine.search(EngineQuery(sort=Sort("price"), limit=1000)).hits]
        assert [one for one in prices if one is not None] == sorted(one.product.price for one in now if one.product.price is not None)
        assert pages(engine, EngineQuery(vector=first_vector(shop), weights=PICTURE)) == before
        assert engine.check() == []

    def test_an_amendment_of_what_was_changed_since_is_a_conflict(self, engine: SearchEngine, shop: list[Document]) -> None:
        """Nobody's write is lost; of what is not there nothing can be amended."""
        if not isinstance(engine, AmendsProducts):
            return
        one, two = shop[0], shop[1]
        first, second, none = engine.amendable([one.id, two.id, "nobody's"])
        assert first is not None
        assert second is not None
        assert none is None
        put(engine, replace(one, product=replace(one.product, title="Another title")))
        engine.remove([two.id])
        changes = [Amendment(replace(each.product, price=7.5), "late", each) for each in (first, second)]
        assert [(told.version, told.conflict) for told in engine.amend(changes)] == [(2, True), (0, True)]
        (kept,) = engine.get([one.id])
        assert kept is not None
        assert (kept.product.title, kept.product.price) == ("Another title", one.product.price)
        assert two.id not in ids(engine.search(EngineQuery(limit=1000)))
