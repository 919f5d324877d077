"""The figures of `evaluate`, against values computed by hand."""

import math

import pytest

from lookalike.errors import InvalidInput
from lookalike.services.evaluate import parse_known_query, scores


def test_figures_agree_with_hand_computed_ones() -> None:
    """Five hits, three relevant of which one is not found; one has grade 3."""
    told = scores(["a", "x", "b", "y", "z"], {"a": 1, "b": 3, "c": 1}, cuts=(1, 2, 5))
    assert told["recall@1"] == pytest.approx(1 / 3)
    assert told["recall@5"] == pytest.approx(2 / 3)
    assert (told["P@1"], told["P@2"], told["P@5"]) == (1, 0.5, 0.4)
    assert told["mAP"] == pytest.approx((1 / 1 + 2 / 3) / 3)
    ideal = 7 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert told["nDCG@5"] == pytest.approx((1 / math.log2(2) + 7 / math.log2(4)) / ideal)
    assert told["MRR"] == 1


def test_edges() -> None:
    """Nothing relevant, nothing found, fewer hits than asked for."""
    assert set(scores(["a"], {}).values()) == {0}
    assert set(scores([], {"a": 1}).values()) == {0}
    short = scores(["x", "a"], {"a": 1}, cuts=(10,))
    assert (short["P@10"], short["recall@10"], short["MRR"], short["mAP"]) == (0.1, 1, 0.5, 0.5)


@pytest.mark.parametrize(
    ("told", "at"),
    [
        *(
            ({}, "relevant"),
            ({"relevant": ["a"], "limit": 5}, "limit"),
            ({"relevant": "a"}, "relevant"),
            ({"grades": {"a": -1}}, "grades.a"),
        ),
        *(({"relevant": ["a"], "query": {"limit": 0}}, "query.limit"), ({"relevant_if": {"price": {"near": 5}}}, "relevant_if")),
    ],
)
def test_lines_are_checked(told: object, at: str) -> None:
    """With the place that is wrong."""
    with pytest.raises(InvalidInput) as caught:
        parse_known_query(told)
    assert caught.value.problems[0].at.startswith(at)
