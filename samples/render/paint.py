"""Patterns, prints and labels, painted as flat pictures that the materials wrap round shapes."""

from __future__ import annotations

import math
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from colours import rgb

SIZE = 1024


def font(size: int):
    return ImageFont.load_default(size)


def disc_on(draw, x, y, r, colour):
    draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)


def flower_on(draw, x, y, r, petals, centre, turn=0.0):
    for i in range(5):
        a = turn + i * math.tau / 5
        disc_on(draw, x + 0.62 * r * math.cos(a), y + 0.62 * r * math.sin(a), 0.44 * r, petals)
    disc_on(draw, x, y, 0.3 * r, centre)


def leaf_on(draw, x, y, r, colour, turn):
    pts = []
    for i in range(25):
        t = i / 12 - 1 if i <= 12 else 1 - (i - 12) / 12
        w = 0.33 * (1 - t * t) * (1 if i <= 12 else -1)
        pts.append((x + r * (t * math.cos(turn) - w * math.sin(turn)), y + r * (t * math.sin(turn) + w * math.cos(turn))))
    draw.polygon(pts, fill=colour)


def star(x, y, r, points=5, inner=0.42, turn=-math.pi / 2):
    return [
        (
            x + (r if i % 2 == 0 else r * inner) * math.cos(turn + i * math.pi / points),
            y + (r if i % 2 == 0 else r * inner) * math.sin(turn + i * math.pi / points),
        )
        for i in range(2 * points)
    ]


class Tile:
    """A seamless tile being painted: ground and ink colours, step of the repeat, its own chance."""

    def __init__(self, kind: str, base: str, accent: str, repeats: int, seed: int):
        self.rng = random.Random(f"{kind}{base}{accent}{seed}")
        self.ground, self.ink = rgb(base), rgb(accent)
        self.image = Image.new("RGB", (SIZE, SIZE), self.ground)
        self.draw = ImageDraw.Draw(self.image)
        self.n = max(2, repeats)
        self.even = self.n + self.n % 2  # staggered rows only meet at the edges in even numbers
        self.step = SIZE / self.n

    def mixed(self, share: float) -> tuple[int, ...]:
        return tuple(int(p + (q - p) * share) for p, q in zip(self.ground, self.ink, strict=True))

    def wrapped(self, x: float, y: float) -> list[tuple[float, float]]:
        """The point and its images beyond the edges, so that motifs run on from tile to tile."""
        margin = 2 * self.step
        moved = [(x + dx, y + dy) for dx in (-SIZE, 0, SIZE) for dy in (-SIZE, 0, SIZE)]
        return [(a, b) for a, b in moved if -margin < a < SIZE + margin and -margin < b < SIZE + margin]

    def scattered(self):
        """Grid with alternate rows shifted and a little disorder."""
        step, chance = SIZE / self.even, self.rng.uniform
        for j in range(self.even):
            for i in range(self.even):
                yield ((i + 0.5 * (j % 2) + 0.5) * step + chance(-0.12, 0.12) * step, (j + 0.5) * step + chance(-0.12, 0.12) * step, step)


def _striped(t: Tile):
    share = t.rng.choice([0.3, 0.42, 0.5])
    for i in range(t.n):
        t.draw.rectangle((0, i * t.step, SIZE, i * t.step + share * t.step), fill=t.ink)


def _pinstriped(t: Tile):
    share = t.rng.choice([0.14, 0.3, 0.5])
    for i in range(t.n):
        t.draw.rectangle((i * t.step, 0, i * t.step + share * t.step, SIZE), fill=t.ink)


def _dotted(t: Tile):
    step, share = SIZE / t.even, t.rng.choice([0.2, 0.27, 0.33])
    for j in range(t.even):
        for i in range(t.even):
            for x, y in t.wrapped((i + 0.5 * (j % 2) + 0.25) * step, (j + 0.5) * step):
                disc_on(t.draw, x, y, share * step, t.ink)


def _checked(t: Tile):
    mid = tuple((p + q) // 2 for p, q in zip(t.ground, t.ink, strict=True))
    half = t.step / 2
    for i in range(t.n):
        for j in range(t.n):
            x, y = i * t.step, j * t.step
            t.draw.rectangle((x, y, x + half, y + half), fill=t.ink)
            t.draw.rectangle((x + half, y, x + t.step, y + half), fill=mid)
            t.draw.rectangle((x, y + half, x + half, y + t.step), fill=mid)


def _tartan(t: Tile):
    top = Image.new("RGBA", (SIZE, SIZE))
    for i in range(t.n):
        for at, wide, alpha in ((0.0, 0.34, 120), (0.44, 0.05, 220), (0.72, 0.12, 90)):
            lo, hi = (i + at) * t.step, (i + at + wide) * t.step
            for shape in ((lo, 0, hi, SIZE), (0, lo, SIZE, hi)):
                layer = Image.new("RGBA", (SIZE, SIZE))
                ImageDraw.Draw(layer).rectangle(shape, fill=(*t.ink, alpha))
                top = Image.alpha_composite(top, layer)
    t.image.paste(top, (0, 0), top)


def _windowpane(t: Tile):
    for i in range(t.n):
        at = (i + 0.5) * t.step
        for shape in ((at, 0, at + 0.07 * t.step, SIZE), (0, at, SIZE, at + 0.07 * t.step)):
            t.draw.rectangle(shape, fill=t.ink)


def _zigzag(t: Tile):
    for j in range(-1, t.n + 1):
        pts = [(x, (j + 0.28 * abs((x / t.step * 2) % 2 - 1) * 2) * t.step) for x in range(0, SIZE + 1, 4)]
        t.draw.line(pts, fill=t.ink, width=int(0.3 * t.step))


def _waves(t: Tile):
    for j in range(-1, t.n + 1):
        pts = [(x, (j + 0.5 + 0.22 * math.sin(math.tau * x / t.step)) * t.step) for x in range(0, SIZE + 1, 4)]
        t.draw.line(pts, fill=t.ink, width=int(0.22 * t.step))


def _floral(t: Tile):
    heart = t.rng.choice([rgb("mustard"), rgb("white"), rgb("terracotta")])
    for x0, y0, s in list(t.scattered()):
        turn = t.rng.uniform(0, 6)
        for x, y in t.wrapped(x0, y0):
            leaf_on(t.draw, x + 0.3 * s, y + 0.32 * s, 0.2 * s, rgb("sage"), turn)
            flower_on(t.draw, x, y, 0.33 * s, t.ink, heart, turn)


def _leafy(t: Tile):
    for x0, y0, s in list(t.scattered()):
        turn = t.rng.uniform(0, 6)
        for x, y in t.wrapped(x0, y0):
            leaf_on(t.draw, x, y, 0.46 * s, t.ink, turn)


def _triangles(t: Tile):
    pale = tuple((2 * q + p) // 3 for p, q in zip(t.ground, t.ink, strict=True))
    for j in range(t.n):
        for i in range(t.n):
            if t.rng.random() < 0.72:
                x, y = i * t.step, j * t.step
                shade = t.ink if t.rng.random() < 0.7 else pale
                t.draw.polygon([(x, y + t.step), (x + t.step / 2, y), (x + t.step, y + t.step)], fill=shade)


def _starry(t: Tile):
    for x0, y0, s in list(t.scattered()):
        for x, y in t.wrapped(x0, y0):
            t.draw.polygon(star(x, y, 0.3 * s), fill=t.ink)


def _speckled(t: Tile):
    for _ in range(90 * t.n):
        disc_on(t.draw, t.rng.uniform(0, SIZE), t.rng.uniform(0, SIZE), t.rng.uniform(0.8, 4.2), t.ink)


def _terrazzo(t: Tile):
    shades = [t.ink, rgb("terracotta"), rgb("charcoal"), rgb("mustard"), rgb("sage")]
    chance = t.rng.uniform
    for _ in range(14 * t.n):
        x, y, r = chance(0, SIZE), chance(0, SIZE), chance(8, 30)
        corners = (0, 1, 2.1, 3.2, 4.2, 5.2)
        pts = [(x + r * chance(0.5, 1) * math.cos(k), y + r * chance(0.5, 1) * math.sin(k)) for k in corners]
        t.draw.polygon(pts, fill=t.rng.choice(shades))


def _gradient(t: Tile):
    for y in range(SIZE):
        t.draw.line((0, y, SIZE, y), fill=t.mixed(max(0.0, min(1.0, (y / SIZE - 0.12) / 0.76))))


def _marbled(t: Tile):
    chance = t.rng.uniform
    for _ in range(16):
        x, y, d = chance(0, SIZE), chance(0, SIZE), chance(0, 6)
        pts = [(x, y)]
        for _ in range(60):
            d += chance(-0.35, 0.35)
            x, y = x + 18 * math.cos(d), y + 18 * math.sin(d)
            pts.append((x, y))
        t.draw.line(pts, fill=t.ink, width=t.rng.choice([2, 3, 6, 12]))
    t.image = t.image.filter(ImageFilter.GaussianBlur(2.5))


PAINTERS = {
    "striped": _striped, "pinstriped": _pinstriped, "dotted": _dotted, "checked": _checked, "tartan": _tartan,
    "windowpane": _windowpane, "zigzag": _zigzag, "waves": _waves, "floral": _floral, "leafy": _leafy, "triangles": _triangles,
    "starry": _starry, "speckled": _speckled, "terrazzo": _terrazzo, "gradient": _gradient, "marbled": _marbled,
}  # fmt: skip


def pattern(kind: str, base: str, accent: str, repeats: int = 8, seed: int = 0) -> Image.Image:
    """Seamless tile of the named pattern, or of the plain ground for a name that has no painter."""
    tile = Tile(kind, base, accent, repeats, seed)
    if kind in PAINTERS:
        PAINTERS[kind](tile)
    return tile.image


def grain(depth: float, seed: int = 0) -> Image.Image:
    """Fine grey noise round middle grey, the same at every run."""
    noise = np.random.default_rng(seed).normal(128, depth, (SIZE, SIZE))
    return Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8)).convert("RGB")


def words(text: str, ink: str, size: int = 512, height: float = 0.22) -> Image.Image:
    """A line of lettering on a transparent ground, fitted to the width."""
    out = Image.new("RGBA", (size, size))
    d = ImageDraw.Draw(out)
    points = int(size * height)
    while points > 8 and d.textlength(text, font(points)) > size * 0.92:
        points -= 2
    d.text((size / 2, size / 2), text, fill=(*rgb(ink), 255), font=font(points), anchor="mm")
    return out


def lay(ground: Image.Image, top: Image.Image, centre: tuple[float, float], width: float) -> Image.Image:
    """Put a print on a ground; position and width as shares of the ground's size."""
    out = ground.convert("RGBA")
    wide = int(width * ground.width)
    top = top.resize((wide, int(wide * top.height / top.width)), Image.LANCZOS)
    x, y = int(centre[0] * ground.width - wide / 2), int(centre[1] * ground.height - top.height / 2)
    out.alpha_composite(top, (max(x, 0), max(y, 0)))
    return out.convert("RGB")
