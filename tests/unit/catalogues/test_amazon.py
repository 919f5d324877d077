"""Amazon's product data in its three layouts, with the dirt of the real files."""

import gzip
import json
import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.catalogues import amazon
from lookalike.catalogues.amazon import AmazonCatalogue, open_amazon
from lookalike.catalogues.jsonl import open_jsonl
from lookalike.domain.commands import RowFailure
from lookalike.domain.product import Product
from lookalike.errors import InvalidInput
from lookalike.ports.catalogue import CatalogueOptions, SourceRow

FIXTURES = Path(__file__).parents[2] / "data" / "amazon"
FILES = {"2014": "meta_2014.json", "2018": "meta_2018.json", "2023": "meta_2023.jsonl"}
DIRT: dict[str, dict[int, str]] = {
    "2014": {
        3: "no_title",
        4: "html",
        5: "mangled_utf8",
        7: "duplicate",
        9: "not_literal",
        10: "not_literal",
        11: "not_literal",
        12: "not_utf8",
        13: "control_characters",
        14: "no_picture",
        15: "invalid",
        16: "invalid",
        17: "price_range",
        18: "bad_price bad_picture category_junk no_picture",
        20: "not_literal",
        21: "invalid",
    },
    "2018": {
        2: "price_range",
        3: "bad_price",
        4: "bad_title no_title",
        5: "html",
        6: "no_title no_picture",
        7: "category_junk",
        10: "duplicate",
        11: "not_json",
        12: "not_json",
        13: "not_utf8",
        14: "control_characters",
        15: "control_characters mangled_utf8",
        16: "invalid",
        18: "bad_field bad_picture",
        19: "not_json",
        20: "invalid",
        21: "no_picture",
        22: "not_literal",
    },
    "2023": {
        4: "price_range",
        5: "no_title no_picture",
        8: "bad_details",
        10: "html",
        11: "duplicate",
        12: "not_json",
        13: "not_utf8",
        14: "control_characters",
        15: "no_picture",
        16: "invalid",
        17: "invalid",
        18: "bad_field bad_field bad_price no_title",
        19: "bad_price no_picture",
        20: "bad_price",
        21: "invalid",
    },
}
"""For every dirty line of a fixture what is told of it: failures, losses, notes. All other lines are told without a word."""


def told(rows: Iterable[SourceRow | RowFailure]) -> dict[int, str]:
    """Line → everything that is reported of it."""
    found = {}
    for row in rows:
        codes = [row.reason] if isinstance(row, RowFailure) else [*(one.reason for one in row.lost), *row.notes]
        assert all(one.row == row.row and one.message for one in ([row] if isinstance(row, RowFailure) else row.lost))
        if codes:
            found[row.row] = " ".join(codes)
    return found


def products(layout: str, **options: object) -> dict[int, Product]:
    source = open_amazon(str(FIXTURES / FILES[layout]), CatalogueOptions(**options))  # type: ignore[arg-type]
    return {row.row: row.product for row in source.rows() if isinstance(row, SourceRow)}


@pytest.mark.parametrize("layout", FILES)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_all_dirt_is_reported_and_costs_only_itself(layout: str, packed: bool, tmp_path: Path) -> None:
    """The layout is seen; every dirty line is told with its number and why; every other line is a product, none twice."""
    path, lines = FIXTURES / FILES[layout], (FIXTURES / FILES[layout]).read_bytes()
    if packed:  # of several members, as `cat a.gz b.gz` makes it
        path = tmp_path / "meta.json.gz"
        path.write_bytes(gzip.compress(lines[:5000]) + gzip.compress(lines[5000:]))
    source = open_amazon(str(path), CatalogueOptions())
    rows = list(source.rows())
    assert source.layout == layout
    assert told(rows) == DIRT[layout]
    assert [row.row for row in rows] == [number for number, line in enumerate(lines.split(b"\n"), 1) if line.strip()]


def test_the_2014_layout() -> None:
    """Fields, the longest of several paths, bytes and escapes of Python 2."""
    found = products("2014")
    assert found[1] == Product(
        "0000100101",
        title="Brookvale Enamel Milk Jug, 1 Litre",
        description="A jug of enamelled steel. Chips are normal.",
        brand="Brookvale",
        category="Home & Kitchen > Kitchen & Dining > Serveware > Pitchers",
        price=18.5,
        currency="USD",
        url="https://www.amazon.com/dp/0000100101",
        pictures=("http://ecx.images-amazon.com/images/I/31aBcDeFgHL._SY300_.jpg",),
        attributes={"sales_rank": 211836, "sales_rank_in": "Home & Kitchen"},
    )
    assert found[2].title == 'Girl\'s Rain Boot "Puddle"'
    assert found[2].category == "Clothing, Shoes & Jewelry > Novelty, Costumes & More > Rainwear > Rain Boots"
    assert found[2].attributes["categories"] == ("Clothing, Shoes & Jewelry > Girls", found[2].category)
    assert (found[4].title, found[4].description) == ('Pr45" Wht Lace & Trim (pack Of 6 Pairs)', "Soft cotton & linen")
    assert (found[5].title, found[5].brand, found[5].attributes["sales_rank"]) == ("Café “Noir” Mug", "Café Noir", 7123)
    assert found[6].title == "Grüne Vase"
    assert (found[13].title, found[14].pictures, found[18].price, found[18].pictures) == ("Lamp shade", (), None, ())
    assert (found[17].price, found[17].attributes["price_to"]) == (12.99, 24.5)
    assert found[19].title == 'Glass "Nordic" Bowl'
    assert not Path("pwned").exists()


def test_the_2018_layout() -> None:
    """Lists of text, large pictures before small ones, details, ranks, dates, the department's picture, an author's page."""
    found = products("2018")
    first = found[1]
    assert first.description == "Cut on the bias.\nMade of linen.\nMachine wash\n100% linen"
    assert (first.created, first.attributes["sales_rank"], first.price, first.brand) == ("2014-01-28", 2623937, 21.0, "Marlowe")
    assert first.attributes["Product Dimensions"] == "2.5 x 1.6 x 7 inches ; 4 ounces"
    assert [one.rsplit("/")[-1] for one in first.pictures] == ["31dress.jpg", "32dress.jpg"]
    assert (found[3].price, found[4].title, found[4].price, found[5].price) == (None, None, 1234.0, 8.49)
    assert (found[5].title, found[5].category) == ('Tea & Coffee "Duo" Tin', "Home & Kitchen > Kitchen & Dining")
    assert (found[6].category, found[6].created) == ("Digital Music", None)
    assert found[7].category == "Clothing, Shoes & Jewelry > Novelty & More > Tops & Tees"
    assert (found[8].brand, len(found[8].pictures)) == ("Ada Quill", 1)
    assert found[9].pictures[0].endswith("_SS40_.jpg")
    assert (found[15].title, found[15].brand) == ("Jalapeño dish \ufffd set", "Rosé")
    assert (found[17].created, found[17].price, found[18].title) == ("2014-08-02", None, "Cap Red")


def test_the_2023_layout() -> None:
    """The main picture first and in its largest size, details as attributes, both shapes of images and details."""
    found = products("2023")
    first = found[1]
    assert [one.rsplit("/")[-1] for one in first.pictures] == ["b._SL1500_.jpg", "a.jpg"]
    assert (first.id, first.price, first.brand, first.created) == ("B023SYN301", 31.99, "Halden", "2014-08-02")
    assert first.attributes["sales_rank"] == 1276
    assert {"Brand", "Best Sellers Rank", "Date First Available"}.isdisjoint(first.attributes)
    assert [found[line].price for line in (2, 3, 4, 7)] == [12.99, None, 12.99, 17.99]
    assert found[5] == Product("B023SYN305", url="https://www.amazon.com/dp/B023SYN305")
    assert found[6].category == "All Beauty"
    assert (found[7].brand, found[7].attributes["store"], found[7].attributes["Color"]) == ("Ronno", "Halden", "Teal")
    assert [one.rsplit("/")[-1] for one in found[7].pictures] == ["x.jpg", "y._SL1500_.jpg"]
    assert (found[9].attributes["author"], found[10].brand, found[10].title) == ("Ada Quill", "Oak & Hide", "Men's Belt & Braces")


def test_columns_and_pictures_can_be_said(tmp_path: Path) -> None:
    """`--map` wins over the layout, fields inside fields by dots; with `--pictures` the files are named by the id."""
    mapping = {"tags": "related.also_viewed", "description": "brand", "attributes.bought": "related.also_bought"}
    first = products("2014", mapping=mapping)[1]
    assert (first.tags, first.description, first.attributes["bought"]) == (("B0000AAA03",), "Brookvale", ("B0000AAA01", "B0000AAA02"))
    assert first.attributes["sales_rank"] == 211836
    assert products("2018", mapping={"description": "feature"})[1].description == "Machine wash\n100% linen"
    (tmp_path / "0000100101.png").write_bytes(b"x")
    assert products("2014", pictures=str(tmp_path))[1].pictures == (str(tmp_path / "0000100101.png"),)
    assert products("2023", pictures="https://img.example/")[1].pictures == ("https://img.example/B023SYN301.jpg",)


def test_a_layout_can_be_said_and_a_wrong_one_is_pointed_out() -> None:
    """Every row then fails with what to say instead."""
    rows = list(amazon.open_amazon_2023(str(FIXTURES / FILES["2018"]), CatalogueOptions(limit=3)).rows())
    assert all(isinstance(row, RowFailure) and "--as amazon-2018" in row.message for row in rows)
    for layout, name in FILES.items():
        opened: AmazonCatalogue = getattr(amazon, f"open_amazon_{layout}")(str(FIXTURES / name), CatalogueOptions())
        assert opened.layout == layout


def test_what_is_too_much_is_cut_and_told(tmp_path: Path) -> None:
    """Long texts, many pictures, many details; the product is there."""
    told = {
        "parent_asin": "B0",
        "title": "x " * 4000,
        "description": ["word " * 30_000],
        "images": [{"large": f"https://m.example/{n}.jpg"} for n in range(60)],
        "details": {f"d{n}" * 60: n for n in range(1000)},
        "categories": ["a" * 300, "b"],
    }
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(told) + "\n", encoding="utf-8")
    (row,) = open_amazon(str(path), CatalogueOptions()).rows()
    assert isinstance(row, SourceRow)
    assert [one.reason for one in row.lost] == ["cut", "cut", "too_many_pictures"]
    assert (len(row.product.title or ""), len(row.product.pictures), row.notes) == (5000, 50, ("category_junk",))
    assert len(row.product.attributes) <= 300


def test_files_of_something_else_are_refused(tmp_path: Path) -> None:
    """Reviews by name; anything else with what was looked for; an empty file is an empty catalogue."""
    path = tmp_path / "x.json"
    review = {"reviewerID": "A1", "asin": "B0", "reviewText": "nice", "overall": 5.0}
    for line, wanted in ((json.dumps(review), "meta_"), ('{"sku": 5}', "--as jsonl"), ("id,title", "--as amazon-2018")):
        path.write_text(line + "\n", encoding="utf-8")
        with pytest.raises(InvalidInput, match=wanted):
            open_amazon(str(path), CatalogueOptions())
    path.write_bytes(b"")
    assert list(open_amazon(str(path), CatalogueOptions()).rows()) == []


def test_huge_and_deep_lines_cost_only_themselves(tmp_path: Path) -> None:
    """The rows around them are read."""
    good = (FIXTURES / FILES["2014"]).read_bytes().split(b"\n")[0]
    bombs = [b"{'asin': 'x', 'title': '" + b"a" * (5 << 20) + b"'}", b"{'asin': " + b"[" * 300_000, b'{"asin": ' + b"[" * 300_000]
    bombs += [b"{'asin': " + b"9" * 10_000 + b"}", b"{'asin': 'deep', 'title': " + b"[" * 400 + b"]" * 400 + b"}", b"\x00" * 100_000]
    path = tmp_path / "x.json"
    path.write_bytes(b"\n".join([good, *bombs, good]))
    rows = list(amazon.open_amazon_2014(str(path), CatalogueOptions()).rows())
    codes = told(rows)
    assert (len(rows), codes[2], codes[6], codes[8]) == (8, "too_long", "bad_field no_title no_picture", "duplicate")
    assert {codes[line] for line in (3, 4, 5, 7)} == {"not_literal", "not_json"}


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.97])
def test_a_file_that_ends_early_or_is_damaged_is_told(cut: float, tmp_path: Path) -> None:
    """All lines before are there; JSON Lines are read by the same means."""
    lines = b"".join(
        json.dumps({"parent_asin": f"B{n:05}", "id": n, "title": f"{n * n}", "rating_number": 1}).encode() + b"\n" for n in range(5000)
    )
    packed = gzip.compress(lines)
    damaged = bytearray(packed)
    damaged[int(len(packed) * cut)] ^= 0xFF
    path = tmp_path / "x.jsonl.gz"
    for content in (packed[: int(len(packed) * cut)], bytes(damaged), packed + b"tail"):
        path.write_bytes(content)
        for source in (amazon.open_amazon_2023(str(path), CatalogueOptions()), open_jsonl(str(path), CatalogueOptions())):
            *rows, last = list(source.rows())
            assert isinstance(last, RowFailure)
            assert last.reason == "truncated"
            assert last.row == len(rows) + 1
            whole = [row.product.title for row in rows if isinstance(row, SourceRow)]
            assert whole == [str(n * n) for n in range(len(rows))] or content == bytes(damaged)  # a damaged bit may change text first


def test_memory_of_ids_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repetition is noticed up to a distance; beyond it, it is a row like any other."""
    monkeypatch.setattr(amazon, "REMEMBERED", 3)
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps({"parent_asin": name, "rating_number": 1}) + "\n" for name in "aabcdea"), encoding="utf-8")
    rows = [row for row in open_amazon(str(path), CatalogueOptions()).rows() if isinstance(row, SourceRow)]
    assert [row.row for row in rows if "duplicate" in row.notes] == [2]


STRANGE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["<b>&amp;", "$5 - $6", "http://x", "{", "a" * 9000]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.sampled_from(["hi_res", "name", "Brand"]), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = {
    "2014": ["title", "description", "price", "imUrl", "brand", "categories", "salesRank"],
    "2018": [
        "title",
        "description",
        "feature",
        "price",
        "imageURL",
        "imageURLHighRes",
        "brand",
        "category",
        "main_cat",
        "rank",
        "date",
        "details",
    ],
    "2023": [
        "title",
        "subtitle",
        "author",
        "features",
        "description",
        "price",
        "images",
        "store",
        "categories",
        "main_category",
        "details",
    ],
}


@pytest.mark.parametrize("layout", FILES)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_fields_of_any_kind_cost_only_themselves(layout: str, data: st.DataObject) -> None:
    """Whatever stands where a field is wanted: with a good id the row is a product, and what is lost is told with the row."""
    told = data.draw(st.dictionaries(st.sampled_from(NAMES[layout]), STRANGE, max_size=6))
    catalogue = getattr(amazon, f"open_amazon_{layout}")(str(FIXTURES / FILES[layout]), CatalogueOptions())
    key = "parent_asin" if layout == "2023" else "asin"
    line = (repr if layout == "2014" else json.dumps)({**told, key: "B000"}).replace("NaN", "null").replace("Infinity", "1e999")
    row = catalogue._row(7, line.replace("nan", "0").replace("inf", "1e999").encode("utf-8", "replace"))
    assert isinstance(row, SourceRow), row
    assert row.product.id == "B000"
    assert all((one.row, one.id) == (7, "B000") for one in row.lost)


@pytest.mark.parametrize("layout", FILES)
def test_any_damage_ends_in_rows(layout: str, tmp_path: Path) -> None:
    """Bytes changed, cut out, put in anywhere: rows and reports, each line once, and never an error."""
    whole = (FIXTURES / FILES[layout]).read_bytes()
    rng = random.Random(layout)
    path = tmp_path / "x.json"
    for _ in range(60):
        content = bytearray(whole)
        for _ in range(rng.randint(1, 60)):
            at = rng.randrange(len(content))
            content[at : at + rng.randint(0, 2)] = rng.choice(
                [b"", b"'", b'"', b"\\", b"{", b"]", b"\xff", b"\x00", b"\n", b"\r", b"9", b"u'"]
            )
        path.write_bytes(content)
        rows = list(getattr(amazon, f"open_amazon_{layout}")(str(path), CatalogueOptions()).rows())
        numbers = [row.row for row in rows]
        assert numbers == sorted(set(numbers))
        assert len(numbers) == sum(1 for line in bytes(content).split(b"\n") if line and not line.isspace())
