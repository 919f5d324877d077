"""How values are ordered, printed and counted: what all engines answer alike."""

from collections.abc import Iterable, Mapping, Sequence

from lookalike.domain.product import CATEGORY_JOINT
from lookalike.domain.query import FacetCount, FacetRequest
from lookalike.domain.values import Scalar

NEWEST_FIRST = "created"

Key = tuple[int, Scalar]


def order_key(value: Scalar) -> Key:
    """Sorts any two values: false, true, then numbers, then strings by code point. Equal values have equal keys, typed."""
    if isinstance(value, bool):
        return 0, value
    return (2, value) if isinstance(value, str) else (1, value)


def plain_number(value: float) -> float:
    """25.0 → 25, so that it prints without a trailing .0."""
    return int(value) if float(value).is_integer() else value


def plain(value: Scalar) -> Scalar:
    """A value as a facet shows it."""
    return value if isinstance(value, bool | str) else plain_number(value)


def level(path: str, depth: int | None) -> str:
    """The first `depth` steps of a category path."""
    return path if depth is None else CATEGORY_JOINT.join(path.split(CATEGORY_JOINT)[:depth])


def spans(edges: Sequence[float]) -> list[tuple[float, float | None]]:
    """[0, 25, 50] → (0, 25), (25, 50), (50, None): from included, to excluded."""
    return [(low, high) for low, high in zip(edges, [*edges[1:], None], strict=True) if high is None or low < high]


def span_count(low: float, high: float | None, count: int) -> FacetCount:
    """One range with its count: "25-50", or "50-" where it is open."""
    low = plain_number(low)
    if high is None:
        return FacetCount(f"{low}-", count, low)
    high = plain_number(high)
    return FacetCount(f"{low}-{high}", count, low, high)


def ordered_counts(counts: Mapping[Key, int], request: FacetRequest) -> tuple[FacetCount, ...]:
    """The most frequent first, equal ones by value; `request.limit` at most."""
    best = sorted((-count, key) for key, count in counts.items() if count)[: request.limit]
    return tuple(FacetCount(plain(key[1]), -count) for count, key in best)


def suggestion_order(found: Iterable[tuple[str, str, int]], prefix: str) -> list[tuple[str, str, int]]:
    """Best first: what starts with the prefix itself, then the more frequent, brands and categories before titles."""
    kinds = {"brand": 0, "category": 1, "tag": 2, "title": 3}
    from lookalike.engines.words import folded

    return sorted(found, key=lambda one: (not folded(one[0]).startswith(prefix), -one[2], kinds[one[1]], one[0]))
