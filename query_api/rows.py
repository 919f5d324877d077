"""The rows of a bulk change: spooled to a file as they come, parsed one by one as they are done."""

import errno
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from lookalike.domain.commands import ChangeRow, RowFailure
from lookalike.domain.values import shown, strict_json
from lookalike.errors import InvalidInput, StorageFull
from query_api.problem import HttpProblem

MOST_ROWS = 50_000
MOST_VALUES = 4_000_000
IN_MEMORY = 1 << 20
"""Bodies up to so many bytes need no file."""
_CHUNK = 1 << 18
_OPERATIONS = ("put", "patch", "delete")
_ENVELOPE = frozenset({"op", "id", "product"})
_OF_AN_EXPORT = frozenset({"analysis", "vectors", "digest", "unseen"})
"""What `index-admin export` writes beside a product's fields. The index knows it by the pictures; nobody's word is taken for it."""


class SpooledRows:
    """Lines of JSON in a file without a name, which goes with the process; rows count from 1, blank ones are skipped."""

    def __init__(self, file: IO[bytes], rows: int) -> None:
        self._file, self._rows = file, rows

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Iterator[ChangeRow | RowFailure]:
        self._file.seek(0)
        for number, line in enumerate(self._file, start=1):
            if line.strip():
                yield parsed_row(number, line)

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def spooled(stream: IO[bytes], folder: Path | None) -> SpooledRows:
    """The rows of a body, counted. A larger one lies in `folder` (None: where temporary files do) until it is closed.

    Raises: InvalidInput where there are none, HttpProblem(413), StorageFull.
    """
    place = str(folder) if folder is not None and folder.is_dir() else None
    file = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=place)  # noqa: SIM115 — SpooledRows.close ends it
    try:
        rows = _copy(stream, file)
    except OSError as error:
        file.close()
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise StorageFull(
            "The disk is full: the rows could not be taken. Nothing of them was done; make room, then send them again."
        ) from error
    except BaseException:
        file.close()
        raise
    return SpooledRows(file, rows)


def _copy(stream: IO[bytes], file: "tempfile.SpooledTemporaryFile[bytes]") -> int:
    rows = values = 0
    filled = False
    while chunk := stream.read(_CHUNK):
        file.write(chunk)
        values += chunk.count(b",") + chunk.count(b"[") + chunk.count(b"{")
        if values > MOST_VALUES:
            raise HttpProblem(413, f"The rows hold more than {MOST_VALUES:,} values. Send them in several requests.")
        *ended, last = chunk.split(b"\n")
        for part in ended:
            rows += filled or bool(part.strip())
            filled = False
        filled = filled or bool(last.strip())
        if rows + filled > MOST_ROWS:
            raise HttpProblem(413, f"Found more than {MOST_ROWS:,} rows. Send them in several requests.")
    if not rows + filled:
        raise InvalidInput.at("", "Found no rows; send one product a line.")
    return rows + filled


def parsed_row(number: int, line: bytes) -> ChangeRow | RowFailure:
    """What a line means; one that is no JSON, or none of our shapes, is a failure of that row."""
    try:
        told = strict_json(line.decode("utf-8").strip())
    except UnicodeDecodeError as error:
        return RowFailure(number, None, "not_json", f"The line is not UTF-8: {error.reason} at byte {error.start}.")
    except ValueError as error:
        return RowFailure(number, None, "not_json", f"The line is not JSON: {error}.")
    try:
        return _change(number, told)
    except InvalidInput as error:
        return RowFailure(number, _name(told), "invalid", str(error))


def _change(number: int, told: Any) -> ChangeRow:
    if not isinstance(told, dict):
        raise InvalidInput.at("", f'Found {shown(told)}; a row is an object: a product, or {{"op": …}}.')
    if "op" not in told:
        exported = told.keys() >= _OF_AN_EXPORT
        bare = {name: value for name, value in told.items() if name not in _OF_AN_EXPORT} if exported else told
        return ChangeRow(number, "put", _name(told), bare)
    operation = told["op"]
    if operation not in _OPERATIONS:
        raise InvalidInput.at("op", f"Found {shown(operation)}; an operation is one of {', '.join(_OPERATIONS)}.")
    if unknown := sorted(set(told) - _ENVELOPE):
        raise InvalidInput.at(ascii(unknown[0])[1:-1][:120], "A row with 'op' has 'id' and 'product' beside it, nothing else.")
    product = told.get("product")
    if operation == "delete":
        if product is not None:
            raise InvalidInput.at("product", "A product is deleted by its id alone.")
        if told.get("id") is None:
            raise InvalidInput.at("id", "Which product? An id is needed.")
        return ChangeRow(number, operation, _name(told), None)
    if not isinstance(product, dict):
        raise InvalidInput.at("product", f"Found {shown(product)}; an object is wanted.")
    name = told.get("id", product.get("id"))
    if product.get("id", name) != name:
        raise InvalidInput.at("product.id", f"Found {shown(product['id'])}, but the row's id is {shown(name)}.")
    if name is None:
        raise InvalidInput.at("id", "Which product? An id is needed.")
    return ChangeRow(number, operation, _name({"id": name}), {**product, "id": name})


def _name(told: Any) -> str | None:
    """The id of a row as a string, None where it is something else: for reports, unchecked."""
    name = told.get("id") if isinstance(told, dict) else None
    if isinstance(name, int) and not isinstance(name, bool) and abs(name) < 10**18:
        return str(name)
    return name if isinstance(name, str) else None
