"""Lamps for tables, floors and ceilings."""

from __future__ import annotations

import math

import numpy as np

import materials as m
import mesh
from kinds.base import Kind, Look, Plan, looks, pick, price, register

SHADES = ["white", "cream", "sand", "sage", "petrol", "mustard", "blush", "terracotta", "charcoal", "navy"]
PAINTS = ["white", "black", "sage", "mustard", "petrol", "red", "blush", "terracotta", "sky blue"]


def _shade(bottom, top, height, z, look, emit=0.3, repeats=10):
    """Thin open cone of cloth, lit from within."""
    outer = [(bottom, 0), ((bottom + top) / 2, height / 2), (top, height)]
    line = np.array(mesh.smooth_line(outer, 8)) + [0, z]
    inner = line[::-1] - [0.002, 0]
    edge = [(line[-1][0] - 0.001, line[-1][1] + 0.001)]
    mesh.lathe(np.vstack([line, edge, inner, line[:1]]), m.shade(look.colour, look.image(repeats), emit), 96)


def _base_material(name: str):
    if name in ("oak", "walnut", "birch"):
        return m.wood(name, "z")
    if name in ("brass", "copper", "steel"):
        return m.metal(name, 0.24)
    return m.glaze(name)


def plan_table(rng, n):
    style = ["gourd", "tripod", "column", "mushroom", "desk", "globe"][n % 6]
    base = (
        rng.choice(["brass", "oak", "walnut", "white", "black", "copper"])
        if style in ("tripod", "column", "desk", "globe")
        else rng.choice(["white", "petrol", "sage", "terracotta", "navy"])
    )
    if style in ("tripod",):
        base = rng.choice(["oak", "walnut", "black"])
    palette = PAINTS if style in ("mushroom", "desk") else ["white"] if style == "globe" else SHADES
    ways = looks(
        rng, palette, ["plain"] if style in ("mushroom", "desk", "globe") else [["plain", "pinstriped", "plain", "leafy", "dotted"][n % 5]]
    )
    made = {"mushroom": "metal", "desk": "metal", "globe": "glass"}.get(style, "linen")
    told = {
        "mushroom": "A mushroom table lamp of lacquered metal",
        "desk": "An adjustable desk lamp of lacquered metal",
        "globe": f"A globe table lamp with an opal glass ball on a {base} foot",
    }.get(style, f"A {style} table lamp with a {base} base and a linen shade")
    tall = rng.choice([32, 38, 45, 52])
    return Plan(
        "table lamp",
        style,
        made,
        told,
        price(rng, 29, 149),
        ways,
        dict(style=style, base=base, flare=pick(rng, 0.55, 1.0), tall=pick(rng, 0.85, 1.2)),
        {"height_cm": tall, "base": base},
        ["lamp", "light"],
    )


def build_table(s, look):
    style, base = s["style"], _base_material(s["base"])
    h = 0.24 * s["tall"]
    if style == "gourd":
        line = mesh.smooth_line([(0.045, 0), (0.09, 0.03), (0.095, 0.09), (0.05, 0.16), (0.03, 0.2), (0.012, 0.22)], 10) * [1, s["tall"]]
        mesh.lathe(np.vstack([[(0, 0)], line]), base, 96)
        mesh.rod(0.006, 0.06, m.metal("brass"), (0, 0, 0.21 * s["tall"]))
        _shade(0.15, 0.15 * s["flare"], 0.18, 0.25 * s["tall"], look)
    elif style == "tripod":
        for i in range(3):
            a = math.radians(120 * i + 30)
            mesh.bar((0.13 * math.cos(a), 0.13 * math.sin(a), 0), (0.015 * math.cos(a), 0.015 * math.sin(a), h + 0.02), 0.009, base)
        mesh.rod(0.022, 0.02, m.metal("brass"), (0, 0, h))
        mesh.rod(0.006, 0.07, m.metal("brass"), (0, 0, h + 0.01))
        _shade(0.15, 0.15 * s["flare"], 0.19, h + 0.05, look)
    elif style == "column":
        mesh.rod(0.085, 0.014, base, (0, 0, 0))
        mesh.rod(0.011, h + 0.08, base, (0, 0, 0.01))
        _shade(0.14, 0.14 * s["flare"], 0.2, h + 0.06, look)
    elif style == "mushroom":
        paint = m.plastic(look.colour, 0.22)
        mesh.lathe(
            np.vstack([[(0, 0)], mesh.smooth_line([(0.085, 0), (0.085, 0.008), (0.045, 0.03), (0.033, 0.1), (0.04, h)], 8), [(0, h)]]),
            paint,
            96,
        )
        dome = [(0.15 * math.cos(t), h - 0.01 + 0.115 * s["flare"] * math.sin(t)) for t in np.linspace(0, math.pi / 2, 24)]
        mesh.lathe(np.vstack([dome, [(0, h - 0.013)], [(0.147, h - 0.012)]][:1] + [np.array(dome[::-1]) - [0.003, 0.003]]), paint, 96)
    elif style == "desk":
        paint, joint = m.plastic(look.colour, 0.28), m.metal("brass" if s["base"] == "brass" else "steel")
        mesh.rod(0.09, 0.02, paint)
        elbow, head = (-0.09, 0, 0.26 * s["tall"]), (0.1, 0, 0.4 * s["tall"])
        mesh.bar((0, 0, 0.015), elbow, 0.007, paint)
        mesh.bar(elbow, head, 0.007, paint)
        for p in (elbow, head):
            mesh.ball(0.013, joint, p)
        hood = mesh.smooth_line([(0.018, 0.0), (0.03, 0.005), (0.04, 0.04), (0.075, 0.11)], 8)
        shape = np.vstack([[(0, 0)], hood, hood[::-1] - [0.003, 0]])
        mesh.place(mesh.lathe(shape, paint, 80), head, (0, 146, 0))
        mesh.place(mesh.ball(0.026, m.surface("#fff3d8", emit=2.5)), (head[0] + 0.04, 0, head[2] - 0.06))
    else:
        mesh.rod(0.075, 0.025, base)
        mesh.rod(0.02, 0.06, base, (0, 0, 0.02))
        r = 0.085 * s["tall"]
        mesh.ball(r, m.surface("#fff6e6", rough=0.3, emit=0.45), (0, 0, 0.07 + r))


def plan_floor(rng, n):
    style = ["tripod", "arc", "column", "reading"][n % 4]
    base = rng.choice(["oak", "walnut", "black-stained"]) if style == "tripod" else rng.choice(["brass", "black", "white", "steel"])
    ways = looks(rng, SHADES if style in ("tripod", "column") else PAINTS, [["plain", "plain", "pinstriped", "plain"][n % 4]], 2)
    made = "linen" if style in ("tripod", "column") else "metal"
    return Plan(
        "floor lamp",
        style,
        made,
        f"A {style} floor lamp with {'a linen shade' if made == 'linen' else 'a metal hood'} on a {base} stand",
        price(rng, 79, 320),
        ways,
        dict(style=style, base=base, tall=pick(rng, 0.9, 1.1), flare=pick(rng, 0.6, 1)),
        {"stand": base},
        ["lamp", "living room"],
    )


def build_floor(s, look):
    name = s["base"]
    base = (
        m.wood(name, "z")
        if name in ("oak", "walnut", "black-stained")
        else m.metal(name, 0.25)
        if name in ("brass", "steel")
        else m.plastic(name)
    )
    h = 1.25 * s["tall"]
    if s["style"] == "tripod":
        for i in range(3):
            a = math.radians(120 * i + 30)
            mesh.bar((0.36 * math.cos(a), 0.36 * math.sin(a), 0), (0.03 * math.cos(a), 0.03 * math.sin(a), h), 0.022, base, top=0.018)
        mesh.rod(0.06, 0.05, m.metal("brass"), (0, 0, h - 0.02))
        _shade(0.3, 0.3 * s["flare"], 0.34, h + 0.02, look)
    elif s["style"] == "column":
        mesh.rod(0.17, 0.025, base)
        mesh.rod(0.014, h, base, (0, 0, 0.02))
        _shade(0.24, 0.24 * s["flare"], 0.32, h - 0.02, look)
    else:
        far = 0.75 if s["style"] == "arc" else 0.3
        mesh.rod(0.17, 0.04, base)
        arc = [(0, 0, 0.03), (0, 0, 0.7 * h), (0.15 * far, 0, 1.02 * h), (0.55 * far, 0, 1.15 * h), (far, 0, 1.0 * h)]
        mesh.tube(arc, 0.013, base, steps=12)
        paint = m.plastic(look.colour, 0.25)
        r = 0.19 if s["style"] == "arc" else 0.12
        dome = np.array([(r * math.cos(t), 0.8 * r * math.sin(t)) for t in np.linspace(0, math.pi / 2, 20)])
        mesh.place(mesh.lathe(np.vstack([dome, dome[::-1] - [0.004, 0.004]]), paint, 80), (far, 0, h - 0.7 * r))
        mesh.ball(0.05, m.surface("#fff3d8", emit=2), (far, 0, h - 0.55 * r))


PENDANTS = {
    "dome": [(0.2, 0), (0.195, 0.03), (0.15, 0.12), (0.06, 0.17), (0.03, 0.2)],
    "cone": [(0.19, 0), (0.15, 0.05), (0.08, 0.15), (0.025, 0.22)],
    "bell": [(0.18, 0), (0.13, 0.03), (0.1, 0.1), (0.08, 0.16), (0.02, 0.21)],
    "globe": [(0.03, 0), (0.12, 0.05), (0.145, 0.14), (0.1, 0.24), (0.025, 0.28)],
    "saucer": [(0.26, 0), (0.2, 0.035), (0.07, 0.06), (0.03, 0.1)],
    "cylinder": [(0.085, 0), (0.086, 0.1), (0.085, 0.24), (0.02, 0.255)],
}


def plan_pendant(rng, n):
    style = list(PENDANTS)[n % 6]
    woven = n % 4 == 3
    ways = [Look(c) for c in rng.sample(["natural", "black"], 1)] if woven else looks(rng, [*PAINTS, "brass", "copper"], ["plain"])
    made = "rattan" if woven else "metal"
    return Plan(
        "pendant lamp",
        style,
        made,
        f"A {style} pendant lamp of {'woven rattan' if woven else 'spun metal'} on a textile cord",
        price(rng, 39, 189),
        ways,
        dict(style=style, woven=woven, wide=pick(rng, 0.85, 1.15)),
        {"cord_cm": rng.choice([120, 150, 200])},
        ["lamp", "ceiling"],
    )


def build_pendant(s, look):
    line = mesh.smooth_line(np.array(PENDANTS[s["style"]]) * [s["wide"], 1], 10)
    cord, top = m.surface("black", rough=0.8), line[-1][1]
    if s["woven"]:
        reed = m.surface("#c79b62" if look.colour == "natural" else "#2a2725", rough=0.7)
        for i in range(0, len(line), 2):
            mesh.ring(float(line[i][0]), 0.003, reed, (0, 0, float(line[i][1])), n=6, segments=64)
        for k in range(30):
            for lean in (0.5, -0.5):
                a0 = k * math.tau / 30
                pts = [(r * math.cos(a0 + lean * z / top), r * math.sin(a0 + lean * z / top), z) for r, z in line[::4]]
                mesh.tube(pts, 0.0024, reed, n=5, steps=2)
    else:
        skin = m.metal(look.colour, 0.22) if look.colour in ("brass", "copper") else m.plastic(look.colour, 0.3)
        inner = line[::-1] - [0.004, 0]
        mesh.lathe(np.vstack([line, inner]), skin, 96)
    mesh.rod(0.022, 0.05, m.metal("brass") if not s["woven"] else cord, (0, 0, top - 0.01))
    mesh.rod(0.003, 0.28, cord, (0, 0, top + 0.03), edge=0.0005)
    mesh.ball(0.04, m.surface("#fff3d8", emit=1.6), (0, 0, 0.05))


LIGHT = ("Kolvenn", "Lumarque", "Skovrand")
register(Kind("lamp", "Home > Lighting > Table lamps", 14, plan_table, build_table, 15, 9, brands=LIGHT, scenes=0.2))
register(Kind("floorlamp", "Home > Lighting > Floor lamps", 6, plan_floor, build_floor, 20, 7, brands=LIGHT, scene="floor"))
register(
    Kind(
        "pendant",
        "Home > Lighting > Pendant lamps",
        10,
        plan_pendant,
        build_pendant,
        10,
        2,
        floats=True,
        brands=LIGHT,
        scene="hang",
        scenes=0.0,
    )
)
