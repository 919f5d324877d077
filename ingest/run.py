"""One reading of a catalogue into an index: counts, failures, dead letters, and its entry in the ledger."""

import datetime
import logging
import secrets
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest import prune
from ingest.letters import DeadLetters
from ingest.sending import RunsChanges
from lookalike.domain.commands import TRUNCATED, RowFailure
from lookalike.domain.product import Product
from lookalike.errors import InvalidInput, LookalikeError
from lookalike.ports.catalogue import CatalogueSource, SourceRow
from lookalike.ports.engine import SearchEngine
from lookalike.runners.ledger import Ledger
from lookalike.runners.threads import never_interrupting
from lookalike.services.catalogue import failure_of
from lookalike.services.changes import Change, Outcome

MOST_TOLD = 1000
"""Failures that a report lists; the dead letters hold all."""
Watch = Callable[[int, int], None]
"""Is told, after every change, how many rows are done and how many of them failed."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Start:
    """What the ledger is told of a run when it begins; see `RunRecord`."""

    kind: str
    source: str
    scope: str | None
    options: Mapping[str, Any] = field(default_factory=dict)
    total: int | None = None


class Run:
    """A run with its id. What it counts as indexed, unchanged or removed is durable.

    `letters`: where failures go; by default to `dead-letters/RUN.jsonl` in `folder`, made with the first.
    A product whose picture, or one of whose fields, cannot be read counts as indexed and as failed: it is found by the rest,
    and listed. `notes` count what was odd and cost nothing (docs/catalogues.md).
    """

    def __init__(self, start: Start, indexer: RunsChanges, ledger: Ledger, folder: Path | None, letters: DeadLetters | None = None) -> None:
        self.id = f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        self.counts = {"read": 0, "indexed": 0, "unchanged": 0, "removed": 0, "failed": 0}
        self.failures: list[RowFailure] = []
        self.notes: Counter[str] = Counter()
        self.state = "running"
        self.prune_refused: str | None = None
        self.on_failure: Callable[[RowFailure], None] = lambda _: None
        self._start, self._indexer, self._ledger = start, indexer, ledger
        self.letters = letters or DeadLetters(folder and folder / "dead-letters" / f"{self.id}.jsonl", self.id)
        self._began, self._seconds = time.monotonic(), 0.0
        self._position = self._unnamed = self._known = 0
        self._truncated = False
        self._seen: list[str] = []

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """The ledger has the run from here on; when the block ends, it knows how."""
        if self._start.scope is not None:
            self._known = self._ledger.members.count(self._start.scope)
        start = self._start
        self._ledger.begin(
            self.id, start.kind, source=start.source, scope=start.scope, options=start.options, total=start.total, counts=self.counts
        )
        message: str | None = None
        try:
            yield
        except BaseException as error:
            self.state = "cancelled" if isinstance(error, KeyboardInterrupt) else "failed"
            message = str(error) or type(error).__name__
            raise
        finally:
            self._seconds = time.monotonic() - self._began
            self.letters.close()
            try:
                self._ledger.end(
                    self.id,
                    self.state,
                    position=self._position,
                    counts=self.counts,
                    message=message or self.prune_refused,
                    dead_letters=self.letters.told,
                )
            except LookalikeError as error:
                _log.warning("The end of run %s cannot be noted: %s", self.id, error)

    def go(
        self,
        rows: Iterable[Change | RowFailure],
        watch: Watch = lambda _done, _failed: None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """Do it all; `stopping` is asked before every batch. Raises: InvalidInput where the source cannot be read on,
        IndexProblem, Unavailable; what is counted by then is done."""

        def stop() -> bool:
            # What is about to be written is noted first as seen: a kill must not leave a product that no catalogue owns.
            self._ledger.note(self.id, position=self._position, counts=self.counts, seen=self._seen)
            self._seen.clear()
            return stopping()

        with never_interrupting():
            for outcome in self._indexer.run(self._changes(rows), stop):
                self._count(outcome)
                watch(self.counts["indexed"] + self.counts["unchanged"] + self.counts["failed"], self.counts["failed"])
        self._ledger.note(self.id, position=self._position, counts=self.counts, seen=self._seen)
        self._seen.clear()
        self.state = "cancelled" if stopping() else "done"

    def prune(self, rule: prune.PruneRule, engine: SearchEngine, *, changed: bool, stopping: Callable[[], bool] = lambda: False) -> None:
        """Remove what the source no longer has; where that may be a mistake, `prune_refused` says why not.

        `changed`: the source is another than when the run began. Raises: IndexProblem, Unavailable.
        """
        scope = self._start.scope
        assert scope is not None
        rows = self.counts["read"] - self._unnamed
        reading = prune.Reading(self.state, self._known, rows, self._unnamed, changed, self._truncated)
        self.prune_refused = prune.objection(rule, reading)
        if self.prune_refused is None:
            many = sum(len(leaving) for leaving, _ in prune.gone(self._ledger.members.strays(scope, self.id), engine))
            self.prune_refused = prune.too_many(rule, reading, many)
        if self.prune_refused is None:
            for removed in prune.remove(self._ledger, engine, scope, self.id):
                self.counts["removed"] += removed
                if stopping():
                    self.state = "cancelled"
                    return

    def as_json(self) -> dict[str, object]:
        """The report of interfaces.md."""
        told: dict[str, object] = {
            "run": self.id,
            "state": self.state,
            "counts": dict(self.counts),
            "seconds": round(self._seconds, 3),
            "failures": [one.as_json() for one in sorted(self.failures, key=lambda one: one.row)],
            "dead_letters": self.letters.told,
        }
        told |= {"notes": dict(sorted(self.notes.items()))} if self.notes else {}
        return told if self.prune_refused is None else told | {"prune_refused": self.prune_refused}

    def take(self, row: SourceRow) -> None:
        """Count what was odd in a row that arrives, and report the fields that it lost."""
        self.notes.update(row.notes)
        if row.lost:
            self._fail(joined(row.lost), row.product)

    def _changes(self, rows: Iterable[Change | RowFailure]) -> Iterator[Change]:
        for row in rows:
            self.counts["read"] += 1
            name = row.id
            if name is not None:
                # the id of a row that is wrong may hold what UTF-8 cannot write; no product is called so
                self._seen.append(name.encode("utf-8", "replace").decode())
            if isinstance(row, RowFailure):
                self._unnamed += name is None
                self._truncated |= row.reason == TRUNCATED
                self._fail(row, None)
            else:
                yield row

    def _count(self, outcome: Outcome) -> None:
        self._position = outcome.change.row
        if outcome.state != "failed":
            self.counts[outcome.state] += 1
        failure = failure_of(outcome)
        if failure is not None:
            self._fail(failure, outcome.change.product)

    def _fail(self, failure: RowFailure, product: Product | None) -> None:
        self.counts["failed"] += 1
        if len(self.failures) < MOST_TOLD:
            self.failures.append(failure)
        self.letters.write(failure, product)
        self.on_failure(failure)


def joined(lost: Sequence[RowFailure]) -> RowFailure:
    """One report of a row: it counts once, however many of its fields are lost."""
    first = lost[0]
    return RowFailure(first.row, first.id, first.reason, " ".join(one.message for one in lost))


def puts(source: CatalogueSource, take: Callable[[SourceRow], object] = lambda _: None) -> Iterator[Change | RowFailure]:
    """Every row of a source as a change; `take` sees each that arrives. Raises: InvalidInput where it breaks off."""
    last = 0
    try:
        for row in source.rows():
            last = row.row
            if isinstance(row, SourceRow):
                take(row)
                yield Change(row.row, "put", row.product.id, row.product)
            else:
                yield row
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput.at(
            "", f"The source broke off after row {last:,}: {error}. What it told before is indexed; the rest is not."
        ) from error
