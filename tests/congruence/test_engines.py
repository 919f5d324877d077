"""The embedded engine answers what the memory engine answers: filters, totals, facets, sorts, pages and groups exactly, rankings
up to rounding; and with codes at a stated recall."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from lookalike.domain import filters
from lookalike.domain.document import Document
from lookalike.domain.query import EnginePage, EngineQuery
from lookalike.engines.embedded import open_embedded
from lookalike.engines.memory import open_memory
from lookalike.ports.engine import SearchEngine, Write
from lookalike.testing.documents import RECIPE, make_documents, make_facets, make_filter, make_query, make_sort
from lookalike.testing.engine_cases import ids, pages

LEGS = [
    ("picture",),
    ("text",),
    ("tags",),
    ("category",),
    ("colour",),
    ("picture", "text"),
    ("picture", "tags", "category"),
    ("picture", "colour"),
    ("picture", "category", "colour"),
    ("text", "tags", "category"),
    ("picture", "text", "tags", "category", "colour"),
    (),
]


@pytest.fixture(scope="module")
def embedded(documents: list[Document], tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchEngine]:
    engine = filled(open_embedded(str(tmp_path_factory.mktemp("engine") / "a.lookalike")), documents)
    yield engine
    engine.close()


def filled(engine: SearchEngine, documents: list[Document]) -> SearchEngine:
    """Put all, change some, remove some."""
    engine.prepare(RECIPE)
    other = make_documents(12, 40)
    for start in range(0, len(documents), 500):
        engine.put([Write(one) for one in documents[start : start + 500]])
    changed = [replace(new, product=replace(new.product, id=old.id)) for new, old in zip(other, documents[40:80], strict=True)]
    engine.put([Write(one) for one in changed])
    engine.remove([one.id for one in documents[:20]])
    engine.put([Write(one) for one in documents[:5]])
    return engine


def check_alike(exact: EnginePage, page: EnginePage, *, tolerance: float = 2e-6) -> None:
    """Equal but for what rounding may do to the order of neighbours."""
    assert (exact.total, exact.relation) == (page.total, page.relation)
    assert exact.facets == page.facets
    assert len(exact.hits) == len(page.hits)
    assert (exact.next is None) == (page.next is None)
    scores = {hit.id: hit for hit in exact.hits}
    for one, other in zip(exact.hits, page.hits, strict=True):
        assert one.score == pytest.approx(other.score, abs=tolerance)
        if one.id != other.id:
            assert other.id not in scores or abs(scores[other.id].score - one.score) < tolerance
            continue
        assert (one.product, one.version, one.tags) == (other.product, other.version, other.tags)
        assert (one.picture, one.object) == (other.picture, other.object)
        assert one.similarity == pytest.approx(other.similarity, abs=tolerance)
        assert one.legs == pytest.approx(other.legs, abs=tolerance)


def check_filters(memory: SearchEngine, engine: SearchEngine, documents: list[Document], count: int, telling: int) -> None:
    """Equal answers to so many random filters, of which more than `telling` leave some products and not all."""
    rng = random.Random(21)
    lengths = []
    for _ in range(count):
        query = EngineQuery(filter=make_filter(rng, documents, depth=3), facets=make_facets(rng), limit=1000)
        if rng.random() < 0.3:
            query = replace(query, filter=filters.All((query.filter, make_filter(rng, documents), make_filter(rng, documents))))
        exact, page = memory.search(query), engine.search(query)
        assert ids(exact) == ids(page), query.filter
        check_alike(exact, page)
        lengths.append(exact.total)
    assert sum(0 < one < len(documents) for one in lengths) > telling, "the filters choose nothing or everything"


def clear_of(query: EngineQuery, stored: Sequence[Document]) -> float:
    """The query's least similarity, moved up to where no product's is: a server's float32 may see a cosine on the other side of it."""
    assert query.vector is not None
    assert query.min_similarity is not None
    bound = query.min_similarity
    for cosine, _, _ in sorted(filter(None, (one.similarity(query.vector) for one in stored))):
        if abs(cosine - bound) < 4e-6:
            bound = cosine + 4e-6
    return bound


def check_two_hundred_queries(oracle: SearchEngine, engine: SearchEngine, documents: list[Document], strategies: Sequence[str]) -> str:
    """200 random queries under random filters: totals and facets are the same (`check_filters` compares the sets), recall@10 against
    exact is .98 at least, for words alone .9. Hits level with the exact tenth count as right. Returns the figures, to be shown."""
    rng = random.Random("two hundred")
    kinds = [("picture",), ("text",), ("picture", "text"), ("picture", "colour", "category"), LEGS[-2]]
    found = {strategy: dict.fromkeys(kinds, 0) for strategy in strategies}
    wanted, filtered, bounded = dict.fromkeys(kinds, 0), 0, 0
    stored = list(oracle.documents())
    for turn in range(200):
        legs = kinds[turn % len(kinds)]
        rule = make_filter(rng, documents, depth=turn % 3)
        query = replace(make_query(rng, documents, legs=legs), filter=rule, limit=10, facets=make_facets(rng)[:2])
        if query.min_similarity is not None:
            query, bounded = replace(query, min_similarity=clear_of(query, stored)), bounded + 1
        exact = oracle.search(query)
        filtered += 0 < exact.total < 0.95 * len(documents)
        wanted[legs] += len(exact.hits)
        least = min((hit.score for hit in exact.hits), default=0.0) - 2e-6
        for strategy in strategies:
            page = engine.search(replace(query, strategy=strategy))
            assert (exact.total, exact.facets, len(exact.hits)) == (page.total, page.facets, len(page.hits)), rule
            found[strategy][legs] += sum(hit.score >= least for hit in page.hits)
    assert filtered > 80, "the filters choose nothing or everything"
    assert bounded > 20, "hardly a query has a least similarity"
    lines = ["200 queries × filters: totals and facets equal; recall@10 against exact"]
    for strategy, right in found.items():
        lines.append(f"{strategy}: " + ", ".join(f"{'+'.join(legs)} {right[legs] / wanted[legs]:.4f}" for legs in kinds))
        assert sum(right.values()) >= 0.98 * sum(wanted.values()), lines
        assert right["text",] >= 0.9 * wanted["text",], lines
    return "\n  ".join(lines)


def check_rankings(oracle: SearchEngine, engine: SearchEngine, documents: list[Document], legs: tuple[str, ...]) -> None:
    """A dozen random queries with facets: the same hits in the same order, scores up to rounding."""
    rng = random.Random(f"ranking {legs}")
    for _ in range(12):
        query = replace(make_query(rng, documents, legs=legs), facets=make_facets(rng), limit=rng.choice([10, 50, 1000]))
        check_alike(oracle.search(query), engine.search(query))


def test_two_hundred_filters_agree_exactly(memory: SearchEngine, embedded: SearchEngine, documents: list[Document]) -> None:
    check_filters(memory, embedded, documents, count=200, telling=90)


@pytest.mark.parametrize("legs", LEGS, ids="+".join)
def test_rankings_agree(memory: SearchEngine, embedded: SearchEngine, documents: list[Document], legs: tuple[str, ...]) -> None:
    check_rankings(memory, embedded, documents, legs)


def test_sorts_pages_and_groups_agree(memory: SearchEngine, embedded: SearchEngine, documents: list[Document]) -> None:
    rng = random.Random(23)
    for _ in range(40):
        query = make_query(rng, documents, legs=rng.choice(LEGS))
        query = replace(query, sort=make_sort(rng), limit=rng.randint(20, 90))
        if rng.random() < 0.4:
            query = replace(query, group_by=rng.choice(["group", "brand", "attributes.mixed", "price", "id"]))
        exact = pages(memory, query)
        assert exact == pages(embedded, query), query
        assert exact == ids(embedded.search(replace(query, limit=1000)))


def test_pages_by_score_and_groups_join(memory: SearchEngine, embedded: SearchEngine, documents: list[Document]) -> None:
    rng = random.Random(24)
    for _ in range(20):
        query = make_query(rng, documents, legs=rng.choice(LEGS[:-1]))
        query = replace(query, limit=rng.randint(20, 90), group_by=rng.choice([None, "group", "brand"]))
        whole = ids(embedded.search(replace(query, limit=1000)))
        assert pages(embedded, query) == whole
        assert pages(memory, query) == ids(memory.search(replace(query, limit=1000)))
        assert set(whole) == set(pages(memory, query)) or query.group_by


def test_diversity_agrees(memory: SearchEngine, embedded: SearchEngine, documents: list[Document]) -> None:
    rng = random.Random(25)
    for _ in range(8):
        query = replace(make_query(rng, documents, legs=("picture", "text")), diversity=rng.uniform(0.1, 0.9), limit=30)
        check_alike(memory.search(query), embedded.search(query), tolerance=1e-3)
        assert pages(embedded, query) == ids(embedded.search(replace(query, limit=1000)))


def test_the_other_doors_agree(memory: SearchEngine, embedded: SearchEngine, documents: list[Document]) -> None:
    assert memory.fields() == embedded.fields()
    assert list(memory.documents()) == list(embedded.documents())
    for prefix in ("r", "sho", "cr", "STRAS", "acme", "o'n", "cl", "qu", "東", "boot shirt", "%", "x"):
        assert memory.suggest(prefix, 1000) == embedded.suggest(prefix, 1000), prefix


@pytest.fixture(scope="module")
def many() -> list[Document]:
    """So many that the ladder is climbed."""
    return make_documents(31, 4000, plain=True)


@pytest.fixture(scope="module", params=["exact", "codes"])
def large(many: list[Document], tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[SearchEngine]:
    settings = {"exact_below": "100"} if request.param == "codes" else {}
    engine = open_embedded(str(tmp_path_factory.mktemp("engine") / "b.lookalike"), settings=settings)
    yield filled(engine, many)
    engine.close()


@pytest.fixture(scope="module")
def oracle(many: list[Document]) -> SearchEngine:
    return filled(open_memory(""), many)


@pytest.mark.parametrize("legs", [one for one in LEGS if "picture" in one or "colour" in one], ids="+".join)
def test_large_indexes_agree_at_a_recall_above_99(
    oracle: SearchEngine, large: SearchEngine, many: list[Document], legs: tuple[str, ...]
) -> None:
    rng = random.Random(f"large {legs}")
    found, wanted = 0, 0
    for _ in range(3):
        query = replace(make_query(rng, many, legs=legs), limit=10, facets=make_facets(rng)[:2])
        exact, page = oracle.search(query), large.search(query)
        assert (exact.total, exact.facets) == (page.total, page.facets)
        assert len(exact.hits) == len(page.hits)
        least = min((hit.score for hit in exact.hits), default=0.0) - 2e-6
        found += sum(hit.score >= least for hit in page.hits)
        wanted += len(exact.hits)
        if page.strategy == "exact":
            check_alike(exact, page)
    assert found >= 0.99 * wanted


def test_two_hundred_queries_agree(
    oracle: SearchEngine, large: SearchEngine, many: list[Document], capsys: pytest.CaptureFixture[str]
) -> None:
    told = check_two_hundred_queries(oracle, large, many, ["auto"])
    with capsys.disabled():
        print(f"\nembedded: {told}")


def test_large_pages_join(large: SearchEngine, many: list[Document]) -> None:
    rng = random.Random(33)
    for legs in (("picture",), ("picture", "text"), ("colour",), ("picture", "category"), ("picture", "colour")):
        query = make_query(rng, many, legs=legs)
        query = replace(query, filter=filters.EVERYTHING, min_similarity=None, not_tags=(), limit=90)
        joined = pages(large, query)
        assert len(joined) == len(set(joined)) == large.search(query).total > 3900
        grouped = pages(large, replace(query, group_by="group", limit=700))
        assert len(grouped) == len(set(grouped)) > 90
