"""What shops' files mean: columns, text, dirt."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from lookalike.catalogues.csv import open_csv
from lookalike.catalogues.folder import open_folder
from lookalike.catalogues.jsonl import open_jsonl
from lookalike.catalogues.text import in_stock, parse_price, parts
from lookalike.domain.commands import RowFailure
from lookalike.domain.product import Product
from lookalike.errors import InvalidInput, PictureUnavailable
from lookalike.pictures.files import FilePictures
from lookalike.pictures.http import WebPictures
from lookalike.pictures.store import MemoryShelf, Pictures
from lookalike.ports.catalogue import CatalogueOptions, SourceRow


def csv(folder: Path, text: str | bytes, **options: Any) -> list[SourceRow | RowFailure]:
    path = folder / "shop.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(open_csv(str(path), CatalogueOptions(**options)).rows())


def jsonl(folder: Path, *lines: Any, **options: Any) -> list[SourceRow | RowFailure]:
    path = folder / "shop.jsonl"
    path.write_bytes(b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines))
    return list(open_jsonl(str(path), CatalogueOptions(**options)).rows())


def only(rows: list[SourceRow | RowFailure]) -> Product:
    assert len(rows) == 1, rows
    assert isinstance(rows[0], SourceRow), rows[0]
    return rows[0].product


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        *(("$12.99", 12.99, "USD"), ("12,99 €", 12.99, "EUR"), ("1.299,00 EUR", 1299, "EUR"), ("£1,299.50", 1299.5, "GBP")),
        *(("1,299", 1299, None), ("1.299.000", 1299000, None), ("$12.99 - $24.50", 12.99, "USD"), ("7", 7, None), ("12.999", 12.999, None)),
        *(("CHF 1'299.-", 1299, "CHF"), ("from 5.-", 5, None), ("1 299,90 zł", 1299.9, "PLN")),
    ],
)
def test_prices_are_read_as_people_write_them(text: str, amount: float, currency: str | None) -> None:
    """Marks of thousands and decimals, symbols, codes; of a range the lower end."""
    assert parse_price(text) == (amount, currency)


@pytest.mark.parametrize("text", ["", "a lot", "-5", "$-3.00"])
def test_what_is_no_price_is_refused(text: str) -> None:
    """With what was found."""
    with pytest.raises(InvalidInput, match="price"):
        parse_price(text)


def test_stock_and_lists() -> None:
    """Words, counts; JSON lists, bars, commas; URLs keep their commas."""
    assert [in_stock(one) for one in ("In Stock", "out of stock", "0", "17", 3, "perhaps")] == [True, False, False, True, True, "perhaps"]
    assert parts('["a", "b,c"]', "tags") == ["a", "b,c"]
    assert parts("a, b|c", "tags") == ["a", "b", "c"]
    assert parts("http://x/a,1.jpg|http://x/b.jpg", "pictures") == ["http://x/a,1.jpg", "http://x/b.jpg"]
    assert parts("http://x/a.jpg http://x/b.jpg", "pictures") == ["http://x/a.jpg", "http://x/b.jpg"]


def test_columns_find_their_fields(tmp_path: Path) -> None:
    """By name, by a usual other name, by --map; what is left is an attribute, numbers as numbers."""
    text = "SKU;Product Name;Sale Price;availability;colour;year;empty\n7;Mug;12,50 €;in stock;red;2011;\n"
    product = only(csv(tmp_path, text, mapping={"tags": "colour", "hue": "colour"}))
    assert product == Product(
        "7", title="Mug", price=12.5, currency="EUR", in_stock=True, tags=("red",), attributes={"hue": "red", "year": 2011}
    )


def test_columns_can_be_joined(tmp_path: Path) -> None:
    """`category=a>b` joins levels; without --map the usual three are found."""
    text = "id,masterCategory,subCategory,articleType\n1,Apparel,Topwear,Shirts\n"
    assert only(csv(tmp_path, text)).category == "Apparel > Topwear > Shirts"
    assert only(csv(tmp_path, text, mapping={"category": "masterCategory>articleType"})).category == "Apparel > Shirts"


def test_a_column_of_numbers_stays_text_where_one_is_none(tmp_path: Path) -> None:
    """Sizes such as 38, 40, M are words, and so are codes with leading zeros."""
    rows = csv(tmp_path, "id,size,code,year\na,38,007,2011\nb,M,012,2012\n")
    assert [one.product.attributes for one in rows if isinstance(one, SourceRow)] == [
        {"size": "38", "code": "007", "year": 2011},
        {"size": "M", "code": "012", "year": 2012},
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_found_out(tmp_path: Path, encoding: str) -> None:
    """With and without a byte order mark, and what Windows writes."""
    assert only(csv(tmp_path, "id\ttitle\n1\tGrüße für Zoë\n".encode(encoding))).title == "Grüße für Zoë"


def test_damage_in_one_row_costs_one_row(tmp_path: Path) -> None:
    """Bytes of another encoding, too many cells, a bad price, a quotation mark never closed."""
    good = "".join(f"{number},Zwölf {number},5\n" for number in range(20)).encode()
    rows = csv(tmp_path, b"id,title,price\n" + good + b'20,\xff\xfe,5\n21,a,b,c\n22,x,a lot\n,y,1\n23,ok,1\n24,"' + b"z" * 200_000)
    failures = [one for one in rows if isinstance(one, RowFailure)]
    assert [(one.row, one.id, one.reason) for one in failures] == [
        *((21, "20", "invalid"), (22, None, "not_csv"), (23, "22", "invalid"), (24, None, "invalid"), (26, None, "not_csv")),
    ]
    assert len(rows) == 26


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("", "header"), ("\n\n", "header"), ("id,id\n", "twice"), ("name,price\nx,5\n", "--map id="), ("id,title\n", "")],
)
def test_a_header_that_cannot_do_is_refused_at_once(tmp_path: Path, text: str, wanted: str) -> None:
    """Before anything is indexed, with what to do."""
    if not wanted:
        assert csv(tmp_path, text) == []
        return
    with pytest.raises(InvalidInput, match=wanted):
        csv(tmp_path, text)


def test_a_map_to_no_column_is_refused(tmp_path: Path) -> None:
    """With the columns that there are."""
    with pytest.raises(InvalidInput, match=r"no column 'nmae'.*id, name"):
        csv(tmp_path, "id,name\n", mapping={"title": "nmae"})


def test_json_lines_of_other_shops(tmp_path: Path) -> None:
    """Other names, prices as text, fields of their own; the fields that an export adds are passed over."""
    line = {
        "sku": 5,
        "name": "Mug",
        "price": "$7.50",
        "specs": {"size": "L", "dims": {"h": 3}},
        "sizes": [1, 2],
        "reviews": [{"a": 1}],
        "digest": "x",
    }
    product = only(jsonl(tmp_path, line))
    assert (product.id, product.title, product.price, product.currency) == ("5", "Mug", 7.5, "USD")
    assert product.attributes == {"specs.size": "L", "specs.dims.h": 3, "sizes": (1, 2), "reviews": ()}


def test_bad_lines_are_told_by_their_number(tmp_path: Path) -> None:
    """Not JSON, not an object, not UTF-8, NaN, nested to death; blank lines count as lines."""
    bad = [b"{", b"[]", b"", b'{"id": "\xff"}', b'{"id": "n", "price": NaN}', b'{"a":' * 100_000, b'{"title": "no id"}', b'{"id": "good"}']
    rows = jsonl(tmp_path, *bad)
    assert [(one.row, one.reason) for one in rows if isinstance(one, RowFailure)] == [
        *((1, "not_json"), (2, "invalid"), (4, "not_utf8"), (5, "not_json"), (6, "not_json"), (7, "invalid")),
    ]
    assert [one.row for one in rows if isinstance(one, SourceRow)] == [8]


def test_a_gzipped_file_is_read_as_it_is(tmp_path: Path) -> None:
    """Constant memory, no size."""
    path = tmp_path / "shop.jsonl.gz"
    path.write_bytes(gzip.compress(b'\xef\xbb\xbf{"id": "a"}\n{"id": "b"}\n'))
    source = open_jsonl(str(path), CatalogueOptions())
    assert [one.product.id for one in source.rows() if isinstance(one, SourceRow)] == ["a", "b"]
    assert source.size() is None


@pytest.mark.parametrize("whole_rows", [True, False])
def test_a_csv_file_that_is_cut_says_so(tmp_path: Path, whole_rows: bool) -> None:
    """Its last row may be half a row: it is told, not indexed with half a price."""
    path = tmp_path / "shop.csv"  # gzipped all the same: what it is, its first bytes say
    rows = [f"{n},Mug {n * n},{n}.99" for n in range(20_000)]
    packed = gzip.compress("\n".join(["id,title,price", *rows]).encode())
    path.write_bytes(packed[: len(packed) // 2] if not whole_rows else packed[:-4])
    *good, last = open_csv(str(path), CatalogueOptions()).rows()
    assert isinstance(last, RowFailure)
    assert (last.reason, last.row) == ("truncated", len(good) + 1)
    found = [one.product for one in good if isinstance(one, SourceRow)]
    assert len(found) == len(good) > 100
    assert all(one.price == pytest.approx(int(one.id) + 0.99) for one in found)


def test_pictures_lie_beside_the_file_or_where_told(tmp_path: Path) -> None:
    """Relative paths start at the file; --pictures is a folder or an address; without a column the id is the name."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1.png").write_bytes(b"x")
    assert only(csv(tmp_path, "id\n1\n")).pictures == (str(tmp_path / "images" / "1.png"),)
    assert only(csv(tmp_path, "id\n2\n")).pictures == ()
    assert only(csv(tmp_path, "id\n2\n", pictures=str(tmp_path / "images"))).pictures == (str(tmp_path / "images" / "2.jpg"),)
    assert only(csv(tmp_path, "id\n../../x\n", pictures=str(tmp_path / "images"))).pictures == ()
    assert only(csv(tmp_path, "id,image\n1,images/1.png\n")).pictures == (str(tmp_path / "images" / "1.png"),)
    assert only(csv(tmp_path, "id\na b\n", pictures="https://x.example/p/")).pictures == ("https://x.example/p/a%20b.jpg",)
    assert only(csv(tmp_path, "id,image\n1,7.png\n", pictures="https://x.example/{}?w=5")).pictures == ("https://x.example/7.png?w=5",)
    with pytest.raises(InvalidInput, match="no folder"):
        csv(tmp_path, "id\n1\n", pictures="nowhere")


def test_references_never_leave_their_folder_or_prefix(tmp_path: Path) -> None:
    """Neither by dots, nor by a link, nor absolutely where a folder is named: the product stays, the picture is told as not allowed."""
    root, links = tmp_path / "root", tmp_path / "root" / "links"
    links.mkdir(parents=True)
    for file in (tmp_path / "secret.png", root / "a.png"):
        file.write_bytes(b"x")
    (links / "out.png").symlink_to(tmp_path / "secret.png")
    (links / "in.png").symlink_to(root / "a.png")
    (links / "up").symlink_to(tmp_path)
    told = ["a.png", "links/in.png", "b/../a.png", "../secret.png", "links/out.png", "links/up/secret.png", str(tmp_path / "secret.png")]
    good = [str(root / "a.png"), str(links / "in.png"), str(root / "a.png")]
    found = only(jsonl(root, {"id": "1", "pictures": told})).pictures
    assert found == (*good, *(f"outside:{one}" for one in told[3:6]), str(tmp_path / "secret.png"))
    found = only(jsonl(tmp_path, {"id": "1", "pictures": told}, pictures=str(root))).pictures
    assert found == (*good, *(f"outside:{one}" for one in told[3:]))
    told = ["a.png", "b/c d.png", "../admin", "b/../../x", "..", "..\\x"]
    found = only(jsonl(tmp_path, {"id": "1", "pictures": told}, pictures="https://x.example/p/")).pictures
    assert found == ("https://x.example/p/a.png", "https://x.example/p/b/c%20d.png", *(f"outside:{one}" for one in told[2:]))
    rows = [one.product.pictures[0] for one in open_folder(str(root), CatalogueOptions()).rows() if isinstance(one, SourceRow)]
    assert rows == [str(root / "a.png"), str(links / "in.png"), f"outside:{links / 'out.png'}"]
    store = Pictures(MemoryShelf(), WebPictures(), FilePictures(None, 1000), 1000)
    assert [len(store.fetch(one)) for one in rows[:2]] == [1, 1]
    with pytest.raises(PictureUnavailable, match="leads out") as caught:
        store.fetch(rows[2])
    assert caught.value.reason == "not_allowed"


def test_a_folder_becomes_a_shop(tmp_path: Path) -> None:
    """Sub-folders are the category, names the title; the id is the path, with suffix only where it must."""
    for name in ("mugs/red_and-blue.jpg", "mugs/big/x.jpg", "mugs/big/x.png", "top.webp", "readme.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    source = open_folder(str(tmp_path), CatalogueOptions())
    rows = [one.product for one in source.rows() if isinstance(one, SourceRow)]
    assert [(one.id, one.title, one.category) for one in rows] == [
        *(("top", "top", None), ("mugs/red_and-blue", "red and blue", "mugs")),
        *(("mugs/big/x.jpg", "x", "mugs > big"), ("mugs/big/x.png", "x", "mugs > big")),
    ]
    assert source.size() == 4


def test_a_source_that_is_not_there_says_so(tmp_path: Path) -> None:
    """And what is there instead."""
    with pytest.raises(InvalidInput, match="--as folder"):
        open_csv(str(tmp_path), CatalogueOptions())
    with pytest.raises(InvalidInput, match="nothing"):
        open_jsonl(str(tmp_path / "no.jsonl"), CatalogueOptions())
    with pytest.raises(InvalidInput, match="folder"):
        open_folder(str(tmp_path / "no"), CatalogueOptions())
    with pytest.raises(InvalidInput, match="--map"):
        open_folder(str(tmp_path), CatalogueOptions({"title": "x"}))
