"""CSV in whatever dialect and encoding a shop exports: the header names the columns."""

import csv
import io
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from lookalike.catalogues.files import Unpacked, count_lines, cut_off, existing
from lookalike.catalogues.rows import reader_for
from lookalike.catalogues.text import kind_of, typed
from lookalike.domain.commands import RowFailure
from lookalike.errors import InvalidInput
from lookalike.ports.catalogue import CatalogueOptions, SourceRow

_SAMPLE_BYTES = 1 << 18
_SAMPLE_ROWS = 500
_DELIMITERS = ",;\t|"
Row = tuple[int, list[str] | csv.Error | RowFailure]
"""A row's number from 1 after the header, and its cells or what is wrong with them."""


class CsvCatalogue:
    """Products of a CSV file. Unmapped columns become attributes; a column is of numbers where its first 500 rows are."""

    def __init__(self, path: Path, options: CatalogueOptions) -> None:
        self._path, self._options = path, options
        self._reader = reader_for(options, path)
        with Unpacked(path) as file:
            sample = file.read(_SAMPLE_BYTES)
        self._encoding = _encoding(sample)
        first = sample.decode(self._encoding, "replace").lstrip("\ufeff").split("\n", 1)[0]
        self._delimiter = max(_DELIMITERS, key=first.count)
        self._columns = self._header()

    def rows(self) -> Iterator[SourceRow | RowFailure]:
        """Every row after the header; rows count from 1 after it."""
        lines = self._lines()
        sample = list(islice(lines, _SAMPLE_ROWS))
        whole = [cells for _, cells in sample if isinstance(cells, list) and len(cells) == len(self._columns)]
        kinds = [kind_of([cells[place].strip() for cells in whole]) for place in range(len(self._columns))]
        plan = self._reader.plan(self._columns)
        loose = {name for ours, names in plan.items() if ours.startswith("attributes.") for name in names}
        kinds = [kind if name in loose else "text" for name, kind in zip(self._columns, kinds, strict=True)]
        for number, cells in islice(chain(sample, lines), self._options.limit):
            yield self._row(number, cells, kinds)

    def size(self) -> int | None:
        """The number of lines after the header: a row with a line break in a cell counts twice."""
        lines = count_lines(self._path, None if self._options.limit is None else self._options.limit + 1)
        return None if lines is None else max(0, lines - 1)

    def _header(self) -> list[str]:
        with self._text(Unpacked(self._path)) as file:
            header = next(csv.reader(file, delimiter=self._delimiter), [])
        columns = [one.strip() for one in header]
        if not any(columns):
            raise InvalidInput.at("", f"{self._path.name} has no header: its first line must name the columns.")
        doubled = sorted({one for one in columns if one and columns.count(one) > 1})
        if doubled:
            raise InvalidInput.at("", f"{self._path.name} names the column {doubled[0]!r} twice; rename one.")
        for ours, theirs in self._options.mapping.items():
            named = theirs.split(">" if ours == "category" else "+")
            lacking = [] if theirs in columns else [one for one in named if one.strip() not in columns]
            if lacking:
                raise InvalidInput.at("--map", f"There is no column {lacking[0].strip()!r}. Columns: {', '.join(columns)}.")
        if "id" not in self._reader.plan(columns):
            raise InvalidInput.at("", f"No column is the product's id; say which: --map id=COLUMN. Columns: {', '.join(columns)}.")
        return columns

    def _text(self, stream: Unpacked) -> io.TextIOWrapper:
        # Bytes that do not belong to the encoding become surrogates, so that only their own rows fail.
        return io.TextIOWrapper(stream, encoding=self._encoding, errors="surrogateescape", newline="")

    def _lines(self) -> Iterator[Row]:
        """Every row; where a damaged file ends, that row, which may be cut, is told as such."""
        stream, held = Unpacked(self._path), None
        for row in self._whole_lines(stream):
            if held is not None:
                yield held
            held = row
        if stream.damage is not None:
            number = 1 if held is None else held[0]
            yield number, cut_off(number, stream.damage)
        elif held is not None:
            yield held

    def _whole_lines(self, stream: Unpacked) -> Iterator[Row]:
        with self._text(stream) as file:
            reader = csv.reader(file, delimiter=self._delimiter)
            next(reader, None)
            number = 0
            while True:
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    number += 1
                    yield number, error
                    continue
                if cells:
                    number += 1
                    yield number, cells

    def _row(self, number: int, cells: list[str] | csv.Error | RowFailure, kinds: list[str]) -> SourceRow | RowFailure:
        if isinstance(cells, RowFailure):
            return cells
        if isinstance(cells, csv.Error):
            return RowFailure(number, None, "not_csv", f"The row cannot be read: {cells}. Is a quotation mark left open?")
        if len(cells) > len(self._columns):
            message = f"The row has {len(cells)} cells, but there are {len(self._columns)} columns: quote cells that hold the delimiter."
            return RowFailure(number, None, "not_csv", message, cells)
        told = {name: typed(cell.strip(), kind) for name, cell, kind in zip(self._columns, cells, kinds, strict=False) if name}
        try:
            return SourceRow(number, self._reader.product({name: told.get(name, "") for name in self._columns if name}))
        except InvalidInput as error:
            return RowFailure(number, self._reader.name_of(told), "invalid", str(error), told)


def _encoding(sample: bytes) -> str:
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 4:  # not merely a character that the sample's end cuts
            # Nearly all of it is UTF-8: then the damage is in single rows. Else it is what Windows writes.
            bad = len(sample.decode("utf-8", "surrogateescape")) - len(sample.decode("utf-8", "ignore"))
            good = sum(one > 127 for one in sample) - bad
            return "utf-8-sig" if good > 4 * bad else "cp1252"
    return "utf-8-sig"


def open_csv(source: str, options: CatalogueOptions) -> CsvCatalogue:
    """The catalogue in a file. Raises: InvalidInput where there is none, or its header cannot do."""
    return CsvCatalogue(existing(source), options)
