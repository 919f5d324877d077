"""A search: as it is asked (`SearchRequest`), as an engine gets it (`EngineQuery`), as it is answered (`Page`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Analysis, Vector
from lookalike.domain.filters import EVERYTHING, Filter
from lookalike.domain.geometry import Box
from lookalike.domain.product import Product
from lookalike.domain.values import Scalar

LEGS = ("picture", "text", "tags", "category", "colour")
STRATEGIES = ("auto", "exact", "hnsw", "hash", "visual_words")
DEFAULT_LIMIT = 24
LARGEST_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Like:
    """One example. Exactly one of the five sources is set; `box` belongs to a picture, and None lets us find the product."""

    url: str | None = None
    content: bytes | None = field(default=None, repr=False)
    upload: str | None = None
    product: str | None = None
    vector: tuple[float, ...] | None = field(default=None, repr=False)
    text: str | None = None
    box: Box | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class FacetRequest:
    """Count a field's values; or, with `ranges`, its numbers between the edges; or a category's first `depth` levels.

    `field` is canonical, `name` what the caller called it: the key of the answer.
    """

    field: str
    name: str
    ranges: tuple[float, ...] | None = None
    depth: int | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """POST /v1/search, checked. `weights` holds only what the caller set. `category`: auto, only, off, or a path."""

    like: tuple[Like, ...] = ()
    unlike: tuple[Like, ...] = ()
    text: str | None = None
    tags: tuple[str, ...] = ()
    not_tags: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    filter: Filter = EVERYTHING
    category: str = "auto"
    facets: tuple[FacetRequest, ...] = ()
    sort: str = "relevance"
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    min_similarity: float | None = None
    group_by: str | None = None
    diversity: float = 0.0
    strategy: str = "auto"
    explain: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    """Order by a canonical field; products without it come last either way."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class EngineQuery:
    """What an engine answers. Everything is resolved: unit vectors, canonical fields, one weight ≥ 0 for each leg.

    The legs and their scores, all in 0…1 (`lookalike.domain.fusion` has the arithmetic that engines share):
    picture   (1 + cosine of `vector` with the product's nearest object) / 2; every product with a vector has it
    colour    cosine of `colour` with the same object's colour vector, not below 0; every product with a vector has it
    text      BM25 of `words`, divided by the best; products that match no word score 0
    tags      the share of `tags` that the product has: its own count 1, a predicted one its probability
    category  how far the product's category agrees with `categories` (path → probability)
    A leg is there when its input is given and its weight is above 0. A leg that matches nothing is left out of the mean.

    Candidates are what picture, colour, text or tags match (category only where it is the sole leg); without any leg
    all products, newest first. The score is the weighted mean. Ties are broken by id, ascending.
    `vector` and `colour` are None where not asked. `min_similarity` drops what has a lower cosine (or none).
    `sort` None means by score. `after` is a token from `EnginePage.next`.
    """

    vector: Vector | None = field(default=None, repr=False)
    colour: Vector | None = field(default=None, repr=False)
    words: str | None = None
    tags: tuple[str, ...] = ()
    not_tags: tuple[str, ...] = ()
    categories: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    filter: Filter = EVERYTHING
    facets: tuple[FacetRequest, ...] = ()
    sort: Sort | None = None
    limit: int = DEFAULT_LIMIT
    after: str | None = None
    min_similarity: float | None = None
    group_by: str | None = None
    diversity: float = 0.0
    strategy: str = "auto"
    explain: bool = False


@dataclass(frozen=True, slots=True)
class EngineHit:
    """One product found. `similarity` is the raw cosine (None without a vector); `legs` the raw score of each leg.

    `picture` and `object` say which of its pictures, and which object in it, came nearest.
    """

    product: Product
    score: float
    version: int = 0
    similarity: float | None = None
    picture: int | None = None
    object: int | None = None
    legs: Mapping[str, float] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The product's."""
        return self.product.id


@dataclass(frozen=True, slots=True)
class FacetCount:
    """How many products have a value; a range has `lowest` (included) and `highest` (excluded, None: open)."""

    value: Scalar
    count: int
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True, slots=True)
class EnginePage:
    """An engine's answer. `relation` is eq or gte; `next` is None on the last page."""

    hits: tuple[EngineHit, ...]
    total: int
    relation: str = "eq"
    facets: Mapping[str, tuple[FacetCount, ...]] = field(default_factory=dict)
    next: str | None = None
    strategy: str = "exact"
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search answers: the page, what was seen in the first picture, and where the time went (ms).

    `categories` is the prediction, `weights` those of the legs that were asked, the ones that we chose included.
    `degraded`: nobody was there to look at the pictures, and a notice says what was done instead.
    """

    page: EnginePage
    next: str | None
    analysis: Analysis | None = None
    upload: str | None = None
    categories: tuple[tuple[str, float], ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    took_ms: Mapping[str, float] = field(default_factory=dict)
    degraded: bool = False


FloatArray = NDArray[np.float32]
