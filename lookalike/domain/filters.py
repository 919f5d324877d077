"""The filter language of interfaces.md: parsed once, understood alike by every engine."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lookalike.domain import values
from lookalike.domain.product import CATEGORY_JOINT, PRODUCT_FIELDS, SEEN_FIELDS, category_path
from lookalike.domain.values import Scalar
from lookalike.errors import InvalidInput

DEEPEST = 32
MOST_VALUES = 50_000
_EDGES = ("gt", "gte", "lt", "lte")
OWN_FIELDS = frozenset(PRODUCT_FIELDS) - {"attributes", "pictures"} | frozenset(SEEN_FIELDS)


@dataclass(frozen=True, slots=True)
class Match:
    """Any element of the field equals any of `values`: exact, case and all; 1 is 1.0 but not true.

    On `category` a value takes the path itself and all below it. `created` compares as instants: its values are seconds.
    No values: nothing matches.
    """

    field: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """Some one element of the field is a number within all the given edges (`created`: seconds since 1970)."""

    field: str
    gt: float | None = None
    gte: float | None = None
    lt: float | None = None
    lte: float | None = None

    def holds(self, value: float) -> bool:
        """Whether one number lies within."""
        return (
            (self.gt is None or value > self.gt)
            and (self.gte is None or value >= self.gte)
            and (self.lt is None or value < self.lt)
            and (self.lte is None or value <= self.lte)
        )


@dataclass(frozen=True, slots=True)
class Exists:
    """The field has at least one element."""

    field: str


@dataclass(frozen=True, slots=True)
class Not:
    """What `part` does not take: products that lack the field included."""

    part: "Filter"


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; no parts: everything."""

    parts: tuple["Filter", ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds; no parts: nothing."""

    parts: tuple["Filter", ...] = ()


Filter = Match | Range | Exists | Not | All | AnyOf
EVERYTHING = All()


def canonical_field(name: str) -> str:
    """`brand` → `brand`, `size` → `attributes.size`, `attributes.brand` → itself: one name for one thing."""
    if name in OWN_FIELDS or name.startswith("attributes."):
        return name
    return f"attributes.{name}"


def parse_filter(told: object, at: str = "filter") -> Filter:
    """The filter that a JSON object means. Raises: InvalidInput, with the place ("filter.all[1].price.gte")."""
    budget = [MOST_VALUES]
    return _parse(told, at, 0, budget)


def _parse(told: object, at: str, depth: int, budget: list[int]) -> Filter:
    if depth > DEEPEST:
        raise InvalidInput.at(at[:200], f"The filter is nested deeper than {DEEPEST} levels.")
    given = values.mapping(told, at)
    parts = tuple(_clause(name, value, f"{at}.{name}"[:300], depth, budget) for name, value in given.items())
    return parts[0] if len(parts) == 1 else All(parts)


def _clause(name: str, value: Any, at: str, depth: int, budget: list[int]) -> Filter:
    budget[0] -= 1
    if budget[0] < 0:
        raise InvalidInput.at(at, f"The filter holds more than {MOST_VALUES:,} values.")
    if name in ("all", "any"):
        parts = tuple(_parse(one, f"{at}[{n}]", depth + 1, budget) for n, one in enumerate(values.array(value, at, MOST_VALUES)))
        return All(parts) if name == "all" else AnyOf(parts)
    if name == "not":
        return Not(_parse(value, at, depth + 1, budget))
    if name == "exists":
        return Exists(canonical_field(values.text(value, at, 200)))
    field = canonical_field(values.text(name, at, 200))
    if isinstance(value, Mapping):
        return _range(field, value, at)
    options = value if isinstance(value, list) else [value]
    budget[0] -= len(options)
    if budget[0] < 0:
        raise InvalidInput.at(at, f"The filter holds more than {MOST_VALUES:,} values.")
    where = [f"{at}[{n}]" for n in range(len(options))] if isinstance(value, list) else [at]
    return Match(field, tuple(_option(field, one, place) for one, place in zip(options, where, strict=True)))


def _option(field: str, value: object, at: str) -> Scalar:
    if value is None:
        raise InvalidInput.at(at, 'Found null; for products without the field write {"not": {"exists": "FIELD"}}.')
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return values.number(value, at)
    told = values.text(value, at, 100_000)
    if field == "category":
        return category_path(told, at)
    if field == "created":
        return _edge(field, told, at)
    return told


def _edge(field: str, value: object, at: str) -> float:
    if field != "created":
        return values.number(value, at)
    if isinstance(value, str):
        try:
            return values.instant(values.text(value, at, 64))
        except ValueError:
            pass
    raise InvalidInput.at(at, f"Found {values.shown(value)}; a time is ISO 8601, such as 2026-11-21T09:30:00Z.")


def _range(field: str, told: Mapping[str, Any], at: str) -> Filter:
    if not told:
        raise InvalidInput.at(at, "An empty range; give gt, gte, lt or lte.")
    unknown = [name for name in told if name not in _EDGES]
    if unknown:
        raise InvalidInput.at(
            f"{at}.{ascii(unknown[0])[1:-1]}"[:300], f"A range has {', '.join(_EDGES)}; found {values.shown(unknown[0])}."
        )
    return Range(field, **{name: _edge(field, value, f"{at}.{name}") for name, value in told.items()})


def conjuncts(rule: Filter) -> tuple[Filter, ...]:
    """The clauses that all must hold: the entries of the top-level `all`, one level of nesting opened."""
    if not isinstance(rule, All):
        return (rule,)
    opened: list[Filter] = []
    for part in rule.parts:
        opened += conjuncts(part) if isinstance(part, All) else [part]
    return tuple(opened)


def own_field(rule: Filter) -> str | None:
    """The field that a clause is about, where it is a plain one or the `not` of a plain one."""
    if isinstance(rule, Not):
        rule = rule.part
    return rule.field if isinstance(rule, Match | Range | Exists) else None


def without_field(rule: Filter, field: str) -> Filter:
    """The filter less its top-level clauses about `field`: what a multi-select facet of that field counts."""
    return All(tuple(part for part in conjuncts(rule) if own_field(part) != field))


def both(*rules: Filter) -> Filter:
    """All of them, flat, so that `conjuncts` sees every clause."""
    return All(tuple(part for rule in rules for part in conjuncts(rule)))


def fields_of(rule: Filter) -> Iterator[str]:
    """Every field that the filter asks about."""
    if isinstance(rule, Match | Range | Exists):
        yield rule.field
    elif isinstance(rule, Not):
        yield from fields_of(rule.part)
    else:
        for part in rule.parts:
            yield from fields_of(part)


def fits(rule: Filter, read: Callable[[str], tuple[Scalar, ...]]) -> bool:
    """Whether a product fits, as plainly as can be: the meaning that engines must agree with.

    `read` gives a field's elements: () where it is missing, instants in seconds for `created`.
    """
    if isinstance(rule, All):
        return all(fits(part, read) for part in rule.parts)
    if isinstance(rule, AnyOf):
        return any(fits(part, read) for part in rule.parts)
    if isinstance(rule, Not):
        return not fits(rule.part, read)
    found = read(rule.field)
    if isinstance(rule, Exists):
        return bool(found)
    if isinstance(rule, Range):
        return any(rule.holds(one) for one in found if not isinstance(one, bool | str))
    if rule.field == "category":
        return any(below(str(one), str(option)) for one in found for option in rule.values)
    return any(one == option and isinstance(one, bool) == isinstance(option, bool) for one in found for option in rule.values)


def below(path: str, ancestor: str) -> bool:
    """Whether a category path is `ancestor` or lies below it."""
    return path == ancestor or path.startswith(ancestor + CATEGORY_JOINT)
