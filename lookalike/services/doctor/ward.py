"""The catalogue as the doctor needs it: columns over products, and over their pictures."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.document import Document

FIELDS = ("title", "description", "brand", "category", "price", "url")
"""Fields whose absence is a finding where nearly all other products have them."""

Tell = Callable[[str, int, int | None], None]
"""Called with a step's name, how much is done, and of how much (None where that is not known)."""


@dataclass(slots=True)
class Ward:
    """Products by place; pictures by place, each with its product's. Vectors are float32 rows of unit length."""

    ids: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    categories: list[str | None] = field(default_factory=list)
    prices: list[float | None] = field(default_factory=list)
    currencies: list[str | None] = field(default_factory=list)
    groups: list[str | None] = field(default_factory=list)
    filled: list[int] = field(default_factory=list)
    missing: list[tuple[str, ...]] = field(default_factory=list)
    references: list[tuple[str, ...]] = field(default_factory=list)
    unseen: list[dict[int, str]] = field(default_factory=list)
    attributes: Counter[str] = field(default_factory=Counter)
    product: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    place: list[int] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    quality: list[tuple[str, ...]] = field(default_factory=list)
    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    colours: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))

    def __len__(self) -> int:
        return len(self.ids)

    def reference(self, picture: int) -> str | None:
        """Where the picture lies, None where the product no longer names it."""
        named = self.references[int(self.product[picture])]
        return named[self.place[picture]] if self.place[picture] < len(named) else None

    def first_reference(self, product: int) -> str | None:
        """The product's first picture."""
        return self.references[product][0] if self.references[product] else None

    def same_family(self, one: int, other: int) -> bool:
        """Whether two products are one, or variants of one."""
        return one == other or (self.groups[one] is not None and self.groups[one] == self.groups[other])

    def rank(self, product: int) -> tuple[int, int, str]:
        """Of duplicates the least is the one to keep: the best described, then the oldest by its id, numbers before names."""
        name = self.ids[product]
        return (-self.filled[product], int(name) if name.isdecimal() and len(name) < 19 else 10**19, name)


def admit(documents: Iterable[Document], tell: Tell, total: int | None) -> Ward:
    """One pass over the documents. Each picture's main object stands for it; vectors are held as fp16 until all are read."""
    ward = Ward()
    owners: list[int] = []
    hashes: list[int] = []
    vectors: list[NDArray[np.float16]] = []
    colours: list[NDArray[np.float16]] = []
    for number, document in enumerate(documents):
        product = document.product
        told = {name: getattr(product, name) for name in FIELDS}
        ward.ids.append(document.id)
        ward.titles.append(product.title or "")
        ward.categories.append(product.category)
        ward.prices.append(product.price)
        ward.currencies.append(product.currency)
        ward.groups.append(product.group)
        ward.missing.append(tuple(name for name, value in told.items() if value is None))
        ward.filled.append(len(product.as_json()) + len(product.attributes))
        ward.references.append(product.pictures)
        ward.unseen.append(dict(document.unseen))
        for seen in document.seen:
            owners.append(number)
            ward.place.append(seen.picture)
            ward.digests.append(seen.analysis.digest)
            ward.quality.append(seen.analysis.quality)
            hashes.append(int(seen.analysis.phash or "0", 16))
            vectors.append(seen.analysis.main.vector.astype(np.float16))
            colours.append(seen.analysis.main.colour_vector.astype(np.float16))
        if number % 256 == 0:
            tell("reading", number, total)
    ward.product = np.array(owners, np.int64)
    ward.hashes = np.array(hashes, np.uint64)
    if vectors:
        ward.vectors = np.stack(vectors).astype(np.float32)
        ward.colours = np.stack(colours).astype(np.float32)
    return ward
