"""The cut-out as JAX learns it: a small decoder over four feature maps of EfficientNet-Lite0, its losses and its training."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax
from numpy.typing import NDArray

Weights = dict[str, Any]

# Channels of the maps that the network gives, at strides 4, 8, 16 and 32; and what they are reduced to.
CHANNELS = (24, 40, 112, 320)
WIDTHS = (24, 48, 64, 96)
NEAR_CENTRE = 0.6
# What a distance of softplus 1 is, as a share of the picture.
REACH = 0.3
BATCH = 32
RATE = 2e-3
# Channels come a little stronger or weaker, as from another camera: there are few pictures to learn from.
JITTER = 0.15


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the head shall say of pictures: masks N × 56 × 56; centres and how near each cell is to one N × 28 × 28; the box of the
    nearest product, as left, top, right, bottom in 0…1, N × 28 × 28 × 4."""

    mask: NDArray[np.float32]
    centre: NDArray[np.float32]
    boxes: NDArray[np.float32]


def shapes() -> dict[str, tuple[int, ...]]:
    """Every weight of the head and its shape: convolutions are height × width × in × out, depth-wise ones height × width × channels."""
    four, eight, sixteen, thirty_two = WIDTHS
    return {
        "reduce32": (1, 1, CHANNELS[3], thirty_two),
        "context32": (3, 3, thirty_two, thirty_two),
        "whole": (1, 1, thirty_two, thirty_two),
        "reduce16": (1, 1, CHANNELS[2], thirty_two),
        "mix16": (3, 3, thirty_two, sixteen),
        "down16": (1, 1, sixteen, eight),
        "reduce8": (1, 1, CHANNELS[1], eight),
        "spread8": (3, 3, eight),
        "mix8": (1, 1, eight, eight),
        "down8": (1, 1, eight, four),
        "reduce4": (1, 1, CHANNELS[0], four),
        "spread4": (3, 3, four),
        "mix4": (1, 1, four, four),
        "again4": (3, 3, four),
        "mask": (1, 1, four, 1),
        "spread_boxes": (3, 3, eight),
        "mix_boxes": (1, 1, eight, eight),
        "boxes": (1, 1, eight, 5),
    }


def started(seed: int) -> Weights:
    """Weights before anything is learned (He et al. 2015); nothing is seen at first (Lin et al. 2017)."""
    rng = np.random.default_rng(seed)
    weights: Weights = {}
    for name, shape in shapes().items():
        fan = int(np.prod(shape[:-1])) if len(shape) == 4 else shape[0] * shape[1]
        weights[name] = jnp.asarray(rng.normal(0, (2 / fan) ** 0.5, shape), jnp.float32)
        weights[f"{name}/bias"] = jnp.zeros(shape[-1], jnp.float32)
    weights["mask"] = weights["mask"] * 0.1
    weights["boxes"] = weights["boxes"] * 0.1
    weights["boxes/bias"] = jnp.asarray([-3.0, 0.0, 0.0, 0.0, 0.0], jnp.float32)
    return weights


def told(weights: Weights, maps: tuple[Array, ...]) -> tuple[Array, Array, Array]:
    """(mask logits N × 56 × 56, centre logits N × 28 × 28, boxes N × 28 × 28 × 4) of standardised maps N × height × width × channels."""
    four, eight, sixteen, thirty_two = maps

    def dense(name: str, value: Array) -> Array:
        kernel = weights[name]
        if kernel.shape[0] == 1:
            return value @ kernel[0, 0] + weights[f"{name}/bias"]
        dims = ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(value, kernel, (1, 1), "SAME", dimension_numbers=dims) + weights[f"{name}/bias"]

    def spread(name: str, value: Array) -> Array:
        # Sums of shifted maps: XLA's own depth-wise convolution takes several times as long on a CPU.
        kernel = weights[name]
        reach = kernel.shape[0] // 2
        height, width = value.shape[1:3]
        wide = jnp.pad(value, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
        parts = [
            wide[:, row : row + height, column : column + width] * kernel[row, column]
            for row in range(kernel.shape[0])
            for column in range(kernel.shape[1])
        ]
        return sum(parts[1:], parts[0]) + weights[f"{name}/bias"]

    def doubled(value: Array) -> Array:
        return jnp.repeat(jnp.repeat(value, 2, axis=1), 2, axis=2)

    relu = jax.nn.relu
    deep = relu(dense("reduce32", thirty_two))
    deep = relu(dense("context32", deep) + dense("whole", deep.mean(axis=(1, 2), keepdims=True)))
    middle = relu(dense("reduce16", sixteen) + doubled(deep))
    middle = relu(dense("mix16", middle))
    fine = relu(dense("reduce8", eight) + doubled(dense("down16", middle)))
    fine = relu(dense("mix8", spread("spread8", fine)) + fine)
    last = relu(dense("reduce4", four) + doubled(dense("down8", fine)))
    last = relu(dense("mix4", spread("spread4", last)) + last)
    mask = dense("mask", relu(spread("again4", last)))[..., 0]
    boxes = dense("boxes", relu(dense("mix_boxes", spread("spread_boxes", fine)) + fine))
    return mask, boxes[..., 0], _boxes(boxes[..., 1:])


def _boxes(raw: Array) -> Array:
    """Distances of a cell's middle from the four sides, as softplus, become sides."""
    grid = raw.shape[1]
    middle = (jnp.arange(grid) + 0.5) / grid
    away = jax.nn.softplus(raw) * REACH
    x, y = middle[None, None, :], middle[None, :, None]
    return jnp.stack([x - away[..., 0], y - away[..., 1], x + away[..., 2], y + away[..., 3]], axis=-1)


def loss(weights: Weights, maps: tuple[Array, ...], mask: Array, centre: Array, boxes: Array) -> Array:
    """Cross-entropy and Dice of the mask, CornerNet's focal loss of the centres (Law 2018), 1 − IoU of the boxes near them."""
    seen, middles, sides = told(weights, maps)
    entropy = optax.sigmoid_binary_cross_entropy(seen, mask).mean()
    share = jax.nn.sigmoid(seen)
    both, sums = (share * mask).sum((1, 2)), (share * share).sum((1, 2)) + (mask * mask).sum((1, 2))
    dice = (1 - (2 * both + 20) / (sums + 20)).mean()
    chance = jnp.clip(jax.nn.sigmoid(middles), 1e-5, 1 - 1e-5)
    peak = (centre > 0.99).astype(jnp.float32)
    focal = -peak * (1 - chance) ** 2 * jnp.log(chance) - (1 - peak) * (1 - centre) ** 4 * chance**2 * jnp.log(1 - chance)
    near = jnp.where(centre > NEAR_CENTRE, centre, 0.0)
    wide = jnp.clip(jnp.minimum(sides[..., 2], boxes[..., 2]) - jnp.maximum(sides[..., 0], boxes[..., 0]), 0)
    high = jnp.clip(jnp.minimum(sides[..., 3], boxes[..., 3]) - jnp.maximum(sides[..., 1], boxes[..., 1]), 0)
    area = jnp.prod(sides[..., 2:] - sides[..., :2], axis=-1) + jnp.prod(boxes[..., 2:] - boxes[..., :2], axis=-1)
    overlap = wide * high / jnp.maximum(area - wide * high, 1e-6)
    apart = (near * (1 - overlap)).sum() / jnp.maximum(near.sum(), 1.0)
    return entropy + dice + focal.sum() / jnp.maximum(peak.sum(), 1.0) * 0.3 + apart


def learned(
    maps: tuple[NDArray[np.float16], ...],
    deviations: tuple[NDArray[np.float32], ...],
    wanted: Wanted,
    *,
    passes: int,
    seed: int,
    tell: Callable[[int, float], None],
) -> Weights:
    """Weights after so many passes over all lessons: AdamW, the rate falling as a cosine. `tell` hears each pass and its mean loss."""
    count = len(wanted.mask)
    steps = passes * (count // BATCH)
    rate = optax.warmup_cosine_decay_schedule(0.0, RATE, max(1, steps // 20), steps)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate, weight_decay=1e-3))
    weights = started(seed)
    state = optimiser.init(weights)
    scales = tuple(jnp.asarray(1 / one) for one in deviations)

    def stepped(weights: Weights, state: Any, key: Array, given: tuple[Array, ...], *rest: Array) -> tuple[Weights, Any, Array]:
        keys = jax.random.split(key, len(given))
        ready = tuple(
            one.astype(jnp.float32) * scale * (1 + JITTER * jax.random.normal(key, (len(one), 1, 1, one.shape[3])))
            for key, one, scale in zip(keys, given, scales, strict=True)
        )
        value, slope = jax.value_and_grad(loss)(weights, ready, *rest)
        change, state = optimiser.update(slope, state, weights)
        return optax.apply_updates(weights, change), state, value

    step = jax.jit(stepped)
    rng, key = np.random.default_rng(seed), jax.random.PRNGKey(seed)
    for number in range(passes):
        order, losses = rng.permutation(count), []
        for start in range(0, count - BATCH + 1, BATCH):
            some = np.sort(order[start : start + BATCH])
            key, now = jax.random.split(key)
            weights, state, value = step(
                weights, state, now, tuple(one[some] for one in maps), wanted.mask[some], wanted.centre[some], wanted.boxes[some]
            )
            losses.append(value)
        tell(number, float(np.mean(losses)))
    return weights
