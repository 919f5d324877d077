"""How many of the ten nearest the codes find: measured on the index itself."""

import numpy as np

from lookalike.domain.fusion import unit
from lookalike.engines.embedded.codes import Codes
from lookalike.engines.embedded.columns import Mask
from lookalike.engines.embedded.originals import Floats
from lookalike.engines.embedded.ranking import looked_at, reranked
from lookalike.engines.embedded.state import State
from lookalike.engines.embedded.vectors import Vectors

_QUERIES = 16
_NEAREST = 10
_SEED = 11
_AWAY = 0.5
"""A query lies so far from a product's vector, as a length beside 1: a photo of a thing is not the shop's picture of it."""
_ROUNDING = 1e-5


def keep_known(state: State, changed: float) -> None:
    """Measure where it was not yet, or where the index has `changed` times the rows that it had, or fewer by as much.

    It costs 25 ms a query and million rows.
    """
    vectors = state.vectors
    if vectors is None or vectors.codes is None or not vectors.products:
        state.recall = None
        return
    known = state.recall
    if known is not None and known["recall_products"] / changed < vectors.products < known["recall_products"] * changed:
        return
    noise = np.random.default_rng(_SEED)
    alive = vectors.slots() >= 0
    tenth = alive & (noise.random(len(vectors)) < 0.1)
    queries = [_near(vectors, int(row), noise) for row in noise.choice(np.flatnonzero(alive), _QUERIES)]
    state.recall = {
        "recall": float(np.mean([_found(vectors, vectors.codes, one, None if alive.all() else alive) for one in queries])),
        "recall_in_a_tenth": float(np.mean([_found(vectors, vectors.codes, one, tenth) for one in queries])),
        "recall_queries": _QUERIES,
        "recall_products": vectors.products,
    }


def _near(vectors: Vectors, row: int, noise: np.random.Generator) -> Floats:
    return unit(vectors.pictures.read(np.array([row]))[0] + _AWAY * unit(noise.normal(size=vectors.dimension)))


def _found(vectors: Vectors, codes: Codes, query: Floats, chosen: Mask | None) -> float:
    """The share of the ten nearest that are among the rows that codes bring."""
    _, best = vectors.pictures.nearest(query, _NEAREST, chosen)
    if not len(best):
        return 1.0
    rows, _ = codes.nearest(query, reranked(looked_at(0, len(vectors)), len(vectors), chosen), chosen)
    return int(np.count_nonzero(vectors.pictures.cosines(query, rows) >= best[-1] - _ROUNDING)) / len(best)
