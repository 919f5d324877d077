"""The cut-out finds products that it never saw, `default` makes objects of them, and the file says what was learned."""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from lookalike.domain.geometry import WHOLE, Box
from lookalike.domain.picture import Picture
from lookalike.learning.taught import Known, overlap, rendered
from lookalike.vision.cutout import MOST, Cutout
from lookalike.vision.efficientnet_lite.zoo import DATA
from lookalike.vision.embedders import OnnxEmbedder
from lookalike.vision.seeing import LocalSeer, open_seer, recipe_of

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "lookalike" / "sample_shop"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("networks")


@pytest.fixture(scope="module")
def scenes() -> list[Known]:
    """Rendered rooms with products that nothing was learned from."""
    held = rendered(SHOP, ROOT / "tests" / "data" / "sample_masks", held=True)
    return [one for one in held if one.name.endswith(("scene", "query"))]


def picture(pixels: np.ndarray) -> Picture:
    return Picture(pixels, pixels.shape[1], pixels.shape[0], "x")


def box_of(mask: np.ndarray) -> Box:
    rows, columns = np.flatnonzero((mask >= 0.5).any(axis=1)), np.flatnonzero((mask >= 0.5).any(axis=0))
    height, width = mask.shape
    return Box(columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_products_in_rooms_are_cut_out(precision: str, cache: Path, scenes: list[Known]) -> None:
    """Against exact masks: mean IoU of masks ≥ .75 and of boxes ≥ .7 (docs/cutout.md has what was measured)."""
    cutout = Cutout(cache, precision)
    assert len(scenes) >= 30
    masks = cutout.segment([one.pixels for one in scenes])
    assert np.mean([0 if mask is None else overlap(mask, one.mask) for mask, one in zip(masks, scenes, strict=True)]) >= 0.75
    found = cutout.detect([one.pixels for one in scenes])
    boxes = [told[0].box if told else WHOLE for told in found]
    assert np.mean([box.intersection_over_union(box_of(one.mask)) for box, one in zip(boxes, scenes, strict=True)]) >= 0.7
    assert max(map(len, found)) <= MOST


def test_the_default_makes_objects_of_a_photo(cache: Path, scenes: list[Known]) -> None:
    """Two products side by side are two objects with vectors of their own; the key product's vector is the whole photo's."""
    seer = open_seer("default", cache, "int8")
    one, other = next(pair for pair in pairwise(scenes) if pair[0].name[:4] != pair[1].name[:4])
    both = np.hstack([one.pixels, other.pixels])
    (told,) = seer.analyse([(picture(both), None)])
    assert 2 <= len(told.objects) <= MOST
    sides = {thing.box.left + thing.box.right > 1 for thing in told.objects}
    assert sides == {False, True}
    (plain,) = OnnxEmbedder("lite0", cache, "int8").embed([both])
    assert told.main.vector @ plain.vector > 0.99
    assert abs(float(told.objects[1].vector @ told.main.vector)) < 0.99
    for thing in told.objects:
        assert np.linalg.norm(thing.vector) == pytest.approx(1, abs=1e-4)


def test_plain_backgrounds_and_boxes_do_not_ask_it(cache: Path) -> None:
    """They are seen as without it, to the last digit."""
    studio = np.asarray(Image.open(SHOP / "pictures" / "mug-001.jpg").convert("RGB"))
    canvas = cv2.copyMakeBorder(studio[100:300, 100:300], 100, 100, 100, 100, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    looks = [(picture(canvas), None), (picture(studio), WHOLE), (picture(studio), Box(0.2, 0.2, 0.8, 0.8))]
    seer = open_seer("default", cache, "int8")
    without = LocalSeer(recipe_of("default"), OnnxEmbedder("lite0", cache, "int8", activations=False))
    for mine, theirs in zip(seer.analyse(looks), without.analyse(looks), strict=True):
        assert mine == theirs
        np.testing.assert_array_equal(mine.main.vector, theirs.main.vector)
        np.testing.assert_array_equal(mine.main.colour_vector, theirs.main.colour_vector)


def test_the_head_is_small() -> None:
    assert (DATA / "cutout_lite0.onnx").stat().st_size <= 2_000_000


def test_the_graph_says_what_was_learned() -> None:
    """The ONNX form of random weights gives what JAX gives, within half precision."""
    pytest.importorskip("jax", reason="needs lookalike[train]")
    from lookalike.learning.cutout_export import GRIDS, exported
    from lookalike.learning.cutout_network import CHANNELS, started, told
    from lookalike.vision.sessions import open_session

    rng = np.random.default_rng(3)
    weights = {name: np.asarray(one) + rng.normal(0, 0.02, one.shape).astype(np.float32) for name, one in started(3).items()}
    deviations = [rng.uniform(0.5, 2, channels).astype(np.float32) for channels in CHANNELS]
    maps = [rng.normal(0, 1, (1, side, side, channels)).astype(np.float32) for side, channels in zip(GRIDS, CHANNELS, strict=True)]
    taps = [f"tap:{number}" for number in range(4)]
    session = open_session(exported(weights, deviations, taps, "").SerializeToString())
    mask, products = session.run(None, {tap: one.transpose(0, 3, 1, 2) for tap, one in zip(taps, maps, strict=True)})
    seen, middles, boxes = told(weights, tuple(one / deviation for one, deviation in zip(maps, deviations, strict=True)))
    np.testing.assert_allclose(mask, 1 / (1 + np.exp(-np.asarray(seen))), atol=0.02)
    np.testing.assert_allclose(products[..., 0], 1 / (1 + np.exp(-np.asarray(middles))), atol=0.02)
    np.testing.assert_allclose(products[..., 1:], np.asarray(boxes), atol=0.02)
