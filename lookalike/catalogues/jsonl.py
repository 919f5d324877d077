"""JSON Lines: one product a line; unknown fields become attributes, `--map` renames."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from lookalike.catalogues.files import count_lines, existing, lines_of
from lookalike.catalogues.rows import RowReader, reader_for
from lookalike.domain.commands import RowFailure
from lookalike.domain.values import strict_json
from lookalike.errors import InvalidInput
from lookalike.ports.catalogue import CatalogueOptions, SourceRow

LONGEST_LINE = 100_000_000


class JsonLinesCatalogue:
    """Products of a .jsonl file, perhaps gzipped. A row's number is its line."""

    def __init__(self, path: Path, options: CatalogueOptions) -> None:
        self._path, self._options = path, options
        self._reader = reader_for(options, path)

    def rows(self) -> Iterator[SourceRow | RowFailure]:
        """Every line that is not blank."""
        for number, line in islice(lines_of(self._path, LONGEST_LINE), self._options.limit):
            yield line if isinstance(line, RowFailure) else _row(number, line, self._reader)

    def size(self) -> int | None:
        """The number of lines; None for a gzipped file."""
        return count_lines(self._path, self._options.limit)


def _row(number: int, line: bytes, reader: RowReader) -> SourceRow | RowFailure:
    try:
        return told_row(number, line.decode(), reader)
    except UnicodeDecodeError as error:
        message = f"The line is not UTF-8: {error.reason} at byte {error.start}."
        return RowFailure(number, None, "not_utf8", message, line.decode("utf-8", "backslashreplace"))


def told_row(number: int, text: str, reader: RowReader) -> SourceRow | RowFailure:
    """The product that a line of JSON means."""
    try:
        told = strict_json(text)
    except ValueError as error:
        return RowFailure(number, None, "not_json", f"The line is no JSON: {error}.", text)
    if not isinstance(told, dict):
        return RowFailure(number, None, "invalid", "The line is no JSON object; a product is one.", text)
    try:
        return SourceRow(number, reader.product(told))
    except InvalidInput as error:
        return RowFailure(number, reader.name_of(told), "invalid", str(error), told)


def open_jsonl(source: str, options: CatalogueOptions) -> JsonLinesCatalogue:
    """The catalogue in a file. Raises: InvalidInput where there is none."""
    return JsonLinesCatalogue(existing(source), options)
