"""Amazon product data of 2014, 2018 and 2023 (https://amazon-reviews-2023.github.io): a product a line, straight from the .gz.

2014 writes Python literals, 2018 and 2023 JSON. Which layout a file has is seen in its first lines, or said: `--as amazon-2018`.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from lookalike.catalogues.amazon_draft import Draft
from lookalike.catalogues.amazon_layouts import LAYOUTS, marks_of
from lookalike.catalogues.files import count_lines, existing, lines_of
from lookalike.catalogues.literals import parse_literal
from lookalike.catalogues.rows import reader_for
from lookalike.catalogues.text import loose_json
from lookalike.domain.commands import RowFailure
from lookalike.errors import InvalidInput
from lookalike.ports.catalogue import CatalogueOptions, SourceRow

LONGEST_LINE = 4 << 20
"""Bytes; the longest line of the real files has some 300,000."""
LOOKED_AT = 200
"""Lines that are looked at to tell the layout."""
REMEMBERED = 10_000
"""Rows back to which a repeated id is noticed: repetitions stand close together, and memory stays the same."""
_PADDING = b"\x00 \t\r\n"


class AmazonCatalogue:
    """The products of one file. `layout`: "2014", "2018" or "2023"; None looks for itself.

    Of rows with one id all are told, so that the last one counts in an index; a repetition is noted.
    """

    def __init__(self, path: Path, options: CatalogueOptions, layout: str | None = None) -> None:
        self._path, self._options = path, options
        self._reader = reader_for(options, path)
        self._columns = _columns_of(options.mapping)
        self.layout = layout or self._detected()

    def rows(self) -> Iterator[SourceRow | RowFailure]:
        """Every line that is not blank; a row's number is its line."""
        recent: dict[str, None] = {}
        for number, line in islice(lines_of(self._path, LONGEST_LINE), self._options.limit):
            row = line if isinstance(line, RowFailure) else self._row(number, line)
            if isinstance(row, SourceRow):
                name = row.product.id
                if name in recent:
                    row = dataclasses.replace(row, notes=(*row.notes, "duplicate"))
                elif len(recent) >= REMEMBERED:
                    del recent[next(iter(recent))]
                recent[name] = None
            yield row

    def size(self) -> int | None:
        """The number of lines; None for a gzipped file."""
        return count_lines(self._path, self._options.limit)

    def _row(self, number: int, line: bytes) -> SourceRow | RowFailure:
        raw, wrong = _parsed(number, line)
        if raw is None:
            assert wrong is not None
            return wrong
        key, read = LAYOUTS[self.layout]
        name = raw.get(key)
        if name is None or name == "":
            return RowFailure(number, None, "invalid", _no_id(raw, key, self.layout))
        draft = Draft(number, name)
        if wrong is not None:
            draft.lose(wrong.reason, wrong.message)
        if line[:1] == b"\x00":
            draft.note("control_characters")
        read(raw, draft)
        if isinstance(name, str) and name.isalnum():
            draft.told["url"] = f"https://www.amazon.com/dp/{name}"
        if self._columns:
            draft.told |= _texts_joined(self._reader.fields({one: found for one in self._columns if (found := _dug(raw, one)) is not None}))
        if self._options.pictures is not None:
            draft.told.pop("pictures", None)
        row = draft.finished()
        if self._options.pictures is not None and isinstance(row, SourceRow):
            notes = tuple(one for one in row.notes if one != "no_picture")  # what the data lacks is looked for elsewhere
            row = dataclasses.replace(row, product=self._reader.with_pictures(row.product), notes=notes)
        return row

    def _detected(self) -> str:
        votes = dict.fromkeys([*LAYOUTS, "reviews"], 0)
        looked, wrong = 0, ""
        for number, line in islice(lines_of(self._path, LONGEST_LINE), LOOKED_AT):
            raw, failure = (None, line) if isinstance(line, RowFailure) else _parsed(number, line)
            looked += 1
            if failure is not None and not wrong:
                wrong = f" Line {number}: {failure.message}"
            if raw is not None:
                for layout, marks in marks_of(raw).items():
                    votes[layout] += marks
        best = max(LAYOUTS, key=lambda one: votes[one])
        if votes["reviews"] > votes[best]:
            raise InvalidInput.at("", f"{self._path.name} holds reviews. Index the file of products; its name begins with meta_.")
        if looked and not votes[best]:
            raise InvalidInput.at(
                "",
                f"None of the first {looked} lines of {self._path.name} looks like Amazon product data of "
                f"{', '.join(LAYOUTS)}. If you know which it is, say so: --as amazon-2018. For other files say --as jsonl.{wrong}",
            )
        return best


def _parsed(number: int, line: bytes) -> tuple[Mapping[str, Any] | None, RowFailure | None]:
    """(the object of a line or None, what is wrong): with an object, something of it is lost; without, all."""
    wrong = None
    line = line.strip(_PADDING)
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        text = line.decode(errors="replace")
        wrong = RowFailure(
            number,
            None,
            "not_utf8",
            f"Byte {error.start + 1:,} of the line is not UTF-8 ({error.reason}); what cannot be read became \ufffd.",
        )
    as_json = text.startswith('{"')
    try:
        raw = loose_json(text) if as_json else parse_literal(text)
    except ValueError as error:
        try:
            raw = parse_literal(text) if as_json else loose_json(text)
        except ValueError:
            return None, RowFailure(number, None, "not_json" if as_json else "not_literal", f"The line cannot be read: {error}.")
    if not isinstance(raw, dict):
        return None, RowFailure(number, None, "invalid", "The line is no object; a product is one.")
    return raw, wrong


def _no_id(raw: Mapping[str, Any], key: str, layout: str) -> str:
    marks = marks_of(raw)
    other = max(LAYOUTS, key=lambda one: marks[one])
    if marks["reviews"] > marks[other]:
        return "This is a review, not a product."
    hint = (
        f" It looks like a line of {other}; this file is read as {layout}: --as amazon-{other}." if other != layout and marks[other] else ""
    )
    return f"The line has no {key!r}, which is the product's id.{hint}"


def _columns_of(mapping: Mapping[str, str]) -> list[str]:
    """The columns that --map names, those of joins one by one."""
    return [one for theirs in mapping.values() for one in dict.fromkeys([theirs, *map(str.strip, theirs.replace(">", "+").split("+"))])]


def _dug(raw: Mapping[str, Any], name: str) -> object:
    """A field of the line; "related.also_bought" is one inside another."""
    if name in raw:
        return raw[name]
    found: object = raw
    for step in name.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _texts_joined(told: dict[str, Any]) -> dict[str, Any]:
    """What --map chose, with lists of text made one text where the field is a text."""
    for name in ("title", "description", "brand"):
        if isinstance(value := told.get(name), list):
            told[name] = "\n".join(map(str, value))
    return told


def open_amazon(source: str, options: CatalogueOptions) -> AmazonCatalogue:
    """The products in a file, its layout as seen. Raises: InvalidInput where there is none, or its layout cannot be told."""
    return AmazonCatalogue(existing(source), options)


def open_amazon_2014(source: str, options: CatalogueOptions) -> AmazonCatalogue:
    """The products in a file of the 2014 layout. Raises: InvalidInput where there is none."""
    return AmazonCatalogue(existing(source), options, "2014")


def open_amazon_2018(source: str, options: CatalogueOptions) -> AmazonCatalogue:
    """The products in a file of the 2018 layout. Raises: InvalidInput where there is none."""
    return AmazonCatalogue(existing(source), options, "2018")


def open_amazon_2023(source: str, options: CatalogueOptions) -> AmazonCatalogue:
    """The products in a file of the 2023 layout. Raises: InvalidInput where there is none."""
    return AmazonCatalogue(existing(source), options, "2023")
