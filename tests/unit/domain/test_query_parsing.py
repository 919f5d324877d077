"""JSON to a search: what is accepted means what it says, and everything else is refused with its place."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.domain.filters import All, Match
from lookalike.domain.geometry import Box
from lookalike.domain.query import FacetRequest, Like, SearchRequest
from lookalike.domain.query_parsing import SEARCH_FIELDS, parse_facets, parse_picture, parse_search
from lookalike.errors import InvalidInput, Problem

PICTURE = {"base64": base64.b64encode(b"bytes").decode()}


def places(told: object) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        parse_search(told)
    return [problem.at for problem in caught.value.problems]


def test_an_empty_search_and_one_of_nulls_are_the_same() -> None:
    """A front end may send what it has not filled in as null."""
    assert parse_search({}) == SearchRequest() == parse_search(dict.fromkeys(SEARCH_FIELDS))


def test_the_search_of_the_contract_is_understood_whole() -> None:
    """The example of interfaces.md, field by field."""
    told = {
        "like": [
            {"picture": {"url": "https://shop.example/a.jpg"}, "box": [0.1, 0.2, 0.9, 0.8], "weight": 2},
            {"picture": PICTURE},
            {"picture": {"upload": "u_1"}},
            {"product": "sku-1", "weight": 0.5},
            {"vector": [1, 0.5]},
            {"text": "a red shoe"},
        ],
        "unlike": [{"product": "sku-9"}],
        "text": " red  shoes\x00",
        "tags": ["shoe", "shoe", " "],
        "not_tags": ["boot"],
        "weights": {"picture": 0.7, "text": 0},
        "filter": {"brand": "Acme"},
        "category": "Clothing>Shoes",
        "facets": ["brand", {"field": "price", "ranges": [0, 25]}, {"field": "category", "depth": 1}, "size"],
        "sort": "-price",
        "limit": 5,
        "cursor": "abc",
        "min_similarity": -0.5,
        "group_by": "colour",
        "diversity": 0.5,
        "strategy": "exact",
        "explain": True,
    }
    assert set(told) == set(SEARCH_FIELDS)
    assert parse_search(told) == SearchRequest(
        like=(
            Like(url="https://shop.example/a.jpg", box=Box(0.1, 0.2, 0.9, 0.8), weight=2.0),
            Like(content=b"bytes"),
            Like(upload="u_1"),
            Like(product="sku-1", weight=0.5),
            Like(vector=(1.0, 0.5)),
            Like(text="a red shoe"),
        ),
        unlike=(Like(product="sku-9"),),
        text="red  shoes",
        tags=("shoe",),
        not_tags=("boot",),
        weights={"picture": 0.7, "text": 0.0},
        filter=Match("brand", ("Acme",)),
        category="Clothing > Shoes",
        facets=(
            FacetRequest("brand", "brand"),
            FacetRequest("price", "price", ranges=(0, 25)),
            FacetRequest("category", "category", depth=1),
            FacetRequest("attributes.size", "size"),
        ),
        sort="-price",
        limit=5,
        cursor="abc",
        min_similarity=-0.5,
        group_by="attributes.colour",
        diversity=0.5,
        strategy="exact",
        explain=True,
    )


@pytest.mark.parametrize(
    ("told", "at"),
    [
        ({"txet": "shoe"}, "txet"),
        ({"limit": 0}, "limit"),
        ({"limit": 1.5}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": 10**400}, "limit"),
        ({"text": {"junk": 1}}, "text"),
        ({"text": "x" * 4001}, "text"),
        ({"text": "\ud800"}, "text"),
        ({"tags": "shoe"}, "tags"),
        ({"tags": [1]}, "tags[0]"),
        ({"weights": {"smell": 1}}, "weights.smell"),
        ({"weights": {"picture": "much"}}, "weights.picture"),
        ({"weights": {"picture": -1}}, "weights.picture"),
        ({"weights": dict.fromkeys(("picture", "text", "tags", "category", "colour"), 0)}, "weights"),
        ({"filter": {"price": {"gte": "abc"}}}, "filter.price.gte"),
        ({"filter": {"all": [{"brand": "a"}, {"price": {"above": 3}}]}}, "filter.all[1].price.above"),
        ({"like": {}}, "like"),
        ({"like": [{}]}, "like[0]"),
        ({"like": [{"product": "a", "text": "b"}]}, "like[0]"),
        ({"like": [{"product": "a", "box": [0, 0, 1, 1]}]}, "like[0].box"),
        ({"like": [{"picture": PICTURE, "box": [0.9, 0, 0.1, 1]}]}, "like[0].box"),
        ({"like": [{"picture": PICTURE, "weight": -1}]}, "like[0].weight"),
        ({"like": [{"picture": {}}]}, "like[0].picture"),
        ({"like": [{"picture": {"url": "a", "upload": "b"}}]}, "like[0].picture"),
        ({"like": [{"picture": {"base64": "&&"}}]}, "like[0].picture.base64"),
        ({"like": [{"picture": {"url": "stored:abc"}}]}, "like[0].picture.url"),
        ({"like": [{"vector": [0.5, "a"]}]}, "like[0].vector[1]"),
        ({"like": [{"picture": PICTURE}] * 17}, "like"),
        ({"unlike": [{"colour": "red"}]}, "unlike[0].colour"),
        ({"facets": ["a", "a"]}, "facets[1]"),
        ({"facets": [{"field": "price", "ranges": ["x"]}]}, "facets[0].ranges[0]"),
        ({"facets": [{"field": "price", "ranges": [5, 5]}]}, "facets[0].ranges[1]"),
        ({"facets": [{"field": "brand", "depth": 1}]}, "facets[0].depth"),
        ({"sort": "-"}, "sort"),
        ({"strategy": "magic"}, "strategy"),
        ({"category": " > "}, "category"),
        ({"diversity": 1.1}, "diversity"),
        ({"min_similarity": 2}, "min_similarity"),
        ({"explain": 1}, "explain"),
        ([], ""),
    ],
)
def test_what_is_impossible_is_refused_with_its_place(told: object, at: str) -> None:
    """Every field, once with what cannot be meant."""
    assert at in places(told)


def test_all_problems_come_at_once() -> None:
    """Who mends one field shall not meet the next one only then."""
    assert places({"limit": 0, "txet": 1, "tags": [1, "a", 2]}) == ["limit", "txet", "tags[0]", "tags[2]"]


def test_a_slip_of_the_pen_is_recognised() -> None:
    """The message names the field that was probably meant."""
    with pytest.raises(InvalidInput, match="Did you mean 'min_similarity'"):
        parse_search({"min_similarty": 0.5})


@pytest.mark.parametrize("told", ["Ynl0ZXM=", "Ynl0ZXM", "Ynl0\nZXM=\n", "data:image/jpeg;base64,Ynl0ZXM=", "DATA:;base64,Ynl0ZXM="])
def test_base64_comes_in_all_its_spellings(told: str) -> None:
    """With and without padding, line breaks, and the prefix that browsers put before it."""
    assert parse_picture({"picture": {"base64": told}}) == Like(content=b"bytes")


def test_an_empty_filter_is_everything() -> None:
    """{} as a filter is what a page sends where nothing is chosen."""
    assert parse_search({"filter": {}}).filter == All()


def test_facets_are_bounded() -> None:
    """Fifty fields are enough for any page."""
    with pytest.raises(InvalidInput):
        parse_facets([f"field {number}" for number in range(51)])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*SEARCH_FIELDS, "picture", "box", "field", "gte", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from(SEARCH_FIELDS), JSON, max_size=5))
def test_any_json_is_a_search_or_invalid_input(told: dict[str, Any]) -> None:
    """Nothing that JSON can say makes the parser fall over; what it refuses has a place inside what was sent."""
    problems: tuple[Problem, ...] = ()
    try:
        parse_search(json.loads(json.dumps(told)))
    except InvalidInput as error:
        problems = error.problems
    assert all(problem.at.partition(".")[0].partition("[")[0] in told for problem in problems)
