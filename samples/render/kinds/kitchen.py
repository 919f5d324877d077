"""Kitchen things: mugs, bowls, teapots, carafes, tumblers and storage jars."""

from __future__ import annotations

import math

import numpy as np

import materials as m
import mesh
from kinds.base import Kind, Look, Plan, looks, pick, price, register

GLAZES = [
    "white",
    "cream",
    "sand",
    "sage",
    "petrol",
    "navy",
    "sky blue",
    "terracotta",
    "mustard",
    "blush",
    "charcoal",
    "forest green",
    "red",
    "lilac",
    "teal",
    "yellow",
    "black",
    "coral",
]
MUG_BODIES = {
    "straight": [(0.036, 0), (0.040, 0.004), (0.041, 0.05), (0.041, 0.096)],
    "rounded": [(0.028, 0), (0.038, 0.012), (0.046, 0.045), (0.043, 0.075), (0.041, 0.085)],
    "tapered": [(0.028, 0), (0.031, 0.004), (0.037, 0.05), (0.044, 0.1)],
    "tulip": [(0.026, 0), (0.036, 0.01), (0.040, 0.035), (0.037, 0.065), (0.043, 0.1)],
    "wide": [(0.034, 0), (0.046, 0.01), (0.053, 0.035), (0.055, 0.066)],
    "enamel-style": [(0.041, 0), (0.043, 0.002), (0.043, 0.08), (0.0455, 0.082)],
}


def vessel_material(look: Look, shiny: bool, repeats: int):
    return m.glaze(look.colour, look.image(repeats), shiny)


def plan_mug(rng, n):
    style = list(MUG_BODIES)[n % len(MUG_BODIES)]
    handle = rng.choice(["loop", "square", "ear", "loop"])
    volume = rng.choice([250, 300, 330, 380, 420])
    patterns = ["plain", "striped", "dotted", "speckled", "floral", "plain", "pinstriped", "two-tone", "zigzag", "leafy"]
    return Plan(
        "mug",
        style,
        "stoneware",
        f"A {style} stoneware mug with a {handle} handle that holds {volume} ml",
        price(rng, 9, 26),
        looks(rng, GLAZES, [patterns[(n * 3) % 10]]),
        dict(
            style=style,
            handle=handle,
            wide=pick(rng, 0.92, 1.1),
            tall=pick(rng, 0.9, 1.15),
            shiny=n % 3 != 1,
            repeats=rng.choice([8, 10, 14]),
        ),
        {"volume_ml": volume, "handle": handle},
        ["tableware", "coffee"],
        "glazed in",
    )


def build_mug(s, look):
    body = np.array(MUG_BODIES[s["style"]]) * [s["wide"], s["tall"]]
    line = mesh.smooth_line(body, 8)
    line = np.vstack([[(line[0][0] * 0.8, 0.0015)], line])
    skin = vessel_material(look, s["shiny"], s["repeats"])
    mesh.lathe(mesh.wall(line, 0.0035), skin, 80)
    top, radius = body[-1][1], lambda z: float(np.interp(z, line[:, 1], line[:, 0]))
    hi, lo = 0.82 * top, 0.26 * top
    reach = 0.03 * s["wide"]
    grip = m.glaze(look.accent if look.pattern == "two-tone" else look.colour, None, s["shiny"])
    shapes = {
        "loop": [
            (radius(hi) - 0.002, hi),
            (radius(hi) + 0.7 * reach, hi + 0.006),
            (radius(hi) + reach, (hi + lo) / 2 + 0.008),
            (radius(lo) + 0.7 * reach, lo + 0.004),
            (radius(lo) - 0.002, lo),
        ],
        "square": [
            (radius(hi) - 0.002, hi),
            (radius(hi) + 0.85 * reach, hi),
            (radius(hi) + reach, hi - 0.006),
            (radius(hi) + reach, lo + 0.006),
            (radius(hi) + 0.85 * reach, lo),
            (radius(lo) - 0.002, lo),
        ],
        "ear": [
            (radius(hi) - 0.002, hi),
            (radius(hi) + 0.6 * reach, hi + 0.012),
            (radius(hi) + 1.1 * reach, hi - 0.002),
            (radius(hi) + 0.8 * reach, lo + 0.016),
            (radius(lo) - 0.002, lo),
        ],
    }
    mesh.tube([(x, 0, z) for x, z in shapes[s["handle"]]], 0.0058, grip, flat=0.75, steps=10)
    if look.pattern == "two-tone":
        edge = line[line[:, 1] < 0.45 * top] + [0.0004, 0]
        edge[:, 1] -= 0.0004
        mesh.lathe(edge, m.glaze(look.accent, None, s["shiny"]), 80)


BOWLS = {
    "deep": [(0.035, 0), (0.04, 0.004), (0.062, 0.03), (0.074, 0.075)],
    "shallow": [(0.05, 0), (0.055, 0.004), (0.088, 0.022), (0.105, 0.046)],
    "footed": [(0.038, 0), (0.034, 0.014), (0.036, 0.02), (0.066, 0.04), (0.08, 0.075)],
    "rounded": [(0.03, 0), (0.05, 0.006), (0.078, 0.035), (0.08, 0.06), (0.076, 0.075)],
    "flared": [(0.03, 0), (0.034, 0.005), (0.05, 0.035), (0.072, 0.06), (0.095, 0.072)],
}


def plan_bowl(rng, n):
    style = list(BOWLS)[n % 5]
    wooden = n % 4 == 3
    across = rng.choice([14, 16, 19, 24])
    if wooden:
        ways = [Look(c) for c in rng.sample(["oak", "walnut", "birch"], 2)]
    else:
        ways = looks(rng, GLAZES, [["speckled", "plain", "striped", "waves", "triangles", "gradient"][n % 6]])
    made = "wood" if wooden else "stoneware"
    return Plan(
        "bowl",
        style,
        made,
        f"A {style} {'wooden' if wooden else 'stoneware'} bowl, {across} cm across",
        price(rng, 12, 45),
        ways,
        dict(style=style, wooden=wooden, tall=pick(rng, 0.85, 1.2), thick=0.007 if wooden else 0.004, shiny=n % 2 == 0),
        {"diameter_cm": across},
        ["tableware", "serving"],
        "in" if wooden else "glazed in",
    )


def build_bowl(s, look):
    body = np.array(BOWLS[s["style"]]) * [1, s["tall"]]
    skin = m.wood(look.colour, "x", 0.35, 3) if s["wooden"] else vessel_material(look, s["shiny"], 10)
    mesh.lathe(mesh.wall(mesh.smooth_line(body, 8), s["thick"]), skin, 96)


def plan_teapot(rng, n):
    style = ["round", "tall", "squat", "conical"][n % 4]
    volume = rng.choice([600, 800, 1000, 1200])
    return Plan(
        "teapot",
        style,
        "porcelain" if n % 2 else "stoneware",
        f"A {style} teapot with lid and curved spout for {volume} ml of tea",
        price(rng, 29, 75),
        looks(rng, GLAZES, [["plain", "striped", "floral", "speckled", "dotted", "plain"][n % 6]]),
        dict(style=style, handle=["side", "top"][(n // 2) % 2], shiny=n % 3 != 2, knob=n % 2),
        {"volume_ml": volume},
        ["tea", "tableware"],
        "glazed in",
    )


def build_teapot(s, look):
    bodies = {
        "round": [(0.04, 0), (0.062, 0.02), (0.075, 0.06), (0.06, 0.1), (0.036, 0.118)],
        "tall": [(0.045, 0), (0.055, 0.01), (0.062, 0.06), (0.052, 0.12), (0.036, 0.15)],
        "squat": [(0.055, 0), (0.08, 0.016), (0.09, 0.04), (0.07, 0.075), (0.04, 0.088)],
        "conical": [(0.075, 0), (0.08, 0.006), (0.062, 0.06), (0.046, 0.1), (0.038, 0.122)],
    }
    line = mesh.smooth_line(bodies[s["style"]], 10)
    skin, plain = vessel_material(look, s["shiny"], 12), m.glaze(look.colour, None, s["shiny"])
    mesh.lathe(mesh.wall(line, 0.004), skin, 96)
    top, rim = line[-1][1], line[-1][0]
    mesh.lathe(mesh.smooth_line([(rim + 0.003, top), (rim + 0.002, top + 0.005), (rim * 0.7, top + 0.014), (0.004, top + 0.019)], 8), plain)
    cap = m.wood("oak", "z") if s["knob"] else plain
    mesh.ball(0.011, cap, (0, 0, top + 0.027))

    def radius(z):
        return float(np.interp(z, line[:, 1], line[:, 0]))

    z0 = 0.35 * top
    mesh.tube(
        [
            (-radius(z0) + 0.008, 0, z0),
            (-radius(z0) - 0.02, 0, z0 + 0.012),
            (-radius(z0) - 0.036, 0, 0.68 * top),
            (-radius(z0) - 0.056, 0, 0.95 * top),
        ],
        [0.017, 0.013, 0.009, 0.0075],
        plain,
        steps=10,
    )
    if s["handle"] == "side":
        hi, lo = 0.83 * top, 0.3 * top
        mesh.tube(
            [
                (radius(hi) - 0.003, 0, hi),
                (radius(hi) + 0.035, 0, hi + 0.014),
                (radius(lo) + 0.045, 0, 0.56 * top),
                (radius(lo) - 0.003, 0, lo),
            ],
            0.0075,
            plain,
            steps=12,
        )
    else:
        grip = m.wood("oak", "x") if s["knob"] else m.metal("brass")
        arch = [(0.85 * rim * 1.4 * math.cos(t), 0, 0.9 * top + 0.085 * math.sin(t)) for t in np.linspace(0, math.pi, 9)]
        mesh.tube(arch, 0.0055, grip, steps=6)


def plan_carafe(rng, n):
    style = ["slender", "bulbous", "hourglass", "straight", "ribbed"][n % 5]
    volume = rng.choice([500, 750, 1000])
    ways = [Look(c) for c in rng.sample(["clear", "amber", "smoke", "green", "sky blue", "blush"], rng.choice([1, 2]))]
    return Plan(
        "carafe",
        style,
        "glass",
        f"A {style} {volume} ml carafe of mouth-blown glass with a {'cork' if n % 2 else 'wooden ball'} stopper",
        price(rng, 18, 49),
        ways,
        dict(style=style, cork=n % 2),
        {"volume_ml": volume},
        ["glassware", "water"],
    )


def build_carafe(s, look):
    bodies = {
        "slender": [(0.034, 0), (0.04, 0.004), (0.044, 0.08), (0.03, 0.17), (0.02, 0.22), (0.024, 0.26)],
        "bulbous": [(0.04, 0), (0.06, 0.012), (0.07, 0.06), (0.045, 0.12), (0.021, 0.17), (0.022, 0.23)],
        "hourglass": [(0.045, 0), (0.052, 0.006), (0.05, 0.06), (0.032, 0.13), (0.035, 0.18), (0.042, 0.22)],
        "straight": [(0.04, 0), (0.044, 0.004), (0.044, 0.15), (0.04, 0.172), (0.02, 0.19), (0.02, 0.24)],
        "ribbed": [(0.042, 0), (0.048, 0.004), (0.05, 0.1), (0.042, 0.16), (0.026, 0.2), (0.028, 0.24)],
    }
    line = mesh.smooth_line(bodies[s["style"]], 12)
    if s["style"] == "ribbed":
        line[:, 0] += 0.0013 * np.sin(line[:, 1] * 700) * (line[:, 1] < 0.17)
    mesh.lathe(mesh.wall(line, 0.0025), m.glass(look.colour, strength=0.75), 96)
    top, rim = line[-1][1], line[-1][0]
    if s["cork"]:
        mesh.rod(rim - 0.004, 0.035, m.surface("tan", rough=0.9, bump=("noise", 120, 0.5)), (0, 0, top - 0.018), top=rim - 0.001)
    else:
        mesh.ball(rim * 1.15, m.wood("oak", "x"), (0, 0, top + rim * 0.55))


def plan_tumbler(rng, n):
    style = ["straight", "faceted", "stemmed", "rounded"][n % 4]
    volume = rng.choice([180, 250, 320, 400])
    ways = [Look(c) for c in rng.sample(["clear", "amber", "smoke", "green", "petrol", "lilac"], rng.choice([1, 2]))]
    noun = "wine glass" if style == "stemmed" else "tumbler"
    return Plan(
        noun,
        style,
        "glass",
        f"A {style} {noun if noun == 'wine glass' else 'glass tumbler'} for {volume} ml",
        price(rng, 6, 22),
        ways,
        dict(style=style, tall=pick(rng, 0.85, 1.25)),
        {"volume_ml": volume},
        ["glassware", "drinks"],
    )


def build_tumbler(s, look):
    bodies = {
        "straight": [(0.034, 0), (0.036, 0.003), (0.038, 0.05), (0.039, 0.1)],
        "faceted": [(0.03, 0), (0.033, 0.004), (0.038, 0.05), (0.041, 0.088)],
        "rounded": [(0.026, 0), (0.036, 0.012), (0.042, 0.04), (0.036, 0.085)],
        "stemmed": [(0.034, 0), (0.033, 0.003), (0.005, 0.008), (0.0045, 0.05), (0.006, 0.075), (0.03, 0.09), (0.041, 0.12), (0.036, 0.18)],
    }
    glass = m.glass(look.colour, strength=0.75)
    body = np.array(bodies[s["style"]]) * [1, s["tall"]]
    line = mesh.smooth_line(body, 8)
    if s["style"] == "stemmed":
        cup = line[line[:, 1] > 0.077 * s["tall"]]
        mesh.lathe(mesh.wall(np.vstack([[(0.001, cup[0][1] - 0.001)], cup]), 0.0018), glass, 80)
        foot = line[line[:, 1] <= 0.079 * s["tall"]]
        mesh.lathe(np.vstack([[(0, 0)], foot, [(0.0, foot[-1][1])]]), glass, 64)
    else:
        thing = mesh.lathe(mesh.wall(line, 0.0032), glass, 9 if s["style"] == "faceted" else 80)
        if s["style"] == "faceted":
            thing.data.polygons.foreach_set("use_smooth", [False] * len(thing.data.polygons))


def plan_jar(rng, n):
    style = ["tall", "low", "rounded", "square"][n % 4]
    volume = rng.choice([500, 800, 1200, 1600])
    return Plan(
        "storage jar",
        style,
        "stoneware",
        f"A {style} {volume} ml storage jar with a tight {'acacia' if n % 2 else 'cork'} lid",
        price(rng, 14, 36),
        looks(rng, GLAZES, [["plain", "two-tone", "speckled", "striped", "leafy", "pinstriped"][n % 6]]),
        dict(style=style, cork=n % 2 == 0, tall=pick(rng, 0.9, 1.15)),
        {"volume_ml": volume},
        ["storage", "pantry"],
        "glazed in",
    )


def build_jar(s, look):
    lid = m.surface("tan", rough=0.9, bump=("noise", 150, 0.6)) if s["cork"] else m.wood("walnut", "x", scale=2)
    wide, tall = {"tall": (0.05, 0.17), "low": (0.065, 0.1), "rounded": (0.066, 0.13), "square": (0.06, 0.12)}[s["style"]]
    tall *= s["tall"]
    skin = vessel_material(look, True, 10)
    if s["style"] == "square":
        rings = [
            np.column_stack([mesh.oval(2 * r, 2 * r, 5, 64), np.full(64, z)])
            for r, z in ((wide * 0.93, 0), (wide, 0.006), (wide, tall - 0.006), (wide * 0.96, tall))
        ]
        mesh.loft(rings, skin)
        rings = [
            np.column_stack([mesh.oval(2 * r, 2 * r, 5, 64), np.full(64, z)])
            for r, z in ((wide * 0.9, tall), (wide * 0.92, tall + 0.002), (wide * 0.92, tall + 0.016), (wide * 0.89, tall + 0.018))
        ]
        mesh.loft(rings, lid)
    else:
        mid = 1.0 if s["style"] != "rounded" else 1.16
        line = mesh.smooth_line([(wide * 0.9, 0), (wide, 0.008), (wide * mid, tall * 0.5), (wide, tall - 0.006), (wide * 0.96, tall)], 8)
        mesh.lathe(np.vstack([[(0, 0)], line, [(0, tall)]]), skin, 80)
        mesh.rod(wide * 0.93, 0.02, lid, (0, 0, tall - 0.002))
        mesh.ball(0.012, lid, (0, 0, tall + 0.026))
    if look.pattern == "two-tone" and s["style"] != "square":
        low = line[line[:, 1] < 0.5 * tall] + [0.0005, -0.0005]
        mesh.lathe(low, m.glaze(look.accent), 80)


TABLE = ("Tessaru", "Pellumo", "Ombrelune")
register(Kind("mug", "Home > Kitchen > Mugs", 16, plan_mug, build_mug, 20, 20, back=200, backs=0.12, brands=TABLE))
register(Kind("bowl", "Home > Kitchen > Bowls", 10, plan_bowl, build_bowl, 0, 28, brands=TABLE))
register(Kind("teapot", "Home > Kitchen > Teapots", 8, plan_teapot, build_teapot, 15, 17, back=160, backs=0.25, brands=TABLE))
register(Kind("carafe", "Home > Kitchen > Carafes", 7, plan_carafe, build_carafe, 0, 8, brands=TABLE))
register(Kind("tumbler", "Home > Kitchen > Glasses", 8, plan_tumbler, build_tumbler, 10, 12, brands=TABLE))
register(Kind("jar", "Home > Kitchen > Storage jars", 8, plan_jar, build_jar, 20, 16, brands=TABLE))
