"""Prints for chests, backs and bags, drawn from plain shapes."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw

from colours import rgb
from paint import disc_on, leaf_on, star


def motif(name: str, ink: str, second: str, size: int = 512) -> Image.Image:
    """A chest or back print on a transparent ground."""
    out = Image.new("RGBA", (size, size))
    d, s = ImageDraw.Draw(out), size / 100
    a, b = (*rgb(ink), 255), (*rgb(second), 255)

    def poly(pts, colour):
        d.polygon([(x * s, y * s) for x, y in pts], fill=colour)

    def disc(x, y, r, colour):
        disc_on(d, x * s, y * s, r * s, colour)

    def hoop(x, y, r, wide, colour):
        d.ellipse(((x - r) * s, (y - r) * s, (x + r) * s, (y + r) * s), outline=colour, width=int(wide * s))

    if name == "sunset":
        disc(50, 50, 38, a)
        for i in range(5):
            y = 52 + i * 8
            d.rectangle((0, y * s, size, (y + 1.2 + i * 0.8) * s), fill=(0, 0, 0, 0))
    elif name == "mountain":
        disc(70, 28, 11, b)
        poly([(5, 82), (38, 22), (58, 58), (66, 46), (95, 82)], a)
        poly([(30, 37), (38, 22), (47, 38), (42, 44), (38, 38), (34, 45)], b)
    elif name == "wave":
        for j in range(4):
            pts = [(x * s, (30 + 13 * j + 6 * math.sin(x / 7)) * s) for x in range(8, 93)]
            d.line(pts, fill=a if j % 2 == 0 else b, width=int(5 * s), joint="curve")
    elif name == "bird":
        d.pieslice((18 * s, 20 * s, 78 * s, 80 * s), 20, 200, fill=a)
        disc(70, 40, 13, a)
        poly([(81, 36), (95, 41), (81, 45)], b)
        disc(73, 37, 2.4, b)
        poly([(20, 42), (6, 26), (32, 50)], a)
    elif name == "rings":
        for i, r in enumerate((40, 29, 18, 8)):
            hoop(50, 50, r, 5, a if i % 2 == 0 else b)
    elif name == "star":
        d.polygon([(x * s, y * s) for x, y in star(50, 52, 44)], fill=a)
        d.polygon([(x * s, y * s) for x, y in star(50, 52, 24)], fill=b)
    elif name == "stack":
        for i, (x, w) in enumerate(((20, 60), (10, 66), (26, 62), (16, 50))):
            d.rounded_rectangle((x * s, (16 + 18 * i) * s, (x + w) * s, (29 + 18 * i) * s), radius=6 * s, fill=a if i % 2 == 0 else b)
    elif name == "cat":
        disc(50, 56, 30, a)
        poly([(22, 48), (24, 12), (46, 30)], a)
        poly([(78, 48), (76, 12), (54, 30)], a)
        disc(39, 52, 5, b)
        disc(61, 52, 5, b)
        poly([(46, 63), (54, 63), (50, 68)], b)
    elif name == "leaf":
        for turn, x, y in ((-1.57, 50, 34), (-0.5, 72, 50), (-2.64, 28, 50), (-0.1, 70, 74), (3.24, 30, 74)):
            leaf_on(d, x * s, y * s, 21 * s, a, turn)
        d.line((50 * s, 30 * s, 50 * s, 96 * s), fill=b, width=int(3 * s))
    elif name == "bolt":
        hoop(50, 50, 44, 5, b)
        poly([(56, 10), (26, 56), (47, 56), (40, 92), (74, 42), (53, 42)], a)
    elif name == "bicycle":
        for x in (25, 75):
            hoop(x, 65, 19, 3.4, a)
        for line in (
            ((25, 65), (42, 40), (68, 40), (75, 65)),
            ((42, 40), (52, 65), (68, 40)),
            ((25, 65), (52, 65)),
            ((66, 32), (68, 40)),
            ((66, 32), (76, 30)),
            ((36, 36), (47, 36)),
            ((42, 40), (41, 36)),
        ):
            d.line([(x * s, y * s) for x, y in line], fill=b if line[0] == (36, 36) else a, width=int(3 * s))
    elif name == "chest stripe":
        d.rectangle((0, 34 * s, size, 66 * s), fill=a)
        d.rectangle((0, 44 * s, size, 56 * s), fill=b)
    return out
