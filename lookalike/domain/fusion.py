"""The arithmetic of ranking that every engine shares."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Vector
from lookalike.domain.product import CATEGORY_JOINT

UNLIKE_SHARE = 0.5
"""How far an `unlike` pushes away, against a like of the same weight. At .25 a near twin (cosine .9) just starts to move
behind products at .85 that resemble it less; .5 moves it clearly without turning the query around."""


def unit(vector: NDArray[np.floating]) -> Vector:
    """The vector at length 1, float32; zero stays zero."""
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length > 0 else vector, np.float32)


def combine(likes: Sequence[tuple[Vector, float]], unlikes: Sequence[tuple[Vector, float]]) -> Vector | None:
    """One unit vector of weighted examples and counter-examples, whatever their order (Rocchio 1971); None of nothing.

    Without likes it points away from the unlikes.
    """
    if not likes and not unlikes:
        return None
    if len(likes) == 1 and not unlikes and likes[0][1] > 0:
        return unit(likes[0][0].astype(np.float64))  # one picture, as nearly always: the same, for a quarter of the time
    size = len((list(likes) or list(unlikes))[0][0])
    total = np.zeros(size, np.float64)
    for terms, share in ((likes, 1.0), (unlikes, -UNLIKE_SHARE if likes else -1.0)):
        if terms:
            weighed = [np.float64(weight) * vector for vector, weight in terms]
            part = np.sum(sorted(map(tuple, weighed)), axis=0) if len(weighed) > 1 else weighed[0]
            total += share * (part / max(float(np.linalg.norm(part)), 1e-12))
    return unit(total)


def _within_0_and_1(scores: NDArray[np.floating]) -> NDArray[np.floating]:
    """As `np.clip`, without what that looks into first: a search asks for a few numbers, and several times."""
    return np.asarray(np.minimum(np.maximum(scores, 0.0), 1.0))


def picture_score(cosine: NDArray[np.float32]) -> NDArray[np.float32]:
    """(1 + cosine) / 2: also what OpenSearch scores for `cosinesimil`."""
    return np.asarray(_within_0_and_1((1.0 + cosine) * 0.5), np.float32)


def colour_score(cosine: NDArray[np.float32]) -> NDArray[np.float32]:
    """The cosine of two colour vectors, none below 0."""
    return np.asarray(_within_0_and_1(cosine), np.float32)


def category_score(path: str | None, categories: Mapping[str, float]) -> float:
    """Σ probability × the share of the predicted path that the product's path has in common, from the root."""
    if path is None:
        return 0.0
    own = path.split(CATEGORY_JOINT)
    total = 0.0
    for predicted, probability in categories.items():
        steps = predicted.split(CATEGORY_JOINT)
        shared = 0
        for one, other in zip(own, steps, strict=False):
            if one != other:
                break
            shared += 1
        total += probability * shared / len(steps)
    return min(1.0, total)


def mean(legs: Iterable[tuple[float, NDArray[np.float32]]], size: int) -> NDArray[np.float32]:
    """The weighted mean of the legs' scores, in 0…1; legs that matched nothing are not to be given."""
    total, weights = np.zeros(size, np.float32), 0.0
    for weight, scores in legs:
        total += np.float32(weight) * scores
        weights += weight
    return np.asarray(_within_0_and_1(total / np.float32(weights)), np.float32) if weights > 0 else total


def diversified(scores: Sequence[float], vectors: NDArray[np.float32], diversity: float, keep: int) -> list[int]:
    """The order in which maximal marginal relevance (Carbonell & Goldstein 1998) picks `keep` of the rows.

    λ is 1 − diversity: 0 keeps the order of scores, 1 looks only at how unlike what was picked a row is.
    """
    left = list(range(len(scores)))
    nearest = np.zeros(len(scores), np.float32)
    picked: list[int] = []
    while left and len(picked) < keep:
        gains = [(1 - diversity) * scores[row] - diversity * float(nearest[row]) for row in left]
        best = left.pop(int(np.argmax(gains)))
        picked.append(best)
        nearest = np.maximum(nearest, picture_score(vectors @ vectors[best]))
    return picked
