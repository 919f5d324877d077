"""A recipe's TOML file and its one schema."""

import hashlib
import json
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lookalike.domain.analysis import Recipe
from lookalike.errors import InvalidCard
from lookalike.ports.vision import ModelCard
from lookalike.vision import colours, preparation

SHIPPED = Path(str(resources.files("lookalike.vision"))) / "recipes"
# Changes whenever the chain itself changes a vector.
CHAIN_VERSION = "chain-1"
# What `fit = "card"` makes of a picture; the whole crop on white is `preparation`'s. Counted up when its pixels change.
CARD_FIT_VERSION = "card-2"
PAGE = "docs/models.md"
Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)


class Find(_Part):
    """What finds the objects. Without a network the product is looked for on a plain background, else the whole picture is taken."""

    network: str | None = None
    most: int = Field(default=1, ge=1, le=20)
    least: Share = 0.5
    labels: tuple[str, ...] = ()
    """Only these; () takes all."""
    not_labels: tuple[str, ...] = ()
    margin: Share = 0.05
    """What is added on each side of a box, as a share of its longer side."""
    on: Literal["all", "photos"] = "all"
    """photos: on a plain background the product is what a flood from the border does not reach, and the network is not asked."""


class Mask(_Part):
    """What cuts the objects out, and how much of a box the mask must cover for it to be believed."""

    network: str
    least_cover: Share = 0.05


class Embed(_Part):
    """What makes the vector. `fit` pad shows the network the whole crop on white; card crops as its card says."""

    network: str
    fit: Literal["pad", "card"] = "pad"


class Project(_Part):
    """A matrix that makes the vector shorter: an .npz with `matrix` (rows × dimension) and `mean`, beside the recipe's file."""

    file: str = Field(min_length=1)


class Pictures(_Part):
    """How large pictures are decoded: pixels of the shorter side."""

    side: int = Field(default=512, ge=64, le=4096)


class RecipeFile(_Part):
    """A recipe as its file tells it."""

    recipe: Literal[1] = 1
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._+-]{0,79}$")
    about: str = ""
    find: Find = Find()
    mask: Mask | None = None
    embed: Embed
    project: Project | None = None
    pictures: Pictures = Pictures()


class Projection:
    """vector → unit(matrix · (vector − mean)). Raises: InvalidCard where the file holds something else."""

    def __init__(self, path: Path) -> None:
        try:
            with np.load(path, allow_pickle=False) as told:
                self.matrix, self.mean = np.asarray(told["matrix"], np.float32), np.asarray(told["mean"], np.float32)
            self.digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except (OSError, ValueError, KeyError) as error:
            raise InvalidCard(path.name, [f"project.file: it cannot be read as a projection: {error}"], "recipe's", PAGE) from error
        if self.matrix.ndim != 2 or self.mean.shape != self.matrix.shape[1:] or not np.isfinite(self.matrix).all():
            raise InvalidCard(path.name, ["project.file: `matrix` must be rows × dimension, `mean` as long as a row"], "recipe's", PAGE)

    @property
    def dimension(self) -> int:
        """How long what comes out is."""
        return len(self.matrix)

    def of(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """The shorter vector, at unit length."""
        made = self.matrix @ (vector - self.mean)
        return np.asarray(made / max(float(np.linalg.norm(made)), 1e-12), np.float32)


def shipped() -> dict[str, Path]:
    """The recipes that ship with us, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}


def load_recipe(path: Path) -> RecipeFile:
    """The recipe in a file. Raises: InvalidCard with each thing that is wrong."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        return RecipeFile.model_validate(told)
    except ValidationError as error:
        raise InvalidCard(str(path), [_sentence(one) for one in error.errors()], "recipe", PAGE) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidCard(str(path), [f"it cannot be read: {error}"], "recipe", PAGE) from error


def projection_of(told: RecipeFile, folder: Path, length: int) -> Projection | None:
    """The projection that a recipe names, which must take vectors of that length. Raises: InvalidCard."""
    if told.project is None:
        return None
    found = Projection(folder / told.project.file)
    if len(found.mean) != length:
        message = f"project.file: it takes vectors of {len(found.mean)}, {told.embed.network} makes {length}"
        raise InvalidCard(told.name, [message], "recipe", PAGE)
    return found


def recipe_told(
    told: RecipeFile, embed: ModelCard, find: ModelCard | None, mask: ModelCard | None, projection: Projection | None
) -> Recipe:
    """The recipe's identity: all of it that changes a vector."""
    fit = CARD_FIT_VERSION if told.embed.fit == "card" else told.embed.fit
    parts = {
        "chain": CHAIN_VERSION,
        "network": f"{embed.name} {embed.digest[:16]} {fit}",
        "find": _named(find, _find_told(told.find)),
        "mask": "none" if told.mask is None else _named(mask, told.mask.model_dump(mode="json", exclude={"network"})),
        "projection": "none" if projection is None else projection.digest[:16],
        "preparation": f"{preparation.VERSION} {told.pictures.side}",
        "colours": colours.VERSION,
    }
    return Recipe(told.name, embed.dimension if projection is None else projection.dimension, colours.BINS, parts)


def _find_told(find: Find) -> dict[str, Any]:
    told = find.model_dump(mode="json", exclude={"network"})
    # Recipes from before there was a choice keep their ids.
    return {name: value for name, value in told.items() if (name, value) != ("on", "all")}


def _named(card: ModelCard | None, told: dict[str, Any]) -> str:
    return f"{'region' if card is None else f'{card.name} {card.digest[:16]}'} {json.dumps(told, sort_keys=True)}"


def _sentence(problem: Any) -> str:
    return f"{'.'.join(map(str, problem['loc'])) or 'the recipe'}: {problem['msg'][0].lower()}{problem['msg'][1:]}"
