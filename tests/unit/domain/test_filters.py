"""The filter language: anything parses to a filter or to a sentence with a place."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.domain import filters
from lookalike.domain.filters import All, AnyOf, Exists, Filter, Match, Not, Range, parse_filter
from lookalike.errors import InvalidInput
from lookalike.testing.documents import make_documents, make_filter

NAMES = st.sampled_from(["all", "any", "not", "exists", "brand", "category", "created", "price", "size", "attributes.x", "id", ""])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just("2026-01-01"))
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(NAMES, st.sampled_from(["gt", "gte", "lt", "lte"]), st.text(max_size=8)), inner, max_size=4),
    ),
    max_leaves=25,
)


@given(JSON)
def test_any_json_is_a_filter_or_a_sentence(told: object) -> None:
    rule: Filter
    try:
        rule = parse_filter(told)
    except InvalidInput as error:
        problems, rule = error.problems, Not(All())
    else:
        problems = ()
    assert all(problem.at.startswith("filter") and problem.message for problem in problems)
    document = make_documents(1, 1)[0]
    assert filters.fits(Not(rule), document.read) is not filters.fits(rule, document.read)


@given(st.integers())
def test_taking_filters_apart_keeps_their_meaning(seed: int) -> None:
    rng = random.Random(seed)
    documents = make_documents(2, 30)
    rule = All((make_filter(rng, documents), All((make_filter(rng, documents), make_filter(rng, documents)))))
    for one in documents:
        assert filters.fits(rule, one.read) == all(filters.fits(part, one.read) for part in filters.conjuncts(rule))
        assert filters.fits(filters.both(rule, rule), one.read) == filters.fits(rule, one.read)
        field = rng.choice(list(filters.fields_of(rule)) or ["brand"])
        assert filters.fits(filters.without_field(rule, field), one.read) >= filters.fits(rule, one.read)


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({"brand": "Acme"}, Match("brand", ("Acme",))),
        ({"size": [1, 2]}, Match("attributes.size", (1, 2))),
        ({"brand": "A", "price": {"gte": 3}}, All((Match("brand", ("A",)), Range("price", gte=3)))),
        ({"category": "Clothing>Shoes"}, Match("category", ("Clothing > Shoes",))),
        ({"created": "1970-01-01T00:01:00Z"}, Match("created", (60.0,))),
        ({"not": {"exists": "fits"}}, Not(Exists("attributes.fits"))),
        ({"any": []}, AnyOf()),
        ({}, All()),
    ],
)
def test_what_filters_mean(told: object, wanted: Filter) -> None:
    assert parse_filter(told) == wanted


@pytest.mark.parametrize(
    ("told", "at"),
    [
        ({"all": [{"price": {"gte": "abc"}}]}, "filter.all[0].price.gte"),
        ({"price": {"above": 3}}, "filter.price.above"),
        ({"brand": None}, "filter.brand"),
        ({"created": "yesterday"}, "filter.created"),
        (json.loads('{"not":' * 900 + "{}" + "}" * 900), "filter"),
        ([], "filter"),
    ],
)
def test_what_is_wrong_is_named(told: object, at: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_filter(told)
    assert caught.value.problems[0].at.startswith(at)
