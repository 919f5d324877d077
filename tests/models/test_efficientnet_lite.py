"""The networks themselves: conversion, known answers on real pictures, int8 beside fp32, and the seer over them."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.domain.geometry import WHOLE, Box
from lookalike.domain.picture import Picture
from lookalike.errors import InvalidSetting
from lookalike.pictures.decode import PillowDecoder
from lookalike.vision.colours import BINS
from lookalike.vision.efficientnet_lite.windows import windows_of
from lookalike.vision.efficientnet_lite.zoo import DATA, MODELS, VARIANTS, means_of, model_file, network_of, precision_here, ranges_of
from lookalike.vision.embedders import OnnxEmbedder
from lookalike.vision.preparation import square
from lookalike.vision.seeing import LocalSeer, open_seer, recipe_of
from lookalike.vision.sessions import open_session

SHARED = Path(os.environ.get("LOOKALIKE_SHARED") or Path(__file__).resolve().parents[3] / "shared")
DECODER = PillowDecoder()


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("networks")


@pytest.fixture(scope="session")
def seer(cache: Path) -> LocalSeer:
    return open_seer("default", cache, "fp32")


def pixels_of(path: Path) -> np.ndarray:
    return DECODER.decode(path.read_bytes()).pixels


def sample(folder: str, count: int) -> list[Path]:
    every = sorted(path for path in (SHARED / "data" / folder).rglob("*.jpg"))
    return every[:: max(1, len(every) // count)][:count]


def painted(seed: int) -> Picture:
    """A soft pattern, the same on every machine."""
    y, x = np.mgrid[:224, :224] / 224
    waves = [127 + 120 * np.sin(6.283 * ((seed + 1) * x * k + (3 - k) * y + seed / 7)) for k in (1, 2, 3)]
    return Picture(np.stack(waves, axis=-1).astype(np.uint8), 224, 224, f"painted {seed}")


def test_all_tensors_have_a_place() -> None:
    """16 and 21 blocks; assembling refuses what it cannot place."""
    assert {name: len(network_of(one).blocks) for name, one in VARIANTS.items()} == {"lite0": 16, "lite1": 21}


@pytest.mark.parametrize("variant", VARIANTS)
def test_ranges_cover_every_activation(variant: str) -> None:
    """All but the first two, which stay in fp32."""
    network = network_of(VARIANTS[variant])
    sums = {f"blocks.{number}.sum" for number, block in enumerate(network.blocks) if block.skip}
    every = sums | {conv.name for conv in network.convolutions()}
    assert set(ranges_of(VARIANTS[variant])) == every - {"conv-stem", "blocks.0.depthwise-conv"}
    means = means_of(VARIANTS[variant])
    assert set(means) == set(ranges_of(VARIANTS[variant]))
    wide = {conv.name: len(conv.bias) for conv in network.convolutions()}
    assert all(len(mean) == wide.get(name, len(mean)) for name, mean in means.items())


def test_two_processes_convert_at_once(tmp_path: Path) -> None:
    """Both get the same whole file, nothing else is left behind."""
    code = (
        "import pathlib, sys; from lookalike.vision.efficientnet_lite.zoo import model_file;"
        "print(model_file('lite0', 'int8', pathlib.Path(sys.argv[1])))"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = {one.communicate(timeout=120)[0].strip() for one in started}
    assert [one.returncode for one in started] == [0, 0]
    assert len(told) == 1
    assert [str(path) for path in tmp_path.iterdir()] == list(told)
    onnx.checker.check_model(onnx.load(told.pop()))


def test_nothing_is_converted_twice(cache: Path) -> None:
    first = model_file("lite0", "fp32", cache)
    before = first.stat().st_mtime_ns
    assert model_file("lite0", "fp32", cache) == first
    assert first.stat().st_mtime_ns == before


def test_impossible_settings_are_refused(cache: Path) -> None:
    with pytest.raises(InvalidSetting, match="bfloat"):
        precision_here("bfloat16")
    with pytest.raises(InvalidSetting, match="lite9"):
        model_file("lite9", "fp32", cache)
    with pytest.raises(InvalidSetting, match="best"):
        recipe_of("best")


@pytest.mark.shared
@pytest.mark.parametrize(("variant", "least"), [("lite0", 0.80), ("lite1", 0.82)])
def test_imagenet_answers(variant: str, least: float, cache: Path) -> None:
    """Top-1 on 200 pictures, centre crop of 7/8: says that weights, padding and normalisation are right."""
    embedder = OnnxEmbedder(variant, cache, "fp32", threads=2)
    right = 0
    paths = sorted((SHARED / "data" / "imagenet-samples").iterdir())
    for path in paths:
        pixels = pixels_of(path)
        height, width = pixels.shape[:2]
        side = int(0.875 * min(height, width))
        top, left = (height - side) // 2, (width - side) // 2
        (told,) = embedder.embed([pixels[top : top + side, left : left + side]])
        right += int(told.label_scores.argmax()) == int(path.name[:3])
    assert right / len(paths) >= least


@pytest.mark.shared
def test_int8_agrees_with_fp32(cache: Path) -> None:
    """The same weights in int8 and fp32 give vectors that may share an index."""
    paths = sample("clothing/images", 80) + sample("grocery/train", 60)
    rows = {}
    for precision in ("fp32", "int8"):
        session = open_session(model_file("lite0", precision, cache), threads=2)
        rows[precision] = np.concatenate([session.run(["vector"], {"pictures": square(pixels_of(path), 224)[None]})[0] for path in paths])
    cosine = (rows["fp32"] * rows["int8"]).sum(axis=1)
    assert cosine.mean() >= 0.997
    assert cosine.min() >= 0.985
    near = [np.argsort(-(rows[one] @ rows["fp32"].T), axis=1)[:, 1:11] for one in ("fp32", "int8")]
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(*near, strict=True)]) >= 0.95


@pytest.mark.shared
def test_photo_finds_shop_picture(seer: LocalSeer) -> None:
    """Every third val photo against the 81 shop pictures, by the road that the product takes."""
    home = SHARED / "data" / "grocery"
    lines = [line.split(",") for line in (home / "classes.csv").read_text(encoding="utf-8").splitlines()[1:]]
    photos = [line.split(",") for line in (home / "val.txt").read_text(encoding="utf-8").splitlines() if line.strip()][::3]

    def vectors(paths: list[Path]) -> np.ndarray:
        looks = [(DECODER.decode(path.read_bytes()), None) for path in paths]
        return np.stack([one.main.vector for one in seer.analyse(looks)])

    shop = vectors([home / line[4].lstrip("/") for line in lines])
    order = np.argsort(-(vectors([home / line[0].strip() for line in photos]) @ shop.T), axis=1)[:, :5]
    kinds = np.array([int(line[1]) for line in lines])
    right = np.array([int(line[1]) in kinds[row] for line, row in zip(photos, order, strict=True)])
    assert right.mean() >= 0.70


def test_analysis_is_whole(seer: LocalSeer) -> None:
    """Unit vectors of the recipe's dimensions, JSON without numpy in it."""
    (told,) = seer.analyse([(painted(1), None)])
    assert told.recipe_id == seer.recipe.id == recipe_of("default").id
    assert told.main.vector.shape == (seer.recipe.dimension,)
    assert told.main.colour_vector.shape == (seer.recipe.colour_dimension,) == (BINS,)
    assert told.main.vector.dtype == told.main.colour_vector.dtype == np.float32
    assert np.linalg.norm(told.main.vector) == pytest.approx(1, abs=1e-5)
    assert json.loads(json.dumps(told.as_json()))["phash"] == told.phash


def test_batches_and_threads_change_nothing(seer: LocalSeer) -> None:
    """In order, the same alone, together and from four threads at once."""
    looks = [(painted(seed), None) for seed in range(6)]
    together = seer.analyse(looks)
    alone = [seer.analyse([one])[0] for one in looks]
    with ThreadPoolExecutor(4) as pool:
        threads = list(pool.map(lambda one: seer.analyse([one])[0], looks))
    for one, two, three in zip(together, alone, threads, strict=True):
        assert one.digest == two.digest
        np.testing.assert_array_equal(one.main.vector, two.main.vector)
        np.testing.assert_array_equal(one.main.vector, three.main.vector)
    assert seer.analyse([]) == []


def test_box_is_obeyed(seer: LocalSeer) -> None:
    """A box sees what a crop of it would; the whole box is the picture as it is; None finds the small product."""
    canvas = np.full((300, 300, 3), 255, np.uint8)
    canvas[200:250, 40:90] = painted(2).pixels[:50, :50]
    picture = Picture(canvas, 300, 300, "x")
    product = Box(40 / 300, 200 / 300, 90 / 300, 250 / 300)
    found, cut, whole = seer.analyse([(picture, None), (picture, product), (picture, WHOLE)])
    assert found.main.box.intersection_over_union(product) > 0.8
    assert cut.main.box == product
    assert whole.main.box == WHOLE
    crop = Picture(np.ascontiguousarray(canvas[200:250, 40:90]), 50, 50, "x")
    np.testing.assert_allclose(seer.analyse([(crop, WHOLE)])[0].main.vector, cut.main.vector, atol=1e-5)
    assert found.main.vector @ cut.main.vector > whole.main.vector @ cut.main.vector


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 900), (900, 2), (5, 7)])
def test_slivers_are_analysed(seer: LocalSeer, height: int, width: int) -> None:
    picture = Picture(np.full((height, width, 3), 90, np.uint8), width, height, "sliver")
    (told,) = seer.analyse([(picture, None)])
    assert np.isfinite(told.main.vector).all()
    assert "tiny" in told.quality


def test_one_pass_gives_map_and_labels(cache: Path) -> None:
    (told,) = OnnxEmbedder("lite0", cache, "fp32").embed([painted(3).pixels])
    assert told.activation.shape == (7, 7)
    assert 0 <= told.activation.min() <= told.activation.max() <= 1
    assert told.label_scores.sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if model.head is None])
def test_models_agree_with_their_cards(name: str, cache: Path) -> None:
    embedder = OnnxEmbedder(name, cache, "int8")
    (told,) = embedder.embed([painted(4).pixels])
    assert told.vector.shape == (embedder.card.dimension,)
    assert embedder.card.licence == "Apache-2.0"
    assert all((DATA / file).is_file() for file in MODELS[name].files)


def test_white_ground_is_left_out_and_nothing_else(cache: Path) -> None:
    """A window holds all that is not white; through it a picture's vector and labels are what the whole picture gives."""
    grounds = np.full((4, 224, 224, 3), 255, np.uint8)
    for number, (top, left, height, width) in enumerate(((0, 60, 224, 90), (100, 0, 60, 224), (80, 90, 50, 60), (0, 0, 224, 224))):
        grounds[number, top : top + height, left : left + width] = painted(number).pixels[:height, :width]
    windows = windows_of(grounds)
    assert windows.tolist() == [[0, 6, 28, 20], [10, 0, 22, 28], [8, 9, 19, 21], [0, 0, 28, 28]]
    for precision, least in (("fp32", 0.985), ("int8", 0.98)):
        session = open_session(model_file("lite0", precision, cache))
        whole, logits = session.run(["vector", "logits"], {"pictures": grounds})
        inside, told = session.run(["vector", "logits"], {"pictures": grounds, "windows": windows})
        assert (whole * inside).sum(axis=1).min() >= least
        assert (whole[3] == inside[3]).all()
        assert (logits.argmax(axis=1) == told.argmax(axis=1)).all()
        (white,) = session.run(["vector"], {"pictures": np.full((1, 224, 224, 3), 255, np.uint8)})
        (cell,) = session.run(
            ["vector"],
            {"pictures": np.full((1, 224, 224, 3), 255, np.uint8), "windows": np.array([[13, 13, 14, 14]])},
        )
        assert (white * cell).sum() >= 0.999, "of white alone only its ground is known, and that is all of it"


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_windows_lose_no_pixel(seed: int) -> None:
    """Whatever is darker than white lies inside, with a cell of white around it where the picture has one."""
    rng = np.random.default_rng(seed)
    picture = np.full((1, 240, 240, 3), 250, np.uint8)
    spots = rng.integers(0, 240, (rng.integers(0, 4), 2))
    picture[0, spots[:, 0], spots[:, 1], rng.integers(0, 3)] = rng.integers(0, 250)
    top, left, bottom, right = windows_of(picture)[0]
    assert 0 <= top < bottom <= 30
    assert 0 <= left < right <= 30
    for y, x in spots // 8:
        assert top <= max(0, y - 1)
        assert bottom >= min(30, y + 2)
        assert left <= max(0, x - 1)
        assert right >= min(30, x + 2)


@pytest.mark.shared
def test_products_on_white_look_the_same_through_their_windows(cache: Path) -> None:
    """As near to the whole picture as int8 is to fp32: vectors of both may share an index."""
    pictures = np.stack([square(pixels_of(path), 224) for path in sample("fashion/images", 100)])
    session, windows = open_session(model_file("lite0", "fp32", cache)), windows_of(pictures)
    whole, inside = (session.run(["vector"], {"pictures": pictures, **more})[0] for more in ({}, {"windows": windows}))
    areas = (windows[:, 2] - windows[:, 0]) * (windows[:, 3] - windows[:, 1]) / 28**2
    cosine = (whole * inside).sum(axis=1)
    assert areas.mean() <= 0.8, "they do leave something out"
    assert cosine.mean() >= 0.998
    assert cosine.min() >= 0.985
