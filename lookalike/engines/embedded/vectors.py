"""Every vector's place: its row, the slot it belongs to, and which picture and object it is of. Short codes of them stay in memory
once a scan of all takes too long; the vectors themselves lie on disk (`originals`).

A row is one object in one picture of a product; the rows of a product lie side by side.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.engines.embedded.cache import Stale
from lookalike.engines.embedded.codes import Codes
from lookalike.engines.embedded.columns import Ints, Mask
from lookalike.engines.embedded.originals import DECODED_AT_ONCE, Originals, Rows
from lookalike.engines.embedded.pool import Arrays
from lookalike.engines.embedded.strips import Strip
from lookalike.engines.told import Place

FILED_FROM = 4096
"""So many rows may wait in memory (2 MB at 256 dimensions) before they go into the file."""


@dataclass(frozen=True, slots=True)
class Block:
    """Vectors to add: `slots`, `places` and both matrices (fp16) have one entry a row, products side by side."""

    slots: NDArray[np.int32]
    places: Sequence[Place]
    pictures: NDArray[np.float16]
    colours: NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Home:
    """Where the originals lie: two files of the generation `number`, named after the database at `database`."""

    database: Path
    number: int

    @property
    def pictures(self) -> Path:
        """The file of picture vectors."""
        return self.database.with_name(f"{self.database.stem}.{self.number}.vectors")

    @property
    def colours(self) -> Path:
        """The file of colour vectors."""
        return self.database.with_name(f"{self.database.stem}.{self.number}.colours")


class Vectors:
    """All rows with the slots and places that they belong to. `codes_from`: from so many rows on, codes are kept.

    With a `home` originals go to disk as they come; without one (a reader's) they stay in memory.
    """

    def __init__(self, dimension: int, colour_dimension: int, codes_from: int, home: Home | None = None) -> None:
        self._codes_from = codes_from
        self.dimension, self.colour_dimension = dimension, colour_dimension
        self.pictures = Originals(dimension)
        self.colours = Originals(colour_dimension) if colour_dimension else None
        self.codes: Codes | None = None
        self.home = home
        self._slots = Strip(np.int32, -1)
        self._pictures, self._objects = Strip(np.int16), Strip(np.int16)
        self._begins, self._counts = Strip(np.int32), Strip(np.int32)
        self._in_step = True
        self._having: Mask | None = None
        self.dead = 0
        self.products = 0
        """Slots that have rows."""

    def __len__(self) -> int:
        """Rows, dead ones included."""
        return self._slots.size

    @property
    def in_memory(self) -> int:
        """Bytes of vectors and codes in memory."""
        rows = self.pictures.in_memory * 2 * self.dimension
        colours = 0 if self.colours is None else self.colours.in_memory * 2 * self.colour_dimension
        return rows + colours + (0 if self.codes is None else len(self.codes) * self.codes.bits // 8)

    def slots(self) -> Ints:
        """The slot of each row; -1 where it is dead."""
        return self._slots.all()

    def counts(self, size: int) -> Ints:
        """How many rows each of the first `size` slots has."""
        return self._counts.resize(size)

    def having(self, size: int) -> Mask:
        """Which of the first `size` slots have rows. Not to be written to."""
        found = self._having
        if found is None or len(found) != size:
            found = self._having = np.asarray(self.counts(size) > 0)
        return found

    def append(self, block: Block) -> None:
        """Add rows; what their slots had before must have been forgotten."""
        if not len(block.slots):
            return
        self._having = None
        begin = self._slots.append(block.slots, len(block.slots))
        self._in_step = self._in_step and bool(np.array_equal(block.slots, np.arange(begin, len(self))))
        self._pictures.append([place[0] for place in block.places], len(block.slots))
        self._objects.append([place[1] for place in block.places], len(block.slots))
        self.pictures.append(block.pictures)
        if self.colours is not None:
            self.colours.append(block.colours)
        distinct, starts, counts = np.unique(block.slots, return_index=True, return_counts=True)
        size = max(int(distinct[-1]) + 1, self._begins.size)
        self._begins.resize(size)[distinct] = begin + starts
        self._counts.resize(size)[distinct] = counts
        self.products += len(distinct)
        if self.codes is not None:
            self.codes.append(block.pictures.astype(np.float32))
        else:
            self._encode()
        if self.home is not None and self.pictures.in_memory >= FILED_FROM:
            with contextlib.suppress(OSError):  # on a full disk they stay in memory; the database has them in any case
                self.file()

    def file(self) -> None:
        """Move the originals to disk. Raises: OSError."""
        if self.home is not None:
            self.pictures.file(self.home.pictures)
            if self.colours is not None:
                self.colours.file(self.home.colours)

    def _encode(self) -> None:
        if self.codes is None and len(self) >= self._codes_from:
            self.codes = Codes(self.dimension)
            for start in range(0, len(self), DECODED_AT_ONCE):
                self.codes.append(self.pictures.read(slice(start, start + DECODED_AT_ONCE)))

    def forget(self, slot: int) -> None:
        """A slot has no vectors any more; its rows stay, dead, until the next compaction."""
        if slot >= self._begins.size:
            return
        self._having = None
        begin, count = int(self._begins.all()[slot]), int(self._counts.all()[slot])
        self.slots()[begin : begin + count] = -1
        self._counts.all()[slot] = 0
        self._in_step = self._in_step and not count
        self.dead += count
        self.products -= count > 0

    def rows_of(self, slots: NDArray[np.intp]) -> tuple[Rows, NDArray[np.intp]]:
        """The rows of some slots, and for each row the place of its slot in `slots`."""
        size = int(slots.max()) + 1 if len(slots) else 0
        if self._in_step and size <= len(self):
            return np.asarray(slots, np.intp), np.arange(len(slots))
        counts = self.counts(max(size, self._counts.size))[slots]
        begins = self._begins.resize(max(size, self._begins.size))[slots]
        owners = np.repeat(np.arange(len(slots)), counts)
        within = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.asarray(np.repeat(begins, counts) + within, np.intp), owners

    def place(self, row: int) -> Place:
        """(picture, object) of a row."""
        return int(self._pictures.all()[row]), int(self._objects.all()[row])

    def mask(self, chosen: Mask) -> Mask | None:
        """Which rows belong to the chosen slots; None: all of them."""
        if not self.dead and chosen.all():
            return None
        # in step row n is slot n's, as it is where every product has one vector
        rows = chosen[: len(self)] if self._in_step else np.append(chosen, False)[self.slots()]
        return None if rows.all() else np.asarray(rows)

    def compacted(self) -> "Vectors":
        """The same without the dead rows, in files of the next generation."""
        home = None if self.home is None else Home(self.home.database, self.home.number + 1)
        fresh = Vectors(self.dimension, self.colour_dimension, self._codes_from, home)
        alive = np.flatnonzero(self.slots() >= 0)
        alive = alive[np.argsort(self.slots()[alive], kind="stable")]
        owners_of_all = self.slots()[alive]
        cuts = np.searchsorted(owners_of_all, owners_of_all[FILED_FROM::FILED_FROM])  # a product's rows stay together
        for some in np.split(alive, cuts):
            owners = self.slots()[some]
            empty = np.empty((len(some), 0), np.float16)
            fresh.append(
                Block(
                    slots=owners,
                    places=[self.place(int(row)) for row in some],
                    pictures=self.pictures.halves(some),
                    colours=empty if self.colours is None else self.colours.halves(some),
                )
            )
        return fresh

    def arrays(self) -> Arrays:
        """All but the originals, for `Vectors.held`."""
        strips = {"slots": self._slots, "pictures": self._pictures, "objects": self._objects}
        strips |= {"begins": self._begins, "counts": self._counts}
        codes = {} if self.codes is None else self.codes.arrays()
        return codes | {name: strip.all() for name, strip in strips.items()}

    def told(self) -> dict[str, Any]:
        """Of the originals, for `Vectors.held`: the generation of their files, rows and checksums."""
        assert self.home is not None
        colours = 0 if self.colours is None else self.colours.checksum()
        return {"home": self.home.number, "rows": self.pictures.filed, "pictures": self.pictures.checksum(), "colours": colours}

    def hold(self, arrays: Mapping[str, NDArray[Any]], told: Mapping[str, Any], home: Home, *, filing: bool) -> None:
        """Be what `arrays` and `told` say; the originals are those at `home`, and later ones go there too where `filing`.

        Raises: Stale.
        """
        self.home = home if filing else None
        try:
            self.pictures = Originals(self.dimension, home.pictures, told["rows"])
            if self.colours is not None:
                self.colours = Originals(self.colour_dimension, home.colours, told["rows"])
        except (OSError, ValueError) as error:  # mmap refuses an empty file with ValueError
            raise Stale(f"{home.pictures.name} cannot be read") from error
        colours = 0 if self.colours is None else self.colours.checksum()
        if (self.pictures.checksum(), colours) != (told["pictures"], told["colours"]) or len(arrays["slots"]) != told["rows"]:
            raise Stale(f"{home.pictures.name} is damaged")
        self._slots = Strip(np.int32, -1, arrays["slots"])
        self._pictures, self._objects = Strip(np.int16, 0, arrays["pictures"]), Strip(np.int16, 0, arrays["objects"])
        self._begins, self._counts = Strip(np.int32, 0, arrays["begins"]), Strip(np.int32, 0, arrays["counts"])
        self._in_step = bool(np.array_equal(arrays["slots"], np.arange(len(self))))
        self._having = None
        self.dead = int(np.count_nonzero(arrays["slots"] < 0))
        self.products = int(np.count_nonzero(arrays["counts"]))
        if {"codes_first", "codes_second"} <= arrays.keys() and len(self) >= self._codes_from:
            self.codes = Codes(self.dimension, (arrays["codes_first"], arrays["codes_second"]))
        self._encode()
