"""What a put would come to, told without looking or writing."""

from lookalike.domain.document import Document
from lookalike.domain.product import PRODUCT_FIELDS
from lookalike.errors import PictureUnavailable
from lookalike.services.changes import Foreseen, LeftAlone
from lookalike.services.items import Item, mark_of


def foreseen(item: Item, recipe_id: str) -> Foreseen:
    """What an item that was read, of a put, would come to."""
    assert item.product is not None
    old = item.old
    for place, one in enumerate(item.pictures):
        before = None if old is None or one.reference not in old.product.pictures[place : place + 1] else old.unseen.get(place)
        if isinstance(one.failure, LeftAlone) and before is not None:
            one.failure = PictureUnavailable(before, "It could not be had when it was fetched last.")
    failures = {
        place: one.failure for place, one in enumerate(item.pictures) if one.failure is not None and not isinstance(one.failure, LeftAlone)
    }
    if item.outcome is not None:
        return Foreseen(item.change, item.outcome.state, failures=item.outcome.failures)
    if old is None:
        return Foreseen(item.change, "add", "new", failures)
    if old.digest.partition("!")[0] == mark_of(recipe_id, item.product, item.pictures):
        return Foreseen(item.change, "unchanged", failures=failures)
    return Foreseen(item.change, "change", _differences(item, old), failures)


def _differences(item: Item, old: Document) -> str:
    """The fields, and the pictures, in which a product differs from what the index has."""
    assert item.product is not None
    now, then = item.product.as_json(), old.product.as_json()
    told = [name for name in PRODUCT_FIELDS if name != "attributes" and now.get(name) != then.get(name)]
    mine, theirs = now.get("attributes", {}), then.get("attributes", {})
    told += [f"attributes.{name}" for name in sorted({*mine, *theirs}) if mine.get(name) != theirs.get(name)]
    if "pictures" not in told:
        told += [f"the bytes of pictures[{place}]" for place, one in enumerate(item.pictures) if one.analysis is None and one.digest]
    return ", ".join(told) or "the pictures that can be read"
