"""Soft and woven things for the home: cushions, rugs and baskets."""

from __future__ import annotations

import math
import random

import numpy as np
from PIL import Image, ImageDraw

import materials as m
import mesh
import paint
from colours import rgb
from kinds.base import Kind, Look, Plan, looks, pick, price, register

CLOTHS = [
    "cream",
    "sage",
    "petrol",
    "mustard",
    "terracotta",
    "blush",
    "navy",
    "rust",
    "charcoal",
    "forest green",
    "lilac",
    "light grey",
    "burgundy",
    "sky blue",
]


def plan_cushion(rng, n):
    style = ["square", "lumbar", "piped", "round", "fringed"][n % 5]
    pattern = ["striped", "plain", "floral", "checked", "triangles", "leafy", "zigzag", "dotted", "tartan", "waves", "windowpane", "plain"][
        (n * 5) % 12
    ]
    if style == "round":
        pattern = "plain"
    made = ["linen", "cotton", "velvet"][n % 3]
    size = {"square": "45 x 45", "lumbar": "60 x 35", "piped": "50 x 50", "round": "40", "fringed": "45 x 45"}[style]
    return Plan(
        "cushion",
        style,
        made,
        f"A {style} {made} cushion of {size} cm with a feather filling",
        price(rng, 15, 59),
        looks(rng, CLOTHS, [pattern]),
        dict(style=style, repeats=rng.choice([5, 6, 8, 10]), plump=pick(rng, 0.13, 0.19), velvet=made == "velvet", seed=n),
        {"size_cm": size},
        ["textiles", "sofa"],
    )


def build_cushion(s, look):
    image = look.image(s["repeats"])
    skin = (
        m.surface(look.colour, image, rough=0.85, sheen=0.8, specular=0.2)
        if s["velvet"]
        else m.cloth(look.colour, image, scale=130, strength=0.5)
    )
    w, h = {"lumbar": (0.6, 0.36), "round": (0.42, 0.42), "piped": (0.5, 0.5)}.get(s["style"], (0.45, 0.45))
    lean = (-9, 0, 0)
    if s["style"] == "round":
        line = [
            (
                0.2 * math.cos(t) ** 0.55 if math.cos(t) > 1e-9 else 0,
                0.055 * math.sin(t) * (1 - 0.35 * math.exp(-((math.cos(t) / 0.25) ** 2))),
            )
            for t in np.linspace(-math.pi / 2, math.pi / 2, 60)
        ]
        thing = mesh.lathe(line, skin, 200)
        for v in thing.data.vertices:
            a = math.atan2(v.co.y, v.co.x)
            r = math.hypot(v.co.x, v.co.y)
            v.co.z *= 1 + 0.05 * math.cos(28 * a) * (r / 0.2) * (1 - r / 0.22)
        mesh.place(thing, (0, 0, 0.2), (82, 0, 0))
        mesh.place(mesh.ball(0.014, skin, (0, 0, 0), (1, 1, 0.6)), (0, -0.042, 0.206), (82, 0, 0))
        return
    thing = mesh.pillow(w, h, s["plump"], skin, n=48, pinch=0.07, dents=0.025, seed=s["seed"])
    parts = [thing]
    edge = [
        (u * (1 - 0.07 * (1 - v * v)) * w / 2, 0, v * (1 - 0.07 * (1 - u * u)) * h / 2)
        for u, v in [(t, -1) for t in np.linspace(-1, 1, 12)][:-1]
        + [(1, t) for t in np.linspace(-1, 1, 12)][:-1]
        + [(t, 1) for t in np.linspace(1, -1, 12)][:-1]
        + [(-1, t) for t in np.linspace(1, -1, 12)][:-1]
    ]
    if s["style"] == "piped":
        parts.append(mesh.tube(edge, 0.0055, m.cloth(look.accent if look.pattern != "plain" else look.colour), closed=True, n=10, steps=4))
    if s["style"] == "fringed":
        thread, rng = m.cloth(look.accent if look.pattern != "plain" else look.colour), random.Random(s["seed"])
        for x, _, z in mesh.smooth_line(edge, 3, True):
            side = abs(x) / w > abs(z) / h
            out = np.array([math.copysign(0.028, x), 0, 0]) if side else np.array([0, 0, math.copysign(0.028, z)])
            out = out + [rng.uniform(-0.006, 0.006), rng.uniform(-0.008, 0.008), rng.uniform(-0.008, 0.004)]
            parts.append(mesh.tube([(x, 0, z), np.array([x, 0, z]) + out * 0.5, np.array([x, 0, z]) + out], 0.0028, thread, n=6, steps=2))
    for part in parts:
        mesh.place(part, (0, 0, h / 2 + (0.03 if s["style"] == "fringed" else 0)), lean)


def _rug_picture(style: str, look: Look, s: dict) -> Image.Image:
    tall = 1024
    a, b, c = rgb(look.colour), rgb(look.accent), rgb(s["third"])
    if style == "patterned":
        image = paint.pattern(s["pattern"], look.colour, look.accent, s["repeats"])
    else:
        image = Image.new("RGB", (tall, tall), a)
        d = ImageDraw.Draw(image)
        if style == "bordered":
            for inset, colour in ((40, b), (90, a), (110, c), (135, a)):
                d.rectangle((inset, inset, tall - inset, tall - inset), fill=colour)
        elif style == "diamond":
            n = s["repeats"]
            for i in range(n + 1):
                for j in range(n + 1):
                    x, y, r = i * tall / n, j * tall / n, tall / n / 2
                    for k, colour in ((1.0, b), (0.72, a), (0.4, c)):
                        d.polygon([(x, y - r * k), (x + r * k, y), (x, y + r * k), (x - r * k, y)], fill=colour)
        elif style == "modern":
            rng = random.Random(s["seed"])
            for _ in range(6):
                x, y, r = rng.uniform(0, tall), rng.uniform(0, tall), rng.uniform(120, 360)
                d.ellipse((x - r, y - r, x + r, y + r), fill=rng.choice([b, c, rgb("cream")]))
    noise = paint.grain(26, s["seed"])
    return Image.blend(image, Image.composite(image, noise, Image.new("L", (tall, tall), 200)), 0.5)


def plan_rug(rng, n):
    style = ["bordered", "diamond", "round jute", "patterned", "modern", "runner"][n % 6]
    size = {"runner": "70 x 200", "round jute": "150 across"}.get(style, rng.choice(["120 x 180", "160 x 230", "140 x 200"]))
    pattern = rng.choice(["striped", "zigzag", "checked", "triangles"])
    jute = style == "round jute"
    ways = (
        [Look("natural", rng.choice(["white", "charcoal", "rust"]), rng.choice(["plain", "two-tone"]))]
        if jute
        else looks(rng, CLOTHS, ["two-tone" if style in ("bordered", "diamond", "modern") else pattern], 2)
    )
    return Plan(
        "rug",
        style,
        "jute" if jute else "wool",
        f"A {style} rug, {size} cm, of {'braided jute' if jute else 'hand-woven wool'}",
        price(rng, 59, 390),
        ways,
        dict(
            style=style,
            third=rng.choice(["terracotta", "mustard", "charcoal", "sage"]),
            pattern=pattern,
            repeats=rng.choice([6, 8]),
            seed=n,
            fringe=n % 2 == 0,
        ),
        {"size_cm": size},
        ["textiles", "floor"],
    )


def build_rug(s, look):
    style = s["style"]
    if style == "round jute":
        for i in range(26):
            colour = look.accent if look.pattern == "two-tone" and i in (14, 15, 22, 23) else look.colour
            mesh.ring(0.03 * i + 0.012, 0.0165, m.surface(colour, rough=1.0, bump=("noise", 90, 1.0)), (0, 0, 0.012), n=8, segments=120)
        return
    w, h = (0.7, 2.0) if style == "runner" else (1.3, 1.9)
    kind = "patterned" if style == "runner" else style
    image = _rug_picture(kind, look, s)
    grid = [(x, y) for y in np.linspace(-h / 2, h / 2, 40) for x in np.linspace(-w / 2, w / 2, 26)]
    verts = [(x, y, 0.014 + 0.003 * math.sin(9 * x + 4 * y) * math.sin(5 * y)) for x, y in grid]
    faces = [(j * 26 + i, j * 26 + i + 1, (j + 1) * 26 + i + 1, (j + 1) * 26 + i) for j in range(39) for i in range(25)]
    uvs = [((verts[k][0] + w / 2) / (w if kind != "patterned" else h), (verts[k][1] + h / 2) / h) for f in faces for k in f]
    thing = mesh.add_mesh("rug", verts, faces, m.surface(image=image, rough=1.0, sheen=0.2, bump=("noise", 170, 0.8), specular=0.1), uvs)
    thing.modifiers.new("thick", "SOLIDIFY").thickness = 0.013
    if s["fringe"]:
        thread = m.surface("cream", rough=1.0)
        rng = random.Random(s["seed"])
        for end in (-1, 1):
            for x in np.linspace(-w / 2 + 0.01, w / 2 - 0.01, int(w * 45)):
                mesh.tube(
                    [
                        (x, end * h / 2, 0.01),
                        (x + rng.uniform(-0.01, 0.01), end * (h / 2 + 0.035), 0.007),
                        (x + rng.uniform(-0.015, 0.015), end * (h / 2 + 0.07), 0.004),
                    ],
                    0.005,
                    thread,
                    n=5,
                    steps=2,
                )


def plan_basket(rng, n):
    style = ["coiled", "tall", "low", "two-tone", "belly"][n % 5]
    across = rng.choice([24, 30, 36, 42])
    two = style == "two-tone" or n % 3 == 2
    made = ["seagrass", "cotton rope", "jute"][n % 3]
    base = "natural" if made != "cotton rope" else rng.choice(["cream", "light grey", "sage", "blush"])
    look = Look(
        base,
        rng.choice(["white", "black", "rust", "petrol", "mustard"]) if base == "natural" else "charcoal",
        "two-tone" if two else "plain",
    )
    ways = [look] if not two else [look, Look(base, "terracotta", "two-tone")]
    return Plan(
        "basket",
        style,
        made,
        f"A {style} storage basket of {made} with two handles, {across} cm across",
        price(rng, 14, 65),
        ways,
        dict(style=style, loops=n % 2, rows=rng.choice([16, 20, 24])),
        {"diameter_cm": across},
        ["storage"],
    )


def build_basket(s, look):
    r, h = {"coiled": (0.16, 0.2), "tall": (0.16, 0.36), "low": (0.2, 0.13), "two-tone": (0.17, 0.26), "belly": (0.15, 0.27)}[s["style"]]
    rows = s["rows"]
    step = h / rows

    def radius(z):
        t = z / h
        return r * (0.86 + 0.5 * math.sin(math.pi * t) ** 0.8 * (0.75 if s["style"] == "belly" else 0.25) + 0.12 * t)

    def coil(colour):
        return m.surface(colour, rough=0.95, bump=("noise", 160, 1.0))

    plain, other = coil(look.colour), coil(look.accent)
    for i in range(rows):
        z = step * (i + 0.5)
        low = look.pattern == "two-tone" and i < rows * 0.45
        thing = mesh.ring(radius(z), step * 0.58, other if low else plain, (0, 0, z), n=10, segments=180)
        for v in thing.data.vertices:  # the lashing of the coil
            a = math.atan2(v.co.y, v.co.x)
            k = 1 + 0.006 * math.sin(70 * a + (i % 2) * math.pi)
            v.co.x, v.co.y = v.co.x * k, v.co.y * k
    mesh.rod(radius(0) * 0.98, step, plain)
    for side in (-1, 1):
        x = side * radius(h)
        if s["loops"]:
            mesh.tube(
                [(x, -0.05, h - step), (x * 1.02, -0.045, h + 0.045), (x * 1.02, 0.045, h + 0.045), (x, 0.05, h - step)],
                step * 0.6,
                plain,
                n=10,
            )
        else:
            hide = m.leather("tan")
            mesh.tube(
                [
                    (x * 1.03, -0.04, h - 2.5 * step),
                    (x * 1.1, -0.03, h + 0.03),
                    (x * 1.1, 0.03, h + 0.03),
                    (x * 1.03, 0.04, h - 2.5 * step),
                ],
                0.011,
                hide,
                n=10,
                flat=0.35,
            )


HOME = ("Brindlemoor", "Kolvenn", "Ombrelune")
register(Kind("cushion", "Home > Textiles > Cushions", 16, plan_cushion, build_cushion, 14, 10, brands=HOME, scene="floor", scenes=0.12))
register(Kind("rug", "Home > Textiles > Rugs", 9, plan_rug, build_rug, 24, 38, brands=HOME, scene="floor", scenes=0.12, fill=0.88))
register(Kind("basket", "Home > Storage > Baskets", 9, plan_basket, build_basket, 18, 20, brands=HOME, scene="floor", scenes=0.12))
