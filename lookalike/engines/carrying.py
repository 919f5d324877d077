"""Writes that come while an index is rebuilt under another recipe: what of them the new index can hold."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from lookalike.domain.analysis import Recipe
from lookalike.domain.document import Document, Seen
from lookalike.ports.engine import Write

OTHER_RECIPE = "other_recipe"
"""The reason code of a picture that came with vectors of the old recipe, and that nobody has looked at under the new one."""

_AT_ONCE = 500


def carried(document: Document, recipe: Recipe, known: Document | None) -> Document:
    """A document of the old index for a new one of `recipe` that holds `known` under the same id.

    Pictures that `known` has too, by their bytes, keep what was seen in them under `recipe`. The others are kept unseen, and
    the digest is left empty, so that the next run of the catalogue looks at them.
    """
    fits = [one for one in document.seen if one.analysis.recipe_id == recipe.id]
    if len(fits) == len(document.seen):
        return document
    looked_at = {one.analysis.digest: one.analysis for one in (known.seen if known else ())}
    seen, unseen = [], dict(document.unseen)
    for one in document.seen:
        analysis = one.analysis if one.analysis.recipe_id == recipe.id else looked_at.get(one.analysis.digest)
        if analysis is None:
            unseen[one.picture] = OTHER_RECIPE
        else:
            seen.append(Seen(one.picture, analysis))
    return replace(document, seen=tuple(seen), unseen=unseen, digest="")


def carry(
    ids: Sequence[str],
    recipe: Recipe,
    *,
    old: Callable[[Sequence[str]], Sequence[Document | None]],
    new: Callable[[Sequence[str]], Sequence[Document | None]],
    put: Callable[[Sequence[Write]], object],
    remove: Callable[[Sequence[str]], object],
    each: Callable[[], object] = lambda: None,
) -> set[str]:
    """Bring some products of the new index to where the old one is: `old` and `new` get documents, the rest writes the new.

    `each` is called before every part. Returns those that now have a picture which has to be looked at again.
    """
    unseen = set[str]()
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        each()
        found = list(zip(part, old(part), new(part), strict=True))
        made = [carried(document, recipe, known) for _, document, known in found if document is not None]
        unseen |= {one.id for one in made if OTHER_RECIPE in one.unseen.values()}
        put([Write(one) for one in made])
        remove([name for name, document, _ in found if document is None])
    return unseen
