"""Toys and stationery: cars, stacking towers, balls and notebooks."""

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

BRIGHT = ["red", "yellow", "blue", "green", "orange", "sky blue", "mint", "coral", "lilac", "mustard", "teal", "pink", "navy"]


def plan_car(rng, n):
    style = ["saloon", "bus", "racer", "pick-up", "beetle"][n % 5]
    bare = n % 4 == 3
    ways = [Look("oak")] if bare else looks(rng, BRIGHT, ["two-tone" if n % 2 else "plain"])
    noun = {"bus": "toy bus", "pick-up": "toy truck"}.get(style, "toy car")
    words = {"bus": "wooden", "pick-up": "pick-up"}.get(style, style)
    return Plan(
        noun,
        words,
        "wood",
        f"A {words} {noun} of solid wood with rolling wheels",
        price(rng, 12, 34),
        ways,
        dict(style=style, k=pick(rng, 0.92, 1.1), bare=bare),
        {"age_from": rng.choice([1, 2, 3])},
        ["toys", "wooden toys"],
    )


def build_car(s, look):
    body = m.wood(look.colour, "x") if s["bare"] else m.plastic(look.colour, 0.3)
    roof = m.plastic(look.accent, 0.3) if look.pattern == "two-tone" else body
    pane = m.surface("#9cc3d6" if not s["bare"] else "#6b4a30", rough=0.1)
    style, w = s["style"], 0.07
    forms = {
        "saloon": [
            (-0.085, 0.02),
            (0.085, 0.02),
            (0.087, 0.045),
            (0.06, 0.052),
            (0.035, 0.082),
            (-0.035, 0.082),
            (-0.06, 0.054),
            (-0.087, 0.05),
        ],
        "bus": [(-0.1, 0.02), (0.1, 0.02), (0.1, 0.08), (0.094, 0.098), (-0.094, 0.098), (-0.1, 0.08)],
        "racer": [
            (-0.1, 0.018),
            (0.105, 0.018),
            (0.108, 0.03),
            (0.05, 0.044),
            (0.02, 0.05),
            (-0.01, 0.046),
            (-0.03, 0.064),
            (-0.06, 0.062),
            (-0.1, 0.05),
        ],
        "pick-up": [(-0.1, 0.02), (0.1, 0.02), (0.1, 0.05), (0.068, 0.055), (0.05, 0.09), (0.0, 0.09), (-0.004, 0.052), (-0.1, 0.052)],
        "beetle": [
            (-0.08, 0.02),
            (0.08, 0.02),
            *[(0.082 * math.cos(t), 0.026 + 0.06 * math.sin(t) ** 0.8) for t in np.linspace(0.15, math.pi - 0.15, 18)],
        ],
    }
    outline = [(x * s["k"], z) for x, z in forms[style]]
    mesh.slab(outline, w, body, 0.007, rounds=4)
    if style in ("saloon", "beetle", "pick-up"):
        lo, hi = {"saloon": (-0.045, 0.045), "beetle": (-0.042, 0.042), "pick-up": (0.012, 0.052)}[style]
        z0, z1 = 0.056, 0.076
        mesh.slab(
            [(lo * s["k"], z0), (hi * s["k"], z0), (hi * 0.78 * s["k"], z1), (lo * (0.78 if lo < 0 else 1) * s["k"], z1)],
            w + 0.002,
            pane,
            0.002,
        )
        if look.pattern == "two-tone":
            mesh.box(
                (0.066 * s["k"] if style != "pick-up" else 0.045, w * 0.86, 0.006),
                roof,
                (0 if style != "pick-up" else 0.026, 0, 0.084 if style != "pick-up" else 0.092),
                0.0028,
            )
    elif style == "bus":
        for i in range(4):
            mesh.box((0.032, w + 0.002, 0.024), pane, ((i - 1.5) * 0.042 * s["k"], 0, 0.073), 0.0015)
        mesh.box(
            (0.198 * s["k"], w + 0.001, 0.006), m.plastic(look.accent if look.pattern == "two-tone" else "white", 0.3), (0, 0, 0.048), 0.001
        )
    else:
        mesh.ball(0.014, m.wood("birch", "z"), (-0.006, 0, 0.062))
        mesh.place(mesh.rod(0.016, 0.001, m.plastic("white")), (0.055 * s["k"], -w / 2 - 0.0005, 0.032), (90, 0, 0))
    tyre, hub = (
        m.plastic("#222222", 0.6) if not s["bare"] else m.wood("walnut", "x"),
        m.wood("birch", "x") if s["bare"] else m.plastic(look.accent if look.pattern == "two-tone" else "white", 0.3),
    )
    for x in (-0.055, 0.055):
        for side in (-1, 1):
            mesh.place(mesh.rod(0.021, 0.014, tyre, edge=0.004), (x * s["k"], side * (w / 2 + 0.006) + 0.007, 0.021), (90, 0, 0))
            mesh.place(mesh.rod(0.01, 0.017, hub, edge=0.002), (x * s["k"], side * (w / 2 + 0.006) + 0.0085, 0.021), (90, 0, 0))


def plan_stack(rng, n):
    style = ["ring stacker", "block tower", "rainbow", "pull-along"][n % 4]
    palette = [
        rng.sample(["red", "orange", "yellow", "green", "blue", "purple"], 6),
        ["rust", "mustard", "cream", "sage", "petrol", "charcoal"],
        ["blush", "coral", "cream", "mint", "sky blue", "lilac"],
    ][n % 3]
    name = ["bright", "earthy", "pastel"][n % 3]
    return Plan(
        "stacking toy" if style != "pull-along" else "wooden toy",
        style,
        "wood",
        f"A {style} of painted wood in {name} colours",
        price(rng, 16, 39),
        [Look("multicolour", palette[1], "plain", {"phrase": f"{name} colours"})],
        dict(style=style, palette=palette, seed=n),
        {"age_from": 1, "palette": name},
        ["toys", "wooden toys"],
        "in",
    )


def build_stack(s, look):
    tones = [m.plastic(c, 0.35) for c in s["palette"]]
    rng = random.Random(s["seed"])
    if s["style"] == "ring stacker":
        mesh.rod(0.055, 0.016, m.wood("birch", "x"))
        mesh.rod(0.011, 0.13, m.wood("birch", "z"), (0, 0, 0.01))
        for i, tone in enumerate(tones):
            mesh.ring(0.036 - 0.0035 * i, 0.0115, tone, (0, 0, 0.028 + 0.0205 * i))
        mesh.ball(0.016, m.wood("birch", "z"), (0, 0, 0.15))
    elif s["style"] == "block tower":
        z = 0
        for row, count in enumerate((3, 2, 2, 1)):
            for i in range(count):
                mesh.box(
                    (0.045, 0.045, 0.045),
                    tones[(row * 2 + i) % 6],
                    ((i - (count - 1) / 2) * 0.049 + rng.uniform(-0.003, 0.003), rng.uniform(-0.004, 0.004), z + 0.0225),
                    0.004,
                    (0, 0, rng.uniform(-9, 9)),
                )
            z += 0.0452
        mesh.slab([(-0.03, 0), (0.03, 0), (0, 0.04)], 0.045, tones[5], 0.003, (0, 0, z))
    elif s["style"] == "rainbow":
        for i, tone in enumerate(tones):
            r1, r0 = 0.1 - 0.0148 * i, 0.1 - 0.0148 * (i + 1) + 0.0008
            arch = [(r1 * math.cos(t), r1 * math.sin(t)) for t in np.linspace(0, math.pi, 40)] + [
                (r0 * math.cos(t), r0 * math.sin(t)) for t in np.linspace(math.pi, 0, 40)
            ]
            mesh.slab(arch, 0.055, tone, 0.002)
    else:
        mesh.slab(mesh.oval(0.17, 0.05, 3, 60) + [0, 0.045], 0.06, tones[0], 0.006)
        mesh.ball(0.032, tones[0], (-0.075, 0, 0.1))
        mesh.slab([(-0.125, 0.098), (-0.1, 0.09), (-0.1, 0.106)], 0.016, tones[1], 0.003)
        for sx in (-1, 1):
            mesh.ball(0.005, m.plastic("black", 0.1), (-0.092, sx * 0.022, 0.112))
        mesh.slab(mesh.oval(0.07, 0.03, 2, 40) + [0.02, 0.055], 0.07, tones[2], 0.004)
        for x in (-0.05, 0.05):
            for side in (-1, 1):
                mesh.place(mesh.rod(0.022, 0.013, tones[3], edge=0.004), (x, side * 0.04 + 0.006, 0.022), (90, 0, 0))
        mesh.tube([(-0.085, 0, 0.045), (-0.13, -0.02, 0.006), (-0.17, -0.05, 0.003), (-0.15, -0.09, 0.003)], 0.0018, m.cloth("cream"), n=8)
        mesh.ball(0.009, tones[4], (-0.148, -0.094, 0.009))


def plan_ball(rng, n):
    style = ["beach", "dotted", "starry", "rubber"][n % 4]
    pattern = {"beach": "pinstriped", "dotted": "dotted", "starry": "starry", "rubber": "plain"}[style]
    made = "rubber" if style != "beach" else "vinyl"
    words = style if style in ("beach", "rubber") else "play"
    return Plan(
        "ball",
        words,
        made,
        f"A bouncy {words} ball of {made}, {rng.choice([18, 22, 30])} cm across",
        price(rng, 6, 19),
        looks(rng, BRIGHT, [pattern], 2),
        dict(style=style),
        {},
        ["toys", "outdoor"],
    )


def build_ball(s, look):
    image = paint.pattern("pinstriped", look.colour, look.accent, 6) if s["style"] == "beach" else look.image(10)
    skin = m.surface(look.colour, image, rough=0.3 if s["style"] != "rubber" else 0.5)
    thing = mesh.ball(0.11, skin, (0, 0, 0), rings=48)
    knob = mesh.rod(0.014, 0.006, m.plastic("white", 0.4), (0, 0, 0.106))
    for part in (thing, knob):
        mesh.place(part, (0, 0, 0.11), (28, -18, 10))


def plan_book(rng, n):
    style = ["hardcover", "ring-bound", "softcover", "set of three"][n % 4]
    pattern = ["plain", "floral", "striped", "triangles", "dotted", "leafy", "waves", "marbled"][n % 8]
    return Plan(
        "notebook" if style != "set of three" else "notebooks",
        style,
        "paper",
        f"A {style} {'notebooks' if style == 'set of three' else 'notebook'} with {rng.choice([96, 128, 160, 192])} "
        f"{rng.choice(['dotted', 'ruled', 'blank'])} pages",
        price(rng, 7, 26),
        looks(
            rng, ["navy", "sage", "mustard", "terracotta", "black", "blush", "petrol", "cream", "burgundy", "sky blue", "red"], [pattern]
        ),
        dict(style=style, repeats=rng.choice([6, 8, 10]), label=n % 2 == 0, band=n % 3 == 0),
        {"format": "A5"},
        ["stationery", "paper"],
    )


def build_book(s, look):
    count = 3 if s["style"] == "set of three" else 1
    w, h = 0.148, 0.21
    thick = 0.009 if count == 3 else 0.018
    for i in range(count):
        colour = [look.colour, look.accent, "cream" if look.accent != "cream" else "sand"][i]
        image = (
            paint.pattern(look.pattern, look.colour, look.accent, s["repeats"])
            if i == 0 and look.pattern != "plain"
            else Image.new("RGB", (1024, 1024), rgb(colour))
        )
        if s["label"] and i == 0:
            d = ImageDraw.Draw(image)
            d.rounded_rectangle((330, 380, 694, 560), 14, fill=rgb("cream"))
            d.text((512, 470), "NOTES", fill=rgb("charcoal"), font=paint.font(74), anchor="mm")
        cover = m.surface(image=image, rough=0.55, bump=("noise", 300, 0.15))
        parts = [
            mesh.box((w, 0.0022, h), cover, (0, -thick / 2, h / 2), 0.0009),
            mesh.box((w, 0.0022, h), cover, (0, thick / 2, h / 2), 0.0009),
            mesh.box((w - 0.006, thick - 0.001, h - 0.006), m.surface("white", rough=0.9, bump=("columns", 400, 0.3)), (0.001, 0, h / 2)),
        ]
        if s["style"] != "ring-bound":
            parts.append(mesh.box((0.0024, thick + 0.002, h), m.surface(colour, rough=0.5), (-w / 2 + 0.001, 0, h / 2), 0.001))
        else:
            steel = m.metal("#2b2b2b", 0.3)
            for z in np.linspace(0.012, h - 0.012, 22):
                parts.append(mesh.ring(thick * 0.72, 0.0009, steel, (-w / 2 + 0.003, 0, float(z)), n=6, segments=24))
        if s["band"] and count == 1:
            parts.append(
                mesh.box(
                    (0.007, thick + 0.0045, h + 0.001),
                    m.cloth(look.accent if look.pattern == "plain" else "black"),
                    (w * 0.36, 0, h / 2),
                    0.0006,
                )
            )
        for part in parts:
            mesh.place(part, (0.02 * i - 0.01 * count, -0.022 * i, 0), (-11, 0, -3 * i))


PLAY = ("Pippolino", "Brindlemoor")
register(Kind("car", "Toys > Vehicles", 10, plan_car, build_car, 32, 18, brands=PLAY, scene="floor", scenes=0.1))
register(Kind("stack", "Toys > Building and stacking", 8, plan_stack, build_stack, 22, 15, brands=PLAY, scene="floor", scenes=0.12))
register(Kind("ball", "Toys > Balls", 7, plan_ball, build_ball, 10, 14, brands=PLAY, scene="floor"))
register(Kind("notebook", "Stationery > Notebooks", 9, plan_book, build_book, 24, 12, brands=("Ombrelune", "Tidewick"), scenes=0.11))
