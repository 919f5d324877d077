"""The doctor's parts, on catalogues small enough to know the answer."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.analysers.local import LocalAnalyser
from lookalike.domain.product import Product
from lookalike.engines.memory import open_memory
from lookalike.ports.engine import SearchEngine, Write
from lookalike.services.catalogue import CatalogueKeeper
from lookalike.services.doctor import Finding, Options, Report, examine
from lookalike.services.doctor.fields import missing_fields, odd_prices
from lookalike.services.doctor.neighbours import hash_pairs, nearest
from lookalike.services.doctor.page import report_page
from lookalike.services.doctor.ward import Ward, admit
from lookalike.testing.fakes import TOY_RECIPE, ToyDecoder, ToyPictures, ToySeer


def engine_of(keeper: CatalogueKeeper) -> SearchEngine:
    return keeper._engine


def quiet(_step: str, _done: int, _total: int | None) -> None:
    pass


@pytest.fixture
def pictures() -> ToyPictures:
    chance = np.random.default_rng(7)
    return ToyPictures({name: b"PIC" + chance.bytes(192) for name in ("1", "2", "3", "4", "stand-in")} | {"bad": b"no"})


@pytest.fixture
def keeper(pictures: ToyPictures) -> Iterator[CatalogueKeeper]:
    engine = open_memory("memory:")
    engine.prepare(TOY_RECIPE)
    analyser = LocalAnalyser(TOY_RECIPE, ToySeer, ToyDecoder, threads=1)
    yield CatalogueKeeper(engine, analyser, pictures, TOY_RECIPE)
    analyser.close()
    engine.close()


def test_the_doctor_sums_up(keeper: CatalogueKeeper, pictures: ToyPictures) -> None:
    """Which product has which fault, whom a duplicate copies, and what is nobody's fault."""
    for name, shown in (("b", ("1", "2")), ("ä", ("bad", "3")), ("a", ())):
        keeper.put(Product(name, title=f"Größe {name}", pictures=shown), strict=False)
    keeper.put(Product("10", title="Copy", pictures=("2",)))
    keeper.put(Product("x", title="Variant", pictures=("4",), group="g"))
    keeper.put(Product("y", title="Variant", pictures=("4",), group="g"))
    pictures.contents.pop("1")
    told = examine(engine_of(keeper), pictures, tell=quiet).as_json()
    assert (told["documents"], told["faults"]) == (6, [])
    assert told["products"] == {"same picture": ["b"], "no picture": ["a"], "unread": ["ä"], "picture gone": ["b"]}
    copy = next(one for one in told["details"] if one["kind"] == "same picture")
    assert (copy["id"], copy["others"], copy["action"]) == ("b", ["10"], "remove")  # as well described; numbers are the older ids
    assert "6 of 6 products have no price." in told["notes"]


def test_a_picture_that_many_share_is_a_placeholder(keeper: CatalogueKeeper, pictures: ToyPictures) -> None:
    """Five products with one file are not five duplicates."""
    for number in range(5):
        keeper.put(Product(f"p{number}", pictures=("stand-in",)))
    found = examine(engine_of(keeper), pictures).as_json()["findings"]
    assert found["placeholder"] == 5
    assert "same picture" not in found


def test_a_vector_of_another_picture_is_seen(keeper: CatalogueKeeper, pictures: ToyPictures) -> None:
    """The index holds for a product what was seen in another's picture: only a new look tells."""
    for number in ("1", "2", "3"):
        keeper.put(Product(number, pictures=(number,)))
    engine: SearchEngine = engine_of(keeper)
    one, two, _ = engine.get(["1", "2", "3"])
    assert one is not None
    assert two is not None
    swapped = replace(one.seen[0], analysis=replace(two.seen[0].analysis, digest=one.seen[0].analysis.digest))
    engine.put([Write(replace(one, seen=(swapped,)))])
    looked = LocalAnalyser(TOY_RECIPE, ToySeer, ToyDecoder, threads=1)
    told = examine(engine, pictures, looked).as_json()
    looked.close()
    assert told["products"]["not found"] == ["1"]
    assert "not found" not in examine(engine, pictures, options=Options(self_match=0)).as_json()["findings"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), max_size=40), st.lists(st.integers(0, 63), max_size=8), st.integers(0, 6))
def test_hash_pairs_are_all_pairs(hashes: list[int], flips: list[int], apart: int) -> None:
    """Bands find exactly what comparing all with all finds; near ones are planted by flipping bits."""
    for place, bit in enumerate(flips):
        if hashes:
            hashes.append(hashes[place % len(hashes)] ^ (1 << bit))
    told = hash_pairs(np.array(hashes, np.uint64), apart, quiet)
    expected = [(i, j) for i in range(len(hashes)) for j in range(i + 1, len(hashes)) if (hashes[i] ^ hashes[j]).bit_count() <= apart]
    assert list(zip(*(part.tolist() for part in told), strict=True)) == expected


def test_neighbours_are_the_nearest_and_never_oneself() -> None:
    chance = np.random.default_rng(1)
    vectors = chance.normal(size=(700, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    near = nearest(vectors, quiet)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    assert np.allclose(near.cosines, -np.sort(-cosines, axis=1)[:, :16], atol=1e-6)
    few = nearest(vectors, quiet, most=100)
    assert len(few.compared) == 100
    assert set(few.places.ravel().tolist()) <= set(few.compared.tolist())
    assert all(row not in few.places[row] for row in range(700))


def ward_of(products: list[Product]) -> Ward:
    engine = open_memory("memory:")
    engine.prepare(TOY_RECIPE)
    analyser = LocalAnalyser(TOY_RECIPE, ToySeer, ToyDecoder, threads=1)
    keeper = CatalogueKeeper(engine, analyser, ToyPictures({}), TOY_RECIPE)
    for one in products:
        keeper.put(one)
    ward = admit(engine.documents(), quiet, None)
    analyser.close()
    engine.close()
    return ward


def test_prices_that_cannot_be_meant() -> None:
    """A slipped point is mended, zero is odd, another currency is another matter, a dear thing among dear things is none."""
    shoes = [Product(f"s{n}", category="Shoes", price=40.0 + n, currency="EUR") for n in range(20)]
    odd = [
        Product("slipped", category="Shoes", price=4999.0, currency="EUR"),
        Product("free", category="Shoes", price=0.0, currency="EUR"),
        Product("yen", category="Shoes", price=6000.0, currency="JPY"),
    ]
    rings = [Product(f"r{n}", category="Rings", price=5000.0 * (1 + n % 4), currency="EUR") for n in range(12)]
    found = {one.id: one.suggested for one in odd_prices(ward_of([*shoes, *odd, *rings]))}
    assert found == {"slipped": "49.99", "free": ""}


def test_only_what_others_have_is_missing() -> None:
    products = [Product(str(n), title="T", brand="B" if n else None) for n in range(10)]
    found, notes = missing_fields(ward_of(products))
    assert [(one.id, one.field) for one in found] == [("0", "brand")]
    assert "10 of 10 products have no price." in notes


def test_fixes_are_cells_and_never_formulas() -> None:
    hostile = Finding("=cmd|'/c calc'!A1", "price", 'He said "9,99"\nper piece', "set", "price", "-1", "@1", others=("a b", "+c"))
    rows = list(csv.reader(io.StringIO("".join(Report(1, findings=[hostile]).fixes()), newline="")))
    assert rows[1][0] == "'=cmd|'/c calc'!A1"
    assert rows[1][4:6] == ["'-1", "'@1"]
    assert rows[1][7] == 'He said "9,99"\nper piece'
    assert len(rows) == 2


def test_the_page_escapes_what_the_catalogue_says() -> None:
    hostile = Finding("<script>alert(1)</script>", "category", "'\"><img onerror=x>", "set", "category", "", "<b>", picture="p'\"")
    page = "".join(report_page(Report(1, ["<i>"], [hostile], ["<u>"]), lambda _reference: b"\xff\xd8"))
    for bad in ("<script>", "<img onerror", "<b>", "<i>", "<u>"):
        assert bad not in page
    assert "data:image/jpeg;base64,/9g=" in page
