"""Bags: backpacks, totes and handbags."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

import materials as m
import mesh
import paint
import prints
from colours import rgb
from kinds.base import Kind, Plan, looks, pick, price, register

CANVAS = ["navy", "olive", "black", "grey", "mustard", "rust", "petrol", "sand", "burgundy", "forest green", "coral", "sky blue"]
HIDES = ["tan", "brown", "black", "burgundy", "cream", "forest green", "navy", "blush", "mustard"]


def body(w, d, h, skin, power=4.0, top=0.8, round_top=0.25, at=(0, 0, 0), n=72, sag=0.0):
    """A stuffed upright bag: rounded-box rings that draw in towards the top."""
    rings = []
    for t in [
        0,
        0.006,
        0.02,
        0.05,
        *np.linspace(0.1, 1 - round_top, 10),
        *(1 - round_top * (1 - np.sin(np.linspace(0.12, 1, 14) * math.pi / 2))),
    ]:
        k = 1.0 if t > 0.05 else 0.88 + 0.12 * math.sqrt(t / 0.05)
        if t > 1 - round_top:
            q = (t - 1 + round_top) / round_top
            k *= max(0.06, math.sqrt(max(0, 1 - q * q * 0.94)))
        wide = w * k * (1 + sag * math.sin(math.pi * t))
        deep = d * (k if k < 1 else 1) * (1 - (1 - top) * t) * (1 + 0.08 * math.sin(math.pi * t))
        rings.append(np.column_stack([mesh.oval(wide, deep, power, n), np.full(n, h * t)]))
    return mesh.place(mesh.loft(rings, skin), at)


def plan_backpack(rng, n):
    style = ["daypack", "roll-top", "flap", "mini", "city"][n % 5]
    litres = {"mini": 9}.get(style, rng.choice([16, 18, 22, 26]))
    leather = style == "city" and n % 2 == 0
    pattern = ["plain", "plain", "two-tone", "plain", "leafy", "checked"][n % 6] if not leather else "plain"
    return Plan(
        "backpack",
        style,
        "leather" if leather else "canvas",
        f"A {style} backpack for {litres} litres with padded straps and an outer pocket",
        price(rng, 39, 169),
        looks(rng, HIDES if leather else CANVAS, [pattern]),
        dict(style=style, leather=leather, wide=pick(rng, 0.92, 1.08), tall=pick(rng, 0.92, 1.1)),
        {"volume_l": litres},
        ["bags", "travel"],
    )


def build_backpack(s, look):
    k = 0.75 if s["style"] == "mini" else 1
    w, d, h = 0.3 * s["wide"] * k, 0.15 * k, 0.42 * s["tall"] * k
    skin = m.leather(look.colour) if s["leather"] else m.cloth(look.colour, look.image(14), scale=150)
    other = (
        m.cloth(look.accent, scale=150)
        if look.pattern == "two-tone"
        else (m.leather(look.colour) if s["leather"] else m.cloth(look.colour, scale=150))
    )
    strap, steel, hide = m.cloth("black" if look.colour != "black" else "charcoal", scale=220), m.metal("steel"), m.leather("tan")
    dark = m.plastic("black", 0.5)
    if s["style"] == "roll-top":
        body(w, d, h * 0.92, skin, 4, 0.55, 0.06)
        for i in range(3):
            mesh.box((w * 0.96, 0.06 - 0.008 * i, 0.03), skin, (0, -0.004 * i, h * 0.9 + 0.024 * i), 0.013, (0, 0, 0), 5)
        for x in (-0.3 * w, 0.3 * w):
            mesh.tube(
                [(x, -d / 2 - 0.002, h * 0.55), (x, -d * 0.42, h * 0.8), (x, -0.036, h * 0.95), (x, -0.02, h * 1.01), (x, 0.03, h * 1.0)],
                0.011,
                hide,
                n=10,
                flat=0.3,
            )
            mesh.box((0.026, 0.006, 0.018), steel, (x, -d / 2 - 0.004, h * 0.62), 0.002)
    else:
        body(w, d, h, skin, 3.6, 0.72, 0.34)
    front = -d / 2 * 1.02
    body(w * 0.78, d * 0.45, h * 0.42, other, 3.6, 0.75, 0.16, (0, front * 0.86, 0.012))
    if s["style"] == "flap":
        rings = []
        for t in np.linspace(0, 1, 16):
            a = t * 1.95
            y, z = 0.3 * d - (d * 0.92) * math.sin(min(a, math.pi / 2)) - 0.004, h * (1.005 - 0.32 * max(0, (a - 0.7) / 1.25) ** 1.3)
            ww = w * (0.88 if t < 0.85 else 0.88 - 1.2 * (t - 0.85) ** 1.2)
            ring = mesh.oval(ww, 0.016, 4, 40)
            rings.append(np.column_stack([ring[:, 0], y + 0.3 * ring[:, 1], z + 0.7 * ring[:, 1]]))
        mesh.loft(rings, other)
        for x in (-0.22 * w, 0.22 * w):
            mesh.box((0.022, 0.006, 0.17 * k), hide, (x, front * 1.42, h * 0.5), 0.002)
            mesh.box((0.03, 0.008, 0.022), steel, (x, front * 1.46, h * 0.46), 0.003)
    elif s["style"] != "roll-top":
        arch = [
            (w * 0.475 * math.cos(t), -0.012 - 0.4 * d * 0.55, h * (0.5 + 0.48 * math.sin(t) ** 0.8))
            for t in np.linspace(0.08, math.pi - 0.08, 14)
        ]
        mesh.tube([(x, -d * (0.47 - 0.19 * (z / h) ** 3), z * 0.985) for x, _, z in arch], 0.0035, dark, n=8)
        mesh.box((0.008, 0.006, 0.03), hide, (w * 0.2, -d * 0.36, h * 0.93), 0.002)
    z = h * 0.4
    mesh.tube([(-w * 0.33, front * 1.33, z), (0, front * 1.4, z + 0.004), (w * 0.33, front * 1.33, z)], 0.0035, dark, n=8)
    mesh.box((0.05, 0.004, 0.03), hide, (0, front * 1.45, h * 0.2), 0.002)
    top = h * (0.97 if s["style"] != "roll-top" else 0.9)
    mesh.tube(
        [(-0.04, d * 0.22, top - 0.015), (-0.03, d * 0.24, top + 0.035), (0.03, d * 0.24, top + 0.035), (0.04, d * 0.22, top - 0.015)],
        0.008,
        strap,
        n=10,
        flat=0.6,
    )
    for sx in (-1, 1):
        mesh.tube(
            [
                (sx * 0.05, d * 0.33, top - 0.04),
                (sx * 0.075, d * 0.62, top - 0.07),
                (sx * 0.1, d * 0.95, h * 0.6),
                (sx * 0.115, d * 0.85, h * 0.3),
                (sx * w * 0.42, d * 0.5, 0.04),
            ],
            [0.022, 0.026, 0.026, 0.022, 0.012],
            strap,
            n=14,
            flat=0.3,
            steps=8,
        )
        if s["style"] in ("daypack", "city"):
            body(0.05, d * 0.62, h * 0.3, other, 3, 0.9, 0.1, (sx * w * 0.49, 0, 0.02), 40)


def plan_tote(rng, n):
    style = ["shopper", "printed", "striped", "leather", "beach"][n % 5]
    hide = style == "leather"
    pattern = {
        "shopper": "plain",
        "printed": "plain",
        "striped": "striped",
        "leather": "plain",
        "beach": rng.choice(["pinstriped", "dotted", "leafy"]),
    }[style]
    ways = looks(rng, HIDES if hide else ["cream", "navy", "black", "sage", "mustard", "terracotta", "sky blue", "blush"], [pattern], 2)
    motif = rng.choice(["sunset", "mountain", "leaf", "rings", "cat", "stack", "wave"])
    told = f" printed with a {motif.replace('rings', 'ring').replace('stack', 'stripe-stack')} motif" if style == "printed" else ""
    if style == "printed":
        for w in ways:
            w.extra["print"] = motif
            w.extra["phrase"] = f"{w.colour} with a {w.accent} print"
    made = "leather" if hide else "cotton canvas"
    return Plan(
        "tote bag",
        style,
        made,
        f"A {style} tote bag of {made}{told} with two long handles",
        price(rng, 15, 45) if not hide else price(rng, 89, 220),
        ways,
        dict(style=style, hide=hide, motif=motif if style == "printed" else None, wide=pick(rng, 0.9, 1.2), drop=pick(rng, 0.16, 0.26)),
        {"handles": "long"},
        ["bags", "shopping"],
    )


def build_tote(s, look):
    w, h = 0.37 * s["wide"], 0.38
    image = look.image(16)
    if s["motif"]:
        ground = Image.new("RGB", (1024, 1024), rgb(look.colour))
        image = paint.lay(
            ground, prints.motif(s["motif"], look.accent, "mustard" if look.colour != "mustard" else "white"), (0.5, 0.77), 0.21
        )
    skin = m.leather(look.colour) if s["hide"] else m.cloth(look.colour, image, scale=170, strength=0.6)
    rng = np.random.default_rng(int(w * 1e5))
    rings = []
    for t in np.linspace(0, 1, 26):
        ring = mesh.oval(w * (0.93 + 0.07 * min(1, t * 6)) * (1 + 0.015 * t), 0.1 * (1 - 0.45 * t) * (0.75 + 0.25 * min(1, t * 8)), 3.2, 96)
        fold = 0.004 * np.sin(ring[:, 0] * 31 + 5 * t + rng.uniform(0, 0.2)) * t + 0.003 * np.sin(ring[:, 0] * 55 - 8 * t)
        rings.append(np.column_stack([ring[:, 0], ring[:, 1] + fold, np.full(96, h * t)]))
    thing = mesh.loft(rings, skin, closed_ends=False)
    thing.modifiers.new("thick", "SOLIDIFY").thickness = 0.0025
    mesh.rod(0.04, 0.003, skin)
    strap = m.leather(look.colour) if s["hide"] else m.cloth(look.accent if look.pattern != "plain" else look.colour, scale=170)
    for y in (-1, 1):
        y0, lean = y * 0.029, y * 0.02
        mesh.tube(
            [
                (-0.085, y * 0.039, h * 0.74),
                (-0.085, y0 * 1.2, h * 0.97),
                (-0.07, y0 + lean, h + 0.6 * s["drop"]),
                (0, y0 + lean * 1.4, h + s["drop"]),
                (0.07, y0 + lean, h + 0.6 * s["drop"]),
                (0.085, y0 * 1.2, h * 0.97),
                (0.085, y * 0.039, h * 0.74),
            ],
            0.0125,
            strap,
            n=10,
            flat=0.22,
            steps=8,
        )


def plan_handbag(rng, n):
    style = ["top-handle", "saddle", "bucket", "box", "half-moon"][n % 5]
    return Plan(
        "handbag",
        style,
        "leather",
        f"A {style} handbag in {'smooth' if n % 2 else 'grained'} leather with metal fittings",
        price(rng, 59, 240),
        looks(rng, HIDES, ["plain"]),
        dict(style=style, wide=pick(rng, 0.9, 1.15), fitting=rng.choice(["gold", "steel"])),
        {},
        ["bags", "leather"],
    )


def build_handbag(s, look):
    hide, fitting, k = m.leather(look.colour), m.metal(s["fitting"], 0.2), s["wide"]
    style = s["style"]
    if style == "bucket":
        line = mesh.smooth_line([(0.085, 0), (0.095, 0.006), (0.1, 0.1), (0.108, 0.22)], 8)
        thing = mesh.lathe(mesh.wall(line, 0.003), hide, 120, squash=0.8)
        for v in thing.data.vertices:
            a, t = math.atan2(v.co.y, v.co.x), max(0, (v.co.z - 0.12) / 0.1)
            q = 1 + 0.05 * t * math.cos(9 * a)
            v.co.x, v.co.y = v.co.x * q, v.co.y * q
        mesh.ring(0.107, 0.003, m.leather("black" if look.colour != "black" else "tan"), (0, 0, 0.185)).data.transform(
            mesh.Matrix.Diagonal((1, 0.8, 1, 1))
        )
        mesh.tube([(-0.1, 0, 0.2), (-0.09, 0, 0.3), (0, 0, 0.4), (0.09, 0, 0.3), (0.1, 0, 0.2)], 0.011, hide, n=10, flat=0.3, steps=10)
        for x in (-0.104, 0.104):
            mesh.ring(0.012, 0.0025, fitting, (x, 0, 0.215), (90, 0, 90))
        return
    w, h, d = {"top-handle": (0.27, 0.2, 0.11), "saddle": (0.24, 0.18, 0.075), "box": (0.21, 0.15, 0.085), "half-moon": (0.3, 0.17, 0.08)}[
        style
    ]
    w *= k
    if style == "half-moon":
        outline = [(w / 2 * math.cos(t), h - h * abs(math.sin(t)) ** 0.8) for t in np.linspace(math.pi, 2 * math.pi, 40)]
        outline = [(x, z) for x, z in outline]
        mesh.slab(outline, d, hide, 0.02, rounds=5)
        mesh.tube([(x * 0.93, 0, h + 0.001) for x in np.linspace(-w / 2, w / 2, 5)], 0.004, m.metal("steel"), n=8, flat=0.5)
        mesh.tube(
            [(-w * 0.47, 0, h - 0.006), (-w * 0.4, 0, h + 0.12), (0, 0, h + 0.2), (w * 0.4, 0, h + 0.12), (w * 0.47, 0, h - 0.006)],
            0.012,
            hide,
            n=12,
            flat=0.3,
            steps=10,
        )
        for x in (-w * 0.47, w * 0.47):
            mesh.ring(0.011, 0.0025, fitting, (x, 0, h - 0.002), (90, 0, 90))
        return
    body(w, d, h, hide, 6 if style == "box" else 4, 0.62 if style == "top-handle" else 0.85, 0.08)
    drop = {"top-handle": 0.35, "saddle": 0.72, "box": 0.52}[style]
    outline = [(-w * 0.49, h * 1.0), (-w * 0.49, h * (1 - drop * 0.6))]
    outline += [(w * 0.49 * math.sin(t), h * (1 - drop * 0.6) - h * drop * 0.4 * math.cos(t)) for t in np.linspace(-1.5, 1.5, 24)]
    outline += [(w * 0.49, h * (1 - drop * 0.6)), (w * 0.49, h * 1.0)]
    y = -d / 2 * (0.99 if style != "top-handle" else 0.86)
    mesh.slab(outline, 0.006, hide, 0.002, (0, y - 0.001, 0.004), (-4 if style == "top-handle" else 0, 0, 0))
    mesh.box((w * 0.98, d * (0.66 if style == "top-handle" else 0.88), 0.006), hide, (0, -0.004, h * 1.0 + 0.004), 0.002)
    clasp = h * (1 - drop) + 0.016
    mesh.box((0.03, 0.008, 0.024), fitting, (0, y - 0.007, clasp), 0.004)
    arc = 0.075 if style != "saddle" else 0.16
    reach = 0.24 if style == "top-handle" else 0.36 if style == "box" else 0.46
    mesh.tube(
        [
            (-w * reach, 0, h),
            (-w * reach * 0.92, 0, h + arc * 0.75),
            (0, 0, h + arc * 1.15),
            (w * reach * 0.92, 0, h + arc * 0.75),
            (w * reach, 0, h),
        ],
        0.0065 if style != "saddle" else 0.01,
        hide,
        n=12,
        flat=1 if style != "saddle" else 0.3,
        steps=10,
    )
    for sx in (-1, 1):
        mesh.ring(0.009, 0.0022, fitting, (sx * w * reach, 0, h + 0.008), (90, 0, 90))


MAKERS = ("Harrowgale", "Tidewick", "Wrenfeld")
register(
    Kind(
        "backpack",
        "Fashion > Bags > Backpacks",
        12,
        plan_backpack,
        build_backpack,
        24,
        10,
        back=158,
        backs=0.4,
        brands=MAKERS,
        scene="floor",
        scenes=0.16,
    )
)
register(Kind("tote", "Fashion > Bags > Tote bags", 10, plan_tote, build_tote, 12, 8, brands=MAKERS, scene="floor", scenes=0.1))
register(
    Kind("handbag", "Fashion > Bags > Handbags", 11, plan_handbag, build_handbag, 22, 10, back=205, backs=0.2, brands=MAKERS, scenes=0.1)
)
