"""What the networks say of a picture, and which recipe made them say it."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from lookalike.domain.geometry import WHOLE, Box

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which networks and which pre-processing make a vector. Two vectors compare only where their recipes have one `id`.

    `parts` names everything that changes a vector: networks with digests, projection, pre-processing version. Numeric
    precision (int8 or fp32 of the same weights) is not a part: docs/decisions/0012 gives the measured overlap.
    """

    name: str
    dimension: int
    colour_dimension: int
    parts: Mapping[str, str] = field(default_factory=dict)

    id: str = field(init=False)
    """`NAME@` and 12 hex digits over all that matters."""

    def __post_init__(self) -> None:
        told = json.dumps([self.dimension, self.colour_dimension, sorted(self.parts.items())])
        object.__setattr__(self, "id", f"{self.name}@{hashlib.sha256(told.encode()).hexdigest()[:12]}")

    def as_json(self) -> dict[str, object]:
        """For an index to keep beside its vectors."""
        return {
            "id": self.id,
            "name": self.name,
            "dimension": self.dimension,
            "colour_dimension": self.colour_dimension,
            "parts": dict(self.parts),
        }


@dataclass(frozen=True, slots=True)
class Tag:
    """A readable word for what is seen, with its probability 0…1."""

    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Colour:
    """A named dominant colour of the product: its share of the product's area 0…1 and a mean sRGB value."""

    name: str
    share: float
    rgb: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class SeenObject:
    """One product found in a picture. `vector` is unit length, float32; so is `colour_vector` (or all zero)."""

    box: Box
    vector: Vector = field(compare=False, repr=False)
    colour_vector: Vector = field(compare=False, repr=False)
    label: str = ""
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Analysis:
    """All that is known of one picture. `objects` has at least one entry, the main product first.

    `quality` holds flags out of: blurred, tiny, blank, placeholder. `phash` is 64 bits in hex.
    `took_ms` says where the time went ("decode", "analyse"); it is no part of what was seen.
    """

    recipe_id: str
    digest: str
    width: int
    height: int
    objects: tuple[SeenObject, ...]
    tags: tuple[Tag, ...] = ()
    categories: tuple[Tag, ...] = ()
    colours: tuple[Colour, ...] = ()
    phash: str = ""
    quality: tuple[str, ...] = ()
    took_ms: Mapping[str, float] = field(default_factory=dict, compare=False, repr=False)
    _exact: dict[str, object] | None = field(default=None, init=False, compare=False, repr=False)
    """What `as_exact_json` tells, once it is known; `dataclasses.replace` does not take it along."""

    @property
    def main(self) -> SeenObject:
        """The object that the picture is about."""
        return self.objects[0]

    def as_json(self) -> dict[str, object]:
        """The `analysis` of interfaces.md, without vectors; fractions to 1/10,000."""
        return self._told(lambda number: round(number, 4))

    def as_exact_json(self) -> dict[str, object]:
        """As `as_json`, but to the last digit: what is made of it again equals this. Not to be changed: it may be shared."""
        if self._exact is None:  # an index and a cache of analyses ask one after the other
            object.__setattr__(self, "_exact", self._told(float))
        assert self._exact is not None
        return self._exact

    def packed(self) -> tuple[dict[str, object], bytes]:
        """(`as_exact_json` with the vectors' "dimensions", the vectors): what `unpacked` makes this of again, to the last bit.

        The vectors are little-endian float32, for each object in order its vector and its colour vector. `took_ms` stays behind.
        """
        told = self.as_exact_json() | {"dimensions": [len(self.main.vector), len(self.main.colour_vector)]}
        return told, b"".join(part.astype("<f4").tobytes() for one in self.objects for part in (one.vector, one.colour_vector))

    def _told(self, shown: Callable[[float], float]) -> dict[str, object]:
        return {
            "recipe": self.recipe_id,
            "digest": self.digest,
            "width": self.width,
            "height": self.height,
            "objects": [
                {"box": [shown(edge) for edge in one.box.edges()], "label": one.label, "score": shown(one.score)} for one in self.objects
            ],
            "tags": [{"name": tag.name, "score": shown(tag.score)} for tag in self.tags],
            "categories": [{"name": one.name, "score": shown(one.score)} for one in self.categories],
            "colours": [{"name": one.name, "share": shown(one.share), "rgb": list(one.rgb)} for one in self.colours],
            "phash": self.phash,
            "quality": list(self.quality),
        }


def unpacked(told: Mapping[str, object], vectors: bytes) -> Analysis:
    """The analysis that `Analysis.packed` told. Raises: KeyError, TypeError, ValueError where these are something else."""
    wide, colour = (int(size) for size in told["dimensions"])  # type: ignore[attr-defined]
    matrix = np.frombuffer(vectors, "<f4").astype(np.float32).reshape(-1, wide + colour)
    return analysis_from_json(told, matrix[:, :wide], matrix[:, wide:])


def analysis_from_json(
    told: Mapping[str, object], vectors: NDArray[np.float32], colour_vectors: NDArray[np.float32], *, exact: bool = False
) -> Analysis:
    """The analysis that `Analysis.as_json` told; the rows of the two matrices are the objects' vectors.

    `exact` says that `as_exact_json` told it, and nothing was added since: then it is kept, to be told again.
    Raises: IndexError, ValueError where `told` is something else.
    """
    try:
        one = msgspec.convert(told, _Told)
    except msgspec.ValidationError as error:
        raise ValueError(f"no analysis: {error}") from error
    objects = tuple(
        SeenObject(Box(*seen.box), vectors[row], colour_vectors[row], seen.label, seen.score) for row, seen in enumerate(one.objects)
    )
    found = Analysis(one.recipe, one.digest, one.width, one.height, objects, one.tags, one.categories, one.colours, one.phash, one.quality)
    if exact:
        object.__setattr__(found, "_exact", dict(told))
    return found


class _ToldObject(msgspec.Struct):
    box: tuple[float, float, float, float]
    label: str
    score: float


class _Told(msgspec.Struct):
    """What `Analysis.as_json` tells, as types: msgspec makes these in a fifth of the time that Python takes."""

    recipe: str
    digest: str
    width: int
    height: int
    objects: list[_ToldObject]
    tags: tuple[Tag, ...]
    categories: tuple[Tag, ...]
    colours: tuple[Colour, ...]
    phash: str
    quality: tuple[str, ...]


__all__ = ["WHOLE", "Analysis", "Box", "Colour", "Recipe", "SeenObject", "Tag", "Vector", "analysis_from_json", "unpacked"]
