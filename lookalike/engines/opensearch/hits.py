"""From the sources of products to what a search shows of them: no more is read of them than that."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lookalike.domain import fusion
from lookalike.domain.analysis import Recipe
from lookalike.domain.query import EngineHit, EngineQuery
from lookalike.engines.opensearch import documents
from lookalike.engines.opensearch.reading import damaged
from lookalike.engines.opensearch.scoring import Json
from lookalike.engines.told import DAMAGED, places_of, product_of, tags_of

_TOLD_ABOVE_0 = frozenset({"tags", "category"})


class Shown(NamedTuple):
    """A product of the page: its source, its score, and what each leg scored it, NaN where nothing; None where looks, colours and
    category are to be computed from the source."""

    id: str
    source: Json
    score: float
    legs: Mapping[str, float] | None


class _Nearest(NamedTuple):
    """The object of a product that is nearest in looks: its place among the product's, its cosine, and that of its colours."""

    place: int
    cosine: float
    colour: float


def hits_of(
    shown: Sequence[Shown], query: EngineQuery, tags: Mapping[str, str], recipe: Recipe, active: Iterable[str] = ()
) -> tuple[EngineHit, ...]:
    """The hits in order. `tags`: those asked for, as they are shown. `active`: the legs that found something. Raises: IndexDamaged."""
    found = []
    for one, nearest in zip(shown, _nearest(shown, query, recipe), strict=True):
        try:
            told = one.source["told"]
            picture, place = (None, None) if nearest is None else places_of(told)[nearest.place]
            has = tags_of(told) if tags else {}
            product = product_of(told["product"])
            legs = one.legs
            if legs is None and nearest is not None:
                legs = {leg: _score(leg, nearest, product.category, query) for leg in active}
            hit = EngineHit(
                product=product,
                score=one.score,
                version=int(one.source["version"]),
                similarity=None if nearest is None else nearest.cosine,
                picture=picture,
                object=place,
                legs={
                    leg: value for leg, value in (legs or {}).items() if not math.isnan(value) and (value > 0 or leg not in _TOLD_ABOVE_0)
                },
                tags=tuple(name for tag, name in tags.items() if tag in has),
            )
        except DAMAGED as error:
            raise damaged(one.id, error) from error
        found.append(hit)
    return tuple(found)


def _score(leg: str, nearest: _Nearest, category: str | None, query: EngineQuery) -> float:
    if leg == "category":
        return fusion.category_score(category, query.categories)
    cosine = np.array([nearest.cosine if leg == "picture" else nearest.colour], np.float32)
    return float((fusion.picture_score(cosine) if leg == "picture" else fusion.colour_score(cosine))[0])


def _nearest(shown: Sequence[Shown], query: EngineQuery, recipe: Recipe) -> list[_Nearest | None]:
    """What is nearest of each product; None for one without vectors, and for all where no vector was asked for."""
    if query.vector is None:
        return [None] * len(shown)
    parts: list[NDArray[np.float16]] = []
    for one in shown:
        try:
            parts.append(documents.halves_of(one.source.get("data"), recipe))
        except DAMAGED as error:
            raise damaged(one.id, error) from error
    if not parts:
        return []
    matrix = np.concatenate(parts)
    cosines = dots(matrix[:, : recipe.dimension], query.vector).tolist()
    rows: list[int] = []
    found: list[_Nearest | None] = []
    start = 0
    for part in parts:
        end = start + len(part)
        if start < end:
            rows.append(max(range(start, end), key=cosines.__getitem__))
        found.append(_Nearest(rows[-1] - start, cosines[rows[-1]], 0.0) if start < end else None)
        start = end
    if query.colour is None or not rows:
        return found
    colours = iter(dots(matrix[rows, recipe.dimension :], query.colour).tolist())
    return [None if one is None else one._replace(colour=next(colours)) for one in found]


def dots(matrix: NDArray[np.floating], vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Summed in float64, so that every engine rounds to the same float32."""
    return np.asarray(matrix.astype(np.float64) @ vector.astype(np.float64), np.float32)
