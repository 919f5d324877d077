"""From a product's source to what a search shows of it: no more is read of it than that."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Recipe
from lookalike.domain.query import EngineHit, EngineQuery
from lookalike.engines.opensearch import documents
from lookalike.engines.told import places_of, product_of, tags_of

Json = dict[str, Any]


def hit(source: Json, query: EngineQuery, recipe: Recipe, *, score: float, legs: Mapping[str, float], tags: Mapping[str, str]) -> EngineHit:
    """A hit. `legs`: what each leg scored it, NaN where nothing; `tags`: those asked for, in their order. Raises: DAMAGED."""
    told = source["told"]
    similarity, place = None, None
    if query.vector is not None and "data" in source:
        cosines = dots(documents.rows(source["data"], recipe)[:, : recipe.dimension], query.vector)
        best = int(cosines.argmax())
        similarity, place = float(cosines[best]), places_of(told)[best]
    has = tags_of(told) if tags else {}
    return EngineHit(
        product=product_of(told["product"]),
        score=score,
        version=int(source["version"]),
        similarity=similarity,
        picture=place and place[0],
        object=place and place[1],
        legs={leg: value for leg, value in legs.items() if not math.isnan(value) and (value > 0 or leg not in ("tags", "category"))},
        tags=tuple(shown for tag, shown in tags.items() if tag in has),
    )


def dots(matrix: NDArray[np.floating], vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Summed in float64, so that every engine rounds to the same float32."""
    return np.asarray(matrix.astype(np.float64) @ vector.astype(np.float64), np.float32)
