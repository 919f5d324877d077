"""From the sources of products to what a search shows of them: no more is read of them than that."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Recipe
from lookalike.domain.query import EngineHit, EngineQuery
from lookalike.engines.opensearch import documents
from lookalike.engines.opensearch.reading import damaged
from lookalike.engines.opensearch.scoring import Json
from lookalike.engines.told import DAMAGED, places_of, product_of, tags_of

Shown = tuple[str, Json, float, Mapping[str, float]]
"""An id, its source, its score, and what each leg scored it: NaN where nothing."""

_TOLD_ABOVE_0 = ("tags", "category")


def hits_of(shown: Sequence[Shown], query: EngineQuery, tags: Mapping[str, str], recipe: Recipe) -> tuple[EngineHit, ...]:
    """The hits in order. `tags`: those asked for, as they are shown. Raises: IndexDamaged."""
    found, compared = [], _compared(shown, query, recipe)
    for (name, source, score, legs), cosines in zip(shown, compared, strict=True):
        try:
            told = source["told"]
            best = None if cosines is None else int(cosines.argmax())
            picture, place = (None, None) if best is None else places_of(told)[best]
            has = tags_of(told) if tags else {}
            hit = EngineHit(
                product=product_of(told["product"]),
                score=score,
                version=int(source["version"]),
                similarity=None if cosines is None else float(cosines[best]),
                picture=picture,
                object=place,
                legs={
                    leg: value for leg, value in legs.items() if not math.isnan(value) and (value > 0 or leg not in ("tags", "category"))
                },
                tags=tuple(one for tag, one in tags.items() if tag in has),
            )
        except DAMAGED as error:
            raise damaged(name, error) from error
        found.append(hit)
    return tuple(found)


def _compared(shown: Sequence[Shown], query: EngineQuery, recipe: Recipe) -> list[NDArray[np.float32] | None]:
    """The cosines of each product's objects; None for one without vectors, and for all where no vector was asked for."""
    if query.vector is None:
        return [None] * len(shown)
    parts: list[NDArray[np.float16]] = []
    for name, source, _, _ in shown:
        try:
            parts.append(documents.halves_of(source.get("data"), recipe))
        except DAMAGED as error:
            raise damaged(name, error) from error
    if not parts:
        return []
    cosines = dots(np.concatenate(parts)[:, : recipe.dimension], query.vector)
    ends = np.cumsum([len(part) for part in parts]).tolist()
    return [cosines[end - len(part) : end] if len(part) else None for part, end in zip(parts, ends, strict=True)]


def dots(matrix: NDArray[np.floating], vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Summed in float64, so that every engine rounds to the same float32."""
    return np.asarray(matrix.astype(np.float64) @ vector.astype(np.float64), np.float32)
