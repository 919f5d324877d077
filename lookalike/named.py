"""What a recipe's name stands for: networks and recipes that are installed, as the settings say where."""

from pathlib import Path
from typing import TYPE_CHECKING

from lookalike import plugins
from lookalike.errors import InvalidSetting
from lookalike.ports.vision import Embedder, TextEmbedder
from lookalike.settings import Settings

if TYPE_CHECKING:
    from lookalike.vision.networks.zoo import Zoo
    from lookalike.vision.recipes.opening import Opened


def texts_of(settings: Settings) -> TextEmbedder | None:
    """What makes vectors of words in the space of the recipe's pictures; None where its network knows only pictures."""
    from lookalike.vision.seeing import NETWORKS

    name = settings.recipe
    if name in NETWORKS:
        return None
    if path := recipe_file(name):
        return opened_recipe(settings, path).texts
    return None if name in plugins.installed("embedder") else zoo_of(settings).texts(name)


def zoo_of(settings: Settings) -> "Zoo":
    """The networks that are installed and the cards that ship with us. Raises: InvalidSetting for an unknown device."""
    from lookalike.vision.networks.network import How
    from lookalike.vision.networks.runtime import devices_of
    from lookalike.vision.networks.zoo import Zoo

    return Zoo(settings.models_dir, How(devices_of(settings.device)))


def recipe_file(name: str) -> Path | None:
    """The file of a recipe: as it is named, or of one that ships with us."""
    from lookalike.vision.seeing import NETWORKS

    if name in NETWORKS:
        return None
    from lookalike.vision.recipes.reading import shipped

    return Path(name) if name.endswith(".toml") else shipped().get(name)


def opened_recipe(settings: Settings, path: Path) -> "Opened":
    """A recipe from its file, with the networks that it names. Raises: InvalidCard, UnknownPlugin, NotFound."""
    from lookalike.vision.recipes.opening import open_recipe

    def plugin(port: str, name: str) -> object | None:
        return plugins.load(port, name)(settings.cache_dir, settings.precision) if name in plugins.installed(port) else None

    return open_recipe(path, zoo_of(settings), plugin)


def embedder_of(settings: Settings, name: str) -> Embedder:
    """An embedder that is installed: a plugin, or a network with a card. Raises: InvalidSetting."""
    if name in plugins.installed("embedder"):
        embedder: Embedder = plugins.load("embedder", name)(settings.cache_dir, settings.precision)
        return embedder
    zoo = zoo_of(settings)
    if name in zoo.names():
        return zoo.embedder(name, fit="pad")
    from lookalike.vision.recipes.reading import shipped
    from lookalike.vision.seeing import NETWORKS

    raise InvalidSetting(
        f"LOOKALIKE_RECIPE is {name!r}, but it can be {', '.join((*NETWORKS, *shipped()))}, a recipe's .toml file, or the name of an "
        f"installed embedder: {', '.join(sorted({*plugins.installed('embedder'), *zoo.installed()}))}. "
        "Others have to be pulled or imported first: lookalike models list."
    )
