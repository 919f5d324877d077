"""Changing the catalogue: what is looked at, what is written, what is refused."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lookalike.analysers.local import LocalAnalyser
from lookalike.domain.commands import ApplyChanges, ChangeRow, Progress, RowFailure
from lookalike.domain.picture import digest_of
from lookalike.domain.product import Product, parse_patch
from lookalike.engines.memory import open_memory
from lookalike.errors import NotFound, PictureUnavailable, PictureUnreadable, VersionConflict
from lookalike.ports.engine import SearchEngine, Write, Written
from lookalike.services.catalogue import CatalogueKeeper
from lookalike.testing.fakes import TOY_RECIPE, ToyDecoder, ToyPictures, ToySeer


@dataclass
class Shop:
    engine: SearchEngine
    seer: ToySeer
    pictures: ToyPictures
    keeper: CatalogueKeeper


@pytest.fixture
def shop() -> Iterator[Shop]:
    engine, seer = open_memory("memory:"), ToySeer()
    engine.prepare(TOY_RECIPE)
    contents = {f"pic{number}": b"PIC%d" % number for number in range(9)} | {
        "bad": b"no picture",
        "http://x/1": b"PICweb",
        "data:1": b"PICdata",
    }
    pictures = ToyPictures(contents)
    analyser = LocalAnalyser(TOY_RECIPE, lambda: seer, ToyDecoder, threads=2)
    yield Shop(engine, seer, pictures, CatalogueKeeper(engine, analyser, pictures, TOY_RECIPE))
    analyser.close()
    engine.close()


def product(name: str = "a", *pictures: str, **fields: object) -> Product:
    return Product(id=name, title=f"Product {name}", pictures=pictures, **fields)  # type: ignore[arg-type]


def apply(shop: Shop, *rows: tuple[str, str, object]) -> Progress:
    progress = Progress()
    told = tuple(ChangeRow(number, op, name, what) for number, (op, name, what) in enumerate(rows, 1))  # type: ignore[arg-type]
    shop.keeper.apply(ApplyChanges(told), progress, lambda: False)
    return progress


def test_a_product_is_put_once(shop: Shop) -> None:
    """The second time it is unchanged: nothing is looked at, nothing written, the version stays."""
    first = shop.keeper.put(product("a", "pic1", "pic2"))
    again = shop.keeper.put(product("a", "pic1", "pic2"))
    assert (first.created, first.document.version) == (True, 1)
    assert (again.created, again.document.version) == (False, 1)
    assert [one.picture for one in again.document.seen] == [0, 1]
    assert len(shop.seer.looked) == 2


def test_known_bytes_are_not_looked_at_again(shop: Shop) -> None:
    """Another price, another order, another name of the same picture: only a new picture costs a look."""
    shop.pictures.contents["same as 1"] = shop.pictures.contents["pic1"]
    shop.keeper.put(product("a", "pic1", "pic2"))
    shop.keeper.put(product("a", "pic1", "pic2", price=5.0))
    changed = shop.keeper.put(product("a", "pic2", "same as 1", "pic3"))
    assert len(shop.seer.looked) == 3
    assert [one.analysis.digest for one in changed.document.seen] == [digest_of(b"PIC2"), digest_of(b"PIC1"), digest_of(b"PIC3")]


def test_other_bytes_behind_the_same_name_are_a_change(shop: Shop) -> None:
    """The name of a picture says nothing of what is in it."""
    shop.keeper.put(product("a", "pic1"))
    shop.pictures.contents["pic1"] = b"PICnew"
    assert shop.keeper.put(product("a", "pic1")).document.version == 2
    assert len(shop.seer.looked) == 2


def test_a_patch_of_anything_but_pictures_runs_no_network_and_fetches_nothing(shop: Shop) -> None:
    """What was seen stays; attributes merge; null removes; what changes nothing is not written."""
    shop.keeper.put(product("a", "pic1", price=5.0, attributes={"size": "L", "fit": "slim"}))
    fetched = shop.pictures.fetched
    stored = shop.keeper.patch("a", parse_patch({"price": None, "brand": "Acme", "attributes": {"size": None, "hue": "red"}}))
    assert stored.document.product == product("a", "pic1", brand="Acme", attributes={"fit": "slim", "hue": "red"})
    assert [one.analysis.digest for one in stored.document.seen] == [digest_of(b"PIC1")]
    assert shop.keeper.patch("a", parse_patch({"brand": "Acme"})).document.version == stored.document.version == 2
    assert (len(shop.seer.looked), shop.pictures.fetched) == (1, fetched)
    assert shop.keeper.put(product("a", "pic1", brand="Acme", attributes={"fit": "slim", "hue": "red"})).document.version == 2


def test_a_patch_of_pictures_looks_at_the_new_ones(shop: Shop) -> None:
    """And forgets what was seen in those that are gone."""
    shop.keeper.put(product("a", "pic1", "pic2"))
    stored = shop.keeper.patch("a", {"pictures": ("pic2", "pic3")})
    assert [one.analysis.digest for one in stored.document.seen] == [digest_of(b"PIC2"), digest_of(b"PIC3")]
    assert len(shop.seer.looked) == 3
    assert shop.keeper.patch("a", {"pictures": None}).document.seen == ()


def test_pictures_without_another_home_are_kept(shop: Shop) -> None:
    """A data: URL becomes the name of the kept bytes; a web picture keeps its address, and its bytes lie with us too."""
    stored = shop.keeper.put(product("a", "data:1", "http://x/1"))
    name = f"stored:{digest_of(b'PICdata')}"
    assert stored.document.product.pictures == (name, "http://x/1")
    assert set(shop.pictures.kept) == {name, f"stored:{digest_of(b'PICweb')}"}
    assert shop.keeper.put(product("a", name, "http://x/1")).document.version == 1, "what a GET told can be sent back"


def test_a_bad_picture_refuses_a_strict_put_and_nothing_happens(shop: Shop) -> None:
    """Neither written nor kept, with the picture's own reason."""
    for bad, error in (("bad", PictureUnreadable), ("nowhere", PictureUnavailable)):
        with pytest.raises(error):
            shop.keeper.put(product("a", "data:1", bad))
    assert shop.engine.get(["a"]) == [None]
    assert shop.pictures.kept == {}


def test_a_bad_picture_otherwise_leaves_the_product_to_its_words(shop: Shop) -> None:
    """It is kept, its good pictures seen, the others named with their reasons; and again when it comes again unchanged."""
    for _ in range(2):
        stored = shop.keeper.put(product("a", "bad", "pic1", "nowhere"), strict=False)
        assert {place: one.reason for place, one in stored.failures.items()} == {0: "not_a_picture", 2: "not_found"}
        assert stored.document.unseen == {0: "not_a_picture", 2: "not_found"}
        assert ([one.picture for one in stored.document.seen], stored.document.version) == ([1], 1)
    shop.pictures.contents["nowhere"] = b"PICfound"
    assert [one.picture for one in shop.keeper.put(product("a", "bad", "pic1", "nowhere"), strict=False).document.seen] == [1, 2]


def test_a_patch_of_its_price_does_not_mind_a_bad_picture(shop: Shop) -> None:
    """The product is kept without it, strictly or not; a strict patch of its pictures does mind."""
    shop.keeper.put(product("a", "bad", "pic1"), strict=False)
    stored = shop.keeper.patch("a", {"price": 2.0})
    assert (stored.document.product.price, list(stored.failures), len(stored.document.seen)) == (2.0, [0], 1)
    with pytest.raises(PictureUnreadable):
        shop.keeper.patch("a", {"pictures": ("bad",)})


def test_a_server_that_is_away_does_not_wipe_what_was_seen(shop: Shop) -> None:
    """A time-out says nothing of the picture; a 404 does."""
    shop.keeper.put(product("a", "http://x/1"))
    answers = iter(["timeout", "not_allowed", "not_found"])

    def away(reference: str) -> bytes:
        raise PictureUnavailable(next(answers), reference)

    shop.pictures.fetch = away  # type: ignore[method-assign]
    first = shop.keeper.put(product("a", "http://x/1", price=1.0), strict=False)
    assert (len(first.document.seen), list(first.failures)) == (1, [0])
    second = shop.keeper.put(product("a", "http://x/1", price=2.0))
    assert (len(second.document.seen), list(second.failures)) == (1, []), "the command line put it there; it stays"
    third = shop.keeper.put(product("a", "http://x/1", price=3.0), strict=False)
    assert (third.document.seen, third.document.unseen) == ((), {0: "not_found"})


def test_versions_are_obeyed(shop: Shop) -> None:
    """Put, patch and remove only at the version that was expected; 0 means: only if new."""
    keeper = shop.keeper
    assert keeper.put(product("a"), if_version=0).document.version == 1
    for wrong in (0, 2):
        with pytest.raises(VersionConflict):
            keeper.put(product("a", price=1.0), if_version=wrong)
        with pytest.raises(VersionConflict):
            keeper.put(product("a"), if_version=wrong)
        with pytest.raises(VersionConflict):
            keeper.patch("a", {"price": 1.0}, if_version=wrong)
        with pytest.raises(VersionConflict):
            keeper.remove("a", if_version=wrong)
    assert keeper.patch("a", {"price": 1.0}, if_version=1).document.version == 2
    assert keeper.remove("a", if_version=2)
    assert not keeper.remove("a")
    with pytest.raises(NotFound):
        keeper.patch("a", {"price": 1.0})


def test_a_patch_overtaken_by_another_write_is_begun_anew(shop: Shop) -> None:
    """Both changes are there afterwards."""
    shop.keeper.put(product("a"))
    real, meddled = shop.engine.put, []

    def put(writes: list[Write]) -> list[Written]:
        if not meddled:
            meddled.append(True)
            shop.keeper.patch("a", {"brand": "Acme"})
        return real(writes)

    shop.engine.put = put  # type: ignore[method-assign,assignment]
    stored = shop.keeper.patch("a", {"price": 2.0})
    assert (stored.document.product.brand, stored.document.product.price) == ("Acme", 2.0)


def test_many_changes_in_their_order(shop: Shop) -> None:
    """Rows of one product one after the other; what goes wrong is told by row and harms no other."""
    progress = apply(
        shop,
        ("put", "a", {"id": "a", "title": "one", "pictures": ["pic1"]}),
        ("patch", "a", {"title": "two"}),
        ("put", "b", {"id": "b", "pictures": ["bad"]}),
        ("delete", "nobody", None),
        ("patch", "nobody", {"title": "x"}),
        ("put", "c", {"id": "c", "price": "a lot"}),
        ("put", "d", {"id": "d"}),
        ("delete", "d", None),
        ("put", "d", {"id": "d", "title": "again"}),
        ("patch", "a", {"id": "a", "price": 3}),
        ("put", "e", {"id": "e", "pictures": ["pic1"]}),
    )
    assert [(one.row, one.id, one.reason) for one in progress.failures] == [
        *((3, "b", "picture_unreadable"), (5, "nobody", "not_found"), (6, "c", "invalid")),
    ]
    assert (progress.total, progress.done, progress.unchanged) == (11, 7, 1)
    a, b, c, d = shop.engine.get(["a", "b", "c", "d"])
    assert a is not None
    assert (a.product.title, a.product.price, len(a.seen)) == ("two", 3, 1)
    assert b is not None
    assert b.unseen == {0: "not_a_picture"}
    assert c is None
    assert d is not None
    assert d.product.title == "again"


def test_the_same_again_is_unchanged(shop: Shop) -> None:
    """A bulk job that comes twice writes once, and still tells what is wrong."""
    rows = [("put", f"p{n}", {"id": f"p{n}", "pictures": [f"pic{n % 9}"]}) for n in range(200)]
    first = apply(shop, *rows, ("put", "bad", {"id": "bad", "pictures": ["bad"]}))
    looked = len(shop.seer.looked)
    again = apply(shop, *rows, ("put", "bad", {"id": "bad", "pictures": ["bad"]}))
    assert (first.done, len(first.failures)) == (200, 1)
    assert (again.done, again.unchanged, len(again.failures)) == (0, 200, 1)
    assert len(shop.seer.looked) == looked


def test_failures_that_came_with_the_command_are_kept(shop: Shop) -> None:
    """Rows that could not even be parsed count like the others."""
    progress = Progress()
    broken = RowFailure(2, None, "not_json", "It is no JSON.")
    shop.keeper.apply(ApplyChanges((ChangeRow(1, "put", "a", {"id": "a"}), broken)), progress, lambda: False)
    assert (progress.total, progress.done, progress.failures) == (2, 1, [broken])


def test_cancelling_keeps_what_is_done(shop: Shop) -> None:
    """Between batches."""
    progress, asked = Progress(), []

    def cancelled() -> bool:
        asked.append(True)
        return len(asked) > 3

    rows = tuple(ChangeRow(number, "put", f"p{number}", {"id": f"p{number}"}) for number in range(1, 1001))
    shop.keeper.apply(ApplyChanges(rows), progress, cancelled)
    assert 0 < progress.done < 1000
    assert shop.engine.status().documents == progress.done
