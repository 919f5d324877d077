"""The networks: batch in, batch out, in order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Analysis, Recipe, Tag
from lookalike.domain.geometry import Box
from lookalike.domain.picture import Picture
from lookalike.errors import PictureUnreadable

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a network is: its task, licence, source, digest, input side in pixels, and output dimension."""

    name: str
    task: str
    licence: str
    source: str
    digest: str
    input_side: int
    dimension: int
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Embedded:
    """What one forward pass of an embedder says of one crop.

    `vector` unit length float32; `label_scores` probabilities over the card's labels or empty; `activation` a small map
    0…1, height × width, or empty.
    """

    vector: NDArray[np.float32] = field(repr=False)
    label_scores: NDArray[np.float32] = field(repr=False)
    activation: NDArray[np.float32] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Detection:
    """A box with the detector's label and probability."""

    box: Box
    label: str
    score: float


class Embedder(Protocol):
    """Crops (uint8 RGB, any size) to unit vectors."""

    card: ModelCard

    def embed(self, crops: Sequence[Pixels]) -> list[Embedded]:
        """One result for each crop."""


class TextEmbedder(Protocol):
    """Words to unit vectors in the space of some embedder's vectors: what a two-encoder network (CLIP) can do besides."""

    def embed_texts(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """One vector for each text. Raises: NetworkRefused, MissingDependency."""


class Detector(Protocol):
    """Pictures to boxes, the best first."""

    card: ModelCard

    def detect(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        """Boxes for each picture; [] where nothing is found."""


class Segmenter(Protocol):
    """Pictures to soft masks of the product: float32 0…1, of each picture's own size; None where there is no telling."""

    card: ModelCard

    def segment(self, pictures: Sequence[Pixels]) -> list[NDArray[np.float32] | None]:
        """One mask for each picture."""


class CategoryClassifier(Protocol):
    """Vectors to categories with calibrated probabilities, the likeliest first."""

    card: ModelCard

    def classify(self, vectors: NDArray[np.float32]) -> list[list[Tag]]:
        """Categories for each row."""


class Hasher(Protocol):
    """Vectors to binary codes: uint8, rows × (bits / 8)."""

    card: ModelCard

    def hash(self, vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
        """One code for each row."""


class Seer(Protocol):
    """The whole of seeing: the one function for catalogue and query."""

    recipe: Recipe

    def analyse(self, looks: Sequence[tuple[Picture, Box | None]]) -> list[Analysis]:
        """What is on each picture, inside its box; None lets us find the product, the whole box takes the picture as it is."""


class PictureDecoder(Protocol):
    """Bytes to pixels, within limits of size and time."""

    def decode(self, content: bytes) -> Picture:
        """The picture, upright, sRGB, on white. Raises: PictureUnreadable and nothing else, whatever the bytes."""


@dataclass(frozen=True, slots=True)
class Look:
    """A request to analyse: encoded bytes and, perhaps, where to look."""

    content: bytes = field(repr=False)
    box: Box | None = None


class PictureAnalyser(Protocol):
    """Pictures in, analyses out, wherever the networks run."""

    recipe: Recipe

    def analyse(self, looks: Sequence[Look], deadline: float | None = None) -> list[Analysis | PictureUnreadable]:
        """One result for each look, in order; a picture that cannot be read is a result, and harms no other.

        `deadline`: in seconds of `time.monotonic()`. Raises: Unavailable where it passes or the workers are away, Overloaded.
        """

    def close(self) -> None:
        """Give back threads and connections."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What can be told of a picture without a network; `phash` as an analysis has it."""

    digest: str
    width: int
    height: int
    phash: str


@dataclass(frozen=True, slots=True)
class Networks:
    """How the networks of an analyser are: whether somebody would look now, and if not, why; shoppers' pictures that wait;
    pictures a second that they have been measured at (0: not yet)."""

    there: bool
    why: str = ""
    workers: int = 0
    waiting: int = 0
    rate: float = 0.0


@runtime_checkable
class Elsewhere(Protocol):
    """What an analyser can tell besides, where its networks run in other processes."""

    def networks(self) -> Networks:
        """How they are; not older than a second, and never raises."""
