"""The order of what was found, best first, in segments: the first ones are cheap, the last one holds all the rest.

A page token names its segment. Each segment's members depend on the query alone, so that pages join without holes or repeats.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.domain import fusion
from lookalike.engines.embedded.candidates import FEW, NOISE, Candidates, Slots, unseen
from lookalike.engines.embedded.columns import Mask
from lookalike.engines.embedded.originals import Floats, Originals
from lookalike.engines.embedded.vectors import Vectors

LADDER = (600, 2400)
"""So many of the nearest products the first two segments look at. 600 hold the 10 best at a recall of .99 (see
docs/decisions), 2,400 leave 1,000 that are surely in order. With codes each further one looks at four times as many, so that a
page costs what its depth asks for."""
_FEWER = 200_000, 2 / 3
"""Up to so many rows this share of the first segment will do: at 100,000 rows 400 hold the 10 best at a recall of .999, and of .994
where a filter leaves a tenth; at 1,000,000 it takes 600 for .98."""
_FILTERED = 1.5
_FEW_LEFT = 0.25
"""So many times as many where a filter leaves less than this share: neighbours are farther then, and codes tell far ones apart less
well."""
REST = 99
"""The number of the last segment."""
_WIDER = (4, 2)
"""Where category or colours have a say, so many times the nearest are looked at with them, by codes alone."""
_DOMINANT = 0.5
"""A leg with more than this share of the picture's weight brings its own nearest: few of them are among the picture's."""

_VISUAL = frozenset({"picture", "colour"})
DEAR = 10
"""What a product costs in a search that cannot scan all vectors in one go, against one that can."""

_MOST_WORDED = 2000
_SCATTER = 2_654_435_761
"""A prime: its multiples, modulo any smaller number, are distinct places all over. Every hundredth would meet what a catalogue repeats."""
_SURE = 0.75
"""Codes find the farther of their rows by luck: what scores below this share of them waits for the next segment."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Some products with their scores, in no order; `number` names the segment in page tokens."""

    number: int
    slots: Slots
    scores: Floats


@dataclass(frozen=True, slots=True)
class Plan:
    """How a search is done: `strategy` is what the answer says, `chosen` are the rows of the candidates (None: all)."""

    strategy: str
    coarse: bool
    chosen: Mask | None = None
    count: int = 0


def plan(found: Candidates, exact_below: int) -> Plan:
    """Exact unless there are codes and too many candidates."""
    vectors = found.state.vectors
    count = int(np.count_nonzero(found.mask & found.seen()))
    if vectors is None or not _VISUAL & found.active.keys() or count <= FEW:
        return Plan("exact", coarse=False, count=count)
    chosen = vectors.mask(found.mask)
    if vectors.codes is None or found.query.strategy == "exact" or "picture" not in found.active:
        return Plan("exact", coarse=False, chosen=chosen, count=count)
    # faiss walks chosen rows one by one, and legs that touch every product leave no short cut: many times the cost
    dear = chosen is not None or {"category", "colour"} & found.active.keys() or len(found.worded()) > _MOST_WORDED
    coarse = count * (DEAR if dear else 1) > exact_below
    return Plan("codes" if coarse else "exact", coarse, chosen, count)


def segments(found: Candidates, how: Plan, start: int) -> Iterator[Segment]:
    """From rung `start` of the ladder on; what a segment holds, the later ones leave out."""
    done = np.zeros(found.state.size, np.bool_)
    vectors = found.state.vectors
    if vectors is not None and _VISUAL & found.active.keys() and how.count > FEW:
        for number in range(start, REST):
            products = looked_at(number, len(vectors))
            if number >= len(LADDER) and (not how.coarse or 2 * products > how.count):
                break
            best = _best(found, vectors, how, number, products)
            if best is None:
                break
            slots, scores = best
            fresh = ~done[slots]
            yield Segment(number, slots[fresh], scores[fresh])
            done[slots] = True
    yield _rest(found, ~done)


def _best(found: Candidates, vectors: Vectors, how: Plan, number: int, products: int) -> tuple[Slots, Floats] | None:
    """About so many of the best with their scores; None where only a scan of all can tell which they are."""
    most = min(len(vectors), products * -(-len(vectors) // max(1, vectors.products)))
    worded = found.worded()
    if how.coarse:
        near = _coarse(found, vectors, how, number, reranked(most, len(vectors), how.chosen))
        if len(worded) > _MOST_WORDED:
            partial = found.scores(worded, unseen(len(worded)))
            worded = worded[np.argpartition(-partial, _MOST_WORDED)[:_MOST_WORDED]]
    else:
        if {"category", *_VISUAL} - {_primary(found)} & found.active.keys() or len(worded) > _MOST_WORDED:
            return None
        rows, cosines = _index(found, vectors).nearest(_asked(found), most, how.chosen)
        near = vectors.slots()[rows].astype(np.intp)
    slots = distinct(np.concatenate([near, worded]))
    scores = found.scores(slots, found.nearest(slots))
    if how.coarse:
        own = np.sort(scores[np.isin(slots, near)] if len(worded) else scores)
        bound = own[int(len(own) * (1 - _SURE))] if len(own) else -1.0
    else:
        bound = -1.0 if len(rows) < most else _score_of(found, float(cosines[-1]) + NOISE)
    return slots[scores > bound], scores[scores > bound]


def distinct(slots: Slots) -> Slots:
    """Each once, ascending: for hundreds of them a quarter of the time of `np.unique`."""
    found = np.sort(slots)
    return found[np.append(True, found[1:] != found[:-1])] if len(found) else found


def looked_at(number: int, rows: int) -> int:
    """How many of the nearest products a segment looks at."""
    few, share = _FEWER
    if number == 0 and rows <= few:
        return int(LADDER[0] * share)
    return LADDER[number] if number < len(LADDER) else LADDER[-1] * 4 ** (number - len(LADDER) + 1)


def reranked(most: int, rows: int, chosen: Mask | None) -> int:
    """How many rows codes have to bring, so that the best of `most` are surely among them."""
    sparse = chosen is not None and np.count_nonzero(chosen) < _FEW_LEFT * rows
    return min(rows, int(most * _FILTERED) if sparse else most)


def _coarse(found: Candidates, vectors: Vectors, how: Plan, number: int, most: int) -> Slots:
    """What short codes find nearest; where category and colours count, the best by all three among several times as many."""
    codes, active = vectors.codes, found.active
    assert codes is not None
    if not {"category", "colour"} & active.keys():
        return np.asarray(vectors.slots()[codes.nearest(_asked(found), most, how.chosen)[0]], np.intp)
    wider = _WIDER[number] if number < len(_WIDER) else 2
    rows, distances = codes.nearest(_asked(found), min(len(vectors), wider * most), how.chosen)
    owners = np.asarray(vectors.slots()[rows], np.intp)
    guess = active["picture"] * fusion.picture_score(codes.cosines(distances))
    for leg in ("category", "text", "tags"):
        if leg in active:
            guess += active[leg] * found.leg(leg, owners, unseen(0))
    if "colour" in active and vectors.colours is not None and found.query.colour is not None:
        guess += active["colour"] * fusion.colour_score(vectors.colours.read(rows) @ found.query.colour)
    near = [owners[np.argpartition(-guess, most)[:most]] if len(owners) > most else owners]
    if active.get("category", 0.0) > _DOMINANT * active["picture"]:
        rows, _ = codes.nearest(_asked(found), most, vectors.mask(found.mask & (found.category > 0)))
        near.append(np.asarray(vectors.slots()[rows], np.intp))
    if active.get("colour", 0.0) > _DOMINANT * active["picture"] and vectors.colours is not None and found.query.colour is not None:
        rows, _ = vectors.colours.nearest(found.query.colour, most, how.chosen)
        near.append(np.asarray(vectors.slots()[rows], np.intp))
    return np.concatenate(near)


def _primary(found: Candidates) -> str:
    return "picture" if "picture" in found.active else "colour"


def _index(found: Candidates, vectors: Vectors) -> Originals:
    half = vectors.pictures if "picture" in found.active else vectors.colours
    assert half is not None
    return half


def _asked(found: Candidates) -> Floats:
    asked = found.query.vector if "picture" in found.active else found.query.colour
    assert asked is not None
    return asked


def _score_of(found: Candidates, cosine: float) -> float:
    """The score of a product that only the nearest leg finds, with that cosine."""
    leg = _primary(found)
    score = fusion.picture_score if leg == "picture" else fusion.colour_score
    return found.active[leg] * float(score(np.array([cosine], np.float32))[0]) / sum(found.active.values())


def _rest(found: Candidates, remaining: Mask) -> Segment:
    mask = found.mask & remaining
    slots = np.flatnonzero(mask)
    if not _VISUAL & found.active.keys():
        return Segment(REST, slots, found.scores(slots, unseen(len(slots))))
    scores = np.empty(found.state.size, np.float32)
    seen, nearest = found.all_nearest(mask)
    scores[seen] = found.scores(seen, nearest)
    blind = np.flatnonzero(mask & ~found.seen())
    scores[blind] = found.scores(blind, unseen(len(blind)))
    return Segment(REST, slots, scores[slots])


def best_first(keys: NDArray[np.float64], slots: Slots, ties: Callable[[Slots], NDArray[np.float64]], most: int | None = None) -> Slots:
    """The places of the smallest keys in order, equal ones by `ties` of their slots: all, or at least the first `most`."""
    places = np.arange(len(keys))
    if most is not None and len(keys) > 4 * most:
        # what is among the first of some is no worse than the last of all that are wanted; so many, that what both leave is little
        size = max(2 * most, math.isqrt(len(keys) * most))
        some = keys.take(np.arange(size) * _SCATTER % len(keys))
        places = np.flatnonzero(keys <= np.partition(some, most)[most])
        if len(places) > 4 * most:
            places = places[keys[places] <= np.partition(keys[places], most)[most]]
    return np.asarray(places[np.lexsort((ties(slots[places]), keys[places]))])
