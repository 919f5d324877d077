"""Cuts and paints clothes: outlines by type, and the cloth's picture for the front and the back."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

import mesh
import paint
import prints
from colours import rgb
from garment import mirror

SIZE = 1024
Line = list[tuple[float, float]]


@dataclass
class Cut:
    """Outlines and lines of one garment, in metres; x is 0 in the middle, z is 0 at the hem."""

    front: Line
    back: Line
    neck_front: Line = field(default_factory=list)
    neck_back: Line = field(default_factory=list)
    seams: list[Line] = field(default_factory=list)
    sleeve: Line = field(default_factory=list)  # right sleeve's outline, for other colours and ribs
    cuff: Line = field(default_factory=list)  # end of the right sleeve
    hem: float = 0.0

    @property
    def box(self) -> tuple[float, float, float]:
        pts = np.array(self.back + self.front)
        size = float(max(np.ptp(pts[:, 0]), np.ptp(pts[:, 1]))) * 1.02
        return -size / 2, float(pts[:, 1].min()), size


def _curve(points, steps=8) -> Line:
    return [tuple(p) for p in mesh.smooth_line(points, steps)]


def top(s: dict) -> Cut:
    """T-shirt, sweater or dress: a body with optional sleeves."""
    length, half, sleeves = s["length"], s["half"], s["sleeves"]
    shoulder = length - s.get("slope", 0.055)
    deep = {"crew": 0.095, "v": 0.19, "boat": 0.04, "scoop": 0.15, "turtle": 0.03, "square": 0.12}[s["neck"]]
    nw = {"crew": 0.085, "v": 0.08, "boat": 0.13, "scoop": 0.105, "turtle": 0.075, "square": 0.1}[s["neck"]]

    def neckline(depth):
        if s["neck"] == "v" and depth > 0.1:
            return [(0, length - depth), (nw * 0.55, length - depth * 0.42), (nw, length)]
        if s["neck"] == "square" and depth > 0.1:
            return [(0, length - depth), (nw * 0.8, length - depth), (nw * 0.86, length - depth * 0.9), (nw, length)]
        return _curve([(0, length - depth), (nw * 0.5, length - depth * 0.86), (nw * 0.88, length - depth * 0.42), (nw, length)])

    pit = (half - 0.02, shoulder - s["armhole"])
    edge = (half - 0.035 + s.get("drop", 0), shoulder)
    if sleeves == "none":
        arm = _curve([edge, (edge[0] - 0.035, shoulder - 0.5 * s["armhole"]), pit])
        sleeve, cuff, seam = [], [], []
    else:
        a = math.radians({"short": 50, "long": 73, "elbow": 58}[sleeves] + s.get("tilt", 0))
        run = {"short": 0.22, "long": 0.6, "elbow": 0.34}[sleeves]
        tip = (edge[0] + run * math.cos(a), edge[1] - run * math.sin(a))
        wide = s["cuff"]
        low = (tip[0] - wide * math.sin(a), tip[1] - wide * math.cos(a))
        crook = (pit[0] + 0.015, pit[1] - 0.01)
        bulge = (edge[0] + 0.5 * run * math.cos(a) + 0.012, edge[1] - 0.5 * run * math.sin(a) + 0.008)
        # The shoulder runs on into the sleeve in one curve, as cloth does over an arm.
        slope = (shoulder - length) / (edge[0] - nw)
        half_way = ((nw + edge[0]) / 2, length + slope * (edge[0] - nw) / 2 + 0.004)
        upper = _curve(
            [
                (nw, length),
                half_way,
                (edge[0] - 0.01, edge[1] + 0.002),
                (edge[0] + 0.13 * run * math.cos(a) + 0.02, edge[1] - 0.13 * run * math.sin(a) - 0.004),
                bulge,
                tip,
            ],
            6,
        )[1:]
        lower = _curve([low, ((low[0] + crook[0]) / 2 + 0.004, (low[1] + crook[1]) / 2 + 0.004), crook, pit], 6)
        arm = upper + lower
        cuff = [tip, low]
        seam = _curve([edge, (edge[0] - 0.022, (edge[1] + pit[1]) / 2), pit], 8)
        sleeve = [p for p in upper if p[0] > edge[0] - 0.002] + lower + seam[::-1]
        if s.get("raglan"):
            sleeve = upper + lower + _curve([pit, (nw + 0.05, length - 0.1), (nw * 0.96, length - 0.015)], 6)
            seam = _curve([pit, (nw + 0.05, length - 0.1), (nw * 0.96, length - 0.015)], 6)
    waist, flare = s.get("waist", 1.0), s.get("flare", 1.0)
    side = _curve(
        [
            pit,
            (half * waist, length * s.get("waist_at", 0.6)),
            (half * (0.4 * waist + 0.6 * flare), 0.3 * length * s.get("waist_at", 0.6)),
            (half * flare, 0.015),
            (half * flare * 0.985, 0.0),
        ],
        8,
    )
    bend = 0.012 if flare < 1.3 else 0.03
    hem = [(half * flare * t, -bend * (1 - t * t)) for t in (0.75, 0.5, 0.25, 0)]
    rest = [*arm, *side[1:], *hem]
    front_neck, back_neck = neckline(deep), neckline(min(deep, 0.025))

    def both(line):
        return [(-x, z) for x, z in reversed(line[1:])] + line

    return Cut(
        mirror([*front_neck, *rest]), mirror([*back_neck, *rest]), both(front_neck), both(back_neck), [seam] if seam else [], sleeve, cuff
    )


def trousers(s: dict) -> Cut:
    w, rise, length = s["half"], 0.28, s["length"]
    knee, foot = s["knee"], s["foot"]
    outer = _curve([(w * 0.86, length), (w, length - 0.16), (w * 1.02, length - rise), (0.045 + knee, length * 0.42), (0.05 + foot, 0)])
    inner = _curve([(0.05, 0), (0.038, length * 0.42), (0.006, length - rise)])
    half = [(0, length - 0.012), *outer, *inner[:-1], (0, length - rise - 0.004)]
    back = [(0, length + 0.004), *outer, *inner[:-1], (0, length - rise - 0.004)]
    fly = [(0.0, length), (0.0, length - rise)]
    pocket = _curve([(w * 0.55, length - 0.03), (w * 0.62, length - 0.1), (w * 0.97, length - 0.13)])
    return Cut(mirror(half), mirror(back), seams=[fly, pocket])


def skirt(s: dict) -> Cut:
    length, w, hem = s["length"], s["half"], s["flare"]
    side = _curve([(w * 0.85, length), (w, length - 0.15), (w * (0.42 + 0.58 * hem), length * 0.4), (w * hem, 0.012), (w * hem * 0.985, 0)])
    bottom = [(w * hem * t, -0.03 * (1 - t * t) * hem) for t in (0.75, 0.5, 0.25, 0)]
    return Cut(mirror([(0, length - 0.01), *side, *bottom]), mirror([(0, length + 0.004), *side, *bottom]))


def _shade(colour, factor):
    return tuple(max(0, min(255, int(c * factor))) for c in colour)


class Cloth:
    """The picture of one side of a garment while it is being painted."""

    def __init__(self, cut: Cut, look, s: dict, front: bool):
        self.cut, self.look, self.s, self.front = cut, look, s, front
        self.x0, self.z0, size = cut.box
        self.scale = SIZE / size
        base = look.image(s.get("repeats", 14))
        self.image = base.copy() if base is not None else Image.new("RGB", (SIZE, SIZE), rgb(look.colour))
        self.trim = rgb(look.accent if s.get("trim_colour") else look.colour)

    def px(self, p) -> tuple[float, float]:
        return (p[0] - self.x0) * self.scale, SIZE - (p[1] - self.z0) * self.scale

    def tone(self, factor: float):
        return _shade(rgb(self.look.colour), factor)

    def wash(self) -> None:
        """Denim: uneven weave, and thighs worn paler."""
        image = ImageChops.soft_light(self.image, paint.grain(38).filter(ImageFilter.GaussianBlur(0.7)))
        glow = Image.new("L", (SIZE, SIZE))
        for x in (-0.11, 0.11):
            cx, cz = self.px((x, 0.62 * self.s["length"]))
            ImageDraw.Draw(glow).ellipse((cx - 45, cz - 190, cx + 45, cz + 190), fill=80)
        image.paste(Image.new("RGB", image.size, (190, 205, 225)), (0, 0), glow.filter(ImageFilter.GaussianBlur(40)))
        self.image = image

    def sleeves(self, draw: ImageDraw.ImageDraw, side: int) -> None:
        def out(line):
            return [self.px((side * x, z)) for x, z in line]

        if self.cut.sleeve and self.s.get("sleeve_colour"):
            draw.polygon(out(self.cut.sleeve), fill=rgb(self.look.accent))
        if self.cut.cuff and self.s.get("cuffs"):
            (ax, az), (bx, bz) = self.cut.cuff
            ux, uz = (bx - ax), (bz - az)
            n = math.hypot(ux, uz)
            nx, nz = uz / n * self.s["cuffs"], -ux / n * self.s["cuffs"]  # back up the sleeve
            if nz < 0:
                nx, nz = -nx, -nz
            near, far = (ax - ux * 0.2, az - uz * 0.2), (bx + ux * 0.2, bz + uz * 0.2)
            draw.polygon(out([near, far, (far[0] + nx, far[1] + nz), (near[0] + nx, near[1] + nz)]), fill=self.trim)
            for i in range(40):
                t = -0.2 + 1.4 * i / 39
                p = (ax + ux * t, az + uz * t)
                draw.line(out([p, (p[0] + nx, p[1] + nz)]), fill=_shade(self.trim, 0.8), width=2)
        for seam in self.cut.seams:
            draw.line(out(seam), fill=self.tone(0.62), width=3)
            if self.s.get("stitch"):
                draw.line([(x + 5, y) for x, y in out(seam)], fill=rgb(self.s["stitch"]), width=2)

    def band(self, draw: ImageDraw.ImageDraw) -> None:
        """Ribbed hem of a top, or waistband of trousers and skirts."""
        at, deep = self.s["band_at"], self.s["band"]
        waist = at > 0.3
        upper = self.px((0, at + 0.05 if waist else at + deep))[1]
        lower = self.px((0, at - deep if waist else at - 0.05))[1]
        if not self.s.get("denim"):
            draw.rectangle((0, upper, SIZE, lower), fill=self.trim)
        if self.s.get("ribs", True):
            for x in range(0, SIZE, 9):
                draw.line((x, upper, x, lower), fill=_shade(self.trim, 0.8), width=2)
        seam = lower if waist else upper
        draw.line((0, seam, SIZE, seam), fill=_shade(self.trim, 0.62), width=3)

    def pockets(self, draw: ImageDraw.ImageDraw) -> None:
        s, length = self.s, self.s["length"]
        if s.get("pocket") and self.front:
            x, z, w = 0.055, length - 0.2, 0.1
            corners = [self.px(p) for p in ((x, z), (x + w, z), (x + w, z - 0.09), (x + w / 2, z - 0.115), (x, z - 0.09))]
            contrast = s.get("trim_colour") or self.look.pattern != "plain"
            draw.polygon(corners, fill=rgb(self.look.accent) if contrast else self.tone(0.94))
            draw.line([*corners, corners[0]], fill=self.tone(0.6), width=3)
        if s.get("back_pockets") and not self.front:
            for x in (-0.085, 0.085):
                z = length - 0.13
                corners = ((x - 0.055, z), (x + 0.055, z), (x + 0.05, z - 0.1), (x, z - 0.125), (x - 0.05, z - 0.1))
                shape = [self.px(p) for p in corners]
                draw.line([*shape, shape[0]], fill=self.tone(0.55), width=4)
                if s.get("stitch"):
                    draw.line([(a * 0.995 + 2, b - 5) for a, b in [*shape, shape[0]]], fill=rgb(s["stitch"]), width=2)

    def placket(self, draw: ImageDraw.ImageDraw) -> None:
        low, high = self.px((0, 0))[1] + 20, self.px((0, self.s["length"] - 0.1))[1]
        for dx in (-0.018, 0.018):
            x = SIZE / 2 + dx * self.scale
            draw.line((x, low, x, high), fill=self.tone(0.65), width=2)

    def printed(self, name: str, width: float, at: tuple[float, float]) -> Image.Image:
        second = self.s.get("second", "white")
        if name.startswith("text:"):
            top = paint.words(name[5:], self.look.accent)
        else:
            top = prints.motif(name, self.look.accent, second if second != self.look.colour else self.look.accent)
        x, y = self.px(at)
        return paint.lay(self.image, top, (x / SIZE, y / SIZE), width * self.scale / SIZE)


def cloth_picture(cut: Cut, look, s: dict, front: bool) -> Image.Image:
    """Pattern, sleeves, ribs, seams and print, as seen from that side."""
    cloth = Cloth(cut, look, s, front)
    if s.get("denim"):
        cloth.wash()
    draw = ImageDraw.Draw(cloth.image)
    for side in (1, -1):
        cloth.sleeves(draw, side)
    if s.get("band"):
        cloth.band(draw)
    elif s.get("stitched_hem", True):
        y = cloth.px((0, 0.018))[1]
        draw.line((0, y, SIZE, y), fill=cloth.tone(0.78), width=2)
    if s.get("block") is not None:  # colour block below a line
        draw.rectangle((0, cloth.px((0, s["block"]))[1], SIZE, SIZE), fill=rgb(look.accent))
    cloth.pockets(draw)
    if s.get("buttons") and front:
        cloth.placket(draw)
    shown = s.get("print_front") if front else s.get("print_back")
    return cloth.printed(*shown) if shown else cloth.image
