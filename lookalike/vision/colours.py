"""The product's colours: names as shops use them, and a vector to compare by.

Both read tables over the sRGB cube, made once: the name of each of 32³ cells, and the soft share of each of 16³ cells in
each bin (a table that stays in the CPU's cache); the bins are the prototypes of the names, in CIE Lab. The vector is the
square root of the soft histogram at unit length, so that the cosine of two is their Bhattacharyya coefficient: 1 for the
same colours, 0 for colours that share no bin.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Colour, Vector

Pixels = NDArray[np.uint8]
Mask = NDArray[np.float32]
Palette = tuple[Vector, tuple[Colour, ...]]

NAME_LEVELS, SHARE_LEVELS, CELL_BITS = 32, 16, 12
# Part of every recipe: whoever changes the vector changes this.
VERSION = "shop-colours-2"

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

_XYZ_OF_RGB = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
_WHITE = np.array([0.95047, 1.0, 1.08883])

# The bins of the vector are the prototypes; a colour counts for those near it, with a Gaussian of this width in ΔE.
KERNEL = 10.0
BINS = len(PROTOTYPES)
ENOUGH_PIXELS = 1500
SHOWN_SHARE = 0.08
SHOWN_MOST = 4


def to_lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """CIE Lab (D65) of sRGB rows: n × 3, L 0…100 (IEC 61966-2-1, CIE 15). OpenCV's own takes .1 s to prepare, and errs by .3."""
    steps = np.arange(256) / 255
    linear = np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4)[rgb.reshape(-1, 3)]
    x, y, z = ((linear * row).sum(axis=1) for row in _XYZ_OF_RGB / _WHITE[:, None])
    x, y, z = (np.where(one > (6 / 29) ** 3, np.cbrt(one), one * (841 / 108) + 4 / 29) for one in (x, y, z))
    return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), axis=1).astype(np.float32)


def _cells(levels: int) -> NDArray[np.uint8]:
    steps = ((np.arange(levels) + 0.5) * (256 / levels)).astype(np.uint8)
    red, green, blue = np.meshgrid(steps, steps, steps, indexing="ij")
    return np.stack((red, green, blue), axis=-1).reshape(-1, 3)


@lru_cache(maxsize=1)
def name_table() -> NDArray[np.uint8]:
    """For each of 32³ cells the place of its name in `NAMES`: 32,768 × uint8."""
    named = (*PROTOTYPES, *MUTED)
    # Differences of lightness separate names less than those of hue do.
    weights = np.array([0.7, 1.0, 1.0], np.float32)
    cells = (to_lab(_cells(NAME_LEVELS)) * weights).T.copy()
    prototypes = to_lab(np.array([rgb for _, rgb in named], np.uint8)) * weights
    nearest, place = np.full(cells.shape[1], np.inf, np.float32), np.zeros(cells.shape[1], np.uint8)
    for (name, _), prototype in zip(named, prototypes, strict=True):  # one by one: all at once are 30 MB that nobody needs
        distance = ((cells - prototype[:, None]) ** 2).sum(axis=0)
        nearer = distance < nearest
        place[nearer], nearest[nearer] = NAMES.index(name), distance[nearer]
    return place


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


def colours_of(pixels: Pixels, mask: Mask | None) -> Palette:
    """As `palettes_of` for one product."""
    return palettes_of([(pixels, mask)])[0]


def palettes_of(products: Sequence[tuple[Pixels, Mask | None]]) -> list[Palette]:
    """For each thumbnail of a product: (colour vector, the dominant colours with the largest first).

    A mask weighs the pixels (height × width); None takes all of them. The vector is zero where nothing is left. Many
    thumbnails in one go cost a third of one by one: numpy's overhead for a call is more than its work on some hundred pixels.
    """
    if not products:
        return []
    sampled = [_sampled(pixels, mask) for pixels, mask in products]
    red, green, blue = np.concatenate([pixels for pixels, _ in sampled]).T.astype(np.int32, order="C")
    weight = np.concatenate([one for _, one in sampled])
    rows, count = np.repeat(np.arange(len(products)), [len(one) for _, one in sampled]), len(products)
    names = name_table()[(red >> 3) << 10 | (green >> 3) << 5 | blue >> 3]
    places = rows * len(NAMES) + names
    areas = np.asarray(np.bincount(places, weight, count * len(NAMES)), np.float64).reshape(count, -1)
    sums = np.asarray([np.bincount(places, weight * channel, count * len(NAMES)) for channel in (red, green, blue)], np.float64)
    vectors = _vectors(rows << CELL_BITS | (red >> 4) << 8 | (green >> 4) << 4 | blue >> 4, weight, count)
    return list(zip(vectors, _named(areas, sums), strict=True))


def _sampled(pixels: Pixels, mask: Mask | None) -> tuple[Pixels, NDArray[np.float32]]:
    """Some hundred pixels tell a palette as well as all of them do: (pixels in rows, their weights)."""
    step = 1 if pixels.shape[0] * pixels.shape[1] < ENOUGH_PIXELS else 2
    pixels = pixels[::step, ::step]
    weight = _centre_weight(*pixels.shape[:2])
    if mask is not None:
        weight = weight * mask[::step, ::step]
    return pixels.reshape(-1, 3), weight.ravel()


def _vectors(cells: NDArray[np.int64], weight: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """The soft histograms at unit length. Of each product only the cells that it has count: a hundred of 4,096."""
    histogram = np.bincount(cells, weight, count * SHARE_LEVELS**3)
    there = np.flatnonzero(histogram > 0)  # of floats themselves it takes five times as long
    rows, places = there >> CELL_BITS, there & (SHARE_LEVELS**3 - 1)
    counted = share_table()[places] * histogram[there].astype(np.float32)[:, None]
    vectors = np.zeros((count, BINS), np.float32)
    seen, starts = np.unique(rows, return_index=True)
    if len(seen):
        soft = np.sqrt(np.add.reduceat(counted, starts, axis=0))
        vectors[seen] = soft / np.sqrt(np.einsum("ij,ij->i", soft, soft))[:, None]
    return vectors


def _named(areas: NDArray[np.float64], sums: NDArray[np.float64]) -> list[tuple[Colour, ...]]:
    """The names with their shares and mean colours, from the weight of each name and its sums of the channels."""
    order = np.argsort(-areas, axis=1, kind="stable")[:, :SHOWN_MOST]
    places = order + np.arange(len(areas))[:, None] * len(NAMES)
    chosen = areas.ravel()[places]
    shares = chosen / np.maximum(areas.sum(axis=1), 1e-20)[:, None]
    # A hundred-millionth more, since sums of products need not give 255 back exactly.
    means = sums[:, places] / np.maximum(chosen, 1e-20) + 1e-8
    told = zip(order.tolist(), shares.tolist(), means.transpose(1, 2, 0).astype(np.int64).tolist(), strict=True)
    return [tuple(_shown(*one)) for one in told]


def _shown(places: list[int], shares: list[float], means: list[list[int]]) -> Iterator[Colour]:
    for rank, (place, share, (red, green, blue)) in enumerate(zip(places, shares, means, strict=True)):
        if share <= 0 or (share < SHOWN_SHARE and rank):
            return
        yield Colour(NAMES[place], min(share, 1.0), (red, green, blue))
