"""What `like` and `unlike` mean: examples resolved into unit vectors."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lookalike.domain.analysis import Analysis, Vector
from lookalike.domain.document import Document
from lookalike.domain.fusion import combine, unit
from lookalike.domain.geometry import Box
from lookalike.domain.picture import digest_of
from lookalike.domain.query import Like, SearchRequest
from lookalike.errors import InvalidInput, Overloaded, PictureUnavailable, PictureUnreadable, Problem, Unavailable
from lookalike.ports.engine import SearchEngine
from lookalike.ports.pictures import PictureStore
from lookalike.ports.vision import Glance, Look, PictureAnalyser, TextEmbedder
from lookalike.services.remembering import Remembered
from lookalike.services.stand_ins import StandIns, StoodIn
from lookalike.services.uploads import Uploads

_AWAY = (
    "Pictures cannot be looked at for the moment. A picture of the catalogue that is the same as yours (by its perceptual hash) "
    "stood in for it."
)
_AWAY_NONE = (
    "Pictures cannot be looked at for the moment, and no picture of the catalogue is the same as yours: "
    "it took no part in this search. Try it again in a moment."
)
SPARE_SECONDS = 2.0
"""What is left of a request's time when the networks' time is over: for a search without them."""
_NO_MATCHER = (
    "The recipe {recipe!r} knows only pictures, so words cannot be compared with them. Put the words into 'text' to search what is "
    "written, or index with a network that has a text encoder: LOOKALIKE_RECIPE=clip."
)


@dataclass(slots=True)
class Examples:
    """All examples of a search, resolved.

    `vector` and `colour` are unit length or None; `products` the liked and unliked products, to be left out of the hits;
    `categories` path → share, told by liked products; `analysis` that of the first picture, `upload` its id where it has
    one; `pictures` names the bytes of each picture; `words` what liked products without a picture are called. `unseen`: pictures
    that nobody was there to look at, and that nothing stands in for; `degraded`: nobody was there.
    """

    vector: Vector | None = None
    colour: Vector | None = None
    products: tuple[str, ...] = ()
    categories: dict[str, float] = field(default_factory=dict)
    analysis: Analysis | None = None
    upload: str | None = None
    pictures: tuple[str, ...] = ()
    words: str | None = None
    unseen: int = 0
    degraded: bool = False
    notices: list[str] = field(default_factory=list)
    took_ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Part:
    """One example's vectors with its weight; the parts of one example share it."""

    vector: Vector
    colour: Vector | None
    weight: float


class ExampleReader:
    """Turns examples into vectors through analyser, engine, pictures and uploads. Threads may call it at once.

    Analyses of query pictures are remembered by the digest of their bytes for as long as uploads are: another page, filter
    or facet of the same search costs no network. Where nobody is there to look, or not in time, `stand_ins` are asked.
    """

    def __init__(
        self,
        engine: SearchEngine,
        analyser: PictureAnalyser,
        pictures: PictureStore,
        uploads: Uploads,
        *,
        stand_ins: StandIns | None = None,
        texts: TextEmbedder | None = None,
        remembered: int = 256,
    ) -> None:
        self._stand_ins, self._texts = stand_ins, texts
        self._engine, self._analyser, self._pictures, self._uploads = engine, analyser, pictures, uploads
        self._analyses: Remembered[tuple[str, Box | None], Analysis] = Remembered(remembered, uploads.ttl_seconds)
        self._words: Remembered[str, Vector] = Remembered(remembered, uploads.ttl_seconds)

    def read(self, request: SearchRequest, deadline: float | None) -> Examples:
        """Resolve a request's examples.

        Raises: InvalidInput (with the example's place), NotFound("upload"), PictureUnreadable, PictureUnavailable,
        Unavailable.
        """
        found = Examples()
        sides = [("like", place, one) for place, one in enumerate(request.like)]
        sides += [("unlike", place, one) for place, one in enumerate(request.unlike)]
        if not sides:
            return found
        self._refuse(sides)
        documents = self._documents(sides)
        analyses = self._analysed(sides, found, deadline)
        words = self._read_words([one.text for _, _, one in sides if one.text is not None], found)
        within(deadline)
        likes: list[_Part] = []
        unlikes: list[_Part] = []
        for number, (side, place, one) in enumerate(sides):
            if one.text is not None:
                parts = [_Part(words[one.text], None, one.weight)] if one.weight > 0 else []
            else:
                parts = self._parts(one, f"{side}[{place}]", documents, analyses.get(number), found)
            (likes if side == "like" else unlikes).extend(parts)
        found.products = tuple(dict.fromkeys(one.product for _, _, one in sides if one.product is not None))
        found.categories = _categories(request.like, documents)
        found.vector = _combined(likes, unlikes, lambda part: part.vector)
        found.colour = _combined(likes, unlikes, lambda part: part.colour, strict=False)
        if found.vector is None:
            titles = [documents[one.product].product.title for one in request.like if one.product is not None]
            found.words = " ".join(title for title in titles if title) or None
        return found

    def content(self, like: Like, place: str = "") -> bytes:
        """The bytes of a picture. Raises: NotFound("upload"), PictureUnavailable, InvalidInput."""
        if like.content is not None:
            return like.content
        if like.upload is not None:
            return self._uploads.content(like.upload)
        if like.url is None:
            raise InvalidInput.at(place, "A picture is needed here.")
        try:
            return self._pictures.fetch(like.url)
        except PictureUnavailable as error:
            raise PictureUnavailable(error.reason, f"{place}: {error}" if place else str(error)) from error

    def analyse(self, looks: Sequence[tuple[str, bytes, Box | None]], deadline: float | None) -> list[Analysis]:
        """Analyses of (place, bytes, box), all new ones in one call. Raises: PictureUnreadable, Unavailable."""
        keys = [(digest_of(content), box) for _, content, box in looks]
        known = {key: self._analyses.find(key) for key in dict.fromkeys(keys)}
        wanted = {key: look for key, look in zip(keys, looks, strict=True) if known[key] is None}
        if wanted:
            results = self._analyser.analyse([Look(content, box) for _, content, box in wanted.values()], deadline)
            for key, (place, _, _), result in zip(wanted, wanted.values(), results, strict=True):
                if isinstance(result, PictureUnreadable):
                    raise PictureUnreadable(result.reason, f"{place}: {result}" if place else str(result)) from result
                known[key] = result
                self._analyses.keep(key, result)
        return [one for key in keys if (one := known[key]) is not None]

    def stand_in(self, place: str, content: bytes, box: Box | None) -> StoodIn:
        """What is known of a picture that nobody can look at now. Raises: PictureUnreadable; Unavailable without stand-ins."""
        if self._stand_ins is None:
            raise Unavailable("Nobody is there to look at pictures; try again in a moment.", 2.0)
        known = self._analyses.find((digest_of(content), box))
        if known is not None:
            return StoodIn(Glance(known.digest, known.width, known.height, known.phash), known)
        try:
            return self._stand_ins.find(content, box)
        except PictureUnreadable as error:
            raise PictureUnreadable(error.reason, f"{place}: {error}" if place else str(error)) from error

    def _refuse(self, sides: Sequence[tuple[str, int, Like]]) -> None:
        """Everything that is wrong by itself, before anything costs time."""
        problems: list[Problem] = []
        for side, place, one in sides:
            if one.text is not None and self._texts is None:
                problems.append(Problem(f"{side}[{place}].text", _NO_MATCHER.format(recipe=self._analyser.recipe.name)))
            if one.vector is not None:
                size = self._analyser.recipe.dimension
                if len(one.vector) != size:
                    message = f"Found {len(one.vector):,} numbers; vectors of {self._analyser.recipe.id} have {size}."
                    problems.append(Problem(f"{side}[{place}].vector", message))
                elif not any(one.vector):
                    problems.append(Problem(f"{side}[{place}].vector", "A vector of zeros points nowhere."))
        if problems:
            raise InvalidInput(problems)

    def _documents(self, sides: Sequence[tuple[str, int, Like]]) -> dict[str, Document]:
        named = [(f"{side}[{place}].product", one.product) for side, place, one in sides if one.product is not None]
        if not named:
            return {}
        ids = list(dict.fromkeys(name for _, name in named))
        found = {name: document for name, document in zip(ids, self._engine.get(ids), strict=True) if document is not None}
        problems = [Problem(at, f"There is no product {name[:80]!r}.") for at, name in named if name not in found]
        if problems:
            raise InvalidInput(problems)
        return found

    def _analysed(self, sides: Sequence[tuple[str, int, Like]], found: Examples, deadline: float | None) -> dict[int, Analysis]:
        looks: dict[int, tuple[str, bytes, Box | None]] = {}
        began = time.monotonic()
        for number, (side, place, one) in enumerate(sides):
            if one.content is None and one.url is None and one.upload is None:
                continue
            at = f"{side}[{place}].picture" if len(sides) > 1 else ""
            looks[number] = (at, self.content(one, at), one.box)
            within(deadline)
        if not looks:
            return {}
        if any(one.url is not None for _, _, one in sides):
            found.took_ms["fetch"] = (time.monotonic() - began) * 1000
        began = time.monotonic()
        try:
            analyses = dict(zip(looks, self.analyse(list(looks.values()), sooner(deadline)), strict=True))
            digests = [one.digest for one in analyses.values()]
        except Unavailable as error:
            if self._stand_ins is None or isinstance(error, Overloaded):
                raise
            stood_in = {number: self.stand_in(*look) for number, look in looks.items()}
            analyses = {number: one.analysis for number, one in stood_in.items() if one.analysis is not None}
            digests = [one.glance.digest for one in stood_in.values()]
            found.degraded, found.unseen = True, len(looks) - len(analyses)
            found.notices.append(_AWAY_NONE if found.unseen else _AWAY)
        took = (time.monotonic() - began) * 1000
        decode = sum(one.took_ms.get("decode", 0.0) for one in analyses.values())
        found.took_ms["decode"] = min(took, decode)
        found.took_ms["analyse"] = max(0.0, took - found.took_ms["decode"])
        first = min(looks)
        found.analysis, found.upload = analyses.get(first), sides[first][2].upload
        found.pictures = tuple(digests)
        return analyses

    def _read_words(self, texts: list[str], found: Examples) -> dict[str, Vector]:
        """The vectors of words, each text once; remembered as analyses are."""
        known = {text: self._words.find(text) for text in dict.fromkeys(texts)}
        wanted = [text for text, vector in known.items() if vector is None]
        if wanted and self._texts is not None:
            began = time.monotonic()
            for text, vector in zip(wanted, self._texts.embed_texts(wanted), strict=True):
                known[text] = vector
                self._words.keep(text, vector)
            found.took_ms["read"] = (time.monotonic() - began) * 1000
        return {text: vector for text, vector in known.items() if vector is not None}

    def _parts(self, one: Like, at: str, documents: Mapping[str, Document], analysis: Analysis | None, found: Examples) -> list[_Part]:
        if one.weight <= 0:
            return []
        if analysis is not None:
            return [_Part(analysis.main.vector, analysis.main.colour_vector, one.weight)]
        if one.vector is not None:
            told = np.asarray(one.vector, np.float64)
            return [_Part(unit(told / np.abs(told).max()), None, one.weight)]
        if one.product is not None:
            seen = documents[one.product].seen
            if not seen:
                found.notices.append(f"{at}: product {one.product!r} has no picture that was seen, so it cannot be compared by looks.")
            return [_Part(part.analysis.main.vector, part.analysis.main.colour_vector, one.weight / len(seen)) for part in seen]
        return []


def sooner(deadline: float | None) -> float | None:
    """The deadline of the networks, for a request with this one: `SPARE_SECONDS` sooner, or a fifth of what is left where that is less."""
    return None if deadline is None else deadline - min(SPARE_SECONDS, max(0.0, deadline - time.monotonic()) / 5)


def within(deadline: float | None) -> None:
    """Nothing, before the deadline (`time.monotonic()`). Raises: Unavailable after it."""
    if deadline is not None and time.monotonic() > deadline:
        raise Unavailable("The answer took longer than it may. Try again, or ask for less.", retry_after_seconds=2)


def _combined(
    likes: Sequence[_Part], unlikes: Sequence[_Part], pick: Callable[[_Part], Vector | None], strict: bool = True
) -> Vector | None:
    def chosen(parts: Sequence[_Part]) -> list[tuple[Vector, float]]:
        return [(vector, part.weight) for part in parts if (vector := pick(part)) is not None and np.any(vector)]

    vector = combine(chosen(likes), chosen(unlikes))
    if vector is None or np.any(vector):
        return vector
    if strict:
        raise InvalidInput.at("like", "The examples cancel each other out: nothing is left to look for. Change their weights.")
    return None


def _categories(likes: Sequence[Like], documents: Mapping[str, Document]) -> dict[str, float]:
    """Where the liked products are; {} where some example has no known category, for then a vote knows more."""
    shares: dict[str, float] = {}
    total = 0.0
    for one in likes:
        path = documents[one.product].product.category if one.product is not None else None
        if path is None:
            return {}
        shares[path] = shares.get(path, 0.0) + one.weight
        total += one.weight
    return {path: share / total for path, share in shares.items()} if total > 0 else {}
