"""What an index holds of one product, and how its fields read."""

from dataclasses import dataclass, field

import numpy as np

from lookalike.domain.analysis import Analysis, Vector
from lookalike.domain.product import Product
from lookalike.domain.values import Scalar


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture of a product: its place in `Product.pictures`, and what was seen in it."""

    picture: int
    analysis: Analysis


@dataclass(frozen=True, slots=True)
class Document:
    """A product with what was seen in those of its pictures that could be read.

    `digest` names content and recipe: equal digests need no new look. `version` counts the writes; engines set it.
    `unseen` maps the places of the pictures that could not be read to a reason code.
    """

    product: Product
    seen: tuple[Seen, ...] = ()
    digest: str = ""
    version: int = 0
    unseen: dict[int, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The product's."""
        return self.product.id

    def read(self, name: str) -> tuple[Scalar, ...]:
        """The elements of a canonical field, () where it is missing; `created` in seconds since 1970."""
        if name.startswith("attributes."):
            value: object = self.product.attributes.get(name.removeprefix("attributes."))
        elif name == "created":
            value = self.product.created_at
        elif name == "predicted_tags":
            value = tuple(self.predicted_tags())
        elif name == "predicted_colours":
            value = tuple(dict.fromkeys(one.name for seen in self.seen for one in seen.analysis.colours))
        elif name == "quality":
            value = tuple(dict.fromkeys(flag for seen in self.seen for flag in seen.analysis.quality))
        else:
            value = getattr(self.product, name)
        if value is None:
            return ()
        return value if isinstance(value, tuple) else (value,)

    def predicted_tags(self) -> dict[str, float]:
        """Each predicted tag with its best score over the pictures."""
        best: dict[str, float] = {}
        for seen in self.seen:
            for tag in seen.analysis.tags:
                best[tag.name] = max(tag.score, best.get(tag.name, 0.0))
        return best

    def similarity(self, vector: Vector) -> tuple[float, int, int] | None:
        """(cosine, picture, object) of the object nearest to a unit vector; None without any."""
        found = [
            (float(np.dot(one.vector, vector)), -seen.picture, -place)
            for seen in self.seen
            for place, one in enumerate(seen.analysis.objects)
        ]
        if not found:
            return None
        cosine, picture, place = max(found)
        return cosine, -picture, -place
