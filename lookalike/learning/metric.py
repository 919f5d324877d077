"""Learns a projection by a metric loss (InfoNCE over views): what came of it is told in docs/decisions/0136.

Run: python -m lookalike.learning.metric --shared DIR --cache DIR [--target FILE]. Needs the extra `train` (JAX, optax).
Descriptors of both networks are computed once (nine minutes of CPU) and kept in --cache. It begins with the projections that
ship and moves away from them as far as what is held out of the training pays.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from lookalike.learning.descriptors import described
from lookalike.vision.efficientnet_lite.zoo import MODELS, mix_of, projection_of

Matrix = NDArray[np.float32]
FOLDS = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """What is set: `temperature` and `steps` of the loss, `hold` how dear it is to leave the shipped projection's similarities,
    `classes` the share of the loss in which all of one class belong together instead of the views of one picture."""

    temperature: float = 0.1
    steps: int = 200
    rate: float = 3e-4
    hold: float = 1.0
    classes: float = 0.2
    batch: int = 256


@dataclass(frozen=True, slots=True)
class Linear:
    """descriptor → vector: `matrix` (256 × descriptor), `bias`."""

    matrix: Matrix
    bias: Matrix

    def __call__(self, rows: NDArray[Any]) -> Matrix:
        """Unit vectors of descriptors, whatever the axes before the last."""
        found = rows.astype(np.float32) @ self.matrix.T + self.bias
        return np.asarray(found / np.linalg.norm(found, axis=-1, keepdims=True), np.float32)


def shipped(recipe: str) -> Linear:
    """What the recipe's own projections come to as one matrix; of two networks, without the norm between projection and mix."""
    model = MODELS[recipe]
    told = [projection_of(one) for one in model.parts]
    mix = mix_of(model)
    if mix is None:
        return Linear(told[0].matrix, told[0].bias)
    halves = np.split(mix, len(told), axis=1)
    matrix = np.hstack([half @ one.matrix for half, one in zip(halves, told, strict=True)])
    return Linear(matrix, np.sum([half @ one.bias for half, one in zip(halves, told, strict=True)], axis=0))


def learn(views: NDArray[Any], classes: NDArray[np.int64], start: Linear, plan: Plan, seed: int = 11) -> Linear:
    """The projection after training. `views`: pictures × views × descriptor."""
    optimiser = optax.adam(optax.cosine_decay_schedule(plan.rate, plan.steps))
    weights = (jnp.asarray(start.matrix), jnp.asarray(start.bias))
    state, rng = optimiser.init(weights), np.random.default_rng(seed)

    def vectors(of: Any, rows: Any) -> Any:
        found = rows @ of[0].T + of[1]
        return found / jnp.linalg.norm(found, axis=1, keepdims=True)

    first = weights

    def loss(of: Any, one: Any, other: Any, same: Any) -> Any:
        mine, theirs = vectors(of, one), vectors(of, other)
        cosines = mine @ theirs.T
        own = jnp.eye(len(one))
        told: Any = 0.0
        for share, target in ((1 - plan.classes, own), (plan.classes, same / same.sum(axis=1, keepdims=True))):
            for logits in (cosines / plan.temperature, cosines.T / plan.temperature):
                told += share * -(target * jax.nn.log_softmax(logits, axis=1)).sum(axis=1).mean() / 2
        before = vectors(first, one)
        return told + plan.hold * len(one) * ((mine @ mine.T - before @ before.T) ** 2).mean()

    def step(of: Any, now: Any, one: Any, other: Any, same: Any) -> Any:
        told, slope = jax.value_and_grad(loss)(of, one, other, same)
        moved, after = optimiser.update(slope, now, of)
        return optax.apply_updates(of, moved), after, told

    compiled = jax.jit(step)
    for _ in range(plan.steps):
        picked = rng.permutation(len(views))[: plan.batch]
        pair = np.array([rng.permutation(views.shape[1])[:2] for _ in picked])
        one, other = (views[picked, pair[:, side]].astype(np.float32) for side in (0, 1))
        same = (classes[picked][:, None] == classes[picked][None]).astype(np.float32)
        weights, state, _ = compiled(weights, state, one, other, same)
    return Linear(np.asarray(weights[0]), np.asarray(weights[1]))


def figures(of: Linear, views: NDArray[Any], classes: NDArray[np.int64]) -> dict[str, float]:
    """On pictures that were held out: is the photo found by each other view, and is the nearest other photo of the same class?"""
    told: dict[str, float] = {}
    photos = of(views[:, 0])
    for view, name in ((1, "cut"), (2, "elsewhere"), (3, "piece")):
        cosines = of(views[:, view]) @ photos.T
        told[name] = float((cosines.argmax(axis=1) == np.arange(len(photos))).mean())
        np.fill_diagonal(cosines, -2)
        told[f"{name} class"] = float((classes[cosines.argmax(axis=1)] == classes).mean())
    cosines = photos @ photos.T
    np.fill_diagonal(cosines, -2)
    best = np.argpartition(-cosines, 10, axis=1)[:, :10]
    told["class P@1"] = float((classes[cosines.argmax(axis=1)] == classes).mean())
    told["class P@10"] = float((classes[best] == classes[:, None]).mean())
    return told


def held_out(views: NDArray[Any], classes: NDArray[np.int64], start: Linear, plan: Plan) -> tuple[dict[str, float], dict[str, float]]:
    """(figures of `start`, figures of what is learned) on classes that the training never saw, mean over the folds."""
    order = np.random.default_rng(3).permutation(classes.max() + 1)
    before: list[dict[str, float]] = []
    after: list[dict[str, float]] = []
    for fold in range(FOLDS):
        out = np.isin(classes, order[fold::FOLDS])
        learned = learn(views[~out], classes[~out], start, plan)
        before.append(figures(start, views[out], classes[out]))
        after.append(figures(learned, views[out], classes[out]))
    return _mean(before), _mean(after)


def _mean(told: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([one[name] for one in told])) for name in told[0]}


def gathered(told: Mapping[str, NDArray[np.generic]], recipe: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """(pictures × views × descriptor, class numbers) for a recipe's networks."""
    views = np.concatenate([told[one.variant] for one in MODELS[recipe].parts], axis=2)
    return views, np.unique(told["classes"], return_inverse=True)[1]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True, help="the folder that holds data/clothing and data/grocery")
    parser.add_argument("--cache", type=Path, required=True, help="the folder for descriptors")
    parser.add_argument("--model", default="lite0", choices=[name for name in MODELS if name != "lite1"])
    parser.add_argument("--target", type=Path, help="write the projection (npz: matrix, bias) there")
    for name, value in asdict(Plan()).items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    options = parser.parse_args()
    plan = Plan(**{name: getattr(options, name) for name in asdict(Plan())})
    views, classes = gathered(described(options.shared, options.cache), options.model)
    start = shipped(options.model)
    before, after = held_out(views, classes, start, plan)
    print(json.dumps({"plan": asdict(plan), "shipped": before, "learned": after}))
    if options.target is not None:
        learned = learn(views, classes, start, plan)
        np.savez(options.target, matrix=learned.matrix, bias=learned.bias)
        print(f"{options.target} written", file=sys.stderr)


if __name__ == "__main__":
    main()
