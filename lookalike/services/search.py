"""One search from request to answer: examples, weights, category, filter, page, cursor."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lookalike.domain.analysis import Analysis, Vector
from lookalike.domain.filters import EVERYTHING, Filter, Match, Not, both, canonical_field
from lookalike.domain.query import DEFAULT_LIMIT, Answer, EnginePage, EngineQuery, Like, SearchRequest, Sort
from lookalike.errors import InvalidInput, NotFound
from lookalike.ports.engine import CategoryLookup, SearchEngine
from lookalike.ports.pictures import PictureStore
from lookalike.ports.vision import PictureAnalyser, TextEmbedder
from lookalike.services.cursors import fingerprint, unwrap, wrap
from lookalike.services.examples import ExampleReader, Examples, sooner, within
from lookalike.services.stand_ins import StandIns, StoodIn
from lookalike.services.uploads import Uploads

DEFAULT_WEIGHTS: Mapping[str, float] = {"picture": 0.7, "text": 0.2, "tags": 0.1, "category": 0.1, "colour": 0.1}
"""Weights of the legs that the caller says nothing of; only legs with an input count (docs/decisions/0031)."""
SIMILAR_WEIGHTS: Mapping[str, float] = {"colour": 0.03, "category": 0.05}
"""What `similar` weighs otherwise: whoever asks for what looks like a product means the picture, and nobody's guess."""
VOTERS = 20
"""Neighbours that are asked for a picture's category."""
VOTE_TEMPERATURE = 0.03
"""A neighbour this much less alike (in cosine) than the nearest has 1/e of its vote."""
SAME_PICTURE = 0.98
"""From this cosine on the nearest product is the very one on the picture, and its category is known, not guessed."""
MOST_CATEGORIES = 5


@dataclass(slots=True)
class _Plan:
    """What a request comes to before the engine is asked."""

    weights: dict[str, float]
    categories: dict[str, float] = field(default_factory=dict)
    rules: list[Filter] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


class Searcher:
    """Answers searches over one engine. Threads may call it at once; deadlines are in seconds of `time.monotonic()`.

    With `stand_ins` a search by picture is answered where nobody is there to look at it: docs/decisions/0082. With `texts` words
    are compared with pictures.
    """

    def __init__(
        self,
        engine: SearchEngine,
        analyser: PictureAnalyser,
        pictures: PictureStore,
        uploads: Uploads,
        stand_ins: StandIns | None = None,
        *,
        texts: TextEmbedder | None = None,
    ) -> None:
        self._engine = engine
        self._reader = ExampleReader(engine, analyser, pictures, uploads, stand_ins=stand_ins, texts=texts)

    def search(self, request: SearchRequest, deadline: float | None = None) -> Answer:
        """The page that a request asks for.

        Raises: InvalidInput, NotFound("upload"), PictureUnreadable, PictureUnavailable, Unavailable, IndexProblem.
        """
        began = time.monotonic()
        examples = self._reader.read(request, deadline)
        asked = time.monotonic()
        mark = fingerprint(request, examples.pictures)
        after = None if request.cursor is None else unwrap(request.cursor, mark)
        plan = self._plan(request, examples)
        within(deadline)
        page = self._engine.search(self._query(request, examples, plan, after))
        self._explain_nothing(request, page, plan)
        done = time.monotonic()
        took = examples.took_ms | {"engine": (done - asked) * 1000, "total": (done - began) * 1000}
        return Answer(
            page=page,
            next=None if page.next is None else wrap(mark, page.next),
            analysis=examples.analysis,
            upload=examples.upload,
            categories=tuple(plan.categories.items()),
            weights=plan.weights,
            notices=(*examples.notices, *plan.notices, *page.notices),
            took_ms={name: round(value, 2) for name, value in took.items()},
            degraded=examples.degraded,
        )

    def similar(self, product_id: str, limit: int = DEFAULT_LIMIT, rule: Filter = EVERYTHING, deadline: float | None = None) -> Answer:
        """The products most like one of the catalogue, itself left out. Raises: NotFound("product"), and as `search`."""
        request = SearchRequest(like=(Like(product=product_id),), limit=limit, filter=rule, weights=SIMILAR_WEIGHTS)
        try:
            return self.search(request, deadline)
        except InvalidInput as error:
            if error.problems[0].at == "like[0].product":  # here it is the address, not the body, that names the product
                raise NotFound("product", product_id) from error
            raise

    def content(self, like: Like) -> bytes:
        """The bytes of a picture. Raises: NotFound("upload"), PictureUnavailable."""
        return self._reader.content(like)

    def analyse(self, like: Like, deadline: float | None = None) -> Analysis:
        """What is on a picture, inside its box. Raises: NotFound("upload"), PictureUnreadable, PictureUnavailable, Unavailable."""
        return self._reader.analyse([("", self.content(like), like.box)], sooner(deadline))[0]

    def stand_in(self, like: Like) -> StoodIn:
        """What is known of a picture where `analyse` found nobody there to look at it. Raises: as that."""
        return self._reader.stand_in("", self.content(like), like.box)

    def categories(self, vector: Vector) -> dict[str, float]:
        """The categories that a unit vector's neighbours are in, likeliest first, with probabilities that sum to 1 or less."""
        votes = [(path, similarity) for path, similarity in self._near(vector) if path]
        if not votes:
            return {}
        nearest = max(similarity for _, similarity in votes)
        if nearest >= SAME_PICTURE:
            return {next(path for path, similarity in votes if similarity == nearest): 1.0}
        shares: dict[str, float] = {}
        for path, similarity in votes:
            shares[path] = shares.get(path, 0.0) + math.exp((similarity - nearest) / VOTE_TEMPERATURE)
        total = sum(shares.values())
        ranked = sorted(shares.items(), key=lambda one: (-one[1], one[0]))[:MOST_CATEGORIES]
        return {path: share / total for path, share in ranked}

    def _near(self, vector: Vector) -> Sequence[tuple[str | None, float]]:
        if isinstance(self._engine, CategoryLookup):
            return self._engine.categories_near(vector, VOTERS)
        page = self._engine.search(EngineQuery(vector=vector, weights={"picture": 1.0}, limit=VOTERS))
        return [(hit.product.category, hit.similarity) for hit in page.hits if hit.similarity is not None]

    def _plan(self, request: SearchRequest, examples: Examples) -> _Plan:
        inputs = {
            "picture": examples.vector is not None,
            "text": bool(request.text) or (examples.vector is None and bool(examples.words)),
            "tags": bool(request.tags),
            "category": examples.vector is not None and request.category in ("auto", "only"),
            "colour": examples.colour is not None,
        }
        weights = {leg: request.weights.get(leg, DEFAULT_WEIGHTS[leg]) for leg, given in inputs.items() if given}
        plan = _Plan({leg: weight for leg, weight in weights.items() if weight > 0}, rules=[request.filter])
        if examples.products:
            plan.rules.append(Not(Match("id", examples.products)))
        if examples.unseen and not any(inputs.values()) and request.filter == EVERYTHING and request.category in ("auto", "only", "off"):
            plan.rules.append(Match("id", ()))  # the whole catalogue would be no answer to a picture
            plan.notices.append("Nothing else was asked for, so nothing was searched: add words, tags or a filter.")
        self._choose_category(request, examples, plan)
        if request.weights and not plan.weights and any(inputs.values()):
            plan.notices.append("Every leg that has an input has the weight 0, so nothing ranks the products: newest first.")
        if request.min_similarity is not None and examples.vector is None:
            plan.notices.append("min_similarity compares with pictures; without one in 'like' it does nothing.")
        return plan

    def _choose_category(self, request: SearchRequest, examples: Examples, plan: _Plan) -> None:
        if request.category in ("auto", "only"):
            if examples.vector is None or (request.category == "auto" and "category" not in plan.weights):
                return  # nobody needs the vote: save the neighbours' search
            plan.categories = examples.categories or self.categories(examples.vector)
            if not plan.categories:
                plan.weights.pop("category", None)
                plan.notices.append("No product with a category is like this picture, so no category was predicted.")
            elif request.category == "only":
                plan.rules.append(Match("category", (next(iter(plan.categories)),)))
        elif request.category != "off":
            plan.rules.append(Match("category", (request.category,)))

    def _query(self, request: SearchRequest, examples: Examples, plan: _Plan, after: str | None) -> EngineQuery:
        floor = request.min_similarity if examples.vector is not None else None
        return EngineQuery(
            vector=examples.vector if "picture" in plan.weights or floor is not None else None,
            colour=examples.colour if "colour" in plan.weights else None,
            words=(request.text or (examples.words if examples.vector is None else None)) if "text" in plan.weights else None,
            tags=request.tags if "tags" in plan.weights else (),
            not_tags=request.not_tags,
            categories=plan.categories if "category" in plan.weights else {},
            weights=plan.weights,
            filter=both(*plan.rules),
            facets=request.facets,
            sort=_sort(request.sort),
            limit=request.limit,
            after=after,
            min_similarity=floor,
            group_by=request.group_by,
            diversity=request.diversity,
            strategy=request.strategy,
            explain=request.explain,
        )

    def _explain_nothing(self, request: SearchRequest, page: EnginePage, plan: _Plan) -> None:
        """An unknown category is no error, for catalogues change; but an empty page deserves the reason."""
        if page.total or request.category in ("auto", "only", "off"):
            return
        if not self._engine.search(EngineQuery(filter=Match("category", (request.category,)), limit=1)).total:
            plan.notices.append(f"No product is in the category {request.category[:80]!r}.")


def _sort(told: str) -> Sort | None:
    if told == "relevance":
        return None
    if told == "newest":
        return Sort("created", descending=True)
    return Sort(canonical_field(told.removeprefix("-")), told.startswith("-"))
