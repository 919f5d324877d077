"""What a query finds, and the score of each leg: arrays over slots."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.domain import fusion
from lookalike.domain.filters import Filter
from lookalike.domain.product import CATEGORY_JOINT
from lookalike.domain.query import EngineQuery
from lookalike.engines.embedded import text
from lookalike.engines.embedded.columns import Mask
from lookalike.engines.embedded.database import Database
from lookalike.engines.embedded.originals import Floats, Originals, Rows
from lookalike.engines.embedded.sieve import Sieve
from lookalike.engines.embedded.state import State
from lookalike.engines.legs import Legs

Slots = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Nearest:
    """For some slots the cosine of their nearest object, its row, and the cosine of its colours; row -1: no vectors."""

    cosines: Floats
    rows: Rows
    colours: Floats


class Candidates:
    """One query against one state."""

    def __init__(self, state: State, database: Database, query: EngineQuery, legs: Legs) -> None:
        self.state, self.query, self.legs = state, query, legs
        self.cut = False
        """Whether `mask` may lack some that are similar enough: only the nearest were looked at."""
        self._size = state.size
        self._seen: Mask | None = None
        self._compared: tuple[Slots, Nearest] | None = None
        """The last slots that were compared one by one, ascending: those that are shown are among them."""
        self._sieve = Sieve(state, legs.not_tags)
        allowed = self._sieve.allowed(query.filter)
        self.text = self.tags = self.category = np.empty(0, np.float32)  # nobody reads those of a leg that was not asked for
        self._texted: Mask = np.empty(0, np.bool_)
        if "text" in legs.weights:
            self.text, self._texted = text.scores(database, legs.words.values(), allowed)
        if "tags" in legs.weights:
            self.tags = state.tags.scores(legs.tags, self._size)
        if "category" in legs.weights:
            self.category = category_scores(state, query.categories)
        self._matched = self._matching()
        self._similar = self._similar_enough(allowed)
        self.mask = self._found(allowed)
        self.active = {leg: weight for leg, weight in legs.weights.items() if (self.mask & self.found_by(leg)).any()}

    def counted(self, rule: Filter) -> Mask:
        """What the query finds under another filter."""
        return self._found(self._sieve.allowed(rule))

    def found_by(self, leg: str) -> Mask:
        """The slots that a leg finds, whatever the filter."""
        if leg in ("picture", "colour"):
            return self.seen()
        if leg == "text":
            return self._texted
        return np.asarray((self.tags if leg == "tags" else self.category) > 0)

    def seen(self) -> Mask:
        """The slots with vectors. Not to be written to."""
        if self._seen is None:
            vectors = self.state.vectors
            self._seen = np.zeros(self._size, np.bool_) if vectors is None else vectors.having(self._size)
        return self._seen

    def worded(self) -> Slots:
        """The candidates that words or tags find."""
        found = [self.found_by(leg) for leg in ("text", "tags") if leg in self.active]
        return np.flatnonzero(self.mask & np.logical_or.reduce(found)) if found else np.empty(0, np.intp)

    def nearest(self, slots: Slots) -> Nearest:
        """What of each product comes nearest to the query's picture; without one, to its colours."""
        vectors, query = self.state.vectors, self.query
        if vectors is None or (query.vector is None and query.colour is None):
            return unseen(len(slots))
        if self._compared is not None:
            known, nearest = self._compared
            at = np.minimum(np.searchsorted(known, slots), len(known) - 1)
            if np.array_equal(known[at], slots):
                return Nearest(nearest.cosines[at], nearest.rows[at], nearest.colours[at])
        rows, owners = vectors.rows_of(slots)
        asked = query.vector
        cosines = self._colour_cosines(vectors.colours, rows) if asked is None else vectors.pictures.cosines(asked, rows)
        found = self._best(len(slots), rows, owners, cosines)
        if len(slots) and (slots[1:] > slots[:-1]).all():
            self._compared = slots, found
        return found

    def all_nearest(self, mask: Mask) -> tuple[Slots, Nearest]:
        """`nearest` of all the slots of a mask that have vectors, in one scan."""
        vectors, query = self.state.vectors, self.query
        slots = np.flatnonzero(mask & self.seen())
        half = None if vectors is None else vectors.pictures if query.vector is not None else vectors.colours
        asked = query.vector if query.vector is not None else query.colour
        if vectors is None or half is None or asked is None or len(slots) <= FEW:
            return slots, self.nearest(slots)
        chosen = vectors.mask(mask)
        rows, cosines = half.nearest(asked, len(vectors) if chosen is None else int(np.count_nonzero(chosen)), chosen)
        order = np.argsort(rows)
        place = np.full(self._size, -1, np.intp)
        place[slots] = np.arange(len(slots))
        rows = rows[order]
        owners = place[vectors.slots()[rows]]
        return slots, self._best(len(slots), rows, owners, cosines[order])

    def scores(self, slots: Slots, nearest: Nearest) -> Floats:
        """The weighted mean of the active legs."""
        parts = [(weight, self.leg(leg, slots, nearest)) for leg, weight in self.active.items()]
        return fusion.mean(parts, len(slots))

    def leg(self, leg: str, slots: Slots, nearest: Nearest) -> Floats:
        """The scores of one leg for some slots; 0 where it finds nothing."""
        if leg in ("picture", "colour"):
            score = fusion.picture_score(nearest.cosines) if leg == "picture" else fusion.colour_score(nearest.colours)
            return np.where(nearest.rows >= 0, score, np.float32(0))
        return np.asarray({"text": self.text, "tags": self.tags, "category": self.category}[leg][slots])

    def _best(self, size: int, rows: Rows, owners: Slots, cosines: Floats) -> Nearest:
        """The best row of each owner; of equal ones the first. `rows` ascend within an owner."""
        none = unseen(size)
        best, chosen, colours = none.cosines, none.rows, none.colours
        if len(owners) == size and np.array_equal(owners, np.arange(size)):  # one object each, as in most catalogues
            best, chosen = cosines, rows
        else:
            np.maximum.at(best, owners, cosines)
            first = np.flatnonzero(cosines == best[owners])[::-1]
            chosen[owners[first]] = rows[first]  # the first one is written last
        if self.query.colour is not None and self.state.vectors is not None:
            having = np.flatnonzero(chosen >= 0)
            colours[having] = self._colour_cosines(self.state.vectors.colours, chosen[having])
        return Nearest(best, chosen, colours)

    def _colour_cosines(self, colours: Originals | None, rows: Rows) -> Floats:
        if colours is None or self.query.colour is None:
            return np.zeros(len(rows), np.float32)
        return colours.cosines(self.query.colour, rows)

    def _matching(self) -> Mask:
        asked = self.legs.weights
        if not asked:
            return np.ones(self._size, np.bool_)
        found = [self.found_by(leg) for leg in asked if leg != "category" or self.legs.sole_category]
        return found[0] if len(found) == 1 else np.asarray(np.logical_or.reduce([np.zeros(self._size, np.bool_), *found]))

    def _similar_enough(self, allowed: Mask) -> Mask | None:
        least, vector, vectors = self.query.min_similarity, self.query.vector, self.state.vectors
        if least is None or vector is None:
            return None
        found = np.zeros(self._size, np.bool_)
        if vectors is None or vectors.codes is None or self.query.strategy == "exact":
            slots, nearest = self.all_nearest(self.state.alive())
            close = slots[nearest.cosines >= least - NOISE]
        else:
            rows, distances = vectors.codes.within(vector, least, _SPREAD)
            if len(rows) > MOST_SIMILAR:
                kept = np.append(allowed, False)[vectors.slots()[rows]]
                rows, distances = rows[kept], distances[kept]
            if len(rows) > MOST_SIMILAR:
                self.cut = True
                rows = rows[np.argpartition(distances, MOST_SIMILAR)[:MOST_SIMILAR]]
            close = np.unique(vectors.slots()[rows]).astype(np.intp)
            close = close[close >= 0]
        found[close] = self.nearest(close).cosines >= np.float32(least)
        return found

    def _found(self, allowed: Mask) -> Mask:
        found = allowed & self._matched
        return found if self._similar is None else found & self._similar


FEW = 2000
"""So many products are scored one by one faster than by a scan."""

MOST_SIMILAR = 20_000
"""So many of the nearest are compared with a least similarity; where more may reach it, the total is told as a lower bound."""

_SPREAD = 4.5
"""Standard deviations by which a code may be farther than its vector: one in 300,000 is beyond."""

NOISE = 1e-5
"""More than float32 sums can differ by."""


def unseen(size: int) -> Nearest:
    """For so many products without vectors, or where nobody asks for them."""
    return Nearest(np.full(size, -2, np.float32), np.full(size, -1, np.intp), np.zeros(size, np.float32))


def category_scores(state: State, categories: Mapping[str, float]) -> Floats:
    """`fusion.category_score` of every slot: a step in common with a prediction is the same as lying below that step."""
    column = state.column("category")
    if column is None:
        return np.zeros(state.size, np.float32)
    shares: dict[str, float] = {}
    for path, probability in categories.items():
        steps = path.split(CATEGORY_JOINT)
        for depth in range(1, len(steps) + 1):
            prefix = CATEGORY_JOINT.join(steps[:depth])
            shares[prefix] = shares.get(prefix, 0.0) + probability / len(steps)
    table = column.prefix_table(shares)
    return np.asarray(np.minimum(1.0, table)[column.dense(state.size)], np.float32)
