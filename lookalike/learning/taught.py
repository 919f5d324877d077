"""Pictures with known masks: rendered products, exact; clothes and groceries that networks and GrabCut cut out of CC0 and MIT photos.

A product, or a seller of clothes, is either for learning or held out, by a digest of the name: no picture of it is on both sides.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.learning.cutouts import cut_out
from lookalike.learning.pictures import TrainingDataMissing, clothing_senders, grocery_train, picture_of
from lookalike.vision import preparation
from lookalike.vision.networks.card import SegmentationCard, load_card
from lookalike.vision.networks.segmentation import CardSegmenter
from lookalike.vision.networks.zoo import SHIPPED

Pixels = NDArray[np.uint8]
Mask = NDArray[np.float32]

# One name in so many is held out.
HELD_OUT = 3
# What the network that cuts clothes out must say for us to believe it: few unsure pixels, a product neither tiny nor all there
# is, one piece, hardly any of it along the rim.
UNSURE_SHARE = 0.035
SMALLEST, LARGEST = 0.06, 0.8
MAIN_PIECE = 0.9
RIM_SHARE = 0.04
# What is held may stand out of the picture; and two guesses must lead GrabCut to the same thing.
HELD_RIM = 0.12
AGREED = 0.85
BULGED = 0.8
# Where less than this share of the picture is skin, nobody holds anything.
HAND = 0.02


@dataclass(frozen=True, slots=True)
class Known:
    """A picture of one product and its soft mask, of the same height and width."""

    name: str
    pixels: Pixels = field(repr=False)
    mask: Mask = field(repr=False)


def held_out(name: str) -> bool:
    """Is what goes by this name kept for measuring?"""
    return hashlib.sha256(name.encode()).digest()[0] % HELD_OUT == 0


def product_of(stem: str) -> str:
    """The product that a rendered picture shows, from its file's name: mug-004-back is of mug-004."""
    return "-".join(stem.split("-")[:2])


def rendered(shop: Path, masks: Path, *, held: bool) -> Iterator[Known]:
    """The sample shop's pictures with their exact masks, in the order of names. Raises: TrainingDataMissing."""
    found = sorted(masks.glob("*.png"))
    if not found:
        raise TrainingDataMissing(f"There are no masks in {masks}. Say with --masks where they lie.")
    for path in found:
        if held_out(product_of(path.stem)) is not held:
            continue
        picture = next((one for part in ("pictures", "queries") if (one := shop / part / f"{path.stem}.jpg").is_file()), None)
        mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if picture is not None and mask is not None and mask.any():
            pixels = picture_of(picture)
            soft = cv2.resize(np.asarray(mask > 0, np.float32), pixels.shape[1::-1], interpolation=cv2.INTER_AREA)
            yield Known(path.stem, pixels, np.asarray(soft, np.float32))


def clothes(shared: Path, *, held: bool, most: int, seed: int) -> Iterator[Known]:
    """Photos of clothes where the network's mask can be believed, in an order by the seed. Raises: TrainingDataMissing."""
    segmenter = _network(shared, "clothes-pan-mnv3s", "skin_clothes_hair_pan_mnv3s.onnx", product="clothes")
    rows = [(path, sender) for path, sender in clothing_senders(shared) if held_out(sender) is held]
    given = 0
    for place in np.random.default_rng(seed).permutation(len(rows)):
        if given == most:
            return
        pixels = preparation.fitted(picture_of(rows[place][0]), 400)
        (mask,) = segmenter.segment([pixels])
        believed = None if mask is None else _believed(mask)
        if believed is not None:
            given += 1
            yield Known(rows[place][0].stem, pixels, believed)


def groceries(shared: Path, *, most: int, seed: int) -> Iterator[Known]:
    """Photos of packages that somebody holds, where GrabCut finds the same from two guesses, without the hand.

    In an order by the seed. Raises: TrainingDataMissing.
    """
    hands = _network(shared, "clothes-pan-mnv3s", "skin_clothes_hair_pan_mnv3s.onnx", product="skin")
    rows = [path for path, _ in grocery_train(shared) if "Packages" in path.parts]
    given = 0
    for place in np.random.default_rng(seed).permutation(len(rows)):
        if given == most:
            return
        pixels = preparation.fitted(picture_of(rows[place]), 400)
        narrow, wide = (cut_out(pixels, guess) for guess in (0.26, 0.42))
        if narrow is None or wide is None or overlap(narrow, wide) < AGREED:
            continue
        (hand,) = hands.segment([pixels])
        if hand is None or float(hand.mean()) < HAND:
            continue
        mask = np.asarray(wide * (1 - np.clip(hand * 2 - 0.5, 0, 1)), np.float32)
        believed = _believed(mask, unsure=1.0, rim_share=HELD_RIM)
        package = None if believed is None else _bulged(believed, hand)
        if package is not None:
            given += 1
            yield Known(rows[place].stem, pixels, package)


def _bulged(mask: Mask, hand: Mask) -> Mask | None:
    """A package without dents but the fingers before it: its convex hull; None where the cut was too ragged to be one."""
    points = cv2.findNonZero(np.asarray(mask >= 0.5, np.uint8))
    hull = cv2.fillConvexPoly(np.zeros(mask.shape, np.uint8), cv2.convexHull(points), 1)
    whole = np.asarray(hull * (1 - np.clip(hand * 2 - 0.5, 0, 1)), np.float32)
    if float((mask >= 0.5).sum()) < BULGED * float(whole.sum()):
        return None
    return np.asarray(np.minimum(cv2.GaussianBlur(hull.astype(np.float32), (0, 0), 0.8), 1) * whole, np.float32)


def _network(shared: Path, card: str, file: str, product: str) -> CardSegmenter:
    told = load_card(SHIPPED / f"{card}.toml")
    assert isinstance(told, SegmentationCard)
    path = shared / "models" / file
    if not path.is_file():
        raise TrainingDataMissing(f"There is no {path}. Say where the networks lie with --shared.")
    return CardSegmenter(told.model_copy(update={"output": told.output.model_copy(update={"product": (product,)})}), path)


def overlap(one: Mask, other: Mask) -> float:
    """Intersection over union of what is more product than not; 0 where neither shows anything."""
    ours, theirs = one >= 0.5, other >= 0.5
    return float((ours & theirs).sum() / max((ours | theirs).sum(), 1))


def _believed(mask: Mask, unsure: float = UNSURE_SHARE, rim_share: float = RIM_SHARE) -> Mask | None:
    """The main piece without its holes; None where the network was not sure."""
    if float(((mask > 0.2) & (mask < 0.8)).mean()) > unsure:
        return None
    shown = np.asarray(mask >= 0.5, np.uint8)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(shown)
    if count < 2:
        return None
    areas = stats[1:, cv2.CC_STAT_AREA]
    main = 1 + int(areas.argmax())
    share = areas.max() / shown.size
    rim = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]) == main
    if areas.max() < MAIN_PIECE * areas.sum() or not SMALLEST <= share <= LARGEST or rim.mean() > rim_share:
        return None
    piece = np.asarray(pieces == main, np.uint8)
    outlines, _ = cv2.findContours(piece, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros_like(piece), outlines, -1, 1, cv2.FILLED)
    # A hole of the network's inside a garment is mostly print or shadow; a large one is a real gap.
    holes = np.asarray((filled > 0) & (piece == 0), np.uint8)
    _, numbers, hole_stats, _ = cv2.connectedComponentsWithStats(holes)
    small = hole_stats[:, cv2.CC_STAT_AREA] < 0.05 * areas.max()
    small[0] = False
    whole = np.asarray((piece > 0) | small[numbers], np.float32)
    return np.asarray(np.maximum(np.where(whole > 0, mask, 0), np.where(small[numbers], 1, 0)), np.float32)
