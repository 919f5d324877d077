"""The searcher: what examples, weights, categories and cursors come to, over a real engine and toy vectors."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from toy_house import encoded, picture, shop, toy_house

from lookalike.bootstrap import House
from lookalike.domain.product import parse_product
from lookalike.domain.query import Answer, SearchRequest
from lookalike.domain.query_parsing import parse_search
from lookalike.errors import InvalidInput, NotFound, PictureUnreadable, Unavailable
from lookalike.services.search import DEFAULT_WEIGHTS, SAME_PICTURE

OWN = {"picture": {"base64": encoded(picture(4 / 12))}}
BESIDE = {"picture": {"base64": encoded(picture(4.3 / 12))}}


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with toy_house() as opened:
        for told in shop():
            opened.keeper.put(parse_product(told))
        yield opened


def search(house: House, **told: Any) -> Answer:
    return house.searcher.search(parse_search(told))


def ids(answer: Answer) -> list[str]:
    return [hit.id for hit in answer.page.hits]


def place(error: pytest.ExceptionInfo[InvalidInput]) -> str:
    return error.value.problems[0].at


def test_without_anything_the_catalogue_comes_newest_first(house: House) -> None:
    """{} is a listing."""
    assert ids(search(house)) == [f"p{number}" for number in range(11, -1, -1)]


def test_a_products_own_picture_finds_it_first_with_our_weights(house: House) -> None:
    """Its category is then known, not voted for, so no neighbour can pass it."""
    answer = search(house, like=[OWN])
    assert ids(answer)[0] == "p4"
    assert answer.categories == (("Home > Cold", 1.0),)
    assert answer.weights == {leg: DEFAULT_WEIGHTS[leg] for leg in ("picture", "category", "colour")}


def test_a_picture_that_is_not_in_the_catalogue_gets_its_neighbours_category(house: House) -> None:
    """The vote is a probability, and says what the neighbours say."""
    answer = search(house, like=[{"picture": {"base64": encoded(picture(4.5 / 12, lightness=0.7))}}])
    assert answer.page.hits[0].similarity is not None
    assert answer.page.hits[0].similarity < SAME_PICTURE
    assert answer.categories[0][0] == "Home > Cold"
    assert 0.5 < answer.categories[0][1] <= sum(share for _, share in answer.categories) <= 1.0001


def test_no_vote_is_held_where_nobody_asks(house: House) -> None:
    """category off, or its weight 0, saves a search among the neighbours."""
    assert search(house, like=[OWN], category="off").categories == ()
    assert search(house, like=[OWN], weights={"category": 0}).categories == ()


def test_only_filters_on_the_predicted_category(house: House) -> None:
    """What is elsewhere does not come, however alike."""
    assert {hit.product.category for hit in search(house, like=[BESIDE], category="only").page.hits} == {"Home > Cold"}


def test_an_unknown_category_is_an_empty_page_with_its_reason(house: House) -> None:
    """Catalogues change; a link to a category that is gone is no error."""
    answer = search(house, category="Garden")
    assert (answer.page.total, answer.notices) == (0, ("No product is in the category 'Garden'.",))


def test_a_weight_of_nothing_removes_the_signal(house: House) -> None:
    """With the picture at 0 the words alone decide, and there is no similarity."""
    answer = search(house, like=[OWN], text="plum", weights={"picture": 0, "category": 0, "colour": 0})
    assert (ids(answer), answer.page.hits[0].similarity) == (["p9"], None)


def test_every_leg_at_nothing_lists_and_says_so(house: House) -> None:
    """A slider drawn to 0 is no error."""
    answer = search(house, text="plum", weights={"text": 0})
    assert answer.page.total == 12
    assert "newest first" in answer.notices[0]


def test_liked_and_unliked_products_are_not_hits(house: House) -> None:
    """Who likes a product knows it already."""
    answer = search(house, like=[{"product": "p4"}], unlike=[{"product": "p5"}], weights={"picture": 1})
    assert not {"p4", "p5"} & set(ids(answer))
    plain = search(house, like=[{"product": "p4"}], weights={"picture": 1})
    assert ids(plain).index("p6") < ids(answer).index("p6"), "what is like the unliked moves down"


def test_likes_of_products_need_no_vote(house: House) -> None:
    """Their categories are known: shares by weight."""
    answer = search(house, like=[{"product": "p0", "weight": 3}, {"product": "p4"}])
    assert dict(answer.categories) == {"Home > Warm": 0.75, "Home > Cold": 0.25}


def test_examples_of_weight_nothing_and_such_that_cancel(house: House) -> None:
    """A zero vector never reaches the engine."""
    assert search(house, like=[OWN | {"weight": 0}]).page.total == 12
    vector = [1.0] + [0.0] * 47
    with pytest.raises(InvalidInput) as caught:
        search(house, like=[{"vector": vector}, {"vector": [-one for one in vector]}])
    assert place(caught) == "like"


@pytest.mark.parametrize(
    ("like", "at"),
    [
        ({"product": "nobody"}, "like[0].product"),
        ({"vector": [0.5]}, "like[0].vector"),
        ({"vector": [0] * 48}, "like[0].vector"),
        ({"text": "a red mug"}, "like[0].text"),
    ],
)
def test_examples_that_cannot_be_resolved_are_named(house: House, like: dict[str, Any], at: str) -> None:
    """422 with the example's place."""
    with pytest.raises(InvalidInput) as caught:
        search(house, like=[like])
    assert place(caught) == at


def test_vectors_of_any_length_are_made_unit(house: House) -> None:
    """1e300 is a number, too."""
    vector = [1e300, 0.0] * 24
    assert ids(search(house, like=[{"vector": vector}])) == ids(search(house, like=[{"vector": [one / 1e300 for one in vector]}]))


def test_a_picture_that_cannot_be_read_is_said_to_be_so(house: House) -> None:
    """Beside others it is named."""
    broken = {"picture": {"base64": encoded(b"no picture")}}
    with pytest.raises(PictureUnreadable, match="no picture"):
        search(house, like=[broken])
    with pytest.raises(PictureUnreadable, match=r"like\[1\]\.picture: "):
        search(house, like=[OWN, broken])


def test_an_upload_searches_as_its_bytes_do_and_is_looked_at_once(house: House) -> None:
    """The second search with the same picture runs no network; another box does."""
    upload = {"picture": {"upload": house.uploads.keep(picture(0.81))}}
    looked = house.analyser.looked  # type: ignore[attr-defined]
    first, second = search(house, like=[upload]), search(house, like=[{"picture": {"base64": encoded(picture(0.81))}}])
    assert ids(first) == ids(second)
    assert house.analyser.looked == looked + 1  # type: ignore[attr-defined]
    search(house, like=[upload | {"box": [0, 0, 0.5, 0.5]}])
    assert house.analyser.looked == looked + 2  # type: ignore[attr-defined]
    house.uploads.forget(upload["picture"]["upload"])
    with pytest.raises(NotFound, match="upload"):
        search(house, like=[upload])


def test_pages_join_and_a_cursor_belongs_to_its_query(house: House) -> None:
    """Another limit is fine; another query, a cut or made-up cursor is not."""
    whole, found = ids(search(house, like=[OWN])), []
    cursor: str | None = None
    for limit in (5, 2, 10):
        page = search(house, like=[OWN], limit=limit, cursor=cursor)
        found += ids(page)
        cursor = page.next
    assert (found, cursor) == (whole, None)
    cursor = search(house, like=[OWN], limit=5).next
    assert cursor is not None
    for told in ({"cursor": cursor}, {"like": [BESIDE], "cursor": cursor}, {"like": [OWN], "cursor": cursor[:-3]}, {"cursor": "ünsinn"}):
        with pytest.raises(InvalidInput) as caught:
            search(house, **told)
        assert place(caught) == "cursor"


def test_a_product_without_pictures_is_like_others_by_its_words(house: House) -> None:
    """Nothing to look at is said, and its title takes over."""
    with toy_house() as other:
        other.keeper.put(parse_product({"id": "a", "title": "blue mug"}))
        other.keeper.put(parse_product({"id": "b", "title": "red mug"}))
        answer = other.searcher.similar("a")
    assert ids(answer) == ["b"]
    assert "no picture" in answer.notices[0]


def test_similar_to_nobody_is_not_found(house: House) -> None:
    """There it is the address that is wrong."""
    with pytest.raises(NotFound):
        house.searcher.similar("nobody")


def test_a_deadline_that_has_passed_is_unavailable(house: House) -> None:
    """Nobody waits for the answer any more."""
    with pytest.raises(Unavailable):
        house.searcher.search(SearchRequest(), deadline=time.monotonic() - 1)


def test_the_time_is_told_by_stage(house: House) -> None:
    """decode, analyse and engine are parts of total."""
    took = search(house, like=[{"picture": {"base64": encoded(picture(0.123))}}]).took_ms
    assert {"decode", "analyse", "engine", "total"} == set(took)
    assert took["total"] >= took["engine"]
