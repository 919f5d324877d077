"""Dead letters: what failed in a run, a line of JSON each, with all that is needed to try it again."""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from lookalike.catalogues.files import count_lines, existing
from lookalike.catalogues.jsonl import told_row
from lookalike.catalogues.rows import RowReader, reader_for
from lookalike.domain.commands import RowFailure
from lookalike.domain.product import Product, parse_product
from lookalike.domain.values import strict_json
from lookalike.errors import InvalidInput, StorageFull
from lookalike.ports.catalogue import CatalogueOptions, SourceRow
from lookalike.ports.engine import SearchEngine
from lookalike.runners.ledger import Ledger
from lookalike.services.changes import Change

_PICTURES = ("picture_unreadable", "picture_unavailable")


class DeadLetters:
    """Writes them: `{"row", "id", "reason", "message", "run"}` with the `product` where the row was one, else its `content`.

    The file is made with the first. Raises: StorageFull.
    """

    def __init__(self, path: Path | None, run_id: str) -> None:
        self._path, self._run_id = path, run_id
        self._file: TextIO | None = None

    @property
    def path(self) -> Path | None:
        """The file, where there is one by now."""
        return self._path if self._file is not None else None

    @property
    def told(self) -> str | None:
        """The same for reports."""
        return None if self.path is None else str(self.path)

    def write(self, failure: RowFailure, product: Product | None) -> None:
        """One more; it is in the file on return."""
        if self._path is None:
            return
        told = failure.as_json() | {"run": self._run_id}
        told |= {"content": failure.content} if product is None else {"product": product.as_json()}
        try:
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("w", encoding="utf-8", errors="backslashreplace")
            self._file.write(json.dumps(told, ensure_ascii=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise StorageFull(f"The dead letters cannot be written to {self._path}: {error.strerror}.") from error

    def move_to(self, path: Path) -> None:
        """The file lies there now."""
        self._path = path

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # what a full disk refused was told by `write`
                self._file.close()


class Letters:
    """Reads them, to be tried again under the options of the run that wrote them."""

    def __init__(self, file: str, ledger: Ledger, options: CatalogueOptions) -> None:
        """`options` of the caller beat those of the run. Raises: InvalidInput where there is no such file."""
        self.path = existing(file)
        self.run_id = self._first_run()
        record = ledger.find(self.run_id)
        told: dict[str, Any] = dict(record.options) if record is not None else {}
        self.scope = None if record is None else record.scope
        source = self.path if record is None or record.source is None else Path(record.source)
        mapping = options.mapping or told.get("map") or {}
        self._reader: RowReader = reader_for(CatalogueOptions(mapping, options.pictures or told.get("pictures")), source)

    def newer_run(self, ledger: Ledger) -> str | None:
        """A later run that read the same catalogue to its end: it has tried all of this again already."""
        if self.scope is None:
            return None
        for record in ledger.latest(1000, scope=self.scope):
            if record.id == self.run_id:
                return None
            if record.kind == "index" and record.state == "done" and not record.options.get("limit"):
                return record.id
        return None

    def changes(self, engine: SearchEngine) -> Iterator[Change | RowFailure]:
        """What each letter asks for. Where a product is there already, for want of its picture only, only the picture is
        tried again: its other fields may have changed since."""
        for told, row in self._letters():
            if isinstance(row, RowFailure):
                yield row
                continue
            product = row.product
            if told.get("reason") in _PICTURES and engine.digests([product.id]):
                yield Change(row.row, "patch", product.id, product, {"pictures": product.pictures})
            else:
                yield Change(row.row, "put", product.id, product)

    def size(self) -> int | None:
        """How many there are."""
        return count_lines(self.path, None)

    def left(self) -> DeadLetters:
        """Where those go that fail again: beside the file, until `settle`."""
        return DeadLetters(self.path.with_name(self.path.name + ".part"), self.run_id)

    def settle(self, left: DeadLetters, *, whole: bool) -> None:
        """After a replay of the `whole` file it holds what is `left`, at once; else it stays as it was. Raises: StorageFull."""
        left.close()
        try:
            if not whole:
                if left.path is not None:
                    left.path.unlink(missing_ok=True)
            elif left.path is None:
                os.truncate(self.path, 0)
            else:
                left.path.replace(self.path)
                left.move_to(self.path)
        except OSError as error:
            raise StorageFull(f"{self.path} cannot be replaced: {error.strerror}. Replay it again: that does no harm.") from error

    def _letters(self) -> Iterator[tuple[dict[str, Any], SourceRow | RowFailure]]:
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    told, row = self._letter(number, line.decode("utf-8", "backslashreplace"))
                    yield told, row

    def _letter(self, number: int, line: str) -> tuple[dict[str, Any], SourceRow | RowFailure]:
        try:
            told = strict_json(line)
        except ValueError as error:
            return {}, RowFailure(number, None, "not_json", f"Line {number} of {self.path.name} is no JSON: {error}.", line)
        if not isinstance(told, dict) or not isinstance(told.get("row"), int):
            return {}, RowFailure(number, None, "invalid", f"Line {number} of {self.path.name} is no dead letter.", told)
        return told, self._row(told)

    def _row(self, told: dict[str, Any]) -> SourceRow | RowFailure:
        number, content = told["row"], told.get("content")
        try:
            if told.get("product") is not None:
                return SourceRow(number, parse_product(told["product"]))
            if isinstance(content, str):
                return told_row(number, content, self._reader)
            if isinstance(content, dict):
                return SourceRow(number, self._reader.product(content))
        except InvalidInput as error:
            name = told.get("id")
            return RowFailure(number, name if isinstance(name, str) else None, "invalid", str(error), told.get("product") or content)
        failure = RowFailure(number, None, str(told.get("reason")), str(told.get("message")), content)
        return replace(failure, message=f"{failure.message} It cannot be tried again as it is: correct the source, or 'content' here.")

    def _first_run(self) -> str:
        with self.path.open("rb") as file:
            first = file.readline()
        try:
            told = strict_json(first.decode("utf-8", "backslashreplace")) if first.strip() else {}
        except ValueError:
            told = {}
        found = told.get("run") if isinstance(told, dict) else None
        return found if isinstance(found, str) else ""
