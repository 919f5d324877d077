"""Model cards: everything that must be known of a network to run it, as data. docs/models.md tells the format for people.

A card is TOML or JSON; this module is its one schema. Pixels come in as 0…255 and are mapped on `range`, then normalised:
(value − mean) / std, channel by channel in the order that `colour` names.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from lookalike.errors import InvalidCard
from lookalike.vision.networks.labels import LISTS

SCHEMA = 1
NAME = re.compile(r"[a-z0-9](?:[a-z0-9._+-]{0,78}[a-z0-9])?")
"""A network's name is also the name of its folder."""
SHA256 = r"^[0-9a-f]{64}$"
Side = Annotated[int, Field(ge=8, le=8192)]
Three = tuple[float, float, float]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)


class File(_Part):
    """One file of a network: where it can be fetched, and what its bytes must be. An unknown `sha256` has to be told at import."""

    url: str | None = None
    sha256: str | None = Field(default=None, pattern=SHA256)
    bytes: int | None = Field(default=None, ge=1)

    @field_validator("url")
    @classmethod
    def _address(cls, told: str | None) -> str | None:
        if told is not None and not re.match(r"https?://[^/?#\s]+\S*$", told):
            raise ValueError("an address that starts with https:// is wanted")
        return told


class Files(_Part):
    """`network` is the ONNX file; networks with two encoders have `text`, the other one, and `tokenizer`, a tokenizer.json, too."""

    network: File = File()
    text: File | None = None
    tokenizer: File | None = None


class Input(_Part):
    """How a picture becomes the network's input.

    `fit`: pad (the whole picture in its proportions, the rest filled), crop (the shorter side to `shorter`, then the middle;
    with `resample` linear this is torchvision's Resize and CenterCrop to the bit), middle (7/8 of both sides, stretched: the
    picture is stretched to 8/7 of the size and its middle taken), stretch, or shorter (the shorter side to `shorter`, the longer
    at most `longest`, filled up to a multiple of `multiple`).
    """

    tensor: str | None = None
    layout: Literal["NCHW", "NHWC", "CHW", "HWC"] = "NCHW"
    type: Literal["float32", "float16", "uint8"] = "float32"
    colour: Literal["RGB", "BGR"] = "RGB"
    size: tuple[Side, Side] | None = None
    """Height and width. None only where `fit` is shorter."""
    fit: Literal["pad", "crop", "middle", "stretch", "shorter"] = "pad"
    at: Literal["centre", "top-left"] = "centre"
    """Where the picture lies in what is filled up."""
    pad: float | Three = 255.0
    """What it is filled with, in pixels 0…255, before they are normalised."""
    shorter: Side | None = None
    longest: Side | None = None
    multiple: int = Field(default=1, ge=1, le=256)
    range: tuple[float, float] = (0.0, 1.0)
    mean: Three = (0.0, 0.0, 0.0)
    std: Three = (1.0, 1.0, 1.0)
    resample: Literal["area", "linear", "cubic"] = "area"
    """area averages where it shrinks, and is linear where it grows; cubic and linear are Pillow's, with antialiasing."""
    size_tensor: str | None = None
    """An input that wants the picture's own height and width (YOLOv3 of the ONNX zoo)."""

    @model_validator(mode="after")
    def _possible(self) -> "Input":
        if self.fit == "shorter" and (self.size is not None or self.shorter is None):
            raise ValueError("with fit 'shorter' give `shorter` (and perhaps `longest`), not `size`")
        if self.fit != "shorter" and self.size is None:
            raise ValueError(f"fit {self.fit!r} needs `size` = [height, width]")
        if self.fit == "crop" and self.size is not None and self.shorter is not None and self.shorter < max(self.size):
            raise ValueError("`shorter` is below `size`: the crop would not fit in")
        if min(self.std) <= 0:
            raise ValueError("`std` must be above 0")
        if self.range[0] >= self.range[1]:
            raise ValueError("`range` must rise")
        return self


class Accuracy(_Part):
    """What was measured, by whom, on what."""

    data: str
    measure: str
    value: float
    told_by: str = ""


class Speed(_Part):
    """Pictures a second, on which machine, in which batches."""

    machine: str
    pictures_per_second: float = Field(gt=0)
    batch: int = Field(default=1, ge=1)
    precision: Literal["fp32", "fp16", "int8"] = "fp32"


class _Card(_Part):
    card: Literal[1] = 1
    """The version of this format."""
    name: str
    licence: str = Field(min_length=1)
    """An SPDX identifier where there is one."""
    commercial: bool | None = None
    """Whether the licence allows commercial use; left out it is read off the licence's name."""
    source: str = Field(min_length=1)
    notes: str = ""
    files: Files = Files()
    labels: str | tuple[str, ...] = ()
    """The labels in order, or the name of a list that ships with us."""
    first_label: int = Field(default=0, ge=0, le=1)
    """The number that the network gives to the first label: 1 where 0 is the background."""
    accuracy: tuple[Accuracy, ...] = ()
    speed: tuple[Speed, ...] = ()

    @field_validator("name")
    @classmethod
    def _folder(cls, told: str) -> str:
        if not NAME.fullmatch(told) or ".." in told:
            raise ValueError("small letters, digits and . _ + - are wanted, at most 80")
        return told

    @field_validator("labels")
    @classmethod
    def _known(cls, told: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if isinstance(told, str) and told not in LISTS:
            raise ValueError(f"there is no list of labels of that name; there are {', '.join(LISTS)}")
        return told

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels in order; () where the network has none."""
        return LISTS[self.labels] if isinstance(self.labels, str) else self.labels

    @property
    def non_commercial(self) -> bool:
        """May it not be used to earn money?"""
        return not self.commercial if self.commercial is not None else "NC" in re.split(r"[^A-Za-z0-9]+", self.licence)


class EmbeddingOutput(_Part):
    """`features` N×D, or N×D×H×W, which is averaged; None takes what the classifier's last layer reads. `logits` N×classes, or None."""

    features: str | None = None
    logits: str | None = None
    scores: Literal["logits", "probabilities"] = "logits"


class DetectionOutput(_Part):
    """`layout`: boxes (three tensors, after suppression), yolox (a raw grid), or yolov3 (the ONNX zoo's boxes, scores and indices).

    Tensors that are not named are taken by their place in the graph: boxes, labels, scores; of yolov3 boxes, scores, indices.
    """

    layout: Literal["boxes", "yolox", "yolov3"]
    boxes: str | None = None
    labels: str | None = None
    scores: str | None = None
    indices: str | None = None
    order: Literal["ltrb", "tlbr"] = "ltrb"
    """left, top, right, bottom; or top first, as TensorFlow has it."""
    unit: Literal["pixels", "fractions"] = "pixels"
    """Of the input, not of the picture (yolov3: of the picture)."""
    strides: tuple[int, ...] = (8, 16, 32)
    overlap: float = Field(default=0.45, gt=0, le=1)
    """Non-maximum suppression within a label, where the graph leaves it to us."""


class SegmentationOutput(_Part):
    """`maps` N×classes×H×W. softmax: one class a pixel; sigmoid: each map by itself. `product` are the labels that are the product."""

    maps: str | None = None
    kind: Literal["softmax", "sigmoid"] = "softmax"
    scores: Literal["logits", "probabilities"] = "logits"
    product: tuple[str, ...] = ()
    """() takes all but the label `background`."""
    threshold: float = Field(default=0.5, gt=0, lt=1)


class TextInput(_Part):
    """How words become the text encoder's input, and which output is their vector."""

    tensor: str | None = None
    mask: str | None = None
    """The input that says which tokens count, where there is one."""
    length: int = Field(default=77, ge=2, le=4096)
    """Tokens: longer texts are cut, shorter ones filled up."""
    pad: int = Field(default=0, ge=0)
    """The number of the token that fills up."""
    lowercase: bool = False
    template: str = "{}"
    """What the words are put into: `a photo of {}`."""
    features: str | None = None

    @field_validator("template")
    @classmethod
    def _has_a_place(cls, told: str) -> str:
        if told.count("{}") != 1:
            raise ValueError("one {} is wanted, where the words go")
        return told


class EmbeddingCard(_Card):
    """A network that makes a vector of a picture: an embedder, or any classifier."""

    task: Literal["embedding"]
    input: Input
    output: EmbeddingOutput = EmbeddingOutput()
    dimension: int = Field(ge=2, le=65_536)


class DetectionCard(_Card):
    """A network that finds boxes."""

    task: Literal["detection"]
    input: Input
    output: DetectionOutput


class SegmentationCard(_Card):
    """A network that says what each pixel belongs to."""

    task: Literal["segmentation"]
    input: Input
    output: SegmentationOutput = SegmentationOutput()


class TwoEncoderCard(_Card):
    """Two networks with one space of vectors: pictures and words (CLIP, SigLIP)."""

    task: Literal["two-encoder"]
    input: Input
    output: EmbeddingOutput = EmbeddingOutput()
    text: TextInput
    dimension: int = Field(ge=2, le=65_536)

    @model_validator(mode="after")
    def _both(self) -> "TwoEncoderCard":
        if self.files.text is None or self.files.tokenizer is None:
            raise ValueError("give `files.text` and `files.tokenizer` too, empty tables where nothing is known of them")
        return self


Card = EmbeddingCard | DetectionCard | SegmentationCard | TwoEncoderCard
_ANY: TypeAdapter[Card] = TypeAdapter(Annotated[Card, Field(discriminator="task")])


def read_card(told: Mapping[str, Any], where: str) -> Card:
    """The card in a JSON or TOML document; `where` names it in errors. Raises: InvalidCard with each thing that is wrong."""
    try:
        return _ANY.validate_python(dict(told))
    except ValidationError as error:
        raise InvalidCard(where, [_sentence(one) for one in error.errors()]) from error


def load_card(path: Path) -> Card:
    """The card in a file, .toml or .json. Raises: InvalidCard, also where the file is not there or is neither."""
    try:
        text = path.read_text(encoding="utf-8")
        told = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidCard(str(path), [f"it cannot be read: {getattr(error, 'strerror', None) or error}"]) from error
    except (ValueError, RecursionError) as error:  # JSONDecodeError and TOMLDecodeError are ValueErrors
        raise InvalidCard(str(path), [f"it is neither TOML nor JSON: {error}"]) from error
    if not isinstance(told, dict):
        raise InvalidCard(str(path), ["it holds no table"])
    return read_card(told, str(path))


def as_json(card: Card) -> str:
    """The card as a JSON document that `load_card` reads again; what has its default is left out."""
    told = {"card": SCHEMA, "name": card.name, "task": card.task, **card.model_dump(mode="json", exclude_defaults=True)}
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def digest_of(card: Card) -> str:
    """SHA-256, in hex, over all of a card that changes what the network says: files, input, output. For recipes."""
    parts = {"input": card.input, "output": card.output, "text": getattr(card, "text", None)}
    told = {name: part.model_dump(mode="json") for name, part in parts.items() if part is not None}
    sums = {name: one["sha256"] for name, one in card.files.model_dump().items() if one is not None}
    return hashlib.sha256(json.dumps([sums, told, list(card.label_names), card.first_label], sort_keys=True).encode()).hexdigest()


def _sentence(problem: Any) -> str:
    place = [str(one) for one in problem["loc"]]
    if place and place[0] in ("embedding", "detection", "segmentation", "two-encoder"):
        place = place[1:]  # pydantic names the kind of card first
    what = problem["msg"].removeprefix("Value error, ")
    return f"{'.'.join(place) or 'the card'}: {what[0].lower()}{what[1:]}"
