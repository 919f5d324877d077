"""Things to wear besides clothes: hats, sunglasses and watches."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

import materials as m
import mesh
import paint
from colours import rgb
from kinds.base import Kind, Look, Plan, looks, pick, price, register

CLOTHS = ["navy", "black", "olive", "sand", "mustard", "rust", "burgundy", "forest green", "grey", "cream", "petrol", "red", "blush"]


def plan_hat(rng, n):
    style = ["baseball", "beanie", "straw", "bucket", "fedora"][n % 5]
    noun = {"baseball": "cap", "beanie": "beanie"}.get(style, "hat")
    made = {"baseball": "cotton twill", "beanie": "wool", "straw": "straw", "bucket": "cotton", "fedora": "wool felt"}[style]
    pattern = {
        "baseball": ["plain", "two-tone"][n // 5 % 2],
        "beanie": ["plain", "striped"][n // 5 % 2],
        "bucket": ["plain", "checked"][n // 5 % 2],
    }.get(style, "plain")
    ways = (
        [Look("natural", c, "plain") for c in rng.sample(["black", "navy", "rust"], 1)]
        if style == "straw"
        else looks(rng, CLOTHS, [pattern], 2)
    )
    told = {
        "baseball": "A six-panel baseball cap with a curved brim",
        "beanie": "A chunky knitted beanie with a turn-up" + (" and a bobble" if n % 2 else ""),
        "straw": "A wide-brimmed straw hat with a ribbon",
        "bucket": "A bucket hat with a stitched brim",
        "fedora": "A felt fedora with a grosgrain band",
    }[style]
    return Plan(
        noun,
        style if style != "beanie" else "knitted",
        made,
        told,
        price(rng, 15, 69),
        ways,
        dict(style=style, bobble=n % 2 == 1, tall=pick(rng, 0.92, 1.08), brim=pick(rng, 0.9, 1.15)),
        {},
        ["hats", "headwear"],
    )


def _cap(s, look):
    skin = m.cloth(look.colour, scale=200)
    second = m.cloth(look.accent, scale=200) if look.pattern == "two-tone" else skin
    dome = [(0.09 * math.cos(t) ** 0.75, 0.115 * s["tall"] * math.sin(t) ** 0.92) for t in np.linspace(0, math.pi / 2, 30)]
    dome = [(0.0885, -0.004), *dome[:-1], (0.0, 0.115 * s["tall"])]
    thing = mesh.lathe(dome, skin, 180)
    for v in thing.data.vertices:
        a = math.atan2(v.co.y, v.co.x)
        v.co.y *= 1.12
        groove = math.exp(-(((((a + math.pi / 2) % (math.pi / 3)) - math.pi / 6) / 0.02) ** 2))
        k = 1 - 0.012 * groove
        v.co.x, v.co.y = v.co.x * k, v.co.y * k
    mesh.place(mesh.ball(0.007, second, (0, 0, 0.115 * s["tall"]), (1, 1, 0.6)))
    rows, cols, verts = 12, 33, []
    for i in range(rows):
        for j in range(cols):
            a = math.radians(-90 + (j / (cols - 1) - 0.5) * 150)
            t = i / (rows - 1)
            x, y = 0.087 * math.cos(a), 0.098 * math.sin(a)
            reach = 0.085 * s["brim"] * t * max(0, math.cos(a + math.pi / 2)) ** 0.6
            verts.append((x * (1 + 0.1 * t), y - reach, 0.004 - 0.10 * t * (x / 0.087) ** 2 * 0.25 - 0.012 * t))
    faces = [(i * cols + j, i * cols + j + 1, (i + 1) * cols + j + 1, (i + 1) * cols + j) for i in range(rows - 1) for j in range(cols - 1)]
    brim = mesh.add_mesh("brim", verts, faces, second)
    brim.modifiers.new("thick", "SOLIDIFY").thickness = 0.0035
    for a in (-1.25, -1.9, -0.5, -2.6):
        mesh.ring(0.0035, 0.0012, second, (0.07 * math.cos(a), 0.078 * math.sin(a), 0.08 * s["tall"]), (60, 0, math.degrees(a) + 90), 8, 20)


def _beanie(s, look):
    image = look.image(9)
    wool = m.surface(look.colour, image, rough=1, sheen=0.3, bump=("noise", 200, 0.4))
    dome = [(0.088 * math.cos(t) ** 0.6, 0.05 + 0.13 * s["tall"] * math.sin(t)) for t in np.linspace(0, math.pi / 2 - 0.02, 40)]
    thing = mesh.lathe([(0.086, 0.0), *dome, (0, 0.05 + 0.13 * s["tall"])], wool, 320)
    cuff = mesh.lathe(
        mesh.smooth_line([(0.088, 0.0), (0.097, 0.004), (0.098, 0.03), (0.097, 0.062), (0.089, 0.066)], 8),
        m.surface(look.colour, rough=1, sheen=0.3),
        320,
    )
    for part in (thing, cuff):
        for v in part.data.vertices:
            a = math.atan2(v.co.y, v.co.x)
            k = 1 + 0.013 * abs(math.sin(32 * a)) + 0.004 * math.sin(v.co.z * 500)
            v.co.x, v.co.y = v.co.x * k, v.co.y * k
    if s["bobble"]:
        fluff = mesh.ball(
            0.035,
            m.surface(look.accent if look.pattern != "plain" else look.colour, rough=1, sheen=0.5, bump=("noise", 260, 1.0)),
            (0, 0, 0.2 * s["tall"] + 0.005),
            rings=60,
        )
        rng = np.random.default_rng(3)
        for v in fluff.data.vertices:
            k = rng.uniform(-0.0025, 0.0025)
            v.co += mesh.Vector((k, rng.uniform(-0.0025, 0.0025), rng.uniform(-0.0025, 0.0025)))


def _brimmed_hat(s, look):
    style, h = s["style"], 0.11 * s["tall"]
    far = {"straw": 0.19, "bucket": 0.14, "fedora": 0.15}[style] * s["brim"]
    if style == "bucket":
        prof = [(0.0, h), (0.055, h), (0.066, h - 0.004), (0.086, 0.035), (0.09, 0.03), (far, -0.03)]
        skin = m.cloth(look.colour, look.image(26), scale=200)
        line = np.vstack([prof[:1], [(0.05, h)], mesh.smooth_line(prof[1:], 8)])
    else:
        prof = [
            (0.0, h - 0.004),
            (0.05, h),
            (0.07, h - 0.012),
            (0.085, 0.03),
            (0.088, 0.006),
            (0.1, 0.0),
            (far * 0.8, -0.004),
            (far, 0.004 if style == "fedora" else -0.012),
        ]
        skin = (
            m.surface("#d7b77c", rough=0.8, bump=("noise", 240, 0.8))
            if style == "straw"
            else m.surface(look.colour, rough=0.95, sheen=0.3, bump=("noise", 320, 0.3))
        )
        line = mesh.smooth_line(prof, 10)
        if style == "straw":
            line[:, 1] += 0.0012 * np.sin(np.arange(len(line)) * 1.6)
    thing = mesh.lathe(line, skin, 140)
    for v in thing.data.vertices:
        v.co.y *= 1.14
        if style == "fedora" and v.co.z > 0.03:
            t = (v.co.z - 0.03) / (h - 0.03)
            v.co.x *= 1 - 0.22 * t * max(0, -v.co.y / 0.09)
            v.co.z -= 0.022 * math.exp(-((v.co.x / 0.022) ** 2)) * t**2
        if style == "fedora" and v.co.z <= 0.008 and math.hypot(v.co.x, v.co.y) > 0.1:
            v.co.z += 0.035 * ((abs(v.co.x) - 0.06) / 0.1) ** 2 if abs(v.co.x) > 0.06 else 0
    thing.modifiers.new("thick", "SOLIDIFY").thickness = 0.002
    if style != "bucket":
        band = mesh.lathe(
            [(0.0885, 0.004), (0.0895, 0.016), (0.088, 0.03)], m.surface(look.accent if style == "straw" else "black", rough=0.6), 100
        )
        mesh.place(band, scale=(1, 1.14, 1))


def build_hat(s, look):
    {"baseball": _cap, "beanie": _beanie}.get(s["style"], _brimmed_hat)(s, look)


def plan_shades(rng, n):
    style = ["round", "square", "aviator", "cat-eye", "oval"][n % 5]
    wire = style == "aviator" or n % 10 == 0
    ways = (
        [Look(c) for c in rng.sample(["gold", "steel", "black"], 1)]
        if wire
        else looks(rng, ["black", "brown", "cream", "burgundy", "amber", "forest green", "blush", "navy", "red"], ["plain"], 2)
    )
    return Plan(
        "sunglasses",
        style,
        "metal" if wire else "acetate",
        f"{style.capitalize()} sunglasses with {'a fine metal' if wire else 'an acetate'} frame and tinted lenses",
        price(rng, 25, 129),
        ways,
        dict(style=style, wire=wire, lens=rng.choice(["#2b2b2b", "#3a2a1c", "#22362c", "#2a3346"]), wide=pick(rng, 0.94, 1.08)),
        {"uv_protection": "UV400"},
        ["eyewear", "summer"],
    )


def build_shades(s, look):
    frame = m.metal(look.colour if look.colour != "black" else "#222222", 0.2) if s["wire"] else m.plastic(look.colour, 0.15)
    thick = 0.0013 if s["wire"] else 0.0034
    a = np.linspace(0, math.tau, 28, endpoint=False)
    x, z = np.cos(a), np.sin(a)
    shapes = {
        "round": (0.024 * x, 0.024 * z),
        "oval": (0.027 * x, 0.019 * z),
        "square": (0.027 * np.sign(x) * np.abs(x) ** 0.5, 0.021 * np.sign(z) * np.abs(z) ** 0.5),
        "aviator": (0.027 * np.sign(x) * np.abs(x) ** 0.75, 0.025 * np.sign(z) * np.abs(z) ** 0.8 - 0.004 * x * (z < 0)),
        "cat-eye": (0.027 * np.sign(x) * np.abs(x) ** 0.7, 0.02 * np.sign(z) * np.abs(z) ** 0.75 + 0.005 * x * np.clip(z + 0.3, 0, 1)),
    }
    ox, oz = shapes[s["style"]]
    gap, up = 0.0335 * s["wide"], 0.028
    glass = m.surface(s["lens"], rough=0.04, specular=0.9, coat=1.0)
    for side in (-1, 1):
        outline = [(side * (px + gap), 0.0016 * ((px + gap) / 0.06) ** 2 * 4, pz + up) for px, pz in zip(ox, oz)]
        mesh.tube(outline, thick, frame, closed=True, n=12, steps=4, flat=1.0)
        verts = mesh.smooth_line(outline, 4, True)
        mesh.add_mesh("lens", verts, [tuple(range(len(verts)))], glass, smooth=False)
        edge, top = side * (gap + max(ox)), up + 0.008
        mesh.tube(
            [
                (edge * 0.99, 0.006, top),
                (edge * 1.06, 0.012, top),
                (edge * 1.08, 0.06, top),
                (edge * 1.06, 0.1, top - 0.003),
                (edge * 1.03, 0.125, top - 0.012),
                (edge * 1.0, 0.14, top - 0.027),
            ],
            thick * 0.95,
            frame,
            n=12,
            flat=0.6 if not s["wire"] else 1,
            steps=6,
        )
    inner = gap - max(ox) * 0.98
    mesh.tube([(-inner, 0.0, up + 0.006), (0, -0.001, up + 0.011), (inner, 0.0, up + 0.006)], thick * 0.95, frame, n=12)
    if s["style"] == "aviator":
        mesh.tube([(-gap * 0.8, 0.0, up + 0.022), (0, -0.001, up + 0.0235), (gap * 0.8, 0.0, up + 0.022)], thick, frame, n=10)


def _dial(face, ink, style) -> Image.Image:
    image = Image.new("RGB", (1024, 1024), rgb(face))
    d = ImageDraw.Draw(image)
    for i in range(60):
        a, big = i * math.tau / 60, i % 5 == 0
        if style == "diver" and big:
            paint.disc_on(d, 512 + 400 * math.sin(a), 512 - 400 * math.cos(a), 42, rgb(ink))
            continue
        if style == "field" and big:
            d.text((512 + 380 * math.sin(a), 512 - 380 * math.cos(a)), str(i // 5 or 12), fill=rgb(ink), font=paint.font(110), anchor="mm")
            continue
        lo = 340 if big else 440
        if big or style != "minimal":
            d.line(
                (512 + lo * math.sin(a), 512 - lo * math.cos(a), 512 + 470 * math.sin(a), 512 - 470 * math.cos(a)),
                fill=rgb(ink),
                width=22 if big else 7,
            )
    if style == "chronograph":
        for x, y in ((512, 690), (330, 512), (694, 512)):
            d.ellipse((x - 105, y - 105, x + 105, y + 105), outline=rgb(ink), width=9)
            d.line((x, y, x + 50, y - 60), fill=rgb(ink), width=8)
    return image


def plan_watch(rng, n):
    style = ["minimal", "field", "diver", "chronograph"][n % 4]
    strap = ["leather", "canvas", "steel", "leather"][n % 4] if n < 6 else rng.choice(["leather", "canvas", "steel"])
    colour = ["tan", "olive", "steel", "brown", "black", "navy", "burgundy", "steel"][n % 8]
    strap = "steel" if colour == "steel" else "leather" if strap == "steel" else strap
    face = rng.choice(["white", "black", "navy", "forest green", "cream"])
    ways = [Look(colour, face, "plain", {"phrase": f"{colour} with a {face} dial"})]
    if strap != "steel" and n % 2 == 0:
        ways.append(Look(rng.choice(["black", "grey", "rust"]), face, "plain"))
        ways[-1].extra["phrase"] = f"{ways[-1].colour} with a {face} dial"
    return Plan(
        "watch",
        style,
        strap,
        f"A {style} watch with a {'steel bracelet' if strap == 'steel' else strap + ' strap'}",
        price(rng, 69, 320),
        ways,
        dict(
            style=style,
            strap=strap,
            case=rng.choice(["steel", "gold", "steel"]) if strap != "steel" else "steel",
            size=pick(rng, 0.9, 1.08),
            hour=rng.choice([10.15, 1.83]),
        ),
        {"dial": face, "strap": strap},
        ["watches", "jewellery"],
    )


def build_watch(s, look):
    strap = (
        m.leather(look.colour)
        if s["strap"] == "leather"
        else m.cloth(look.colour, scale=500)
        if s["strap"] == "canvas"
        else m.metal("steel", 0.3)
    )
    case, r = m.metal(s["case"], 0.14), 0.0195 * s["size"]
    loop_r = 0.031
    pts = [(0, loop_r * 0.86 * math.cos(t) * -1, loop_r + loop_r * math.sin(t)) for t in np.linspace(-math.pi, math.pi, 41)[:-1]]
    if s["strap"] != "steel":
        mesh.tube(pts, 0.0098, strap, closed=True, n=20, flat=0.14, steps=3)
    else:
        for t in np.linspace(0, math.tau, 34, endpoint=False):
            mesh.box(
                (0.0205, 0.0052, 0.0028),
                strap,
                (0, -0.86 * loop_r * math.cos(t), loop_r + loop_r * math.sin(t)),
                0.0008,
                (90 - math.degrees(t), 0, 0),
            )
    parts, front = [], -0.86 * loop_r - 0.008
    body = mesh.lathe(
        mesh.smooth_line(
            [
                (0, -0.004),
                (r * 0.9, -0.004),
                (r * 1.02, -0.002),
                (r * 1.04, 0.003),
                (r * 0.98, 0.0062),
                (r * 0.9, 0.007),
                (r * 0.89, 0.0055),
            ],
            4,
        ),
        case,
        96,
    )
    parts.append(body)
    a = np.linspace(0, math.tau, 80, endpoint=False)
    parts.append(
        mesh.add_mesh(
            "dial",
            [(0.9 * r * math.cos(t), 0.9 * r * math.sin(t), 0.0056) for t in a],
            [tuple(range(80))],
            m.surface(
                image=_dial(look.accent, "white" if look.accent in ("black", "navy", "forest green") else "black", s["style"]), rough=0.35
            ),
            [(0.5 + 0.5 * math.cos(t), 0.5 + 0.5 * math.sin(t)) for t in a],
            False,
        )
    )
    if s["style"] == "diver":
        parts.append(mesh.ring(r * 0.97, 0.0022, m.plastic("black", 0.2), (0, 0, 0.0068)))
    hand = m.metal("steel" if look.accent in ("black", "navy", "forest green") else "#333333", 0.3)
    for turn, far, wide in ((s["hour"] / 12 * math.tau, 0.5, 0.0013), ((s["hour"] % 1) * math.tau, 0.75, 0.0009)):
        parts.append(
            mesh.place(mesh.box((wide, far * r, 0.0004), hand, (0, far * r / 2 - 0.001, 0)), (0, 0, 0.0064), (0, 0, -math.degrees(turn)))
        )
    parts.append(mesh.rod(0.0024, 0.004, case, (r * 1.02, 0, 0.001), (0, 90, 0)))
    for part in parts:
        mesh.place(part, (0, front + 0.003, loop_r), (90, 0, 0))
    for sz in (-1, 1):
        mesh.box((0.021, 0.005, 0.006), case, (0, front + 0.006, loop_r + sz * r * 0.98), 0.0018, (sz * 22, 0, 0))


WEAR = ("Tidewick", "Wrenfeld", "Harrowgale")
register(Kind("hat", "Fashion > Accessories > Hats", 11, plan_hat, build_hat, 28, 16, brands=WEAR, scenes=0.1))
register(
    Kind("sunglasses", "Fashion > Accessories > Sunglasses", 9, plan_shades, build_shades, 24, 12, brands=WEAR, scenes=0.12, fill=0.84)
)
register(Kind("watch", "Fashion > Accessories > Watches", 9, plan_watch, build_watch, 16, 8, brands=WEAR, scenes=0.12))
