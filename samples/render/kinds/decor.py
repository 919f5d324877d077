"""Things to decorate with: vases, planted pots, candles and clocks."""

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

GLAZES = [
    "white",
    "cream",
    "sand",
    "sage",
    "petrol",
    "navy",
    "terracotta",
    "mustard",
    "blush",
    "charcoal",
    "forest green",
    "rust",
    "lilac",
    "teal",
    "sky blue",
    "coral",
]
VASES = {
    "bottle": [(0.05, 0), (0.065, 0.01), (0.07, 0.09), (0.03, 0.16), (0.022, 0.22), (0.028, 0.27)],
    "amphora": [(0.035, 0), (0.05, 0.02), (0.085, 0.12), (0.07, 0.2), (0.032, 0.235), (0.045, 0.27)],
    "cylinder": [(0.055, 0), (0.06, 0.005), (0.06, 0.12), (0.06, 0.24)],
    "globe": [(0.04, 0), (0.08, 0.025), (0.1, 0.085), (0.07, 0.15), (0.032, 0.17), (0.036, 0.185)],
    "trumpet": [(0.05, 0), (0.045, 0.012), (0.03, 0.08), (0.04, 0.18), (0.085, 0.27)],
    "gourd": [(0.045, 0), (0.075, 0.03), (0.07, 0.09), (0.04, 0.125), (0.052, 0.165), (0.036, 0.21), (0.026, 0.235)],
    "stepped": [(0.06, 0), (0.07, 0.004), (0.07, 0.07), (0.055, 0.078), (0.055, 0.14), (0.042, 0.148), (0.042, 0.22)],
    "teardrop": [(0.045, 0), (0.09, 0.035), (0.085, 0.09), (0.05, 0.16), (0.024, 0.23), (0.02, 0.29)],
}


def plan_vase(rng, n):
    style = list(VASES)[n % len(VASES)]
    tall = rng.choice([18, 22, 26, 30, 35])
    clear = n % 6 == 4
    if clear:
        ways = [Look(c) for c in rng.sample(["clear", "amber", "smoke", "green", "blush"], 2)]
    else:
        ways = looks(rng, GLAZES, [["plain", "striped", "gradient", "marbled", "plain", "speckled", "zigzag", "waves"][n % 8]])
    return Plan(
        "vase",
        style,
        "glass" if clear else "ceramic",
        f"A {tall} cm {style} vase of {'glass' if clear else 'hand-finished ceramic'}",
        price(rng, 16, 89),
        ways,
        dict(
            style=style,
            tall=tall / 100,
            wide=pick(rng, 0.85, 1.2),
            clear=clear,
            shiny=n % 3 == 0,
            ribs=n % 5 == 3,
            ears=style == "amphora" or n % 7 == 5,
        ),
        {"height_cm": tall},
        ["flowers", "decoration"],
        "in" if clear else "glazed in",
    )


def build_vase(s, look):
    body = np.array(VASES[s["style"]])
    body *= [s["tall"] / body[:, 1].max() * s["wide"], s["tall"] / body[:, 1].max()]
    line = mesh.smooth_line(body, 14)
    if s["ribs"]:
        line[:, 0] *= 1 + 0.018 * np.sin(line[:, 1] / s["tall"] * 150)
    skin = m.glass(look.colour, strength=0.8) if s["clear"] else m.glaze(look.colour, look.image(12), s["shiny"])
    mesh.lathe(mesh.wall(line, 0.003), skin, 96)
    if s["ears"] and not s["clear"]:
        z1, z0 = 0.88 * s["tall"], 0.66 * s["tall"]
        r1, r0 = (float(np.interp(z, line[:, 1], line[:, 0])) for z in (z1, z0))
        for side in (-1, 1):
            mesh.tube(
                [
                    (side * (r1 - 0.002), 0, z1),
                    (side * (max(r0, r1) + 0.02), 0, z1 + 0.005),
                    (side * (max(r0, r1) + 0.02), 0, (z0 + z1) / 2),
                    (side * (r0 - 0.002), 0, z0),
                ],
                0.006,
                m.glaze(look.colour, None, s["shiny"]),
                steps=10,
            )


def plan_pot(rng, n):
    style = ["tapered", "round", "square", "footed", "belted"][n % 5]
    plant = ["snake plant", "succulent", "rubber plant", "cactus", "fern", "olive tree"][n % 6]
    across = rng.choice([12, 15, 18, 22])
    return Plan(
        "plant pot",
        style,
        "ceramic",
        f"A {style} {across} cm ceramic pot, shown with a {plant}",
        price(rng, 14, 58),
        looks(rng, GLAZES, [["plain", "terrazzo", "striped", "plain", "triangles", "speckled"][n % 6]], 2),
        dict(style=style, plant=plant, across=across / 100, seed=n),
        {"diameter_cm": across, "plant": plant},
        ["plants", "indoor"],
        "in",
    )


def _leaf_blade(length, width, bend, material, at, turn, tilt, flat=0.0):
    """A single leaf: a strip that widens, ends in a point and bends over."""
    steps, verts, faces, uvs = 9, [], [], []
    for i in range(steps):
        t = i / (steps - 1)
        w = width / 2 * (math.sin(math.pi * min(t * 0.92 + 0.08, 1)) ** 0.7 if not flat else min(1, 6 * t + 0.5) * (1 - t**3) + 0.001)
        lean = tilt + bend * t
        y, z = length * t * math.sin(lean), length * t * math.cos(lean)
        for k, x in enumerate((-w, 0, w)):
            verts.append((x, y - (0.18 * w if k == 1 else 0), z))
        if i:
            b = 3 * (i - 1)
            for k in (0, 1):
                faces.append((b + k, b + k + 1, b + k + 4, b + k + 3))
                uvs += [(k / 2, t), (k / 2 + 0.5, t), (k / 2 + 0.5, t), (k / 2, t)]
    return mesh.place(mesh.soften(mesh.add_mesh("leaf", verts, faces, material, uvs), 1), at, (0, 0, turn))


def _plant(kind: str, r: float, z: float, seed: int):
    rng = random.Random(seed)
    greens = [m.surface(c, rough=0.4) for c in ("#3f7238", "#2f5c33", "#5c8a45")]
    if kind == "snake plant":
        for _ in range(9):
            a = rng.uniform(0, 360)
            _leaf_blade(
                rng.uniform(2.2, 4.2) * r,
                0.42 * r,
                0.15,
                rng.choice(greens),
                (rng.uniform(-0.4, 0.4) * r, rng.uniform(-0.4, 0.4) * r, z),
                a,
                rng.uniform(0, 0.22),
                1,
            )
    elif kind == "fern":
        for i in range(38):
            _leaf_blade(
                rng.uniform(1.4, 2.4) * r, 0.26 * r, rng.uniform(0.7, 1.6), rng.choice(greens), (0, 0, z), i * 137.5, rng.uniform(0.05, 0.6)
            )
    elif kind == "succulent":
        skin = m.surface("#7fae93", rough=0.5)
        for i in range(34):
            t = i / 34
            _leaf_blade(
                (0.95 - 0.6 * (1 - t)) * r,
                0.42 * r * (0.4 + 0.6 * t),
                -0.5,
                skin,
                (0, 0, z + 0.25 * r * (1 - t)),
                i * 137.5,
                0.15 + 1.15 * t,
            )
    elif kind == "cactus":
        skin = m.surface("#4e7d4a", rough=0.6, bump=("columns", 60, 0.6))
        for x, y, w, h in ((0, 0, 0.5, 2.4), (0.45, 0.1, 0.3, 1.3), (-0.4, -0.15, 0.26, 0.9)):
            a = np.linspace(0, math.pi / 2, 10)
            prof = [(0.7 * w * r, z)] + [(w * r * math.cos(t), z + h * r * (0.45 + 0.55 * math.sin(t))) for t in a]
            thing = mesh.lathe(mesh.smooth_line(prof, 2), skin, 96, at=(x * r, y * r, 0))
            for v in thing.data.vertices:
                k = 1 + 0.05 * math.cos(14 * math.atan2(v.co.y - y * r, v.co.x - x * r))
                v.co.x, v.co.y = x * r + (v.co.x - x * r) * k, y * r + (v.co.y - y * r) * k
    else:
        stem, small = m.surface("#6b5138", rough=0.8), kind == "olive tree"
        top = (4.2 if small else 3.0) * r
        mesh.tube([(0, 0, z - 0.1 * r), (0.12 * r, 0, z + 0.4 * top), (-0.05 * r, 0, z + top)], [0.09 * r, 0.07 * r, 0.04 * r], stem)
        leaves = [m.surface(c, rough=0.35) for c in (("#6f8467", "#8a9c80") if small else ("#2c5a32", "#376b3a", "#24492b"))]
        for i in range(90 if small else 15):
            t = rng.uniform(0.62, 1.02) if small else 0.25 + 0.75 * i / 15
            spread = rng.uniform(0, 0.9) * r if small else 0
            a = i * 137.5
            at = (
                spread * math.sin(math.radians(-a)),
                spread * math.cos(math.radians(a)),
                z + t * top + (rng.uniform(-0.3, 0.4) * r if small else 0),
            )
            _leaf_blade(
                (0.5 if small else 1.5) * r,
                (0.12 if small else 0.8) * r,
                0.5,
                rng.choice(leaves),
                at,
                a + rng.uniform(-20, 20),
                rng.uniform(0.4, 1.2),
            )


def build_pot(s, look):
    r = s["across"] / 2
    skin, tall = m.glaze(look.colour, look.image(8), False), 1.75 * r
    soil = m.surface("#3a2c22", rough=1.0, bump=("noise", 200, 0.8))
    forms = {
        "tapered": [(0.7 * r, 0), (0.74 * r, 0.004), (r, tall)],
        "round": [(0.6 * r, 0), (1.02 * r, 0.4 * tall), (0.86 * r, tall)],
        "footed": [(0.5 * r, 0), (0.42 * r, 0.12 * tall), (0.6 * r, 0.22 * tall), (r, 0.55 * tall), (0.98 * r, tall)],
        "belted": [(0.78 * r, 0), (0.84 * r, 0.6 * tall), (0.86 * r, 0.72 * tall), (r, 0.74 * tall), (r, tall)],
    }
    if s["style"] == "square":
        rings = [
            np.column_stack([mesh.oval(2 * q * r, 2 * q * r, 7, 64), np.full(64, z)])
            for q, z in (
                (0.8, 0),
                (0.83, 0.004),
                (0.98, tall - 0.003),
                (0.965, tall),
                (0.9, tall),
                (0.89, tall - 0.004),
                (0.87, 0.86 * tall),
            )
        ]
        mesh.loft(rings, skin, closed_ends=False)
    else:
        line = mesh.smooth_line(forms[s["style"]], 10)
        mesh.lathe(mesh.wall(line, 0.05 * r), skin, 80)
    mesh.rod(0.86 * r, 0.04 * r, soil, (0, 0, 0.82 * tall))
    _plant(s["plant"], r, 0.85 * tall, s["seed"])


def plan_candle(rng, n):
    style = ["pillar", "jar", "ribbed", "trio of", "twisted"][n % 5]
    hours = rng.choice([20, 35, 45, 60])
    ways = looks(rng, ["white", "cream", "sage", "terracotta", "burgundy", "navy", "blush", "mustard", "forest green", "lilac"], ["plain"])
    noun = "candles" if style == "trio of" else "candle"
    return Plan(
        noun,
        style,
        "soy wax",
        f"{'A trio of pillar candles' if noun == 'candles' else f'A {style} candle'} of scented soy wax that burns for {hours} hours",
        price(rng, 8, 34),
        ways,
        dict(style=style, tall=pick(rng, 0.08, 0.15)),
        {"burning_hours": hours},
        ["scented", "gift"],
    )


def build_candle(s, look):
    wax = m.surface(look.colour, rough=0.42, subsurface=0.3)
    wick = m.surface("#2a2522", rough=0.9)

    def one(x, y, r, h, twist=0.0, ribs=0.0, wick_up=0.012):
        rings = []
        for z in [0, 0.002, *np.linspace(0.006, h - 0.004, 50), h - 0.001, h]:
            edge = 0.92 if z in (0, h) else (0.98 if z in (0.002, h - 0.001) else 1)
            a = np.linspace(0, math.tau, 120, endpoint=False)
            q = r * edge * (1 + ribs * np.cos(10 * a + twist * z / h))
            rings.append(np.column_stack([x + q * np.cos(a), y + q * np.sin(a), np.full(120, z)]))
        mesh.loft(rings, wax)
        mesh.tube([(x, y, h - 0.002), (x + 0.001, y, h + wick_up * 0.5), (x + 0.003, y, h + wick_up)], 0.0011, wick)

    h = s["tall"]
    if s["style"] == "pillar":
        one(0, 0, 0.035, h)
    elif s["style"] == "ribbed":
        one(0, 0, 0.036, h, 0, 0.05)
    elif s["style"] == "twisted":
        one(0, 0, 0.028, h * 1.3, 5, 0.1)
    elif s["style"] == "trio of":
        one(-0.055, 0.02, 0.027, h * 1.2)
        one(0.015, 0.035, 0.027, h * 0.9)
        one(0.0, -0.035, 0.027, h * 0.6)
    else:
        mesh.lathe(
            mesh.wall(mesh.smooth_line([(0.038, 0), (0.041, 0.003), (0.0415, 0.05), (0.0415, 0.09)], 6), 0.003), m.glaze(look.colour), 80
        )
        mesh.lathe([(0, 0.078), (0.03, 0.078), (0.0385, 0.079)], m.surface("cream", rough=0.4), 64)
        mesh.tube([(0, 0, 0.076), (0.001, 0, 0.084), (0.003, 0, 0.092)], 0.0011, wick)
        verts = [(0.0419 * math.sin(t), -0.0419 * math.cos(t), z) for z in (0.02, 0.055) for t in np.linspace(-0.6, 0.6, 20)]
        faces = [(i, i + 1, i + 21, i + 20) for i in range(19)]
        mesh.add_mesh("label", verts, faces, m.surface("sand" if look.colour in ("white", "cream") else "cream", rough=0.7))


def plan_clock(rng, n):
    style = ["wooden", "classic", "minimal", "sunburst", "square"][n % 5]
    across = rng.choice([25, 30, 35, 40])
    rims = {
        "wooden": ["oak", "walnut", "birch"],
        "classic": ["black", "white", "red", "navy"],
        "minimal": ["white", "sage", "blush", "charcoal", "mustard"],
        "sunburst": ["brass", "copper", "black"],
        "square": ["oak", "teal", "white", "charcoal"],
    }[style]
    made = {"wooden": "wood", "square": "wood", "sunburst": "metal"}.get(style, "steel")
    ways = [Look(c) for c in rng.sample(rims, rng.choice([1, 2]))]
    return Plan(
        "wall clock",
        style,
        made,
        f"A {style} wall clock, {across} cm across, with a quiet movement",
        price(rng, 24, 95),
        ways,
        dict(style=style, hour=rng.choice([10.15, 1.85, 8.3, 10.9]), numerals=n % 2 == 0),
        {"diameter_cm": across},
        ["time", "wall"],
    )


def _dial(face: str, ink: str, numerals: bool) -> Image.Image:
    image = Image.new("RGB", (1024, 1024), rgb(face))
    d = ImageDraw.Draw(image)
    for i in range(60):
        a, big = i * math.tau / 60, i % 5 == 0
        if numerals and big:
            d.text((512 + 395 * math.sin(a), 512 - 395 * math.cos(a)), str(i // 5 or 12), fill=rgb(ink), font=paint.font(105), anchor="mm")
        lo = 466 if numerals else (400 if big else 455)
        d.line(
            (512 + lo * math.sin(a), 512 - lo * math.cos(a), 512 + 485 * math.sin(a), 512 - 485 * math.cos(a)),
            fill=rgb(ink),
            width=12 if big else 5,
        )
    return image


def build_clock(s, look):
    wooden = look.colour in ("oak", "walnut", "birch")
    shiny = look.colour in ("brass", "copper")
    body = m.wood(look.colour, "x") if wooden else m.metal(look.colour, 0.25) if shiny else m.plastic(look.colour, 0.35)
    plain = s["style"] == "minimal"
    dark = plain and look.colour in ("charcoal",)
    face = look.colour if plain else "white"
    dial = m.surface(image=_dial(face, "white" if dark else "black", s["numerals"] and not plain), rough=0.5)
    if s["style"] == "wooden":
        face_m = m.wood("birch" if look.colour != "birch" else "walnut", "x")
        dial = face_m
    r = 0.15
    if s["style"] == "square":
        mesh.slab(mesh.oval(2.2 * r, 2.2 * r, 8, 80), 0.03, body, 0.006)
    else:
        mesh.lathe(
            [
                (0, 0.015),
                (r * 0.95, 0.015),
                (r, 0.012),
                (r * 1.06, 0),
                (r * 1.06, -0.022),
                (r * 1.0, -0.028),
                (r * 0.96, -0.02),
                (r * 0.96, -0.014),
            ],
            body,
            128,
        ).data.transform(mesh.Euler((math.radians(-90), 0, 0)).to_matrix().to_4x4() @ mesh.Matrix.Scale(-1, 4, (0, 0, 1)))
    front = -0.0165
    a = np.linspace(0, math.tau, 96, endpoint=False)
    q = r * (0.98 if s["style"] == "square" else 0.97)
    verts = [(q * math.cos(t), front, q * math.sin(t)) for t in a]
    mesh.add_mesh("dial", verts, [tuple(range(96))], dial, [(0.5 + 0.5 * math.cos(t), 0.5 + 0.5 * math.sin(t)) for t in a], False)
    ink = m.plastic("white" if dark else "black") if s["style"] != "sunburst" else m.metal("brass")
    if s["style"] == "wooden":
        for i in range(12):
            t = i * math.tau / 12
            mesh.box(
                (0.006, 0.004, 0.022), ink, (0.82 * r * math.sin(t), front - 0.002, 0.82 * r * math.cos(t)), 0.001, (0, math.degrees(t), 0)
            )
    if s["style"] == "sunburst":
        for i in range(24):
            t = i * math.tau / 24
            far = (1.75 if i % 2 else 1.45) * r
            mesh.bar((1.02 * r * math.sin(t), 0, 1.02 * r * math.cos(t)), (far * math.sin(t), 0, far * math.cos(t)), 0.005, body, top=0.002)
    hour = s["hour"]
    for turn, far, wide in ((hour / 12 * math.tau, 0.5, 0.007), ((hour % 1) * math.tau, 0.78, 0.005)):
        mid = (far - 0.1) / 2 * r
        mesh.box(
            (wide, 0.002, (far + 0.1) * r),
            ink,
            (mid * math.sin(turn), front - 0.005, mid * math.cos(turn)),
            0.0008,
            (0, math.degrees(turn), 0),
        )
    mesh.ball(0.007, ink, (0, front - 0.005, 0), (1, 0.5, 1))


HOME = ("Ombrelune", "Kolvenn", "Brindlemoor")
register(Kind("vase", "Home > Decoration > Vases", 16, plan_vase, build_vase, 0, 12, brands=HOME, scene="shelf", scenes=0.25))
register(Kind("pot", "Home > Decoration > Plant pots", 12, plan_pot, build_pot, 10, 14, brands=HOME, scenes=0.17))
register(Kind("candle", "Home > Decoration > Candles", 9, plan_candle, build_candle, 10, 18, brands=HOME))
register(Kind("clock", "Home > Decoration > Clocks", 9, plan_clock, build_clock, 8, 3, wall=True, brands=HOME, scenes=0.12))
