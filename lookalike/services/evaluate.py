"""How well known queries are answered: recall@k, P@k, mAP, nDCG, MRR, and how fast."""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lookalike.domain import values
from lookalike.domain.filters import Filter, parse_filter
from lookalike.domain.product import product_id
from lookalike.domain.query import LARGEST_LIMIT, EngineQuery, SearchRequest, Sort
from lookalike.domain.query_parsing import parse_search
from lookalike.errors import InvalidInput
from lookalike.ports.engine import SearchEngine
from lookalike.services.search import Searcher

CUTS = (1, 5, 10, 100)
_FIELDS = ("query", "relevant", "grades", "relevant_if", "exclude")


@dataclass(frozen=True, slots=True)
class KnownQuery:
    """A query with what should be found: ids with grades (1 where none is told), or a filter that tells the relevant ones."""

    request: SearchRequest
    grades: Mapping[str, float] = field(default_factory=dict)
    relevant_if: Filter | None = None
    exclude: frozenset[str] = frozenset()


def parse_known_query(told: object, at: str = "") -> KnownQuery:
    """The line of QUERIES.jsonl that a JSON object is. Raises: InvalidInput, with the place."""
    given = values.mapping(told, at)
    for name in given:
        if name not in _FIELDS:
            raise InvalidInput.at(name[:100], f"A line has {', '.join(_FIELDS)}, nothing else.")
    if not given.keys() & {"relevant", "grades", "relevant_if"}:
        raise InvalidInput.at("relevant", "Nothing says what should be found: give relevant, grades or relevant_if.")
    grades = {product_id(one, "relevant"): 1.0 for one in values.array(given.get("relevant", []), "relevant", 1_000_000)}
    for name, grade in values.mapping(given.get("grades", {}), "grades").items():
        grades[product_id(name, "grades")] = values.number(grade, f"grades.{name}", 0, 1000)
    exclude = frozenset(product_id(one, "exclude") for one in values.array(given.get("exclude", []), "exclude", 100_000))
    rule = parse_filter(given["relevant_if"], "relevant_if") if "relevant_if" in given else None
    return KnownQuery(parse_search(given.get("query", {}), "query"), grades, rule, exclude)


def evaluate(queries: Iterable[KnownQuery], searcher: Searcher, engine: SearchEngine, depth: int = 100) -> dict[str, Any]:
    """Means over the queries, each asked for its first `depth` hits, and latencies in ms.

    Raises: InvalidInput where there is no query, and what a search raises.
    """
    sums: dict[str, float] = {}
    times: list[float] = []
    relevant_of = _remembering(lambda rule: _all_of(engine, rule))
    for known in queries:
        wanted = min(LARGEST_LIMIT, depth + len(known.exclude))
        began = time.perf_counter()
        page = searcher.search(replace(known.request, limit=wanted, cursor=None)).page
        times.append((time.perf_counter() - began) * 1000)
        grades = dict(known.grades)
        if known.relevant_if is not None:
            grades = dict.fromkeys(relevant_of(known.relevant_if), 1.0) | grades
        grades = {name: grade for name, grade in grades.items() if grade > 0 and name not in known.exclude}
        ranked = [hit.id for hit in page.hits if hit.id not in known.exclude][:depth]
        for name, figure in scores(ranked, grades, tuple(cut for cut in CUTS if cut <= depth)).items():
            sums[name] = sums.get(name, 0.0) + figure
    if not times:
        raise InvalidInput.at("", "There is no query to evaluate.")
    told: dict[str, Any] = {name: round(total / len(times), 4) for name, total in sums.items()}
    times.sort()
    told["latency_ms"] = {f"p{share}": round(times[min(len(times) - 1, share * len(times) // 100)], 2) for share in (50, 95, 99)}
    return {"queries": len(times), "depth": depth, **told}


def scores(ranked: Sequence[str], grades: Mapping[str, float], cuts: Sequence[int] = CUTS) -> dict[str, float]:
    """The figures of one query, all 0…1. `ranked` best first; `grades` of what is relevant, above 0. 0 all where nothing is.

    recall@k: found share of the relevant · P@k: relevant share of k (fewer hits count as wrong) · AP: mean over all relevant
    of the precision at their place · nDCG@k: gain 2^grade − 1, discount log2(place + 1) · RR: 1 / place of the first.
    """
    right = [name in grades for name in ranked]
    total = len(grades)
    told: dict[str, float] = {}
    for cut in cuts:
        found = sum(right[:cut])
        told[f"recall@{cut}"] = found / total if total else 0.0
        told[f"P@{cut}"] = found / cut
    precision = [sum(right[: place + 1]) / (place + 1) for place, good in enumerate(right) if good]
    told["mAP"] = sum(precision) / total if total else 0.0
    for cut in (one for one in cuts if one > 1):
        ideal = _gain(sorted(grades.values(), reverse=True)[:cut])
        told[f"nDCG@{cut}"] = _gain([grades.get(name, 0.0) for name in ranked[:cut]]) / ideal if ideal else 0.0
    told["MRR"] = next((1 / (place + 1) for place, good in enumerate(right) if good), 0.0)
    return told


def _gain(grades: Sequence[float]) -> float:
    return sum((2**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades))


def _all_of(engine: SearchEngine, rule: Filter) -> frozenset[str]:
    """The ids of all products that a filter leaves."""
    found: list[str] = []
    after: str | None = None
    while True:
        page = engine.search(EngineQuery(filter=rule, sort=Sort("id"), limit=LARGEST_LIMIT, after=after))
        found += [hit.id for hit in page.hits]
        after = page.next
        if after is None:
            return frozenset(found)


def _remembering(work: Callable[[Filter], frozenset[str]]) -> Callable[[Filter], frozenset[str]]:
    """Queries about one category share the list of what is in it; filters hold lists, so their text is the key."""
    known: dict[str, frozenset[str]] = {}

    def look(rule: Filter) -> frozenset[str]:
        key = repr(rule)
        if key not in known:
            known[key] = work(rule)
        return known[key]

    return look
