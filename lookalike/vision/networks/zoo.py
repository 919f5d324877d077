"""The zoo: cards that ship with us, networks that are installed, and what opens one by its name.

An installed network is a folder of the models folder: `card.json`, `network.onnx`, for two encoders `text.onnx` and
`tokenizer.json`, and `canonical.npz`, what it said of the canonical pictures when it came.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Literal

from lookalike.errors import InvalidCard, NetworkRefused, NotFound, UnknownPlugin
from lookalike.vision.networks.card import (
    Card,
    DetectionCard,
    EmbeddingCard,
    File,
    SegmentationCard,
    TwoEncoderCard,
    as_json,
    load_card,
)
from lookalike.vision.networks.detection import SHOWN_SCORE, CardDetector
from lookalike.vision.networks.embedding import CardEmbedder
from lookalike.vision.networks.network import ON_CPU, How
from lookalike.vision.networks.segmentation import CardSegmenter
from lookalike.vision.networks.texts import CardTexts

SHIPPED = Path(str(resources.files("lookalike.vision"))) / "networks" / "cards"
FILES: Mapping[str, str] = {"network": "network.onnx", "text": "text.onnx", "tokenizer": "tokenizer.json"}
"""What a part of a network is called in its folder."""
CARD, CANONICAL = "card.json", "canonical.npz"


class Zoo:
    """Networks by name: those in `folder`, which needs not be there, and the cards that ship with us. `how` says where they run."""

    def __init__(self, folder: Path, how: How = ON_CPU) -> None:
        self.folder, self.how = folder, how

    @cached_property
    def shipped(self) -> dict[str, Path]:
        """The cards that ship with us, by name."""
        return {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}

    def installed(self) -> list[str]:
        """The networks whose files are here."""
        if not self.folder.is_dir():
            return []
        return sorted(path.parent.name for path in self.folder.glob(f"*/{CARD}") if not path.parent.name.startswith("."))

    def names(self) -> list[str]:
        """Every network that has a card."""
        return sorted({*self.installed(), *self.shipped})

    def card(self, name: str) -> Card:
        """The card of a network; where it is installed, the card that it was installed with. Raises: UnknownPlugin, InvalidCard."""
        if name in self.installed():
            return load_card(self.folder / name / CARD)
        if name in self.shipped:
            return load_card(self.shipped[name])
        raise UnknownPlugin("network", name, self.names())

    def path(self, name: str, part: str = "network") -> Path:
        """A file of an installed network. Raises: UnknownPlugin, NotFound with what to do."""
        self.card(name)
        path = self.folder / name / FILES[part]
        if not path.is_file():
            raise NotFound(
                "network", name, f"Its card is known, its file is not here: lookalike models pull {name}, or models import FILE."
            )
        return path

    def add(self, card: Card, files: Mapping[str, Path], *, replace: bool = False) -> Card:
        """Install a network: check its files against the card, copy them, and write the card down with all checksums.

        The folder appears whole or not at all. Raises: NetworkRefused where a checksum is another or unknown, or a network of that
        name is there with other files; InvalidCard where the card wants files that are not given.
        """
        wanted = [part for part in FILES if getattr(card.files, part) is not None]
        if missing := [part for part in wanted if part not in files]:
            raise InvalidCard(card.name, [f"files.{part}: no file is given for it" for part in missing])
        told = {part: checked(card, part, files[part]) for part in wanted}
        card = card.model_copy(update={"files": card.files.model_copy(update=told)})
        target = self.folder / card.name
        if target.exists() and not replace:
            if card.name in self.installed() and self.card(card.name).files == card.files == self._whole(card.name):
                replace = True  # the same files: the card may say better what they are
            else:
                raise NetworkRefused(f"There is a network {card.name!r} with other files. Say --replace, or give yours another name.")
        self.folder.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".coming-", dir=self.folder))
        try:
            for part in wanted:
                shutil.copyfile(files[part], beside / FILES[part])
            (beside / CARD).write_text(as_json(card), encoding="utf-8")
            if target.exists():
                gone = Path(tempfile.mkdtemp(prefix=".going-", dir=self.folder))
                os.replace(target, gone / "old")
                os.replace(beside, target)
                shutil.rmtree(gone)
            else:
                os.replace(beside, target)
        finally:
            shutil.rmtree(beside, ignore_errors=True)  # what is left where something failed
        return card

    def remove(self, name: str) -> None:
        """Take an installed network away. Raises: OSError."""
        if name in self.installed():
            shutil.rmtree(self.folder / name)

    def _whole(self, name: str) -> object:
        """The files of an installed network as its card tells them, where all of them are there."""
        files = self.card(name).files
        return files if all((self.folder / name / FILES[part]).is_file() for part in FILES if getattr(files, part) is not None) else None

    def embedder(self, name: str, fit: Literal["card", "pad"] = "card") -> CardEmbedder:
        """An embedder by name. Raises: UnknownPlugin, NotFound, InvalidCard where the network is for something else."""
        card = self.card(name)
        if not isinstance(card, EmbeddingCard | TwoEncoderCard):
            raise self._other(card, "vectors", (EmbeddingCard, TwoEncoderCard))
        return CardEmbedder(card, self.path(name), self.how, fit)

    def detector(self, name: str, least: float = SHOWN_SCORE) -> CardDetector:
        """A detector by name. Raises: as `embedder`."""
        card = self.card(name)
        if not isinstance(card, DetectionCard):
            raise self._other(card, "boxes", (DetectionCard,))
        return CardDetector(card, self.path(name), self.how, least)

    def segmenter(self, name: str) -> CardSegmenter:
        """A segmenter by name. Raises: as `embedder`."""
        card = self.card(name)
        if not isinstance(card, SegmentationCard):
            raise self._other(card, "masks", (SegmentationCard,))
        return CardSegmenter(card, self.path(name), self.how)

    def texts(self, name: str) -> CardTexts | None:
        """What makes vectors of words that compare with this network's; None where it knows only pictures. Raises: as `embedder`."""
        card = self.card(name)
        if not isinstance(card, TwoEncoderCard):
            return None
        return CardTexts(card, self.path(name, "text"), self.path(name, "tokenizer"), self.how)

    def _other(self, card: Card, what: str, kinds: tuple[type, ...]) -> InvalidCard:
        able = [name for name in self.installed() if isinstance(self.card(name), kinds)]
        return InvalidCard(
            card.name, [f"task: it is for {card.task}, and {what} are wanted; installed for that: {', '.join(able) or 'none'}"]
        )


def sha256_of(path: Path) -> str:
    """The checksum of a file, in hex. Raises: OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checked(card: Card, part: str, path: Path) -> File:
    """What the card says of a part, once the file is just that. Raises: NetworkRefused."""
    told: File = getattr(card.files, part)
    try:
        found, size = sha256_of(path), path.stat().st_size
    except OSError as error:
        raise NetworkRefused(f"{path} cannot be read: {error.strerror}.") from error
    if told.sha256 is None:
        option = "--sha256" if part == "network" else f"--{part}-sha256"
        raise NetworkRefused(
            f"The card {card.name!r} knows no checksum of its {part}. {path.name} has {found}: if that is right, say {option} {found}."
        )
    if found != told.sha256:
        raise NetworkRefused(f"{path.name} is not the {part} of {card.name!r}: its SHA-256 is {found}, the card says {told.sha256}.")
    return told.model_copy(update={"bytes": size})
