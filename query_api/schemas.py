"""The shapes of requests and answers, for the OpenAPI document. Requests are read by `lookalike.domain.query_parsing`.

There is one truth about what is accepted, shared with the command line; a test keeps these descriptions equal to it.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Box = Annotated[
    list[float],
    Field(
        min_length=4,
        max_length=4,
        description="[left, top, right, bottom], fractions of the upright picture.",
        examples=[[0.1, 0.2, 0.9, 0.8]],
    ),
]
Weight = Annotated[float, Field(ge=0, le=1e6)]
Scalar = str | float | bool
FilterBody = Annotated[
    dict[str, Any],
    Field(
        description="A field and a value (equals), a list (any of), a range (gt, gte, lt, lte); `exists`; joined by `all`, `any`, `not`.",
        examples=[{"all": [{"category": ["Shoes", "Boots"]}, {"price": {"gte": 10, "lt": 50}}, {"not": {"brand": "Acme"}}]}],
    ),
]


class Closed(BaseModel):
    """A shape of requests: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class PictureBody(Closed):
    """A picture: exactly one of the three."""

    url: str | None = Field(None, description="An http(s) or data: URL; we fetch it, within limits, never from private addresses.")
    base64: str | None = Field(None, description="The bytes.")
    upload: str | None = Field(None, description="The `upload` that /v1/analyze answered.", examples=["u_3q2-7w"])


class LikeBody(Closed):
    """An example: exactly one of picture, product, vector, text."""

    picture: PictureBody | None = None
    box: Box | None = Field(None, description="Where to look; without it we find the product ourselves. [0, 0, 1, 1] is the whole picture.")
    product: str | None = Field(None, description="The id of a product of the catalogue; it is left out of the hits.")
    vector: list[float] | None = Field(None, description="A vector of the index's recipe.")
    text: str | None = Field(None, description="Words that are compared with the pictures; the recipe needs a network with a text encoder.")
    weight: Weight = 1.0


class WeightsBody(Closed):
    """How much each leg counts; 0 removes it; what is left out is ours to choose."""

    picture: Weight | None = None
    text: Weight | None = None
    tags: Weight | None = None
    category: Weight | None = None
    colour: Weight | None = None


class FacetBody(Closed):
    """A facet with more than a field's name."""

    field: str
    ranges: list[float] | None = Field(None, description="Rising edges: [0, 25, 50] counts 0–25, 25–50 and from 50.")
    depth: int | None = Field(None, ge=1, le=20, description="For `category`: so many levels of the path.")
    limit: int = Field(100, ge=1, le=1000)


class SearchBody(Closed):
    """A search. Everything is optional: {} lists the catalogue, newest first."""

    like: list[LikeBody] | None = Field(None, max_length=100)
    unlike: list[LikeBody] | None = Field(None, max_length=100)
    text: str | None = Field(None, max_length=4000)
    tags: list[str] | None = None
    not_tags: list[str] | None = None
    weights: WeightsBody | None = None
    filter: FilterBody | None = None
    category: str | None = Field(None, description="auto, only, off, or a category's path.")
    facets: list[str | FacetBody] | None = None
    sort: str | None = Field(None, description="relevance, price, -price, newest, or a field.")
    limit: int | None = Field(None, ge=1, le=1000, description="24 where it is left out.")
    cursor: str | None = Field(None, description="`next` of the page before.")
    min_similarity: float | None = Field(None, ge=-1, le=1)
    group_by: str | None = Field(None, description="One hit, the best, for each value of this field.")
    diversity: float | None = Field(None, ge=0, le=1)
    strategy: Literal["auto", "exact", "hnsw", "hash", "visual_words"] | None = None
    explain: bool | None = None


class AnalyzeBody(Closed):
    """A picture to analyse."""

    picture: PictureBody
    box: Box | None = None


class ProductBody(Closed):
    """A product."""

    id: str | None = Field(None, description="In bulk rows; in PUT the address says it.", max_length=512)
    title: str | None = None
    description: str | None = None
    brand: str | None = None
    category: str | None = Field(None, examples=["Clothing > Shoes"])
    price: float | None = Field(None, ge=0)
    currency: str | None = None
    url: str | None = None
    tags: list[str] | None = None
    group: str | None = Field(None, description="Variants share it.")
    in_stock: bool | None = None
    created: str | None = Field(None, description="ISO 8601.")
    pictures: list[str] | None = Field(None, description="URLs or data: base64.")
    attributes: dict[str, Scalar | list[Scalar] | None] | None = Field(None, description="Anything; each can be filtered and counted.")


class Named(BaseModel):
    """A word with a probability."""

    name: str
    score: float


class Colour(BaseModel):
    """A dominant colour."""

    name: str
    share: float
    rgb: list[int]


class Seen(BaseModel):
    """A product found in a picture."""

    box: Box
    label: str
    score: float


class Analysis(BaseModel):
    """What is seen on a picture."""

    objects: list[Seen]
    tags: list[Named]
    categories: list[Named]
    colours: list[Colour]
    recipe: str | None = None
    digest: str | None = None
    width: int | None = None
    height: int | None = None
    phash: str | None = None
    quality: list[str] | None = None
    upload: str | None = None


class AnalyzeAnswer(Analysis):
    """An analysis, and the id under which the picture stays in memory for a while."""

    upload: str
    took_ms: dict[str, float]
    notices: list[str] | None = Field(None, description="Said where nobody was there to look at the picture.")


class Hit(BaseModel):
    """A product found. `similarity` is the raw cosine, `score` in 0…1 what orders the hits."""

    id: str
    score: float
    similarity: float | None
    product: ProductBody
    picture: int | None
    version: int
    why: dict[str, Any]


class Total(BaseModel):
    """How many products fit."""

    value: int
    relation: Literal["eq", "gte"]


class FacetCount(BaseModel):
    """How many products have a value; a range has `from` (included) and `to` (excluded)."""

    value: Scalar
    count: int
    lowest: float | None = Field(None, alias="from")
    highest: float | None = Field(None, alias="to")


class EventBody(Closed):
    """What a shopper did with a product, in the words of User Behavior Insights."""

    action_name: Literal["view", "click", "add_to_cart", "purchase"]
    object_id: str = Field(description="The product's id.", max_length=512)
    query_id: str | None = Field(None, description="`query_id` of the search that showed it.", max_length=100)
    position: int | None = Field(None, ge=1, le=1_000_000, description="Its place among the hits, from 1.")
    client_id: str | None = Field(None, description="A browser, by a name that says nothing of its user.", max_length=100)
    session_id: str | None = Field(None, max_length=100)
    user_query: str | None = Field(None, max_length=512)
    message: str | None = Field(None, max_length=1000)
    timestamp: str | None = Field(None, description="ISO 8601; without one, or where it is off by more than a week, it is now.")


class EventsBody(Closed):
    """Events of shoppers."""

    events: list[EventBody] = Field(min_length=1, max_length=100)


class EventsAnswer(BaseModel):
    """How many events were taken; they are written a moment later."""

    accepted: int
    dropped: int
    notices: list[str]


class SearchAnswer(BaseModel):
    """A page of hits. `query_id` names this search in events."""

    query_id: str
    hits: list[Hit]
    total: Total
    facets: dict[str, list[FacetCount]]
    analysis: Analysis
    next: str | None = Field(description="The cursor of the next page.")
    strategy: str
    notices: list[str]
    took_ms: dict[str, float]


class ProductAnswer(BaseModel):
    """A product as it is stored; `id` and `title` are those of `product`."""

    id: str
    title: str | None
    product: ProductBody
    version: int
    analysis: Analysis | None
    unseen: list[dict[str, Any]] | None = None


class RowError(BaseModel):
    """A row that did not arrive whole; rows count from 1."""

    row: int
    id: str | None
    reason: str
    message: str


class JobCounts(BaseModel):
    """How far a job is, in rows."""

    total: int
    done: int
    unchanged: int
    failed: int


class Job(BaseModel):
    """A bulk change; `done` means searchable."""

    id: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    counts: JobCounts
    errors: list[RowError]
    created: str
    finished: str | None
    message: str | None = None


class FacetsAnswer(BaseModel):
    """Counts of the catalogue's values."""

    facets: dict[str, list[FacetCount]]
    total: Total


class Suggestion(BaseModel):
    """Something to search for."""

    text: str
    kind: Literal["title", "brand", "category", "tag"]
    count: int


class SuggestAnswer(BaseModel):
    """Suggestions, the best first."""

    suggestions: list[Suggestion]


class Health(BaseModel):
    """The process lives."""

    status: str
    version: str


class Networks(BaseModel):
    """The workers that look at pictures."""

    there: bool
    why: str = Field(description="Why nobody is there; empty where somebody is.")
    workers: int
    waiting: int = Field(description="Shoppers' pictures that wait.")
    rate: float = Field(description="Pictures a second that they have been measured at together; 0: not yet.")


class Ready(BaseModel):
    """Searches are answered: `ready`, or `degraded` where nobody is there to look at pictures."""

    status: Literal["ready", "degraded"]
    engine: str
    documents: int
    recipe: str
    writable: bool
    recall: float | None = Field(description="Recall@10 against exact search, measured when the index was opened; null where it was not.")
    details: dict[str, Any]
    networks: Networks | None = Field(None, description="Where the networks run in workers: how those are.")


class State(BaseModel):
    """How one server is. `recent` covers the last five minutes: counts, and quantiles of each stage in ms."""

    version: str
    uptime_seconds: float
    recipe: str
    ready: bool
    engine: str
    documents: int
    queue: dict[str, int]
    recent: dict[str, Any]
    intake: dict[str, Any]
    workers: dict[str, Any] | None = Field(None, description="Where networks or jobs run in workers: queues and workers, if Redis answers.")
    events: dict[str, Any]


class ProblemPlace(BaseModel):
    """One thing that is wrong, and where."""

    at: str = Field(examples=["filter.price.gte"])
    message: str


class ProblemDocument(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemPlace] | None = None
    reason: str | None = Field(None, description="Of a picture: why it failed, as a code of docs/pictures.md.", examples=["not_found"])
    request_id: str
