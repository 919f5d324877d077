"""What a kind of product is: how it is planned (shape, looks, words) and how it is built."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import colours
import paint

PHRASES = {
    "plain": "{c}",
    "striped": "{c} with {a} stripes",
    "pinstriped": "{c} with upright {a} stripes",
    "dotted": "{c} with {a} dots",
    "checked": "{c} and {a} check",
    "tartan": "{c} and {a} tartan",
    "windowpane": "{c} with a {a} windowpane check",
    "zigzag": "{c} with a {a} zigzag",
    "waves": "{c} with {a} waves",
    "floral": "{c} with {a} flowers",
    "leafy": "{c} with {a} leaves",
    "triangles": "{c} with {a} triangles",
    "starry": "{c} with {a} stars",
    "speckled": "{c} with {a} speckles",
    "terrazzo": "{c} terrazzo",
    "gradient": "{c} fading to {a}",
    "marbled": "{c} with {a} marbling",
    "two-tone": "{c} and {a} two-tone",
    "printed": "{c} with a {a} print",
}


@dataclass
class Look:
    """One colourway of a design."""

    colour: str
    accent: str = "white"
    pattern: str = "plain"
    extra: dict[str, Any] = field(default_factory=dict)

    def phrase(self) -> str:
        return PHRASES[self.pattern].format(c=self.colour, a=self.accent)

    def image(self, repeats: int = 8):
        """The pattern as a picture, or None for a plain one."""
        if self.pattern in ("plain", "two-tone", "printed"):
            return None
        return paint.pattern(self.pattern, self.colour, self.accent, repeats)


@dataclass
class Plan:
    """One design: its shape, its colourways and the words the shop uses for it."""

    noun: str
    style: str
    material: str
    detail: str
    price: float
    looks: list[Look]
    shape: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    finish: str = "in"


@dataclass
class Kind:
    """A leaf of the catalogue. `azimuth` 0 looks at the product's front, along +y."""

    name: str
    category: str
    count: int
    plan: Callable[[random.Random, int], Plan]
    build: Callable[[dict[str, Any], Look], None]
    azimuth: float = 25.0
    elevation: float = 18.0
    wall: bool = False  # shown flat before a wall instead of standing on the floor
    floats: bool = False  # hangs in the air
    back: float | None = None  # azimuth of the second viewpoint
    backs: float = 0.0  # share of designs that have one
    scene: str = "table"  # surroundings that suit it
    scenes: float = 0.15  # share of products shown in them
    brands: tuple[str, ...] = ()
    fill: float = 0.8


KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    KINDS[kind.name] = kind


def looks(rng: random.Random, palette: list[str], patterns: list[str], most: int = 3) -> list[Look]:
    """One to `most` colourways that share a pattern."""
    pattern = rng.choice(patterns)
    picked = rng.sample(palette, min(len(palette), rng.choice(range(1, most + 1))))
    return [Look(c, colours.partner(rng, c), pattern) for c in picked]


def pick(rng: random.Random, low: float, high: float) -> float:
    return round(rng.uniform(low, high), 4)


def price(rng: random.Random, low: float, high: float) -> float:
    """A price as shops write them."""
    value = rng.uniform(low, high)
    if value > 120:
        return float(round(value / 10) * 10 - 1)
    return round(value) - rng.choice([0.05, 0.1, 0.5, 0.01, 1.0])
