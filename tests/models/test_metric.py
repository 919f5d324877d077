"""Learning by a metric loss begins with what ships, and learns what it is shown."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("jax", reason="needs lookalike[train]")
pytest.importorskip("optax", reason="needs lookalike[train]")

from lookalike.learning.descriptors import VIEWS, Describer, views_of
from lookalike.learning.metric import Linear, Plan, figures, learn, shipped
from lookalike.vision.embedders import OnnxEmbedder
from lookalike.vision.networks.canonical import pictures


@pytest.mark.parametrize("model", ["lite0", "lite0+lite1"])
def test_it_begins_with_the_vectors_that_ship(model: str, tmp_path: Path) -> None:
    """Descriptors and the projections in one matrix make the recipe's own vectors, but for int8 where white ground is left out (0140)."""
    shown = pictures()
    rows = np.hstack([Describer(variant)(shown) for variant in model.split("+")])
    theirs = np.stack([one.vector for one in OnnxEmbedder(model, tmp_path, "int8", activations=False).embed(shown)])
    assert ((shipped(model)(rows) * theirs).sum(axis=1) > 0.98).all()


def test_views_show_the_same_thing_otherwise() -> None:
    shoe, cloth = pictures()[1:3]
    views = views_of(shoe, cloth, np.random.default_rng(4))
    assert len(views) == len(VIEWS)
    assert views[0] is shoe
    assert (views[1][0, 0] == 255).all()


def test_what_should_not_matter_is_unlearned() -> None:
    """Two numbers tell a thing, two louder ones its surroundings: after learning, views of pictures never seen find one another."""
    rng = np.random.default_rng(6)
    things = rng.normal(0, 1, (400, 1, 2))
    views = np.concatenate([np.repeat(things, 4, axis=1), rng.normal(0, 3, (400, 4, 2))], axis=2).astype(np.float32)
    classes = np.arange(400) % 20
    start = Linear(np.eye(4, dtype=np.float32), np.zeros(4, np.float32))
    plan = Plan(steps=200, rate=3e-2, hold=0.0, classes=0.0, batch=64)
    learned = learn(views[:300], classes[:300], start, plan)
    assert figures(learned, views[300:], classes[300:])["cut"] > 2 * figures(start, views[300:], classes[300:])["cut"]
