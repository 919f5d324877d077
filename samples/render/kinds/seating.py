"""Furniture to sit on: chairs, sofas and stools."""

from __future__ import annotations

import math

import numpy as np

import materials as m
import mesh
from kinds.base import Kind, Look, Plan, looks, pick, price, register

WOODS = ["oak", "walnut", "birch", "black-stained"]
PAINTS = ["white", "black", "sage", "mustard", "petrol", "red", "blush", "terracotta", "sky blue", "forest green"]
CLOTHS = [
    "light grey",
    "charcoal",
    "navy",
    "petrol",
    "sage",
    "mustard",
    "terracotta",
    "blush",
    "cream",
    "rust",
    "forest green",
    "burgundy",
    "denim blue",
]


def timber(colour, axis="z"):
    return m.wood(colour, axis)


def legs(w, d, h, kind, material, splay=0.06, r=0.017, y0=0.0):
    for sx in (-1, 1):
        for sy in (-1, 1):
            top, foot = (sx * w / 2, y0 + sy * d / 2, h), (sx * (w / 2 + splay), y0 + sy * (d / 2 + splay), 0)
            if kind == "square":
                mesh.box((2 * r, 2 * r, h), material, (sx * w / 2, y0 + sy * d / 2, h / 2), 0.003)
            else:
                mesh.bar(foot, top, r * (0.65 if kind == "tapered" else 1), material, top=r * (1 if kind != "tapered" else 1.15))


def plan_chair(rng, n):
    style = ["spindle-back", "shell", "upholstered", "ladder-back", "armchair", "cantilever"][n % 6]
    made, ways = {
        "spindle-back": ("wood", [Look(c) for c in rng.sample([*WOODS, "white", "forest green", "red"], 2)]),
        "shell": ("plastic", looks(rng, PAINTS, ["plain"])),
        "upholstered": ("fabric", looks(rng, CLOTHS, ["plain"])),
        "ladder-back": ("wood", [Look(c) for c in rng.sample(WOODS, 2)]),
        "armchair": ("fabric", looks(rng, CLOTHS, ["plain", "checked"])),
        "cantilever": ("leather", [Look(c) for c in rng.sample(["black", "tan", "brown", "burgundy"], 2)]),
    }[style]
    told = {
        "spindle-back": "A spindle-back wooden chair",
        "shell": "A plastic shell chair on wooden legs",
        "upholstered": "An upholstered dining chair on slim legs",
        "ladder-back": "A ladder-back wooden chair with a flat seat",
        "armchair": "A deep armchair with rounded arms",
        "cantilever": "A cantilever chair of bent steel tube with leather seat and back",
    }[style]
    cost = price(rng, 240, 690) if style == "armchair" else price(rng, 49, 260)
    return Plan(
        "chair" if style != "armchair" else "armchair",
        style,
        made,
        told,
        cost,
        ways,
        dict(
            style=style,
            tall=pick(rng, 0.9, 1.12),
            wide=pick(rng, 0.92, 1.1),
            leg=rng.choice(["oak", "walnut", "black-stained"]),
            spindles=rng.choice([5, 6, 7]),
            curve=pick(rng, 0.02, 0.06),
        ),
        {"seat_height_cm": 45},
        ["seating", "dining" if style != "armchair" else "living room"],
    )


def _stick_chair(s, look, w, tall):
    """Spindle-back and ladder-back."""
    style = s["style"]
    body = timber(look.colour) if look.colour in WOODS else m.plastic(look.colour, 0.4)
    side = timber(look.colour, "x") if look.colour in WOODS else body
    mesh.slab(mesh.oval(w, 0.42, 3.2, 64), 0.032, side, 0.01, (0, 0, 0.45), (90, 0, 0))
    legs(w * 0.72, 0.3, 0.45, "tapered" if style == "spindle-back" else "round", body, 0.05 if style == "spindle-back" else 0.012)
    top, y = 0.45 + 0.4 * tall, 0.18
    if style == "spindle-back":
        for i in range(s["spindles"]):
            x = (i / (s["spindles"] - 1) - 0.5) * w * 0.8
            mesh.bar((x * 0.9, y, 0.45), (x, y + 0.07 - s["curve"] * (2 * x / w) ** 2, top), 0.0075, body)
        rail = [(x, y + 0.07 - s["curve"] * (2 * x / w) ** 2, top) for x in np.linspace(-w / 2, w / 2, 7)]
        mesh.tube(rail, 0.03, side, flat=0.42)
    else:
        for sx in (-1, 1):
            mesh.bar((sx * w * 0.4, y, 0.43), (sx * w * 0.42, y + 0.07, top + 0.03), 0.016, body)
        for k in range(4):
            z = 0.55 + (top - 0.56) * k / 3
            yy = y + 0.07 * (z - 0.45) / (top - 0.45)
            mesh.tube([(x, yy + s["curve"] * (1 - (2 * x / w) ** 2), z) for x in np.linspace(-w * 0.4, w * 0.4, 7)], 0.024, side, flat=0.3)


def _shell_chair(s, look, w, tall):
    prof = mesh.smooth_line(
        [(-0.22, 0.47), (-0.18, 0.455), (0.0, 0.44), (0.14, 0.46), (0.2, 0.55), (0.24, 0.7), (0.27, 0.45 + 0.42 * tall)], 6
    )
    verts, n = [], 25
    for y, z in prof:
        t = (z - 0.44) / (0.42 * tall)
        for u in np.linspace(-1, 1, n):
            ww = w * (0.54 - 0.1 * max(t, 0) ** 2) * (1 - 0.25 * max(0, (t - 0.8) * 5) ** 2 * 0.6)
            lift = 0.09 * abs(u) ** 3 * (1 - 0.6 * max(t, 0))
            verts.append((u * ww, y - (0.11 * abs(u) ** 3 if t > 0.15 else 0) * min(1, max(t, 0) * 3), z + lift))
    faces = [(i * n + j, i * n + j + 1, (i + 1) * n + j + 1, (i + 1) * n + j) for i in range(len(prof) - 1) for j in range(n - 1)]
    shell = mesh.add_mesh("shell", verts, faces, m.plastic(look.colour, 0.38))
    thick = shell.modifiers.new("thick", "SOLIDIFY")
    thick.thickness = 0.012
    mesh.soften(shell, 1)
    legs(0.26, 0.24, 0.45, "tapered", timber(s["leg"]), 0.09, 0.016)


def _upholstered_chair(s, look, w, tall):
    skin = m.cloth(look.colour, scale=160)
    seat = [
        np.column_stack([mesh.oval(w * k, 0.44 * k, 3.5, 56), np.full(56, z)])
        for k, z in ((0.9, 0.4), (0.98, 0.41), (1, 0.43), (0.99, 0.465), (0.93, 0.485), (0.6, 0.492))
    ]
    mesh.loft(seat, skin)
    back = mesh.pillow(w * 0.98, 0.44 * tall, 0.09, skin, pinch=0.02, power=0.2)
    for v in back.data.vertices:
        v.co.y -= 0.5 * (v.co.x / w) ** 2 * 0.35
    mesh.place(back, (0, 0.23, 0.45 + 0.24 * tall), (-9, 0, 0))
    for sx in (-1, 1):
        mesh.bar((sx * w * 0.36, 0.19, 0.42), (sx * w * 0.36, 0.24, 0.6), 0.012, timber(s["leg"]))
    legs(w * 0.76, 0.32, 0.41, "tapered", timber(s["leg"]), 0.04, 0.017)


def _cantilever_chair(s, look, w, tall):
    steel, hide = m.metal("steel", 0.16), m.leather(look.colour)
    for sx in (-1, 1):
        x = sx * w / 2
        mesh.tube(
            [
                (x, 0.26, 0.015),
                (x, 0.0, 0.015),
                (x, -0.2, 0.015),
                (x, -0.255, 0.07),
                (x, -0.24, 0.25),
                (x, -0.235, 0.41),
                (x, -0.18, 0.46),
                (x, 0.0, 0.45),
                (x, 0.15, 0.445),
                (x, 0.21, 0.5),
                (x, 0.25, 0.7),
                (x, 0.28, 0.45 + 0.42 * tall),
            ],
            0.0115,
            steel,
            steps=8,
        )
    mesh.tube([(-w / 2, 0.26, 0.015), (0, 0.26, 0.015), (w / 2, 0.26, 0.015)], 0.0115, steel)
    mesh.box((w * 1.02, 0.36, 0.03), hide, (0, -0.02, 0.462), 0.012)
    mesh.box((w * 1.02, 0.03, 0.26 * tall), hide, (0, 0.258, 0.45 + 0.29 * tall), 0.012, (-7, 0, 0))


def build_chair(s, look):
    if s["style"] == "armchair":
        skin = m.cloth(look.colour, look.image(26), scale=120)
        _settee(0.78 * s["wide"], 0.72, 0.8 * s["tall"], 1, 0.15, skin, m.wood(s["leg"], "z"), True)
        return
    makers = {"shell": _shell_chair, "upholstered": _upholstered_chair, "cantilever": _cantilever_chair}
    makers.get(s["style"], _stick_chair)(s, look, 0.44 * s["wide"], s["tall"])


def _settee(width, depth, height, seats, arm, skin, leg, rounded, chaise=False):
    """Sofa or armchair: frame, arms, seat and back cushions."""
    foot, seat = 0.13, 0.24
    soft = 0.07 if rounded else 0.03
    mesh.box((width - 0.03, depth - 0.03, 0.2), skin, (0, 0, foot + 0.11), 0.03)
    mesh.box((width - 0.02, 0.16, height - foot), skin, (0, depth / 2 - 0.083, foot + (height - foot) / 2), soft, rounds=6)
    for sx in (-1, 1):
        tall = height * (0.6 if not rounded else 0.66) - foot + 0.03
        mesh.box((arm, depth, tall), skin, (sx * (width / 2 - arm / 2), 0, foot + tall / 2), min(soft, arm * 0.45), rounds=6)
    inner = width - 2 * arm
    each = inner / seats
    for i in range(seats):
        x = -inner / 2 + each * (i + 0.5)
        mesh.box((each - 0.012, depth - 0.2, 0.17), skin, (x, -0.09, foot + seat + 0.015), 0.05, rounds=6)
        back = mesh.pillow(each - 0.02, height - foot - seat - 0.02, 0.2, skin, pinch=0.01, power=0.25)
        mesh.place(back, (x, depth / 2 - 0.22, foot + seat + 0.09 + (height - foot - seat) / 2 - 0.03), (-10, 0, 0))
    if chaise:
        mesh.box((each, 0.62, 0.2), skin, (-inner / 2 + each / 2, -depth / 2 - 0.3, foot + 0.1), 0.03)
        mesh.box((each - 0.012, 0.66, 0.17), skin, (-inner / 2 + each / 2, -depth / 2 - 0.29, foot + seat + 0.015), 0.05, rounds=6)
    for sx in (-1, 1):
        for sy in (-1, 1):
            mesh.bar(
                (sx * (width / 2 - 0.08), sy * (depth / 2 - 0.08), 0),
                (sx * (width / 2 - 0.1), sy * (depth / 2 - 0.1), foot + 0.01),
                0.016,
                leg,
                top=0.024,
            )


def plan_sofa(rng, n):
    style = ["two-seat", "three-seat", "corner", "loveseat", "boxy three-seat"][n % 5]
    seats = {"two-seat": 2, "three-seat": 3, "corner": 3, "loveseat": 1, "boxy three-seat": 3}[style]
    hide = n % 4 == 3
    ways = [Look(c) for c in rng.sample(["tan", "brown", "black"], 1)] if hide else looks(rng, CLOTHS, ["plain"])
    made = "leather" if hide else ["velvet", "bouclé", "linen", "wool"][n % 4]
    if seats == 1:
        seats = 2
    return Plan(
        "sofa",
        style,
        made,
        f"A {style} sofa in {made} with plump back cushions on wooden feet",
        price(rng, 390, 1890),
        ways,
        dict(
            style=style,
            seats=seats,
            hide=hide,
            arm=pick(rng, 0.1, 0.24),
            rounded=n % 2 == 0,
            leg=rng.choice(["oak", "walnut", "black-stained"]),
            wide=0.62 if style == "loveseat" else pick(rng, 0.7, 0.8),
            boucle=made == "bouclé",
        ),
        {"seats": seats},
        ["seating", "living room"],
    )


def build_sofa(s, look):
    skin = (
        m.leather(look.colour)
        if s["hide"]
        else m.surface(look.colour, rough=0.95, sheen=0.25, bump=("noise", 220, 0.7), specular=0.2)
        if s["boucle"]
        else m.cloth(look.colour, scale=110)
    )
    _settee(
        s["seats"] * s["wide"] + 2 * s["arm"],
        0.88,
        0.82 if s["rounded"] else 0.72,
        s["seats"],
        s["arm"],
        skin,
        m.wood(s["leg"], "z"),
        s["rounded"],
        s["style"] == "corner",
    )


def plan_stool(rng, n):
    style = ["round", "bar", "pouf", "step", "hocker"][n % 5]
    if style == "pouf":
        ways, made = looks(rng, CLOTHS, [["plain", "striped"][n // 5 % 2]], 2), "wool"
    else:
        ways, made = [Look(c) for c in rng.sample([*WOODS, "white", "red", "sage"] if style != "hocker" else WOODS, 2)], "wood"
    told = {
        "round": "A round three-legged wooden stool",
        "bar": "A tall wooden bar stool with a footrest",
        "pouf": "A round knitted pouf",
        "step": "A wooden step stool with two treads",
        "hocker": "A low wooden stool with a saddle seat",
    }[style]
    noun = "pouf" if style == "pouf" else "stool"
    return Plan(
        noun,
        style,
        made,
        told,
        price(rng, 29, 149),
        ways,
        dict(style=style, tall=pick(rng, 0.9, 1.15), three=rng.random() < 0.5),
        {},
        ["seating"],
    )


def build_stool(s, look):
    style, h = s["style"], 0.46 * s["tall"]
    body, side = (timber(look.colour), timber(look.colour, "x")) if look.colour in WOODS else (m.plastic(look.colour, 0.4),) * 2
    if style in ("round", "bar"):
        h = h if style == "round" else 0.72 * s["tall"]
        legs, r = (3, 0.17) if style == "round" else (4, 0.165)
        mesh.rod(0.17 if style == "round" else 0.16, 0.034, side, (0, 0, h - 0.034), edge=0.01, segments=72)
        for i in range(legs):
            a = i * math.tau / legs + 0.5
            foot = (r * 1.12 * math.cos(a), r * 1.12 * math.sin(a), 0)
            mesh.bar(foot, (0.1 * math.cos(a), 0.1 * math.sin(a), h - 0.03), 0.014, body, top=0.019)
        if style == "bar":
            mesh.ring(0.157, 0.008, m.metal("steel") if look.colour in WOODS else body, (0, 0, 0.25))
    elif style == "pouf":
        line = np.array(
            [
                (0.25 * math.cos(t) ** 0.5 if math.cos(t) > 0 else 0, 0.17 + 0.17 * math.sin(t))
                for t in np.linspace(-math.pi / 2, math.pi / 2, 60)
            ]
        )
        wool = m.surface(look.colour, look.image(10), rough=1.0, sheen=0.3, bump=("noise", 60, 0.3))
        thing = mesh.lathe(line, wool, 240)
        for v in thing.data.vertices:
            a = math.atan2(v.co.y, v.co.x)
            k = 1 + 0.014 * abs(math.sin(20 * a)) + 0.008 * math.sin(v.co.z * 190)
            v.co.x, v.co.y = v.co.x * k, v.co.y * k
    elif style == "step":
        for z, y, d in ((0.22, -0.1, 0.22), (h, 0.1, 0.22)):
            mesh.box((0.4, d, 0.025), side, (0, y, z), 0.005)
        for sx in (-1, 1):
            mesh.slab(
                [
                    (-0.2, 0),
                    (-0.2, 0.206),
                    (-0.03, 0.206),
                    (0.02, h - 0.014),
                    (0.2, h - 0.014),
                    (0.2, 0),
                    (0.15, 0),
                    (0.1, 0.14),
                    (-0.1, 0.14),
                    (-0.15, 0),
                ],
                0.024,
                body,
                0.003,
                (sx * 0.17, 0, 0),
                (0, 0, 90),
            )
    else:
        mesh.box((0.42, 0.28, 0.04), side, (0, 0, h - 0.02), 0.012)
        for sx in (-1, 1):
            mesh.box((0.03, 0.26, h - 0.04), body, (sx * 0.16, 0, h / 2 - 0.02), 0.004, (0, sx * -4, 0))
        mesh.rod(0.013, 0.33, side, (-0.165, 0, 0.15), (0, 90, 0))


WORKS = ("Marlquist", "Skovrand", "Brindlemoor")
register(
    Kind(
        "chair",
        "Furniture > Seating > Chairs",
        18,
        plan_chair,
        build_chair,
        32,
        14,
        back=150,
        backs=0.17,
        brands=WORKS,
        scene="floor",
        scenes=0.2,
    )
)
register(
    Kind("sofa", "Furniture > Seating > Sofas", 11, plan_sofa, build_sofa, 24, 14, brands=WORKS, scene="floor", scenes=0.28, fill=0.88)
)
register(Kind("stool", "Furniture > Seating > Stools", 9, plan_stool, build_stool, 25, 16, brands=WORKS, scene="floor"))
