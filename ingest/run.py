"""One reading of a catalogue into an index: counts, failures, dead letters."""

import datetime
import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from lookalike.domain.commands import RowFailure
from lookalike.domain.product import Product
from lookalike.errors import StorageFull
from lookalike.ports.catalogue import CatalogueSource
from lookalike.services.catalogue import failure_of
from lookalike.services.index import Indexer
from lookalike.services.intake import Change, Outcome

MOST_TOLD = 1000
"""Failures that a report lists; the dead letters hold all."""
Watch = Callable[[int, int], None]
"""Is told, after every change, how many rows are done and how many of them failed."""


class Run:
    """A run with its id. What it counts as indexed, unchanged or removed is durable.

    `folder`: where dead letters go, as `dead-letters/RUN.jsonl`: a failure a line, with the product where there is one.
    A product whose picture, or one of whose fields, cannot be read counts as indexed and as failed: it is found by the rest,
    and listed. `notes` count what was odd and cost nothing (docs/catalogues.md).
    """

    def __init__(self, indexer: Indexer, folder: Path | None) -> None:
        self.id = f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        self.counts = {"read": 0, "indexed": 0, "unchanged": 0, "removed": 0, "failed": 0}
        self.failures: list[RowFailure] = []
        self.notes: Counter[str] = Counter()
        self._indexer, self._folder = indexer, folder
        self._letters: TextIO | None = None
        self._letters_path: Path | None = None
        self._began, self._seconds = time.monotonic(), 0.0

    def read(self, source: CatalogueSource, watch: Watch = lambda _done, _failed: None) -> None:
        """Read it all. Raises: InvalidInput where there is no source, IndexProblem, Unavailable; what is counted is done."""
        self._began = time.monotonic()
        try:
            for outcome in self._indexer.run(self._changes(source)):
                self._count(outcome)
                watch(self.counts["indexed"] + self.counts["unchanged"] + self.counts["failed"], self.counts["failed"])
        finally:
            self._seconds = time.monotonic() - self._began
            if self._letters is not None:
                self._letters.close()

    def as_json(self) -> dict[str, object]:
        """The report of interfaces.md, with `notes` where there are some."""
        report: dict[str, object] = {
            "run": self.id,
            "counts": dict(self.counts),
            "seconds": round(self._seconds, 3),
            "failures": [one.as_json() for one in sorted(self.failures, key=lambda one: one.row)],
            "dead_letters": None if self._letters_path is None else str(self._letters_path),
        }
        return report | {"notes": dict(sorted(self.notes.items()))} if self.notes else report

    def _changes(self, source: CatalogueSource) -> Iterator[Change]:
        for row in source.rows():
            self.counts["read"] += 1
            if isinstance(row, RowFailure):
                self._fail(row, None)
                continue
            self.notes.update(row.notes)
            if row.lost:
                self._fail(_joined(row.lost), row.product)
            yield Change(row.row, "put", row.product.id, row.product)

    def _count(self, outcome: Outcome) -> None:
        if outcome.state != "failed":
            self.counts[outcome.state] += 1
        failure = failure_of(outcome)
        if failure is not None:
            self._fail(failure, outcome.change.product)

    def _fail(self, failure: RowFailure, product: Product | None) -> None:
        self.counts["failed"] += 1
        if len(self.failures) < MOST_TOLD:
            self.failures.append(failure)
        if self._folder is None:
            return
        told = failure.as_json() | {"product": None if product is None else _brief(product)}
        try:
            self._write(self._folder / "dead-letters" / f"{self.id}.jsonl", json.dumps(told, ensure_ascii=False) + "\n")
        except OSError as error:
            raise StorageFull(f"The dead letters cannot be written: {error.strerror}.") from error

    def _write(self, path: Path, line: str) -> None:
        if self._letters is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._letters, self._letters_path = path.open("a", encoding="utf-8", errors="backslashreplace"), path
        self._letters.write(line)
        self._letters.flush()


def _joined(lost: Sequence[RowFailure]) -> RowFailure:
    """One report of a row: it counts once, however many of its fields are lost."""
    first = lost[0]
    return RowFailure(first.row, first.id, first.reason, " ".join(one.message for one in lost))


def _brief(product: Product) -> dict[str, object]:
    """The product as JSON, without the megabytes of pictures that it may carry itself."""
    told = product.as_json()
    told["pictures"] = [one if len(one) < 10_000 else one[:60] + "…" for one in product.pictures]
    return told
