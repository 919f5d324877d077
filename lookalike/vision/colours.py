"""The product's colours: names as shops use them, and a vector to compare by.

Both read tables over the sRGB cube, made once: the name of each of 32³ cells, and the soft share of each of 16³ cells in
each bin (a table that stays in the CPU's cache); the bins are the prototypes of the names, in CIE Lab. The vector is the
square root of the soft histogram at unit length, so that the cosine of two is their Bhattacharyya coefficient: 1 for the
same colours, 0 for colours that share no bin.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Colour, Vector

Pixels = NDArray[np.uint8]

NAME_LEVELS, SHARE_LEVELS = 32, 16
# Part of every recipe: whoever changes the vector changes this.
VERSION = "shop-colours-1"

# Names with sRGB prototypes; a name may have several. Chosen by eye from CSS, Crayola and shop palettes.
PROTOTYPES: tuple[tuple[str, tuple[int, int, int]], ...] = (
    ("black", (12, 12, 12)), ("black", (32, 32, 34)), ("black", (44, 42, 42)),
    ("grey", (84, 84, 86)), ("grey", (120, 120, 122)), ("grey", (150, 152, 155)), ("silver", (188, 190, 194)),
    ("white", (252, 252, 252)), ("white", (232, 233, 235)),
    ("navy", (22, 28, 62)), ("navy", (34, 40, 84)), ("navy", (40, 50, 75)),
    ("blue", (30, 70, 170)), ("blue", (45, 100, 210)), ("blue", (60, 90, 140)), ("blue", (20, 40, 220)),
    ("light blue", (150, 195, 235)), ("light blue", (110, 170, 230)), ("light blue", (175, 200, 220)),
    ("turquoise", (60, 200, 205)), ("teal", (10, 110, 115)), ("teal", (25, 140, 145)),
    ("green", (30, 120, 50)), ("green", (60, 170, 75)), ("green", (20, 70, 40)), ("green", (125, 200, 60)), ("green", (150, 200, 150)),
    ("olive", (100, 105, 45)), ("olive", (75, 78, 50)), ("olive", (130, 130, 80)),
    ("yellow", (250, 225, 40)), ("yellow", (250, 240, 120)), ("mustard", (205, 160, 40)), ("gold", (190, 160, 90)),
    ("orange", (245, 130, 25)), ("orange", (230, 95, 30)), ("peach", (250, 190, 150)), ("coral", (245, 120, 100)),
    ("red", (205, 25, 35)), ("red", (170, 25, 30)), ("red", (230, 50, 50)), ("burgundy", (95, 20, 35)), ("burgundy", (120, 30, 50)),
    ("pink", (240, 150, 180)), ("pink", (225, 70, 135)), ("pink", (245, 195, 205)),
    ("purple", (100, 45, 130)), ("purple", (140, 85, 165)), ("purple", (65, 35, 85)), ("lavender", (190, 170, 215)),
    ("brown", (90, 55, 35)), ("brown", (125, 80, 50)), ("brown", (60, 42, 34)), ("brown", (150, 100, 65)),
    ("beige", (205, 185, 155)), ("beige", (180, 160, 135)), ("cream", (245, 235, 210)), ("cream", (238, 225, 195)),
)  # fmt: skip
# Muted shades as photographs show them, which lie nearer to a grey, brown or beige than to what everybody calls them. They
# name a colour and are no bins: the vector, and with it the recipe, stays what it is. Picked from the sample shop's own names.
MUTED: tuple[tuple[str, tuple[int, int, int]], ...] = (
    ("green", (125, 140, 111)), ("green", (152, 162, 136)), ("green", (116, 145, 131)), ("green", (92, 108, 95)), ("green", (78, 94, 68)),
    ("teal", (55, 88, 95)), ("blue", (95, 117, 140)), ("light blue", (117, 156, 183)),
    ("red", (159, 63, 65)), ("red", (190, 78, 80)), ("pink", (188, 148, 142)), ("pink", (225, 190, 183)),
)  # fmt: skip
NAMES = tuple(dict.fromkeys(name for name, _ in PROTOTYPES))

# The bins of the vector are the prototypes; a colour counts for those near it, with a Gaussian of this width in ΔE.
KERNEL = 10.0
BINS = len(PROTOTYPES)
ENOUGH_PIXELS = 1500
SHOWN_SHARE = 0.08
SHOWN_MOST = 4


def to_lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """CIE Lab (D65) of sRGB rows: n × 3, L 0…100."""
    scaled = rgb.reshape(1, -1, 3).astype(np.float32) / np.float32(255)
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2Lab)[0], np.float32)


def _cells(levels: int) -> NDArray[np.uint8]:
    steps = ((np.arange(levels) + 0.5) * (256 / levels)).astype(np.uint8)
    red, green, blue = np.meshgrid(steps, steps, steps, indexing="ij")
    return np.stack((red, green, blue), axis=-1).reshape(-1, 3)


@lru_cache(maxsize=1)
def name_table() -> NDArray[np.uint8]:
    """For each of 32³ cells the place of its name in `NAMES`: 32,768 × uint8."""
    cells = to_lab(_cells(NAME_LEVELS))
    named = (*PROTOTYPES, *MUTED)
    prototypes = to_lab(np.array([rgb for _, rgb in named], np.uint8))
    # Differences of lightness separate names less than those of hue do.
    weights = np.array([0.7, 1.0, 1.0], np.float32)
    distance = (((cells[:, None] - prototypes[None]) * weights) ** 2).sum(axis=2)
    place = np.array([NAMES.index(name) for name, _ in named], np.uint8)
    return np.asarray(place[distance.argmin(axis=1)], np.uint8)


@lru_cache(maxsize=1)
def share_table() -> NDArray[np.float32]:
    """For each of 16³ cells its shares in the bins, summing to 1: 4,096 × bins."""
    cells = to_lab(_cells(SHARE_LEVELS))
    centres = to_lab(np.array([rgb for _, rgb in PROTOTYPES], np.uint8))
    distance = (cells**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)[None] - 2 * cells @ centres.T
    # Measured from the nearest: a colour far from all prototypes still belongs to its nearest ones.
    distance -= distance.min(axis=1, keepdims=True)
    weight = np.exp(-distance / (2 * KERNEL**2), dtype=np.float32)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True), np.float32)


@lru_cache(maxsize=256)
def _centre_weight(height: int, width: int) -> NDArray[np.float32]:
    """Catalogues put the product in the middle: what lies at the rim (a model's face, shoes) counts less."""
    y = (np.arange(height, dtype=np.float32) + 0.5) / height - 0.5
    x = (np.arange(width, dtype=np.float32) + 0.5) / width - 0.5
    return np.asarray(np.exp(-(y[:, None] ** 2 + x[None] ** 2) / (2 * 0.3**2)), np.float32)


def colours_of(pixels: Pixels, mask: NDArray[np.float32] | None) -> tuple[Vector, tuple[Colour, ...]]:
    """(colour vector, the dominant colours with the largest first) of a thumbnail of the product.

    `mask` weighs the pixels (height × width); None takes all of them. The vector is zero where nothing is left.
    """
    # Some hundred pixels tell a palette as well as all of them do.
    step = 1 if pixels.shape[0] * pixels.shape[1] < ENOUGH_PIXELS else 2
    pixels = pixels[::step, ::step]
    weight = _centre_weight(*pixels.shape[:2])
    if mask is not None:
        weight = weight * mask[::step, ::step]
    rgb = pixels.reshape(-1, 3)
    flat = weight.ravel()
    total = float(flat.sum())
    if total <= 0:
        return np.zeros(BINS, np.float32), ()
    shares = flat * np.float32(1 / total)
    vector = np.sqrt(shares @ share_table()[_places(rgb, 4)])
    vector /= np.linalg.norm(vector)
    return np.asarray(vector, np.float32), _named(rgb, name_table()[_places(rgb, 3)], shares)


def _places(rgb: Pixels, dropped_bits: int) -> NDArray[np.intp]:
    """The cell of each pixel in a cube of 2 ** (8 − `dropped_bits`) levels."""
    kept = 8 - dropped_bits
    high = (rgb >> dropped_bits).astype(np.intp)
    return (high[:, 0] << (2 * kept)) | (high[:, 1] << kept) | high[:, 2]


def _named(rgb: Pixels, names: NDArray[np.uint8], shares: NDArray[np.float32]) -> tuple[Colour, ...]:
    of_name = np.bincount(names, weights=shares, minlength=len(NAMES))
    shown: list[Colour] = []
    for place in np.argsort(-of_name, kind="stable")[:SHOWN_MOST]:
        share = float(of_name[place])
        if share < SHOWN_SHARE and shown:
            break
        mean = (shares * (names == place)) @ rgb / max(share, 1e-9)
        shown.append(Colour(NAMES[int(place)], min(share, 1.0), (int(mean[0]), int(mean[1]), int(mean[2]))))
    return tuple(shown)
