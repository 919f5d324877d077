"""The product on a plain background is found; on anything else nobody guesses."""

import cv2
import numpy as np
import pytest

from lookalike.domain.geometry import Box
from lookalike.vision.region import find_region, find_regions

SIDE = 56


def drawn(kind: str, background: tuple[int, int, int], ink: tuple[int, int, int], noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A shape at 448 pixels, shrunk to a thumbnail, with its mask."""
    canvas = np.full((448, 448, 3), background, np.uint8)
    mask = np.zeros((448, 448), np.uint8)
    for target, colour in ((canvas, ink), (mask, 255)):
        if kind == "box":
            cv2.rectangle(target, (90, 150), (330, 300), colour, -1)
        elif kind == "disc":
            cv2.circle(target, (240, 220), 130, colour, -1)
        elif kind == "ring":
            cv2.circle(target, (224, 224), 140, colour, 44)
        else:
            cv2.ellipse(target, (200, 250), (160, 40), 30, 0, 360, colour, -1)
    if noise:
        canvas = np.clip(canvas + np.random.default_rng(0).normal(0, noise, canvas.shape), 0, 255).astype(np.uint8)
    small = cv2.resize(canvas, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return small, mask


def box_of(mask: np.ndarray) -> Box:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = mask.shape
    return Box(columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height)


@pytest.mark.parametrize("kind", ["box", "disc", "ring", "lens"])
@pytest.mark.parametrize(
    ("background", "ink"),
    [
        ((255, 255, 255), (30, 60, 150)),
        ((250, 250, 250), (205, 200, 190)),
        ((128, 128, 130), (220, 40, 40)),
        ((15, 15, 15), (200, 200, 60)),
    ],
)
@pytest.mark.parametrize("noise", [0.0, 12.0])
def test_shapes_on_plain_ground(kind: str, background: tuple[int, int, int], ink: tuple[int, int, int], noise: float) -> None:
    """Box IoU ≥ .9 and mask IoU ≥ .8 against what was drawn, a ring's hole left out or filled (it might be a logo)."""
    thumbnail, mask = drawn(kind, background, ink, noise)
    region = find_region(thumbnail)
    assert region is not None
    assert region.box.intersection_over_union(box_of(mask)) >= 0.9
    found = cv2.resize((region.mask > 0).astype(np.uint8), (448, 448), interpolation=cv2.INTER_NEAREST) > 0
    filled = mask > 0
    if kind == "ring":
        filled = cv2.circle(mask.copy(), (224, 224), 140, 255, -1) > 0
    assert max((found & one).sum() / (found | one).sum() for one in (mask > 0, filled)) >= 0.8


def test_photos_and_blanks_have_no_region() -> None:
    rng = np.random.default_rng(1)
    assert find_region(rng.integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)) is None
    assert find_region(np.full((SIDE, SIDE, 3), 255, np.uint8)) is None
    ramp = np.broadcast_to(np.linspace(0, 255, SIDE)[:, None, None], (SIDE, SIDE, 3)).astype(np.uint8)
    assert find_region(np.ascontiguousarray(ramp)) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 56), (56, 3), (7, 56), (8, 8)])
def test_slivers_do_no_harm(shape: tuple[int, int]) -> None:
    find_region(np.zeros((*shape, 3), np.uint8))


def test_what_is_found_does_not_depend_on_the_others() -> None:
    """Several sizes, plain grounds and none, one below another or each by itself: the same boxes and masks."""
    rng = np.random.default_rng(4)
    thumbnails = [rng.integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8), np.full((40, SIDE, 3), 250, np.uint8)]
    for kind, ink in (("box", (30, 60, 150)), ("disc", (225, 222, 220)), ("ring", (240, 40, 40)), ("lens", (214, 214, 220))):
        whole, _ = drawn(kind, (250, 250, 250), ink, noise=6.0)
        thumbnails += [whole, np.ascontiguousarray(whole[4:46]), np.ascontiguousarray(whole[:, 20:])]
    thumbnails = [thumbnails[place] for place in rng.permutation(len(thumbnails))]
    together, alone = find_regions(thumbnails), [find_region(one) for one in thumbnails]
    assert sum(one is not None for one in alone) >= 8
    for one, other in zip(together, alone, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert (one.box, one.background) == (other.box, other.background)
            np.testing.assert_array_equal(one.mask, other.mask)
