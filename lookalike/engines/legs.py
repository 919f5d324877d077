"""Which signals a query asks for, and what is wrong with it: the same for every engine here."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from lookalike.domain.analysis import Recipe, Vector
from lookalike.domain.document import Document
from lookalike.domain.filters import OWN_FIELDS
from lookalike.domain.query import LEGS, EngineQuery, Sort
from lookalike.engines import words
from lookalike.errors import IndexProblem, InvalidInput, RecipeMismatch

NEWEST = Sort("created", descending=True)
DIVERSIFIED = 200
"""So many of the best are spread out by `diversity`: further down nobody notices, and the cost is quadratic."""


@dataclass(frozen=True, slots=True)
class Legs:
    """The active signals of a query with their weights, and its words and tags made comparable.

    `words` maps stems to folded words; `tags` and `not_tags` casefolded tags to the caller's spelling.
    """

    weights: dict[str, float]
    words: dict[str, str]
    tags: dict[str, str]
    not_tags: frozenset[str]

    @property
    def sole_category(self) -> bool:
        """Whether the category alone says what is found."""
        return set(self.weights) == {"category"}


def legs_of(query: EngineQuery) -> Legs:
    """The legs that are there: input given and weight above 0."""
    found = words.query_words(query.words) if query.words else {}
    tags = {tag.casefold(): tag for tag in reversed(query.tags)}
    given = {
        "picture": query.vector is not None,
        "text": bool(query.words and query.words.strip()),
        "tags": bool(tags),
        "category": bool(query.categories),
        "colour": query.colour is not None,
    }
    weights = {leg: float(query.weights.get(leg, 0.0)) for leg in LEGS if given[leg] and query.weights.get(leg, 0.0) > 0}
    return Legs(weights, found, tags, frozenset(tag.casefold() for tag in query.not_tags))


def order_of(query: EngineQuery, legs: Legs) -> Sort | None:
    """The field to sort by: newest first where nothing else is asked; None for the score."""
    return query.sort if query.sort is not None or legs.weights else NEWEST


def verify(query: EngineQuery, strategies: Collection[str], recipe: Recipe | None, fields: Callable[[], Collection[str]]) -> None:
    """Refuse what cannot be answered. `fields` tells those that some product has. Raises: InvalidInput."""
    if query.strategy not in strategies:
        known = ", ".join(sorted(strategies))
        raise InvalidInput.at("strategy", f"This index cannot search by {query.strategy!r}; it can: {known}.")
    if query.sort is not None and query.sort.field not in OWN_FIELDS and query.sort.field not in fields():
        name = query.sort.field.removeprefix("attributes.")
        raise InvalidInput.at("sort", f"No product has a field {name!r} to sort by.")
    for place, vector, wanted in (
        ("like", query.vector, recipe and recipe.dimension),
        ("colour", query.colour, recipe and recipe.colour_dimension),
    ):
        if vector is not None and wanted is not None and vector.shape != (wanted,):
            raise InvalidInput.at(place, f"Found a vector of {len(vector)} numbers; this index holds vectors of {wanted}.")
        if vector is not None and not np.isfinite(vector).all():
            raise InvalidInput.at(place, "Found a vector with numbers that are not finite.")


def verify_documents(documents: Sequence[Document], recipe: Recipe | None) -> None:
    """Refuse vectors that this index cannot compare. Raises: RecipeMismatch, IndexProblem, InvalidInput at "vectors"."""
    recipe_id = None if recipe is None else recipe.id
    wanted = None if recipe is None else ((recipe.dimension,), (recipe.colour_dimension,))
    parts: list[Vector] = []
    for document in documents:
        for seen in document.seen:
            if recipe_id is None or wanted is None:
                raise IndexProblem("This index has no recipe yet. Call prepare(recipe) before the first put.")
            if seen.analysis.recipe_id != recipe_id:
                raise RecipeMismatch(recipe_id, seen.analysis.recipe_id)
            for one in seen.analysis.objects:
                shapes = one.vector.shape, one.colour_vector.shape
                if shapes != wanted:
                    raise _not_comparable(document, f"of the shapes {shapes}", wanted)
                parts += (one.vector, one.colour_vector)
    if wanted is not None and parts and not np.isfinite(np.concatenate(parts)).all():
        for document in documents:
            objects = [one for seen in document.seen for one in seen.analysis.objects]
            if not all(np.isfinite(one.vector).all() and np.isfinite(one.colour_vector).all() for one in objects):
                raise _not_comparable(document, "with numbers that are not finite", wanted)


def _not_comparable(document: Document, found: str, wanted: tuple[tuple[int], tuple[int]]) -> InvalidInput:
    told = f"Product {document.id!r} has vectors {found}; {wanted[0][0]} and {wanted[1][0]} finite numbers are wanted."
    return InvalidInput.at("vectors", told)
