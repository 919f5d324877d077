"""Sound at home: headphones and loudspeakers."""

from __future__ import annotations

import math

import numpy as np

import materials as m
import mesh
from kinds.base import Kind, Look, Plan, looks, pick, price, register

SHELLS = ["white", "black", "navy", "sage", "blush", "red", "mustard", "grey", "petrol", "cream"]


def plan_headphones(rng, n):
    style = ["over-ear", "on-ear", "studio", "retro"][n % 4]
    made = "plastic" if style != "studio" else "metal"
    hours = rng.choice([24, 30, 40, 50])
    return Plan(
        "headphones",
        style,
        made,
        f"Wireless {style} headphones with soft cushions and {hours} hours of battery",
        price(rng, 49, 289),
        looks(rng, SHELLS, [["plain", "two-tone"][n % 2]]),
        dict(style=style, wide=pick(rng, 0.95, 1.08), shiny=n % 2 == 0),
        {"battery_h": hours, "wireless": True},
        ["audio", "music"],
    )


def build_headphones(s, look):
    shell = m.plastic(look.colour, 0.22 if s["shiny"] else 0.5)
    pad = m.leather(look.accent if look.pattern == "two-tone" else "black" if look.colour != "black" else "#2b2b2d")
    steel = m.metal("steel", 0.2)
    r = {"over-ear": 0.043, "on-ear": 0.033, "studio": 0.046, "retro": 0.032}[s["style"]]
    span, z0 = 0.082 * s["wide"], 0.06
    arc = [(span * 1.0 * math.cos(t), 0, z0 + 0.035 + 0.098 * math.sin(t)) for t in np.linspace(0, math.pi, 15)]
    thin = s["style"] == "retro"
    mesh.tube(arc, 0.003 if thin else 0.012, steel if thin else shell, n=16, flat=1.0 if thin else 0.3, steps=6)
    if not thin:
        mesh.tube([(x * 0.94, y, z0 + 0.035 + (z - z0 - 0.035) * 0.935) for x, y, z in arc[3:12]], 0.0125, pad, n=16, flat=0.38, steps=6)
    for sx in (-1, 1):
        mesh.tube(
            [(sx * span, 0, z0 + 0.05), (sx * (span + 0.004), 0, z0 + 0.02), (sx * (span + 0.008), 0, z0 - 0.002)],
            0.0042,
            steel,
            n=12,
            flat=1.0,
        )
        if s["style"] in ("over-ear", "studio"):
            yoke = [(sx * (span + 0.008), r * 1.08 * math.cos(t), z0 + r * 1.08 * math.sin(t)) for t in np.linspace(0, math.pi, 12)]
            mesh.tube(yoke, 0.0038, shell if s["style"] == "over-ear" else steel, n=10)
        cup = mesh.lathe(
            mesh.smooth_line([(0, 0.023), (r * 0.55, 0.0225), (r * 0.9, 0.017), (r, 0.008), (r, 0.0), (r * 0.85, -0.003)], 8), shell, 80
        )
        trim = mesh.ring(r * 0.66, 0.0014, steel, (0, 0, 0.0218))
        soft = mesh.ring(r * 0.72, r * 0.27, pad, (0, 0, -0.009), segments=80)
        mesh.place(soft, scale=(1, 1, 0.9))
        inner = mesh.rod(r * 0.7, 0.004, m.cloth("black", scale=500), (0, 0, -0.008))
        for part in (cup, trim, soft, inner):
            stretch = 1.16 if s["style"] == "over-ear" else 1.0
            mesh.place(part, scale=(stretch, 1, 1))
            mesh.place(part, (sx * (span - 0.002), 0, z0), (0, sx * 90, 0))


def plan_speaker(rng, n):
    style = ["cylinder", "boxy", "bookshelf", "portable", "radio"][n % 5]
    watts = rng.choice([10, 20, 30, 60])
    wood = style in ("bookshelf", "radio")
    ways = [Look(c) for c in rng.sample(["oak", "walnut", "white", "black"], 2)] if wood else looks(rng, SHELLS, ["plain"])
    made = "wood" if wood else "fabric"
    return Plan(
        "speaker" if style != "radio" else "radio",
        style if style != "radio" else "table-top",
        made,
        f"A {'table-top radio' if style == 'radio' else style + ' speaker'} with {watts} W "
        f"and {'a wooden cabinet' if wood else 'a fabric cover'}",
        price(rng, 39, 349),
        ways,
        dict(style=style, wide=pick(rng, 0.9, 1.12)),
        {"power_w": watts},
        ["audio", "music"],
    )


def build_speaker(s, look):
    style, k = s["style"], s["wide"]
    steel, dark = m.metal("steel", 0.2), m.plastic("#1c1c1e", 0.4)
    if style == "cylinder":
        r, h = 0.05 * k, 0.17
        mesh.rod(r, h, m.cloth(look.colour, scale=320, strength=0.8), edge=0.006, segments=96)
        mesh.rod(r * 0.93, 0.006, m.plastic(look.colour, 0.3), (0, 0, h - 0.001))
        mesh.ring(r * 0.6, 0.0012, m.surface("white", emit=0.6), (0, 0, h + 0.0055))
        mesh.rod(r * 1.02, 0.008, dark)
    elif style in ("boxy", "portable"):
        w, h, d = (0.2 * k, 0.12, 0.08) if style == "boxy" else (0.22 * k, 0.085, 0.075)
        rings = [
            np.column_stack([mesh.oval(w * q, d * q2, 5, 80), np.full(80, z)])
            for q, q2, z in (
                (0.93, 0.85, 0),
                (0.985, 0.96, 0.004),
                (1, 1, 0.014),
                (1, 1, h - 0.014),
                (0.985, 0.96, h - 0.004),
                (0.93, 0.85, h),
            )
        ]
        mesh.loft(rings, m.cloth(look.colour, scale=330, strength=0.9))
        for i in range(3):
            mesh.rod(0.008, 0.003, m.plastic(look.colour, 0.3), ((i - 1) * 0.028, 0, h - 0.001))
        mesh.box((0.03, 0.002, 0.008), steel, (-w * 0.33, -d / 2 - 0.0002, 0.018), 0.0008)
        if style == "portable":
            mesh.tube(
                [(-w * 0.49, 0, h * 0.7), (-w * 0.47, 0, h + 0.035), (0, 0, h + 0.055), (w * 0.47, 0, h + 0.035), (w * 0.49, 0, h * 0.7)],
                0.009,
                m.leather("tan"),
                n=12,
                flat=0.3,
                steps=10,
            )
    else:
        w, h, d = (0.17 * k, 0.29, 0.2) if style == "bookshelf" else (0.27 * k, 0.15, 0.11)
        body = m.wood(look.colour, "x" if style == "radio" else "z") if look.colour in ("oak", "walnut") else m.plastic(look.colour, 0.35)
        mesh.box((w, d, h), body, (0, 0, h / 2), 0.008, rounds=5)
        y = -d / 2
        if style == "bookshelf":
            mesh.box((w * 0.93, 0.006, h * 0.95), dark, (0, y, h / 2), 0.002)
            for r, z in ((0.058, 0.1), (0.022, 0.225)):
                cone = mesh.lathe(
                    [
                        (0, 0.006),
                        (r * 0.3, 0.009),
                        (r * 0.33, 0.002),
                        (r * 0.8, 0.009),
                        (r * 0.88, 0.013),
                        (r * 0.97, 0.009),
                        (r, 0.006),
                        (r * 1.14, 0.006),
                        (r * 1.16, 0.0),
                    ],
                    m.plastic("#2a2a2c", 0.5),
                    80,
                )
                mesh.place(cone, (0, y - 0.003, z), (90, 0, 0))
                mesh.place(mesh.ring(r * 1.15, 0.0025, steel), (0, y - 0.005, z), (90, 0, 0))
        else:
            mesh.box((w * 0.58, 0.006, h * 0.8), m.cloth("sand", scale=300, strength=0.9), (-w * 0.17, y, h / 2), 0.002)
            mesh.box((w * 0.28, 0.006, h * 0.3), m.surface("cream", emit=0.15), (w * 0.31, y, h * 0.72), 0.002)
            mesh.box((0.002, 0.002, h * 0.26), m.plastic("red"), (w * 0.34, y - 0.004, h * 0.72))
            for x in (0.24, 0.38):
                mesh.place(mesh.rod(0.014, 0.016, steel, segments=40), (w * x, y + 0.002, h * 0.33), (90, 0, 0))
            mesh.tube([(w * 0.4, d * 0.3, h), (w * 0.46, d * 0.3, h + 0.1), (w * 0.52, d * 0.3, h + 0.2)], 0.0015, steel, n=8)
            for x in (-1, 1):
                for yy in (-1, 1):
                    mesh.rod(0.008, 0.012, dark, (x * w * 0.4, yy * d * 0.35, -0.011))


SOUND = ("Sonomir", "Lumarque")
register(Kind("headphones", "Electronics > Audio > Headphones", 9, plan_headphones, build_headphones, 32, 8, brands=SOUND, scenes=0.12))
register(Kind("speaker", "Electronics > Audio > Speakers", 10, plan_speaker, build_speaker, 22, 13, brands=SOUND, scenes=0.12))
