"""Seeded documents, filters and queries: awkward on purpose, the same on every machine."""

import datetime
import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lookalike.domain import filters
from lookalike.domain.analysis import Analysis, Colour, Recipe, SeenObject, Tag, Vector
from lookalike.domain.document import Document, Seen
from lookalike.domain.filters import Filter
from lookalike.domain.fusion import unit
from lookalike.domain.geometry import Box
from lookalike.domain.product import AttributeValue, Product
from lookalike.domain.query import EngineQuery, FacetRequest, Sort
from lookalike.domain.values import Scalar

RECIPE = Recipe("testing", 16, 6, {"network": "none"})
OTHER_RECIPE = Recipe("testing", 16, 6, {"network": "another"})

BRANDS = ("Acme", "acme", "Čapek & Söhne", "東京堂", 'O\'Neill "Surf"', "A, B", "NULL", "1")
CATEGORIES = ("Clothing", "Clothing > Shoes", "Clothing > Shoes > Boots", "Clothing > Shirts", "Clothing > Shoes2", "Tea")
TAGS = ("quokka", "Quokka", "zephyr", "crème", "sale % off", "boot")
SEEN_TAGS = ("boot", "shirt", "teapot", "QUOKKA")
WORDS = ("red", "running", "shoes", "boot", "Blue", "shirt", "crème", "Straße", "NEAR", "x-ray", "tea", "東京堂", "runner", "OR")
COLOURS = ("red", "blue", "black")
FIELDS = (
    *("brand", "category", "price", "in_stock", "group", "tags", "predicted_tags", "predicted_colours", "quality", "created"),
    *("currency", "title", "attributes.size", "attributes.fits", "attributes.mixed", "attributes.waterproof"),
    *("attributes.brand", "attributes.nobody", "id"),
)
_PREFIXES = ("sku", "Ünï côde", "東", "a/b", 'x"y', "'; DROP TABLE documents; --", chr(0x1F600))


def make_documents(seed: int, count: int, *, recipe: Recipe = RECIPE, plain: bool = False) -> list[Document]:
    """`count` documents with unlike ids; most optional fields are missing somewhere. `plain`: each has one picture."""
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    centres = noise.normal(size=(max(4, count // 25), recipe.dimension))
    return [_document(rng, noise, number, centres, recipe, plain) for number in range(count)]


def make_vector(noise: np.random.Generator, dimension: int, centre: NDArray[np.floating] | None = None) -> Vector:
    """A unit vector, near `centre` where one is given."""
    around = noise.normal(size=dimension)
    return unit(around if centre is None else centre + 0.5 * around)


def _document(
    rng: random.Random, noise: np.random.Generator, number: int, centres: NDArray[np.floating], recipe: Recipe, plain: bool
) -> Document:
    when = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(hours=rng.randrange(9000))
    attributes: dict[str, AttributeValue | None] = {
        "size": rng.choice([0, 1, 36.5, 41, "41", None]),
        "fits": rng.choice([None, (), tuple(rng.sample(["slim", "wide", "größer"], 2)), "slim"]),
        "mixed": rng.choice([True, 1, 1.0, "1", "true", (True, 2, "b"), (0.5, 7), None]),
        "waterproof": rng.choice([True, False, None]),
        "brand": rng.choice(["house 1", None]),
    }
    product = Product(
        id=f"{rng.choice(_PREFIXES)}-{number}",
        title=" ".join(rng.sample(WORDS, rng.randint(1, 5))) if rng.random() < 0.95 else None,
        description=rng.choice([None, "weich & leicht, für Läufer", " ".join(rng.choices(WORDS, k=12))]),
        brand=rng.choice([*BRANDS, None]),
        category=rng.choice([*CATEGORIES, None]),
        price=rng.choice([None, 0, 25, 50.0, 100, round(rng.uniform(1, 130), 2), round(rng.uniform(1, 130), 2)]),
        currency="EUR",
        tags=tuple(rng.sample(TAGS, rng.randint(0, 3))),
        group=rng.choice([None, *(f"g{n}" for n in range(30))]),
        in_stock=rng.choice([True, True, False, None]),
        created=rng.choice([None, when.isoformat(), when.isoformat(), when.date().isoformat()]),
        pictures=("a.jpg", "b.jpg"),
        attributes={name: value for name, value in attributes.items() if value is not None},
    )
    pictures = (0,) if plain else rng.choice([(), (0,), (0,), (0,), (1,), (0, 1)])
    centre = centres[rng.randrange(len(centres))]
    seen = tuple(Seen(place, _analysis(rng, noise, centre, recipe, plain)) for place in pictures)
    return Document(product, seen, digest=f"digest-{number}", unseen={} if seen else {0: "not_a_picture"})


def _analysis(rng: random.Random, noise: np.random.Generator, centre: NDArray[np.floating], recipe: Recipe, plain: bool) -> Analysis:
    objects = tuple(
        SeenObject(
            box=Box(0.1, 0.2, 0.5 + 0.4 * rng.random(), 0.9),
            vector=make_vector(noise, recipe.dimension, centre),
            colour_vector=unit(np.abs(noise.normal(size=recipe.colour_dimension))),
            label=rng.choice(SEEN_TAGS),
            score=rng.random(),
        )
        for _ in range(1 if plain else rng.choice([1, 1, 1, 3]))
    )
    return Analysis(
        recipe_id=recipe.id,
        digest=f"{rng.getrandbits(64):016x}",
        width=300,
        height=400,
        objects=objects,
        tags=tuple(Tag(name, rng.random()) for name in rng.sample(SEEN_TAGS, rng.randint(0, 2))),
        categories=(Tag(rng.choice(CATEGORIES), rng.random()),),
        colours=tuple(Colour(name, 0.5, (1, 2, 3)) for name in rng.sample(COLOURS, rng.randint(0, 2))),
        phash=f"{rng.getrandbits(64):016x}",
        quality=tuple(rng.sample(["blurred", "tiny"], rng.randint(0, 1))),
    )


def make_filter(rng: random.Random, documents: Sequence[Document], depth: int = 2) -> Filter:
    """A random filter; most of its values come from the documents, so that it seldom finds nothing."""
    if depth and rng.random() < 0.45:
        parts = tuple(make_filter(rng, documents, depth - 1) for _ in range(rng.randint(0 if rng.random() < 0.05 else 1, 3)))
        joined: list[Filter] = [filters.All(parts), filters.AnyOf(parts), filters.Not(filters.AnyOf(parts))]
        return rng.choice(joined)
    field = rng.choice(FIELDS)
    if rng.random() < 0.15:
        return filters.Exists(field) if rng.random() < 0.5 else filters.Not(filters.Exists(field))
    found = _some_values(rng, documents, field)
    numbers = [value for value in found if not isinstance(value, bool | str)]
    if numbers and rng.random() < 0.6:
        low, high = sorted(rng.choices(numbers, k=2))
        edges: dict[str, float] = rng.choice([{"gte": low, "lt": high}, {"gt": low, "lte": high}, {"lt": high}, {"gte": low}])
        return filters.Range(field, **edges)
    options = tuple(rng.choices(found, k=rng.choice([1, 1, 2, 5]))) if found else ("nothing",)
    match = filters.Match(field, rng.choice([options, options, options, options[:1], ()]))
    return filters.Not(match) if rng.random() < 0.2 else match


def _some_values(rng: random.Random, documents: Sequence[Document], field: str) -> list[Scalar]:
    found = [value for one in rng.choices(documents, k=40) for value in one.read(field)]
    if field == "category":
        found += ["Clothing", "Clothing > Shoes"]
    if field == "attributes.mixed":
        found += [1, True, "1", 1.0, False]
    return found


def make_query(rng: random.Random, documents: Sequence[Document], *, recipe: Recipe = RECIPE, legs: Sequence[str]) -> EngineQuery:
    """A query with the given legs, random weights, and perhaps a filter, `not_tags` and a least similarity."""
    noise = np.random.default_rng(rng.getrandbits(32))
    having = [one for one in documents if one.seen]
    near = rng.choice(having).seen[0].analysis.main.vector
    words = rng.choices([*WORDS, *BRANDS, "zqxjvv"], k=rng.randint(1, 4))
    return EngineQuery(
        vector=make_vector(noise, recipe.dimension, near) if "picture" in legs else None,
        colour=unit(np.abs(noise.normal(size=recipe.colour_dimension))) if "colour" in legs else None,
        words=" ".join(words) if "text" in legs else None,
        tags=tuple(rng.sample([*TAGS, *SEEN_TAGS, "Boot"], 2)) if "tags" in legs else (),
        not_tags=(rng.choice([*TAGS, *SEEN_TAGS]),) if rng.random() < 0.3 else (),
        categories={rng.choice(CATEGORIES): 0.75, "Tea": 0.25} if "category" in legs else {},
        weights={leg: rng.uniform(0.1, 1.0) for leg in legs},
        filter=make_filter(rng, documents) if rng.random() < 0.6 else filters.EVERYTHING,
        min_similarity=rng.uniform(-0.2, 0.4) if "picture" in legs and rng.random() < 0.2 else None,
    )


def make_facets(rng: random.Random) -> tuple[FacetRequest, ...]:
    """Every field, categories by level, and ranges."""
    chosen = [FacetRequest(field, field, limit=rng.choice([3, 100, 1000])) for field in rng.sample(FIELDS, 6)]
    return (
        *chosen,
        FacetRequest("category", "category"),
        FacetRequest("category", "first level", depth=1),
        FacetRequest("price", "price ranges", ranges=(0, 25, 50, 99.5)),
        FacetRequest("attributes.mixed", "mixed ranges", ranges=(0, 1, 8)),
    )


def make_sort(rng: random.Random) -> Sort:
    """By any field, either way."""
    return Sort(rng.choice([field for field in FIELDS if field != "attributes.nobody"]), descending=rng.random() < 0.5)
