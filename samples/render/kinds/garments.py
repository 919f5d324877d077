"""Clothes with a front and a back: T-shirts, sweaters, dresses, trousers and skirts."""

from __future__ import annotations

import numpy as np

import colours
import garment
import materials as m
import mesh
import tailor
from kinds.base import Kind, Look, Plan, pick, price, register

SHIRTS = [
    "white",
    "black",
    "navy",
    "grey",
    "sage",
    "mustard",
    "red",
    "sky blue",
    "forest green",
    "blush",
    "rust",
    "cream",
    "petrol",
    "lilac",
    "coral",
    "yellow",
]
WOOLS = [
    "cream",
    "navy",
    "charcoal",
    "forest green",
    "rust",
    "mustard",
    "burgundy",
    "light grey",
    "petrol",
    "blush",
    "brown",
    "sage",
    "denim blue",
    "red",
]
WORDS = ["SLOW DAYS", "NORTH", "SALT & SUN", "OUTSIDE", "HARBOUR 58", "FIELD CLUB", "LOW TIDE", "GOOD SOIL"]
PRINTS = {
    "sunset": "sunset",
    "mountain": "mountain",
    "wave": "wave",
    "bird": "bird",
    "rings": "ring",
    "star": "star",
    "stack": "stripe-stack",
    "cat": "cat",
    "leaf": "leaf",
    "bolt": "lightning",
    "bicycle": "bicycle",
}


def sew(s: dict, look: Look, cut: tailor.Cut, collar: str | None) -> None:
    """Two panels, the collar, buttons and the label in the neck."""
    style = s["fabric"]

    def cloth(front):
        picture = tailor.cloth_picture(cut, look, s, front)
        if style == "knit":
            return m.surface(image=picture, rough=1.0, sheen=0.2, bump=("knit", s.get("gauge", 36), 0.7), specular=0.1)
        if style == "ribbed":
            return m.surface(image=picture, rough=1.0, sheen=0.2, bump=("columns", 17, 1.0), specular=0.1)
        return m.surface(image=picture, rough=0.95, sheen=0.1, bump=("weave", 330, 0.25), specular=0.12)

    thick, seed = s["thick"], s["seed"]
    options = dict(crease=s.get("crease", 0.010), drape=s.get("drape", 0.0), uv_box=cut.box, swell=s.get("swell", 0.15))
    garment.panel(cut.front, True, cloth(True), thick, seed, **options)
    garment.panel(cut.back, False, cloth(False), thick, seed, **options)
    if collar:
        band = m.surface(look.accent if s.get("trim_colour") else look.colour, rough=1.0, bump=("weave", 200, 0.4), specular=0.1)
        wide = {"thin": 0.0085, "rib": 0.012, "turtle": 0.012}[collar]
        garment.trim(cut.neck_front, wide, band, -0.004)
        garment.trim(cut.neck_back, wide, band, 0.004)
        if collar == "turtle":
            rings = []
            top = s["length"]
            for z, k in (
                (top - 0.05, 1.3),
                (top - 0.02, 1.06),
                (top + 0.05, 1.0),
                (top + 0.058, 1.05),
                (top + 0.05, 1.1),
                (top + 0.0, 1.12),
                (top - 0.014, 1.13),
            ):
                rings.append(np.column_stack([mesh.oval(0.165 * k, 0.075 * k, 2.2, 72), np.full(72, z)]))
            mesh.loft(rings, m.surface(look.colour, rough=1, bump=("columns", 40, 0.7)), closed_ends=False)
        else:
            z = max(p[1] for p in cut.neck_back if abs(p[0]) < 0.01)
            mesh.box(
                (0.042, 0.002, 0.022), m.surface("cream" if look.colour != "cream" else "charcoal", rough=0.9), (0, 0.4 * thick, z - 0.035)
            )
    if s.get("buttons"):
        stud = m.plastic("brown" if s["fabric"] != "plain" else look.accent, 0.3)
        low = min(p[1] for p in cut.neck_front)
        for z in np.linspace(0.06, low - 0.03, s["buttons"]):
            mesh.place(mesh.rod(0.0095, 0.004, stud), (0, -thick - 0.004, float(z)), (90, 0, 0))


def plan_tshirt(rng, n):
    style = ["printed", "striped", "raglan", "pocket", "ringer", "all-over", "back-print", "long-sleeved", "slogan", "v-neck"][n % 10]
    picked = rng.sample(SHIRTS, rng.choice([1, 2]))
    s = dict(
        length=pick(rng, 0.66, 0.76),
        half=pick(rng, 0.245, 0.29),
        armhole=pick(rng, 0.19, 0.23),
        sleeves="short",
        neck="crew",
        cuff=pick(rng, 0.135, 0.18),
        tilt=pick(rng, -8, 8),
        thick=pick(rng, 0.04, 0.055),
        fabric="plain",
        seed=1000 + n,
        repeats=rng.choice([14, 18, 22]),
        drop=pick(rng, -0.01, 0.02),
        waist=pick(rng, 0.93, 1.0),
        flare=pick(rng, 0.96, 1.03),
    )
    pattern, told, words = "plain", "", "T-shirt"
    motif = rng.choice(list(PRINTS))
    at = (0, s["length"] - 0.27)
    if style == "printed":
        s["print_front"] = (motif, 0.26, at)
        pattern, told = "printed", f" with a {PRINTS[motif]} print on the chest"
        if n % 20 > 9:
            s["print_back"] = ("text:" + rng.choice(WORDS), 0.24, (0, s["length"] - 0.14))
    elif style == "striped":
        pattern, told = "striped", ""
    elif style == "raglan":
        s.update(raglan=True, sleeve_colour=True, trim_colour=True, sleeves="elbow")
        pattern, told = "two-tone", " with contrasting raglan sleeves"
    elif style == "pocket":
        s.update(pocket=True, neck="scoop" if n % 20 > 9 else "crew")
        told = " with a chest pocket"
    elif style == "ringer":
        s.update(trim_colour=True, cuffs=0.02, print_back=(motif, 0.2, at))
        pattern, told = "two-tone", f" with contrasting trims and a {PRINTS[motif]} on the back"
    elif style == "all-over":
        pattern = rng.choice(["floral", "leafy", "dotted", "starry", "waves"])
    elif style == "back-print":
        s.update(print_front=(motif, 0.07, (0.09, s["length"] - 0.2)), print_back=(motif, 0.32, (0, s["length"] - 0.3)))
        pattern, told = "printed", f" with a small {PRINTS[motif]} in front and a large one on the back"
    elif style == "long-sleeved":
        s.update(sleeves="long", cuff=0.095, cuffs=0.04)
        pattern = rng.choice(["striped", "plain"])
    elif style == "slogan":
        text = rng.choice(WORDS)
        s["print_front"] = ("text:" + text, 0.32, at)
        s["print_back"] = ("rings", 0.12, (0, s["length"] - 0.13)) if rng.random() < 0.5 else None
        pattern, told = "printed", f" with “{text}” across the chest"
    else:
        s.update(neck="v")
        pattern = rng.choice(["plain", "striped"])
    ways = []
    for c in picked:
        ways.append(Look(c, colours.partner(rng, c), pattern))
    s["second"] = rng.choice(["mustard", "white", "terracotta"])
    return Plan(
        words,
        style,
        "cotton",
        f"A {style if style != 'all-over' else 'soft'} T-shirt of heavy cotton jersey{told}".replace("A all", "An all"),
        price(rng, 17, 45),
        ways,
        s,
        {"sleeves": s["sleeves"], "neck": s["neck"]},
        ["tops", "jersey"],
    )


def build_top(s, look):
    cut = tailor.top(s)
    sew(s, look, cut, s.get("collar", "thin"))


def plan_sweater(rng, n):
    style = ["crew-neck", "turtleneck", "striped", "cardigan", "v-neck", "colour-block", "ribbed", "patterned"][n % 8]
    s = dict(
        length=pick(rng, 0.63, 0.74),
        half=pick(rng, 0.25, 0.295),
        armhole=pick(rng, 0.22, 0.26),
        sleeves="long",
        neck="crew",
        cuff=pick(rng, 0.1, 0.125),
        tilt=pick(rng, -8, 0),
        slope=0.075,
        thick=pick(rng, 0.055, 0.07),
        fabric="knit",
        seed=2000 + n,
        repeats=rng.choice([14, 18]),
        cuffs=0.06,
        band=0.06,
        band_at=0.0,
        crease=0.013,
        collar="rib",
        gauge=rng.choice([24, 32, 42]),
        drop=0.01,
    )
    pattern = "plain"
    if style == "turtleneck":
        s.update(neck="turtle", collar="turtle")
    elif style == "striped":
        pattern = "striped"
    elif style == "cardigan":
        s.update(neck="v", buttons=5)
    elif style == "v-neck":
        s.update(neck="v", trim_colour=n % 16 > 7)
        pattern = "two-tone" if n % 16 > 7 else "plain"
    elif style == "colour-block":
        s.update(block=pick(rng, 0.22, 0.36))
        s.pop("band")
        pattern = "two-tone"
    elif style == "ribbed":
        s.update(fabric="ribbed")
    elif style == "patterned":
        pattern = rng.choice(["zigzag", "triangles", "starry"])
        s["repeats"] = 18
    ways = [Look(c, colours.partner(rng, c), pattern) for c in rng.sample(WOOLS, rng.choice([1, 2]))]
    noun = "cardigan" if style == "cardigan" else "sweater"
    made = rng.choice(["lambswool", "merino wool", "cotton"])
    words = style if style != noun else "knitted"
    return Plan(
        noun,
        words,
        made,
        f"A {words} {noun} in {made} with ribbed cuffs",
        price(rng, 49, 139),
        ways,
        s,
        {"neck": s["neck"], "sleeves": "long"},
        ["knitwear", "warm"],
    )


def plan_dress(rng, n):
    style = ["A-line", "shift", "wrap-look", "midi", "T-shirt", "sun"][n % 6]
    long = {"A-line": 0.95, "shift": 0.88, "wrap-look": 1.02, "midi": 1.15, "T-shirt": 0.9, "sun": 1.0}[style]
    s = dict(
        length=long,
        half=pick(rng, 0.225, 0.25),
        armhole=0.2,
        sleeves={"sun": "none", "shift": "none", "midi": "long"}.get(style, "short"),
        neck={"A-line": "scoop", "shift": "scoop", "wrap-look": "v", "midi": "crew", "T-shirt": "crew", "sun": "square"}[style],
        cuff=0.14 if style != "midi" else 0.09,
        thick=0.06,
        fabric="plain",
        seed=3000 + n,
        repeats=rng.choice([18, 24, 30]),
        waist={"shift": 0.92, "T-shirt": 1.0}.get(style, 0.78),
        waist_at=0.62,
        flare={"shift": 1.08, "T-shirt": 1.12, "midi": 1.45}.get(style, 1.6),
        drape=0.0 if style in ("shift", "T-shirt") else 0.02,
        crease=0.009,
    )
    pattern = ["floral", "plain", "dotted", "leafy", "striped", "checked", "plain", "waves"][n % 8]
    if n % 5 == 2:
        s.update(buttons=7)
    palette = ["navy", "white", "rust", "sage", "black", "mustard", "sky blue", "burgundy", "blush", "petrol", "red", "cream"]
    ways = [Look(c, colours.partner(rng, c), pattern) for c in rng.sample(palette, rng.choice([1, 2]))]
    return Plan(
        "dress",
        style,
        "viscose" if n % 2 else "cotton",
        f"{'An' if style[0] == 'A' else 'A'} {style} dress in flowing {'viscose' if n % 2 else 'cotton'}",
        price(rng, 45, 129),
        ways,
        s,
        {"sleeves": s["sleeves"], "length_cm": int(long * 100)},
        ["dresses"],
    )


def plan_trousers(rng, n):
    style = ["straight jeans", "wide-leg", "chino", "joggers", "shorts", "cropped"][n % 6]
    jeans = "jeans" in style
    foot = {"straight jeans": 0.135, "wide-leg": 0.2, "chino": 0.115, "joggers": 0.085, "shorts": 0.2, "cropped": 0.13}[style]
    s = dict(
        length={"shorts": 0.5, "cropped": 0.88}.get(style, 1.02),
        half=pick(rng, 0.215, 0.235),
        foot=foot,
        knee=max(0.15, (foot + 0.15) / 2),
        thick=0.055,
        fabric="plain",
        seed=4000 + n,
        denim=jeans,
        stitch="tan" if jeans else None,
        band=0.042,
        ribs=style == "joggers",
        back_pockets=style != "joggers",
        crease=0.012,
        stitched_hem=True,
        swell=0.11,
        repeats=30,
    )
    s["band_at"] = s["length"]
    palette = (
        ["denim blue", "navy", "charcoal"] if jeans else ["sand", "olive", "navy", "black", "charcoal", "rust", "cream", "brown", "sage"]
    )
    pattern = "pinstriped" if style == "wide-leg" and n % 4 == 1 else "plain"
    if n % 12 >= 6 and style in ("shorts", "cropped"):
        pattern = "checked"
    ways = [Look(c, "white" if pattern == "plain" else colours.partner(rng, c), pattern) for c in rng.sample(palette, rng.choice([1, 2]))]
    noun = "jeans" if jeans else "joggers" if style == "joggers" else "shorts" if style == "shorts" else "trousers"
    words = "straight" if jeans else "soft" if style == "joggers" else "linen" if style == "shorts" else style
    made = "denim" if jeans else "linen" if style == "shorts" else "cotton"
    return Plan(
        noun,
        words,
        made,
        f"{words.capitalize()} {noun} in {made} with {'an elastic waist' if style == 'joggers' else 'back pockets'}",
        price(rng, 39, 119),
        ways,
        s,
        {"fit": words},
        ["trousers", "bottoms"],
    )


def build_trousers(s, look):
    cut = tailor.trousers(s)
    sew(s, look, cut, None)
    z = s["length"] - 0.022
    if s["denim"] or not s["ribs"]:
        mesh.place(mesh.rod(0.009, 0.004, m.metal("copper") if s["denim"] else m.plastic(look.colour, 0.3)), (0, -0.03, z), (90, 0, 0))
    else:
        cord = m.surface("white" if look.colour not in ("white", "cream") else "charcoal", rough=0.9)
        for sx in (-1, 1):
            mesh.tube([(sx * 0.006, -0.035, z), (sx * 0.02, -0.05, z - 0.06), (sx * 0.016, -0.055, z - 0.15)], 0.003, cord, n=8)
    if not s["ribs"]:
        loop = m.surface(look.colour, rough=1)
        for x in (-0.13, -0.055, 0.055, 0.13):
            for y in (-1, 1):
                mesh.box((0.011, 0.004, 0.05), loop, (x, y * (0.036 if abs(x) < 0.1 else 0.03), z - 0.003), 0.002)


def plan_skirt(rng, n):
    style = ["flared", "A-line", "midi", "denim mini"][n % 4]
    s = dict(
        length={"midi": 0.78, "denim mini": 0.42}.get(style, 0.58),
        half=pick(rng, 0.2, 0.225),
        flare={"flared": 1.7, "A-line": 1.5, "midi": 1.45, "denim mini": 1.15}[style],
        thick=0.06,
        fabric="plain",
        seed=5000 + n,
        denim="denim" in style,
        drape={"flared": 0.034, "midi": 0.024, "A-line": 0.014}.get(style, 0),
        band=0.04,
        ribs=False,
        crease=0.005,
        stitch="tan" if "denim" in style else None,
        back_pockets="denim" in style,
        repeats=24,
        stitched_hem=True,
    )
    s["band_at"] = s["length"]
    pattern = "plain" if "denim" in style else ["plain", "checked", "floral", "plain", "tartan", "dotted"][n % 6]
    palette = (
        ["denim blue", "charcoal"]
        if "denim" in style
        else ["rust", "navy", "forest green", "black", "mustard", "burgundy", "cream", "lilac"]
    )
    ways = [Look(c, colours.partner(rng, c), pattern) for c in rng.sample(palette, rng.choice([1, 2]))]
    made = "denim" if "denim" in style else "cotton" if n % 2 else "viscose"
    return Plan(
        "skirt",
        style,
        made,
        f"{'An' if style[0] == 'A' else 'A'} {style} skirt in {made}",
        price(rng, 35, 89),
        ways,
        s,
        {"length_cm": int(s["length"] * 100)},
        ["skirts", "bottoms"],
    )


def build_skirt(s, look):
    sew(s, look, tailor.skirt(s), None)


WEAR = ("Wrenfeld", "Julamar", "Tidewick")
COMMON = dict(azimuth=0, elevation=0, wall=True, back=180, backs=1.0, brands=WEAR, fill=0.86)
register(Kind("tshirt", "Fashion > Clothing > T-shirts", 18, plan_tshirt, build_top, scenes=0.17, **COMMON))
register(Kind("sweater", "Fashion > Clothing > Knitwear", 12, plan_sweater, build_top, scenes=0.17, **COMMON))
register(Kind("dress", "Fashion > Clothing > Dresses", 10, plan_dress, build_top, scenes=0.1, **COMMON))
register(Kind("trousers", "Fashion > Clothing > Trousers", 8, plan_trousers, build_trousers, scenes=0, **COMMON))
register(Kind("skirt", "Fashion > Clothing > Skirts", 6, plan_skirt, build_skirt, scenes=0, **COMMON))
