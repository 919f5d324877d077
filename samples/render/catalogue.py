"""The catalogue: which products there are, what they are called and which pictures each has."""

from __future__ import annotations

import datetime
import importlib
import random
import re
from dataclasses import dataclass, field
from typing import Any

from kinds.base import KINDS, Kind, Look, Plan

MODULES = ["kitchen", "decor", "lighting", "seating", "tables", "soft", "garments", "bags", "accessories", "electronics", "toys"]
SERIES = """Alba Runa Fjell Mira Odde Luma Tarn Sola Vika Ember Lark Nomi Isla Brae Juno Kivi Orla Pella Rowan Senna
Tove Una Vale Wick Yara Zeta Cleo Dune Elm Fern Gale Halo Iris Jura Kelp Lino Moss Nell Opal Pip Quill Reed Saga Tuva
Ula Vesper Wren Alder Birk Coda Delft Esker Flint Gorse Heath Ilex Kite Loam Marl Nook""".split()


def _articles(sentence: str) -> str:
    """Put "an" before a vowel: the words of a description are put together from parts."""
    return re.sub(r"\b([Aa]) (?=[aeiouAEIOU])", r"\1n ", sentence)


@dataclass
class Shot:
    """One picture to render."""

    path: str  # below the sample shop's folder
    product: Product
    view: str  # front, back, scene or query
    seed: str


@dataclass
class Product:
    id: str
    kind: Kind
    plan: Plan
    look: Look
    series: str
    brand: str
    group: str
    created: str
    in_stock: bool
    shots: list[Shot] = field(default_factory=list)

    def title(self) -> str:
        words = self.plan.noun if self.plan.style in self.plan.noun else f"{self.plan.style} {self.plan.noun}"
        return f"{self.series} {words}, {self.look.extra.get('phrase') or self.look.phrase()}"

    def record(self, pictures: list[str]) -> dict[str, Any]:
        look, plan = self.look, self.plan
        phrase = look.extra.get("phrase") or look.phrase()
        pattern = "printed" if look.extra.get("print") else look.pattern
        tags = [*plan.tags, look.colour] + ([pattern] if pattern != "plain" else [])
        return {
            "id": self.id,
            "title": self.title(),
            "description": _articles(f"{plan.detail}, {plan.finish} {phrase}."),
            "brand": self.brand,
            "category": self.kind.category,
            "price": plan.price,
            "currency": "EUR",
            "tags": tags,
            "group": self.group,
            "in_stock": self.in_stock,
            "created": self.created,
            "pictures": pictures,
            "attributes": {"colour": look.colour, "material": plan.material, "pattern": pattern, **plan.attributes},
        }


def _products(kind: Kind) -> list[Product]:
    made: list[Product] = []
    n = 0
    while len(made) < kind.count:
        # The seed names the kind, so that changing one kind leaves the others as they were.
        rng = random.Random(f"{kind.name}-{n}")
        plan = kind.plan(rng, n)
        series, brand = SERIES[(n * 7 + sum(map(ord, kind.name))) % len(SERIES)], kind.brands[n % len(kind.brands)]
        for look in plan.looks[: kind.count - len(made)]:
            number = f"{kind.name}-{len(made) + 1:03d}"
            day = datetime.datetime(2024, 1, 8, 9, tzinfo=datetime.UTC) + datetime.timedelta(hours=rng.randrange(15000))
            product = Product(
                number,
                kind,
                plan,
                look,
                series,
                brand,
                f"{kind.name}-{series.lower()}",
                day.strftime("%Y-%m-%dT%H:%M:%SZ"),
                rng.random() > 0.08,
            )
            product.shots.append(Shot(f"pictures/{number}.jpg", product, "front", number))
            made.append(product)
        n += 1
    for i, product in enumerate(made):
        if kind.back is not None and (i + 0.5) * kind.backs % 1 < kind.backs:
            product.shots.append(Shot(f"pictures/{product.id}-back.jpg", product, "back", product.id + "b"))
        if (i + 0.5) * kind.scenes % 1 < kind.scenes:
            product.shots.append(Shot(f"pictures/{product.id}-scene.jpg", product, "scene", product.id + "s"))
        product.shots.sort(key=lambda shot: ["front", "back", "scene"].index(shot.view))
    return made


def products() -> list[Product]:
    for name in MODULES:
        importlib.import_module(f"kinds.{name}")
    return [product for kind in KINDS.values() for product in _products(kind)]


def queries(everything: list[Product], count: int = 40) -> list[Shot]:
    """Shoppers' own photographs: one product of every kind, as far as the count goes."""
    by_kind: dict[str, list[Product]] = {}
    for product in everything:
        by_kind.setdefault(product.kind.name, []).append(product)
    rng = random.Random("queries")
    shots = []
    for group in by_kind.values():
        if len(shots) < count:
            product = rng.choice(group)
            shots.append(Shot(f"queries/{product.id}-query.jpg", product, "query", product.id + "q"))
    return shots
