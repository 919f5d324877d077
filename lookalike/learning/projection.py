"""Learns the projection to 256 dimensions, from clothing (CC0), grocery train (MIT) and cut-outs of both.

Run: python -m lookalike.learning.projection --shared DIR [--target DIR].
Writes projection_*.npz and mix_quality.npz, by default to lookalike/vision/data.
Minutes a network: every picture and its cut-out go through it once.

What is learned: the scatter of what should not matter (pictures of one class, in the photo and cut out on white) is
partly divided out, (S + λI) to the power −a; of the rest, the 256 directions with the most energy are kept. Figures were
chosen by cross-validation over classes and domains, see docs/decisions/0011.
"""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.learning.cutouts import cut_out, on_white
from lookalike.learning.pictures import Labelled, clothing, grocery_train, picture_of
from lookalike.vision.efficientnet_lite.architecture import Branch, Projection
from lookalike.vision.efficientnet_lite.graph import build
from lookalike.vision.efficientnet_lite.zoo import DATA, VARIANTS, network_of
from lookalike.vision.preparation import square
from lookalike.vision.sessions import open_session

Matrix = NDArray[np.float32]

DIMENSION, DESCRIPTOR, BLOCK = 256, 2600, 320
LABEL_WEIGHT = 0.4
WITHIN_POWER = 0.4
WITHIN_SHRINKAGE = 1.0
CENTRING = 0.7
SEED = 5


@dataclass(frozen=True, slots=True)
class Told:
    """What a network says of many pictures: pooled features, pooled last block, logits; and their classes."""

    pooled: Matrix
    block: Matrix
    logits: Matrix
    classes: NDArray[np.str_]


def parts(told: Told, mean: Matrix, deviation: Matrix) -> Matrix:
    """The descriptors, as the graph makes them: rows × 2600."""
    raised = np.exp(told.logits - told.logits.max(axis=1, keepdims=True))
    roots = np.sqrt(raised / raised.sum(axis=1, keepdims=True))
    return np.hstack([unit(told.pooled), unit((told.block - mean) / deviation), LABEL_WEIGHT * roots]).astype(np.float32)


def unit(rows: Matrix) -> Matrix:
    """Each row at length 1."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)


def fit(domains: Mapping[str, Mapping[str, Told]]) -> Projection:
    """The projection from what was told of photos and cut-outs: source → {"photo", "cut"} → Told."""
    every = [told for kinds in domains.values() for told in kinds.values()]
    blocks = np.concatenate([told.block for told in every])
    mean, deviation = blocks.mean(axis=0), blocks.std(axis=0) + np.float32(1e-6)
    rows = {source: {kind: parts(told, mean, deviation) for kind, told in kinds.items()} for source, kinds in domains.items()}
    classes = {source: {kind: told.classes for kind, told in kinds.items()} for source, kinds in domains.items()}
    matrix, centre = directions(rows, classes)
    # One scale for all: fp16 has no digits to spare.
    matrix = matrix / np.linalg.norm(matrix, axis=1).mean()
    return Projection(matrix, -(matrix @ centre), mean, deviation, LABEL_WEIGHT)


def directions(rows: Mapping[str, Mapping[str, Matrix]], classes: Mapping[str, Mapping[str, NDArray[np.str_]]]) -> tuple[Matrix, Matrix]:
    """(dimension × descriptor, the part of the mean that is taken off)."""
    each = [one for kinds in rows.values() for one in kinds.values()]
    centre = np.mean([one.mean(axis=0) for one in each], axis=0) * CENTRING
    within = sum(_shared(_scatter(rows[source], classes[source])) for source in rows)
    damping = _power(_shared(np.asarray(within)), -WITHIN_POWER, WITHIN_SHRINKAGE)
    energy = sum(_shared((one - centre).T.astype(np.float64) @ (one - centre)) for one in each)
    _, vectors = np.linalg.eigh(damping.T @ energy @ damping)
    return np.asarray((damping @ vectors[:, : -DIMENSION - 1 : -1]).T, np.float32), np.asarray(centre, np.float32)


def _scatter(kinds: Mapping[str, Matrix], classes: Mapping[str, NDArray[np.str_]]) -> NDArray[np.float64]:
    """Within-class scatter of photos and cut-outs together, each domain about its own mean."""
    rows = np.concatenate([one - one.mean(axis=0) for one in kinds.values()]).astype(np.float64)
    labels = np.concatenate([classes[kind] for kind in kinds])
    for label in np.unique(labels):
        rows[labels == label] -= rows[labels == label].mean(axis=0)
    return np.asarray(rows.T @ rows, np.float64)


def _shared(scatter: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(scatter / np.trace(scatter), np.float64)


def _power(scatter: NDArray[np.float64], power: float, shrinkage: float) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(scatter)
    values = np.maximum(values, 0) + shrinkage * np.trace(scatter) / len(scatter)
    return np.asarray((vectors * values**power) @ vectors.T, np.float64)


def mix_of(vectors: list[Matrix]) -> Matrix:
    """The 256 × 512 matrix that joins two networks' vectors, by energy, from training vectors in the same order."""
    joined = np.hstack(vectors)
    energy = joined.T.astype(np.float64) @ joined
    _, axes = np.linalg.eigh(energy)
    return np.asarray(axes[:, : -DIMENSION - 1 : -1].T, np.float32)


def look(variant: str, pictures: list[NDArray[np.uint8]], classes: list[str]) -> Told:
    """Runs a network over pictures."""
    weights = VARIANTS[variant]
    none = np.zeros(BLOCK, np.float32)
    nothing = Projection(np.zeros((1, DESCRIPTOR), np.float32), np.zeros(1, np.float32), none, none + 1, LABEL_WEIGHT)
    model = build([Branch(network_of(weights), nothing)], weights.side, every_activation=True)
    session = open_session(model.SerializeToString(), threads=2)
    told = [session.run(["pooled", "block/pooled", "logits"], {"pictures": square(one, weights.side)[None]}) for one in pictures]
    pooled, block, logits = (np.concatenate([one[n] for one in told]) for n in range(3))
    return Told(pooled, block, logits, np.array(classes))


def domains_of(shared: Path, variant: str) -> dict[str, dict[str, Told]]:
    """All that a network says of the training pictures and of their cut-outs."""
    rng = np.random.default_rng(SEED)
    sources: dict[str, Labelled] = {"clothing": clothing(shared), "grocery": grocery_train(shared)}
    domains: dict[str, dict[str, Told]] = {}
    for source, labelled in sources.items():
        photos = [picture_of(path) for path, _ in labelled]
        masks = [cut_out(one) for one in photos]
        rows = zip(photos, masks, labelled, strict=True)
        cuts = [(on_white(one, mask, rng), label) for one, mask, (_, label) in rows if mask is not None]
        print(f"{variant}: {source}, {len(photos)} photos, {len(cuts)} cut-outs", file=sys.stderr)
        domains[source] = {
            "photo": look(variant, photos, [label for _, label in labelled]),
            "cut": look(variant, [one for one, _ in cuts], [label for _, label in cuts]),
        }
    return domains


def save(path: Path, projection: Projection) -> None:
    """Writes what ships: fp16 matrix, the rest in fp32."""
    np.savez(
        path, matrix=projection.matrix.astype(np.float16), bias=projection.bias, mean=projection.mean,
        deviation=projection.deviation, label_weight=np.array(projection.label_weight, np.float32),
    )  # fmt: skip


def learn(domains: Mapping[str, Mapping[str, Mapping[str, Told]]], target: Path) -> None:
    """Fits and writes a projection for each network, and the mix of the two: variant → source → kind → Told."""
    vectors: list[Matrix] = []
    for variant, told in domains.items():
        projection = fit(told)
        save(target / f"projection_{variant}.npz", projection)
        every = [one for kinds in told.values() for one in kinds.values()]
        rows = np.concatenate([parts(one, projection.mean, projection.deviation) for one in every])
        vectors.append(unit(rows @ projection.matrix.T + projection.bias))
        print(f"projection_{variant}.npz written", file=sys.stderr)
    if len(vectors) > 1:
        np.savez(target / "mix_quality.npz", matrix=mix_of(vectors).astype(np.float16))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True, help="the folder that holds data/clothing and data/grocery")
    parser.add_argument("--target", type=Path, default=DATA, help="the folder to write to")
    options = parser.parse_args()
    learn({variant: domains_of(options.shared, variant) for variant in VARIANTS}, options.target)


if __name__ == "__main__":
    main()
