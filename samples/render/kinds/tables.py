"""Furniture to put things on: tables, shelves and sideboards."""

from __future__ import annotations

import materials as m
import mesh
from kinds.base import Kind, Look, Plan, pick, price, register
from kinds.seating import WOODS, WORKS, legs, timber


def plan_table(rng, n):
    style = ["round dining", "trestle", "coffee", "side", "pedestal", "nesting"][n % 6]
    ways = [Look(c) for c in rng.sample([*WOODS, "white"], 2)]
    tall = 74 if style in ("round dining", "trestle", "pedestal") else 42
    return Plan(
        "table",
        style,
        "wood",
        f"A {style} table with a solid top, {tall} cm tall",
        price(rng, 79, 790),
        ways,
        dict(style=style, wide=pick(rng, 0.85, 1.15), metal=n % 4 == 2),
        {"height_cm": tall},
        ["table", "living room" if tall < 50 else "dining"],
    )


def build_table(s, look):
    style, k = s["style"], s["wide"]
    wooden = look.colour in WOODS
    top = timber(look.colour, "x") if wooden else m.plastic("white", 0.4)
    leg = m.metal("#2a2a2a", 0.5) if s["metal"] else timber(look.colour) if wooden else timber("oak")
    if style in ("round dining", "pedestal"):
        mesh.rod(0.55 * k, 0.03, top, (0, 0, 0.71), edge=0.008, segments=128)
        if style == "pedestal":
            mesh.lathe(mesh.smooth_line([(0.28, 0), (0.28, 0.02), (0.1, 0.06), (0.05, 0.3), (0.07, 0.6), (0.2, 0.71)], 10), leg, 80)
        else:
            legs(0.6 * k, 0.6 * k, 0.71, "tapered", leg, 0.08, 0.028)
    elif style == "trestle":
        mesh.box((1.6 * k, 0.8, 0.035), top, (0, 0, 0.72), 0.006)
        for sx in (-1, 1):
            for sy in (-1, 1):
                mesh.bar((sx * 0.6 * k, sy * 0.34, 0), (sx * 0.6 * k, sy * 0.05, 0.71), 0.024, leg)
            mesh.box((0.06, 0.5, 0.04), leg, (sx * 0.6 * k, 0, 0.68), 0.004)
        mesh.box((1.2 * k, 0.03, 0.06), leg, (0, 0, 0.3), 0.004)
    elif style == "coffee":
        mesh.slab(mesh.oval(1.1 * k, 0.62, 3.5, 80), 0.03, top, 0.008, (0, 0, 0.4), (90, 0, 0))
        mesh.slab(mesh.oval(0.95 * k, 0.5, 3.5, 80), 0.018, top, 0.005, (0, 0, 0.17), (90, 0, 0))
        legs(0.72 * k, 0.36, 0.39, "round", leg, 0.03, 0.02)
    elif style == "side":
        mesh.rod(0.23 * k, 0.022, top, (0, 0, 0.44), edge=0.006, segments=96)
        mesh.rod(0.014, 0.44, leg, (0.0, 0, 0))
        mesh.rod(0.16 * k, 0.016, leg, (0, 0, 0))
    else:
        for i, (w, h, x) in enumerate(((0.55, 0.45, 0.12), (0.42, 0.36, -0.22))):
            mesh.box((w * k, 0.4 - 0.06 * i, 0.025), top, (x, -0.08 * i, h), 0.005)
            legs((w - 0.06) * k, 0.32 - 0.06 * i, h - 0.012, "square", leg, 0, 0.014, -0.08 * i) if x == 0 else None
            for sx in (-1, 1):
                for sy in (-1, 1):
                    mesh.box((0.028, 0.028, h), leg, (x + sx * (w * k / 2 - 0.03), -0.08 * i + sy * (0.17 - 0.03 * i), h / 2), 0.003)


def plan_shelf(rng, n):
    style = ["open", "ladder", "cube", "low sideboard"][n % 4]
    ways = [Look(c) for c in rng.sample([*WOODS, "white", "petrol", "sage"], 2)]
    noun = "sideboard" if "sideboard" in style else "shelf"
    return Plan(
        noun,
        style,
        "wood",
        "A low sideboard with three doors" if noun == "sideboard" else f"A {style} shelf with room for books and plants",
        price(rng, 69, 640),
        ways,
        dict(style=style, rows=rng.choice([3, 4, 5]), cols=rng.choice([2, 3]), wide=pick(rng, 0.85, 1.1)),
        {},
        ["storage", "living room"],
    )


def build_shelf(s, look):
    wooden = look.colour in WOODS
    across = timber(look.colour, "x") if wooden else m.plastic(look.colour, 0.45)
    up = timber(look.colour) if wooden else across
    style, rows, k = s["style"], s["rows"], s["wide"]
    if style == "open":
        w, h, d, steel = 0.8 * k, 0.38 * rows, 0.3, m.metal("#262626", 0.5)
        for i in range(rows + 1):
            mesh.box((w, d, 0.028), across, (0, 0, 0.08 + (h - 0.08) * i / rows), 0.004)
        for sx in (-1, 1):
            for sy in (-1, 1):
                mesh.box((0.022, 0.022, h + 0.1), steel, (sx * (w / 2 + 0.011), sy * (d / 2 - 0.012), h / 2 + 0.05), 0.002)
    elif style == "ladder":
        h = 0.36 * rows + 0.2
        for sx in (-1, 1):
            mesh.bar((sx * 0.33 * k, -0.3, 0), (sx * 0.33 * k, 0.1, h), 0.018, up)
        for i in range(rows):
            z = 0.22 + i * 0.36
            d = 0.42 - 0.27 * z / h
            mesh.box((0.62 * k, d, 0.022), across, (0, 0.1 - d / 2 + 0.02, z), 0.004)
    elif style == "cube":
        cell, cols, t = 0.34, s["cols"], 0.028
        for i in range(rows + 1):
            mesh.box((cols * cell + t + 0.002, 0.34, t), across, (0, 0, i * cell + t / 2), 0.003)
        for j in range(cols + 1):
            mesh.box((t, 0.336, rows * cell), up, ((j - cols / 2) * cell, 0, rows * cell / 2 + t / 2), 0.003)
        mesh.box((cols * cell, 0.008, rows * cell), across, (0, 0.162, rows * cell / 2))
    else:
        w = 1.5 * k
        mesh.box((w, 0.42, 0.52), across, (0, 0, 0.42), 0.006)
        for i in range(3):
            x = (i - 1) * w / 3
            mesh.box((w / 3 - 0.03, 0.02, 0.46), across, (x, -0.212, 0.42), 0.004)
            mesh.ball(0.013, m.metal("brass"), (x + w / 6 - 0.05, -0.235, 0.5))
        legs(w * 0.82, 0.28, 0.17, "tapered", up if wooden else timber("oak"), 0.03, 0.022)


register(Kind("table", "Furniture > Tables", 11, plan_table, build_table, 28, 17, brands=WORKS, scene="floor"))
register(Kind("shelf", "Furniture > Storage > Shelves", 9, plan_shelf, build_shelf, 26, 11, brands=WORKS, scene="floor"))
