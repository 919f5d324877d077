"""Descriptors of the training pictures as four views each, for learning a projection by a metric loss; computed once and kept.

Views of one picture show the same thing with what should not matter changed: the photo; the thing cut out on white; the thing
on a piece of another photo; a piece of the photo. The last two are mirrored at random and in another light.
"""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray

from lookalike.learning.cutouts import cut_out, on_white
from lookalike.learning.pictures import clothing, grocery_train, picture_of
from lookalike.learning.projection import Told, parts
from lookalike.vision.efficientnet_lite.architecture import Branch
from lookalike.vision.efficientnet_lite.graph import build
from lookalike.vision.efficientnet_lite.zoo import VARIANTS, means_of, network_of, projection_of, ranges_of
from lookalike.vision.preparation import fitted, square
from lookalike.vision.sessions import open_session

Pixels = NDArray[np.uint8]
SIDE = 224
SEED = 7
VIEWS = ("photo", "cut", "elsewhere", "piece")
LEAST_PIECE = 0.5
CLOTHING_SHARE = 0.5
OUTPUTS = ["pooled", "block/pooled", "logits"]


class Describer:
    """Pictures → descriptors of one network (2600 numbers each), in int8, as the recipes see them."""

    def __init__(self, variant: str) -> None:
        weights = VARIANTS[variant]
        self._projection = projection_of(weights)
        branch = Branch(network_of(weights), self._projection, ranges_of(weights), means_of(weights))
        model = build([branch], SIDE, every_activation=True)
        taps = {one.name for one in model.graph.output if one.name.startswith("tap:")}
        outputs = [one for one in model.graph.output if one.name not in taps]
        nodes = [one for one in model.graph.node if not taps & set(one.output)]
        del model.graph.output[:], model.graph.node[:]
        model.graph.output.extend(outputs)
        model.graph.node.extend(nodes)
        onnx.checker.check_model(model)
        self._session = open_session(model.SerializeToString(), threads=1)

    def __call__(self, pictures: Iterable[Pixels]) -> NDArray[np.float16]:
        """A row a picture."""
        rows = [self._session.run(OUTPUTS, {"pictures": square(fitted(one, SIDE), SIDE)[None]}) for one in pictures]
        pooled, block, logits = (np.concatenate([row[n] for row in rows]) for n in range(3))
        told = Told(pooled, block, logits, np.zeros(0, np.str_))
        return parts(told, self._projection.mean, self._projection.deviation).astype(np.float16)


def views_of(pixels: Pixels, other: Pixels, rng: np.random.Generator) -> list[Pixels]:
    """The four views in the order of VIEWS; a view that cannot be made (nothing was cut out) is the piece."""
    piece = _lit(_mirrored(_piece(pixels, rng), rng), rng)
    mask = cut_out(pixels)
    if mask is None:
        return [pixels, piece, piece, piece]
    height, width = pixels.shape[:2]
    ground = cv2.resize(_piece(other, rng), (width, height), interpolation=cv2.INTER_AREA)
    cover = mask[..., None]
    elsewhere = (pixels * cover + ground * (1 - cover)).astype(np.uint8)
    return [pixels, on_white(pixels, mask, rng), _lit(_mirrored(elsewhere, rng), rng), piece]


def _piece(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    height, width = pixels.shape[:2]
    share = rng.uniform(LEAST_PIECE, 1.0, 2)
    high, wide = max(8, int(height * share[0])), max(8, int(width * share[1]))
    top, left = rng.integers(0, height - min(high, height) + 1), rng.integers(0, width - min(wide, width) + 1)
    return pixels[top : top + high, left : left + wide]


def _mirrored(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return np.ascontiguousarray(pixels[:, ::-1]) if rng.random() < 0.5 else pixels


def _lit(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Another exposure, and a light of another colour."""
    gain = rng.uniform(0.7, 1.3) * rng.uniform(0.9, 1.1, 3)
    return np.asarray(np.clip(pixels * gain, 0, 255), np.uint8)


def described(shared: Path, cache: Path, pictures: int | None = None) -> dict[str, NDArray[np.generic]]:
    """For each network `lite0` and `lite1` rows × views × 2600, and `classes`, computed or read from the folder `cache`.

    Half of clothing and all of grocery train, so that neither speaks alone. Raises: TrainingDataMissing.
    """
    rng = np.random.default_rng(SEED)
    clothes = clothing(shared)
    kept = np.sort(rng.permutation(len(clothes))[: int(len(clothes) * CLOTHING_SHARE)])
    rows = [(path, f"clothing {kind}") for path, kind in (clothes[n] for n in kept)]
    rows += [(path, f"grocery {kind}") for path, kind in grocery_train(shared)]
    rows = [rows[n] for n in rng.permutation(len(rows))[:pictures]]
    told = hashlib.sha256("\n".join(path.name for path, _ in rows).encode()).hexdigest()[:12]
    file = cache / f"descriptors-{told}.npz"
    if not file.is_file():
        describers = {variant: Describer(variant) for variant in VARIANTS}
        found: dict[str, list[NDArray[np.float16]]] = {variant: [] for variant in VARIANTS}
        before = fitted(picture_of(rows[-1][0]), 2 * SIDE)
        for place, (path, _) in enumerate(rows):
            pixels = fitted(picture_of(path), 2 * SIDE)
            views = views_of(pixels, before, rng)
            for variant, describer in describers.items():
                found[variant].append(describer(views))
            before = pixels
            if place % 500 == 0:
                print(f"{place} of {len(rows)} pictures", file=sys.stderr, flush=True)
        cache.mkdir(parents=True, exist_ok=True)
        told_of: dict[str, NDArray[np.generic]] = {variant: np.stack(some) for variant, some in found.items()}
        np.savez(file, **told_of, classes=np.array([kind for _, kind in rows]))  # type: ignore[arg-type]  # as in networks.canonical
    with np.load(file, allow_pickle=False) as kept_file:
        return {name: kept_file[name] for name in kept_file.files}
