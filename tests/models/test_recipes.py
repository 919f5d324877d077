"""Recipes as data: the chain of the originals and ours over made-up networks, and over real ones on real pictures."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.networks import classifier, saying
from toy_house import data_url

from lookalike import bootstrap
from lookalike.bootstrap import House
from lookalike.domain.analysis import Analysis
from lookalike.domain.geometry import WHOLE, Box
from lookalike.domain.picture import Picture
from lookalike.errors import InvalidCard, InvalidSetting, NotFound, RecipeMismatch, UnknownPlugin
from lookalike.ports.vision import Look
from lookalike.settings import load
from lookalike.vision.networks.card import read_card
from lookalike.vision.networks.zoo import Zoo, sha256_of
from lookalike.vision.recipes.chain import ChainSeer
from lookalike.vision.recipes.opening import open_recipe
from lookalike.vision.recipes.reading import Projection, load_recipe, shipped
from lookalike.vision.seeing import recipe_of
from query_api.app import create_app

DETECTED = {
    "boxes": np.array([[0, 0, 16, 16], [16, 32, 48, 64], [0, 0, 64, 64], [50, 0, 64, 10]], np.float32),
    "labels": np.array([0, 1, 2, 1], np.int64),
    "scores": np.array([0.6, 0.9, 0.95, 0.2], np.float32),
}
CHAIN = """
recipe = 1
name = "made-up"
[find]
network = "finds"
most = 5
not_labels = ["person"]
margin = 0
[mask]
network = "cuts"
[embed]
network = "embeds"
"""


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    """A detector that always says DETECTED, a segmenter whose product is the right half, and a random embedder."""
    made, zoo = tmp_path_factory.mktemp("made"), Zoo(tmp_path_factory.mktemp("models"))
    maps = np.zeros((1, 2, 16, 16), np.float32)
    maps[:, 0], maps[:, 1, :, 8:] = 30, 60

    def add(name: str, task: str, path: Path, **told: Any) -> None:
        facts = {"name": name, "task": task, "licence": "MIT", "source": "a test", "files": {"network": {"sha256": sha256_of(path)}}}
        zoo.add(read_card({**facts, **told}, name), {"network": path})

    fit = {"size": [64, 64], "fit": "stretch"}
    labels = ["bag", "shoe", "person"]
    add("finds", "detection", saying(made / "d.onnx", DETECTED, [1, 3, 64, 64]), input=fit, output={"layout": "boxes"}, labels=labels)
    add("cuts", "segmentation", saying(made / "s.onnx", {"out": maps}, [1, 3, 64, 64]), input=fit, labels=["background", "product"])
    add("embeds", "embedding", classifier(made / "e.onnx"), input={"size": [32, 32]}, dimension=16)
    return zoo


def seer(zoo: Zoo, tmp_path: Path, text: str = CHAIN) -> ChainSeer:
    path = tmp_path / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return open_recipe(path, zoo, lambda port, name: None).seer


def noise(seed: int = 1) -> Picture:
    pixels = np.random.default_rng(seed).integers(0, 200, (80, 160, 3), dtype=np.uint8)
    return Picture(pixels, 160, 80, f"noise {seed}")


def test_the_chain_finds_several_objects_each_with_its_own_vector(zoo: Zoo, tmp_path: Path) -> None:
    """What the recipe rules out is left out, the key object comes first, weak finds are none."""
    told = seer(zoo, tmp_path).analyse([(noise(), None)])[0]
    assert [(one.label, one.box.edges()) for one in told.objects] == [("shoe", (0.25, 0.5, 0.75, 1.0)), ("bag", (0.0, 0.0, 0.25, 0.25))]
    assert not np.allclose(told.objects[0].vector, told.objects[1].vector, atol=1e-3)
    assert [tag.name for tag in told.tags] == ["shoe", "bag"]
    assert all(np.linalg.norm(one.vector) == pytest.approx(1, abs=1e-4) for one in told.objects)
    one = seer(zoo, tmp_path, CHAIN.replace("most = 5", "most = 1")).analyse([(noise(), None)])[0]
    assert [two.label for two in one.objects] == ["shoe"]


def test_an_object_is_cut_out_on_white(zoo: Zoo, tmp_path: Path) -> None:
    """The vector is that of the crop with white where the mask is not; the bag lies where there is no product and stays whole."""
    picture = noise()
    told = seer(zoo, tmp_path).analyse([(picture, None)])[0]
    crop = picture.pixels[40:80, 40:120].copy()
    mask = zoo.segmenter("cuts").segment([picture.pixels])[0]
    assert mask is not None
    cut = mask[40:80, 40:120, None]
    white = np.rint(crop * cut + 255 * (1 - cut)).astype(np.uint8)
    assert (white[:, :30] == 255).all()
    embedder = zoo.embedder("embeds", "pad")
    expected, plain, bag = (one.vector for one in embedder.embed([white, crop, picture.pixels[:20, :40]]))
    assert np.allclose(told.objects[0].vector, expected, atol=1e-5)
    assert not np.allclose(told.objects[0].vector, plain, atol=1e-3)
    assert np.allclose(told.objects[1].vector, bag, atol=1e-5)


def test_a_box_is_looked_at_and_nothing_else(zoo: Zoo, tmp_path: Path) -> None:
    """Alone as in company, and whatever the detector would say."""
    chain, box = seer(zoo, tmp_path), Box(0.5, 0.0, 1.0, 0.5)
    boxed, whole, free = chain.analyse([(noise(), box), (noise(), WHOLE), (noise(), None)])
    assert [[one.box for one in told.objects] for told in (boxed, whole)] == [[box], [WHOLE]]
    assert len(free.objects) == 2
    assert np.allclose(chain.analyse([(noise(), box)])[0].main.vector, boxed.main.vector, atol=1e-5)


def test_a_projection_makes_vectors_shorter_and_is_part_of_the_recipe(zoo: Zoo, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    np.savez(tmp_path / "white.npz", matrix=rng.normal(0, 1, (6, 16)).astype(np.float32), mean=np.zeros(16, np.float32))
    plain = seer(zoo, tmp_path)
    shorter = seer(zoo, tmp_path, CHAIN + '[project]\nfile = "white.npz"\n')
    assert shorter.recipe.dimension == 6
    assert shorter.recipe.id != plain.recipe.id
    long, short = (one.analyse([(noise(), None)])[0].main.vector for one in (plain, shorter))
    assert np.allclose(short, Projection(tmp_path / "white.npz").of(long))
    np.savez(tmp_path / "white.npz", matrix=np.eye(5, dtype=np.float32), mean=np.zeros(5, np.float32))
    with pytest.raises(InvalidCard, match="takes vectors of 5, embeds makes 16"):
        seer(zoo, tmp_path, CHAIN + '[project]\nfile = "white.npz"\n')


@pytest.mark.parametrize(
    "change",
    [("most = 5", "most = 4"), ('not_labels = ["person"]', ""), ("margin = 0", "margin = 0.1"), ('name = "made-up"', 'name = "b"')],
)
def test_whatever_changes_vectors_changes_the_recipe(change: tuple[str, str], zoo: Zoo, tmp_path: Path) -> None:
    assert seer(zoo, tmp_path, CHAIN.replace(*change)).recipe.id != seer(zoo, tmp_path).recipe.id


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (CHAIN.replace("most = 5", "most = 50"), InvalidCard, "find.most"),
        (CHAIN.replace("[embed]", "[embeds]"), InvalidCard, "embed: field required; embeds: extra"),
        (CHAIN.replace('"person"', '"hat"'), InvalidCard, "hat is none of the labels of finds"),
        (CHAIN.replace('"embeds"', '"cuts"'), InvalidCard, "vectors are wanted; installed for that: embeds"),
        (CHAIN.replace('"embeds"', '"embed"'), UnknownPlugin, "Did you mean 'embeds'"),
        (CHAIN.replace('"finds"', '"yolox-nano"'), NotFound, "lookalike models pull yolox-nano"),
        ("recipe = ", InvalidCard, "cannot be read"),
    ],
)
def test_a_recipe_that_cannot_be_is_told_why(text: str, error: type[Exception], message: str, zoo: Zoo, tmp_path: Path) -> None:
    with pytest.raises(error, match=message):
        seer(zoo, tmp_path, text)


def test_recipes_that_ship_are_whole_and_leave_default_and_quality_alone(zoo: Zoo) -> None:
    """The ids of our own recipes are in every index out there: no file, folder or device of networks changes them."""
    assert not {"default", "quality"} & {*shipped(), *zoo.shipped}
    for name, path in shipped().items():
        assert load_recipe(path).name == name
    for name in ("default", "quality"):
        with bootstrap.build(load(index="memory:", recipe=name, models_dir=zoo.folder, device="cpu")) as house:
            assert house.recipe == recipe_of(name)
            assert "chain" not in house.recipe.parts


def test_a_recipe_of_a_file_indexes_and_an_index_refuses_another(zoo: Zoo, tmp_path: Path) -> None:
    """One option is all: LOOKALIKE_RECIPE, a path here, a network's name there."""
    path = tmp_path / "mine.toml"
    path.write_text(CHAIN, encoding="utf-8")
    index = str(tmp_path / "shop.lookalike")
    with bootstrap.build(load(index=index, recipe=str(path), models_dir=zoo.folder, threads=1)) as house:
        assert house.recipe.name == "made-up"
        (told,) = house.analyser.analyse([Look(_png(noise().pixels))])
        assert [one.label for one in told.objects] == ["shoe", "bag"]  # type: ignore[union-attr]
        put = create_app(house).test_client().put("/v1/products/one", json={"title": "One", "pictures": [data_url(_png(noise().pixels))]})
        assert put.status_code == 201
    with pytest.raises(RecipeMismatch, match="made-up"):
        bootstrap.build(load(index=index, recipe="embeds", models_dir=zoo.folder))
    with pytest.raises(InvalidSetting, match="originals, several"):
        bootstrap.build(load(index="memory:", recipe="nothing", models_dir=zoo.folder))


def _png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


ORIGINALS = """
recipe = 1
name = "originals-in-small"
[find]
network = "yolox-nano"
least = 0.4
[mask]
network = "deeplabv3-mnv2-pascal"
[embed]
network = "resnet50-large-blocks"
"""


@pytest.mark.shared
@pytest.mark.parametrize("recipe", ["several", "originals-in-small"])
def test_real_chains_find_a_photo_again(recipe: str, shared: Path, tmp_path: Path) -> None:
    """Detector, mask and 2,048 numbers, and ours: the middle of a photo, cut out by hand, finds the product of the photo."""
    zoo = Zoo(tmp_path / "models")
    for name, file in (
        ("yolox-nano", "yolox_nano"),
        ("deeplabv3-mnv2-pascal", "deeplabv3_mnv2_pascal"),
        ("resnet50-large-blocks", "resnet50_large_blocks"),
    ):
        zoo.add(zoo.card(name), {"network": shared / "models" / f"{file}.onnx"})
    path = tmp_path / "originals.toml"
    path.write_text(ORIGINALS, encoding="utf-8")
    photos = sorted((shared / "data" / "coco" / "tiny_coco" / "val2017").iterdir())[:12]
    told = load(index="memory:", recipe=recipe if recipe in shipped() else str(path), models_dir=zoo.folder, threads=2)
    with bootstrap.build(told) as house:
        seen, again = (_seen(house, [Look(photo.read_bytes(), box) for photo in photos]) for box in (None, Box(0.05, 0.05, 0.95, 0.95)))
        assert any(len(one.objects) > 1 for one in seen) is (recipe == "several")
        assert any(one.main.label for one in seen)
        assert house.recipe.dimension == (256 if recipe == "several" else 2048)

        def likeness(one: Analysis, other: Analysis) -> float:
            return max(float(one.main.vector @ thing.vector) for thing in other.objects)

        nearest = [int(np.argmax([likeness(one, other) for other in seen])) for one in again]
        assert np.mean(np.array(nearest) == np.arange(len(photos))) >= 0.75


def _seen(house: House, looks: list[Look]) -> list[Analysis]:
    found = house.analyser.analyse(looks)
    assert all(isinstance(one, Analysis) for one in found)
    return found  # type: ignore[return-value]
