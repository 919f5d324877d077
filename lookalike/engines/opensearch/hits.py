"""From the sources of products to what a search shows of them: no more is read of them than that."""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lookalike.domain import fusion
from lookalike.domain.analysis import Recipe
from lookalike.domain.query import EngineHit, EngineQuery
from lookalike.engines.opensearch import documents
from lookalike.engines.opensearch.reading import damaged
from lookalike.engines.opensearch.scoring import Json
from lookalike.engines.told import DAMAGED, Place, Told, places_of, product_of, tags_of

_TOLD_ABOVE_0 = frozenset({"tags", "category"})
_NOWHERE = None, None


class Shown(NamedTuple):
    """A product of the page: its source, its score, and what each leg scored it, NaN where nothing. Without legs looks, colours and
    category are computed from the source; and without a score, their mean. `cosine`: of its nearest object, where only looks were
    asked for and OpenSearch has told it."""

    id: str
    source: Json
    score: float | None
    legs: Mapping[str, float] | None = None
    cosine: float | None = None


class _Nearest(NamedTuple):
    """The object of a product that is nearest in looks: where it is, its cosine, and the scores of the legs that are told by vectors."""

    place: Place
    cosine: float
    scores: dict[str, float]


def hits_of(
    shown: Sequence[Shown], query: EngineQuery, tags: Mapping[str, str], recipe: Recipe, active: Mapping[str, float] = {}
) -> tuple[EngineHit, ...]:
    """The hits in order. `tags`: those asked for, as they are shown. `active`: the weights of the legs that found something.

    Raises: IndexDamaged.
    """
    found, whole = [], sum(active.values()) or 1.0
    for one, nearest in zip(shown, _nearest(shown, query, recipe), strict=True):
        try:
            told = one.source["told"]
            picture, place = _NOWHERE if nearest is None else nearest.place
            product = product_of(told["product"])
            legs, score = one.legs or {}, one.score
            if one.legs is None and nearest is not None:
                if "category" in active:
                    nearest.scores["category"] = fusion.category_score(product.category, query.categories)
                legs = {leg: nearest.scores[leg] for leg in active}
            if score is None:
                score = min(1.0, sum(active[leg] * value for leg, value in legs.items()) / whole) if legs else 0.0
            hit = EngineHit(
                product=product,
                score=score,
                version=int(one.source["version"]),
                similarity=None if nearest is None else nearest.cosine,
                picture=picture,
                object=place,
                legs={leg: value for leg, value in legs.items() if value > 0 or (value <= 0 and leg not in _TOLD_ABOVE_0)},
                tags=_asked_for(tags, told) if tags else (),
            )
        except DAMAGED as error:
            raise damaged(one.id, error) from error
        found.append(hit)
    return tuple(found)


def _asked_for(tags: Mapping[str, str], told: Told) -> tuple[str, ...]:
    """Those of the tags asked for that a document has. Raises: DAMAGED."""
    has = tags_of(told)
    return tuple(name for tag, name in tags.items() if tag in has)


def _nearest(shown: Sequence[Shown], query: EngineQuery, recipe: Recipe) -> list[_Nearest | None]:
    """What is nearest of each product; None for one without vectors, and for all where no vector was asked for."""
    if query.vector is None:
        return [None] * len(shown)
    found: list[_Nearest | None] = [None] * len(shown)
    parts: list[NDArray[np.float16]] = []
    compared: list[tuple[int, tuple[Place, ...]]] = []
    for row, one in enumerate(shown):
        try:
            places = places_of(one.source["told"])
            if one.cosine is not None and one.score is not None and len(places) == 1:
                found[row] = _Nearest(places[0], one.cosine, {"picture": one.score})  # which object it is needs no vector
                continue
            halves = documents.halves_of(one.source.get("data"), recipe)
            if len(halves) != len(places):
                raise ValueError("vectors and objects differ in number")
        except DAMAGED as error:
            raise damaged(one.id, error) from error
        if places:
            parts.append(halves)
            compared.append((row, places))
    if not parts:
        return found
    matrix = np.concatenate(parts)
    cosines = dots(matrix[:, : recipe.dimension], query.vector).tolist()
    ends = list(itertools.accumulate(map(len, parts)))
    rows = [max(range(end - len(part), end), key=cosines.__getitem__) for part, end in zip(parts, ends, strict=True)]
    scores = {"picture": fusion.picture_score(np.array([cosines[row] for row in rows], np.float32)).tolist()}
    if query.colour is not None:
        scores["colour"] = fusion.colour_score(dots(matrix[rows, recipe.dimension :], query.colour)).tolist()
    each = [dict(zip(scores, one, strict=True)) for one in zip(*scores.values(), strict=True)]
    for (row, places), end, best, told in zip(compared, ends, rows, each, strict=True):
        found[row] = _Nearest(places[best - end + len(places)], cosines[best], told)
    return found


def dots(matrix: NDArray[np.floating], vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Summed in float64, so that every engine rounds to the same float32."""
    return np.asarray(matrix.astype(np.float64) @ vector.astype(np.float64), np.float32)
