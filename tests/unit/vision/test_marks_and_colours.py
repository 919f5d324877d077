"""Colours, perceptual hash, quality flags and shop words, on pictures made here."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.vision.colours import BINS, NAMES, colours_of, share_table
from lookalike.vision.marks import perceptual_hash, quality_flags
from lookalike.vision.words import probabilities_of, shop_words

PATCHES = {
    "black": (10, 10, 12), "white": (250, 250, 250), "grey": (128, 128, 128), "navy": (25, 30, 70), "blue": (40, 90, 200),
    "light blue": (150, 195, 235), "teal": (15, 120, 125), "green": (40, 140, 60), "olive": (100, 105, 50), "yellow": (250, 220, 40),
    "orange": (245, 125, 25), "red": (200, 25, 35), "burgundy": (105, 22, 40), "pink": (240, 150, 185), "purple": (110, 50, 140),
    "brown": (100, 62, 40), "beige": (205, 185, 155), "cream": (245, 235, 210), "silver": (188, 190, 194), "mustard": (205, 160, 40),
}  # fmt: skip


@pytest.mark.parametrize("name", PATCHES)
def test_each_patch_has_its_name(name: str) -> None:
    patch = np.full((40, 40, 3), PATCHES[name], np.uint8)
    vector, named = colours_of(patch, None)
    assert named[0].name == name
    assert named[0].share > 0.95
    assert np.abs(np.array(named[0].rgb) - PATCHES[name]).max() <= 1
    assert vector.shape == (BINS,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_the_background_has_no_say() -> None:
    """A red disc on green, the green masked out, is red; half red, half blue has both."""
    picture = np.full((50, 50, 3), (20, 150, 40), np.uint8)
    mask = np.zeros((50, 50), np.uint8)
    cv2.circle(mask, (25, 25), 15, 1, -1)
    picture[mask > 0] = (200, 20, 30)
    assert [one.name for one in colours_of(picture, mask.astype(np.float32))[1]] == ["red"]
    picture[:, :25] = (40, 90, 200)
    told = colours_of(picture, mask.astype(np.float32))[1]
    assert {one.name for one in told} == {"red", "blue"}
    assert sum(one.share for one in told) <= 1 + 1e-6


def test_like_colours_are_near() -> None:
    """Two reds agree more than red and pink, those more than red and blue; where is all the same."""

    def of(*rgb: int) -> np.ndarray:
        return colours_of(np.full((30, 30, 3), rgb, np.uint8), None)[0]

    red = of(200, 20, 30)
    assert red @ of(190, 30, 40) > red @ of(235, 100, 150) > red @ of(40, 90, 200)
    assert red @ of(40, 90, 200) < 0.05


def test_nothing_left_is_zero() -> None:
    vector, named = colours_of(np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9), np.float32))
    assert not vector.any()
    assert named == ()


def test_shares_sum_to_one() -> None:
    np.testing.assert_allclose(share_table().sum(axis=1), 1, atol=1e-5)
    assert len(set(NAMES)) == len(NAMES) >= 20


def scene(seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 255, (9, 9, 3)).astype(np.uint8)
    return cv2.resize(coarse, (224, 224), interpolation=cv2.INTER_CUBIC)


def shrunk(picture: np.ndarray, side: int = 56) -> np.ndarray:
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)


def bits_between(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_hash_is_stable() -> None:
    """A few bits under JPEG, light and size; half of them between strangers."""
    picture = scene()
    own = perceptual_hash(shrunk(picture))
    assert len(own) == 16
    jpeg = cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)
    darker = (picture * 0.8).astype(np.uint8)
    smaller = cv2.resize(picture, (120, 120), interpolation=cv2.INTER_AREA)
    for other in (jpeg, darker, smaller):
        assert bits_between(own, perceptual_hash(shrunk(other))) <= 6
    assert np.mean([bits_between(own, perceptual_hash(shrunk(scene(seed)))) for seed in range(1, 20)]) > 20


def flags(picture: np.ndarray) -> tuple[str, ...]:
    height, width = picture.shape[:2]
    return quality_flags(shrunk(picture, 112), shrunk(picture), width, height)


def test_quality_flags() -> None:
    sharp = scene()
    noise = np.random.default_rng(3).normal(0, 18, sharp.shape)
    sharp = np.clip(sharp + noise, 0, 255).astype(np.uint8)
    assert flags(sharp) == ()
    assert flags(cv2.GaussianBlur(sharp, (0, 0), 9)) == ("blurred",)
    assert flags(np.full((224, 224, 3), 240, np.uint8)) == ("blank",)
    assert flags(sharp[:30, :30]) == ("tiny",)
    nothing = np.full((224, 224, 3), 225, np.uint8)
    cv2.putText(nothing, "NO IMAGE", (30, 125), cv2.FONT_HERSHEY_SIMPLEX, 1, (150, 150, 150), 3)
    assert "placeholder" in flags(nothing)


def test_words_gather_labels() -> None:
    """Two labels of one word add up; a word's parent gets its share; nonsense never shows."""
    words = shop_words()
    scores = np.zeros(1000, np.float32)
    scores[[770, 774, 465, 422]] = (0.3, 0.2, 0.3, 0.2)  # running shoe, sandal, bulletproof vest, barbell
    told = {tag.name: tag.score for tag in words.tags(scores)}
    assert told["shoe"] == pytest.approx(0.5)
    assert told["running shoe"] == pytest.approx(0.3)
    assert not {"bulletproof vest", "dumbbell", "barbell", "hammer", "waffle iron", "padlock", "whistle"} & set(words.words)
    scores = np.zeros(1000, np.float32)
    scores[[474, 610, 841]] = (0.2, 0.2, 0.3)  # cardigan, T-shirt, sweatshirt: no kind is sure, but a top it is
    assert [(tag.name, pytest.approx(tag.score)) for tag in words.tags(scores)] == [("top", 0.7), ("jumper", 0.5), ("sweatshirt", 0.3)]
    assert words.tags(np.zeros(0, np.float32)) == ()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**31))
def test_any_thumbnail_is_described(height: int, width: int, seed: int) -> None:
    """No size of picture breaks the small marks."""
    picture = np.random.default_rng(seed).integers(0, 255, (height, width, 3)).astype(np.uint8)
    vector, named = colours_of(picture, None)
    assert np.isfinite(vector).all()
    assert named
    assert len(perceptual_hash(picture)) == 16
    quality_flags(picture, picture, width, height)


def test_softmax_rows() -> None:
    np.testing.assert_allclose(probabilities_of(np.array([[1000.0, 0.0], [0.0, 0.0]], np.float32)), [[1, 0], [0.5, 0.5]], atol=1e-6)
