"""From a recipe's file to its identity, its seer and what makes vectors of its words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookalike.domain.analysis import Recipe, Vector
from lookalike.errors import InvalidCard
from lookalike.ports.vision import Detector, Embedder, Segmenter, TextEmbedder
from lookalike.vision.networks.detection import CardDetector
from lookalike.vision.networks.zoo import Zoo
from lookalike.vision.recipes.chain import ChainSeer
from lookalike.vision.recipes.reading import PAGE, Projection, load_recipe, projection_of, recipe_told

OpenPlugin = Callable[[str, str], Any]
"""(port, name) → an adapter that is installed as a plugin; None where there is none of that name."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A recipe ready to see: `texts` makes vectors of words that compare with its pictures', None where it cannot."""

    recipe: Recipe
    seer: ChainSeer
    texts: TextEmbedder | None
    side: int


def open_recipe(path: Path, zoo: Zoo, plugin: OpenPlugin) -> Opened:
    """A recipe from its file; networks are read by the first picture, their cards now. Raises: InvalidCard, UnknownPlugin, NotFound."""
    told = load_recipe(path)
    name = told.embed.network
    embedder: Embedder = plugin("embedder", name) or zoo.embedder(name, told.embed.fit)
    detector: Detector | None = None
    if (finder := told.find.network) is not None:
        detector = plugin("detector", finder) or zoo.detector(finder, told.find.least)
    segmenter: Segmenter | None = None
    if told.mask is not None:
        segmenter = plugin("segmenter", told.mask.network) or zoo.segmenter(told.mask.network)
    if isinstance(detector, CardDetector):
        unknown = [one for one in (*told.find.labels, *told.find.not_labels) if one not in detector.told.label_names]
        if unknown:
            raise InvalidCard(str(path), [f"find: {', '.join(unknown)} is none of the labels of {finder}"], "recipe", PAGE)
    projection = projection_of(told, path.parent, embedder.card.dimension)
    cards = (None if detector is None else detector.card, None if segmenter is None else segmenter.card)
    recipe = recipe_told(told, embedder.card, *cards, projection)
    seer = ChainSeer(recipe, told, embedder, detector=detector, segmenter=segmenter, projection=projection)
    texts = zoo.texts(name) if name in zoo.names() else None
    return Opened(recipe, seer, texts if texts is None or projection is None else Projected(texts, projection), told.pictures.side)


class Projected:
    """TextEmbedder whose vectors go through a recipe's projection, as the pictures' do."""

    def __init__(self, texts: TextEmbedder, projection: Projection) -> None:
        self._texts, self._projection = texts, projection

    def embed_texts(self, texts: Sequence[str]) -> list[Vector]:
        """A unit vector for each text."""
        return [self._projection.of(one) for one in self._texts.embed_texts(texts)]
