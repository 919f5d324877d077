"""The other half of a two-encoder network: words to vectors in the space of the pictures' vectors."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Vector
from lookalike.domain.fusion import unit
from lookalike.errors import MissingDependency, NetworkRefused
from lookalike.vision.networks.card import TwoEncoderCard
from lookalike.vision.networks.network import ON_CPU, How
from lookalike.vision.networks.runtime import Opened, open_on

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MASK = "attention_mask"


class CardTexts:
    """TextEmbedder over a text encoder, its tokenizer.json and its card. Thread-safe; opened by the first call."""

    def __init__(self, card: TwoEncoderCard, path: Path, tokenizer: Path, how: How = ON_CPU) -> None:
        self.card = card
        self._path, self._tokenizer, self._how = path, tokenizer, how
        self._opened: tuple[Opened, Tokenizer] | None = None
        self._lock = threading.Lock()

    def embed_texts(self, texts: Sequence[str]) -> list[Vector]:
        """A unit vector for each text, of the card's dimension. Raises: NetworkRefused, MissingDependency."""
        if not texts:
            return []
        opened, tokenizer = self._ready()
        told = self.card.text
        shown = [told.template.replace("{}", text.lower() if told.lowercase else text) for text in texts]
        read = tokenizer.encode_batch(shown)
        ids = np.array([one.ids for one in read], np.int64)
        mask = np.array([one.attention_mask for one in read], np.int64)
        return [self._vector(opened, ids[row : row + 1], mask[row : row + 1]) for row in range(len(texts))]

    def _vector(self, opened: Opened, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Vector:
        told, inputs = self.card.text, opened.session.get_inputs()
        names = {one.name: one for one in inputs}
        feeds = {_named(names, told.tensor or inputs[0].name, self.card.name): ids}
        if told.mask is not None or MASK in names:
            feeds[_named(names, told.mask or MASK, self.card.name)] = mask
        given = {name: value.astype(np.int32 if "int32" in names[name].type else np.int64) for name, value in feeds.items()}
        try:
            outputs = opened.session.run([told.features] if told.features else None, given)
        except Exception as error:  # ONNX Runtime's exceptions have no common parent but this
            message = " ".join(str(error).split())[:300]
            raise NetworkRefused(
                f"The text encoder of {self.card.name!r} failed: {message}. Does its card tell the right inputs?"
            ) from error
        row = np.asarray(outputs[0], np.float64).reshape(-1)
        if row.size != self.card.dimension:
            message = f"The text encoder of {self.card.name!r} gives vectors of {row.size}, its card says {self.card.dimension}"
            raise NetworkRefused(f"{message}. Name the right tensor in text.features.")
        vector = unit(np.nan_to_num(row))
        return vector if vector.any() else unit(np.ones(self.card.dimension))  # words that stir nothing still need a direction

    def _ready(self) -> "tuple[Opened, Tokenizer]":
        if self._opened is None:
            with self._lock:
                if self._opened is None:
                    tokenizer = open_tokenizer(self._tokenizer, self.card)
                    self._opened = open_on(self._path, self._how.devices, self._how.threads), tokenizer
        return self._opened


def open_tokenizer(path: Path, card: TwoEncoderCard) -> "Tokenizer":
    """The tokenizer in a file, cutting and filling up as the card says. Raises: NetworkRefused, MissingDependency."""
    try:
        from tokenizers import Tokenizer
    except ModuleNotFoundError as error:
        raise MissingDependency("tokenizers", "clip") from error
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # its exceptions come from Rust and have no names
        raise NetworkRefused(f"{path.name} is no tokenizer that `tokenizers` reads: {str(error)[:200]}.") from error
    told = card.text
    tokenizer.enable_truncation(told.length)
    tokenizer.enable_padding(length=told.length, pad_id=told.pad, pad_token=tokenizer.id_to_token(told.pad) or "[PAD]")
    return tokenizer


def _named(names: dict[str, Any], wanted: str, network: str) -> str:
    if wanted not in names:
        raise NetworkRefused(f"The text encoder of {network!r} has no input {wanted!r}; it has {', '.join(names)}. Correct its card.")
    return wanted
