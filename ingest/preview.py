"""What a run would do: nothing is written, no network runs, and the web is left alone."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from ingest import prune
from ingest.run import MOST_TOLD, Watch, joined
from lookalike.domain.commands import TRUNCATED, RowFailure
from lookalike.ports.catalogue import SourceRow
from lookalike.ports.engine import SearchEngine
from lookalike.ports.pictures import PictureStore
from lookalike.runners.ledger import Ledger
from lookalike.services.catalogue import failure_of
from lookalike.services.changes import Change, Foreseen, LeftAlone, Outcome
from lookalike.services.index import BATCH_ROWS
from lookalike.services.intake import Intake


class Preview:
    """What a run over a source would add, change, leave unchanged, remove and fail to read; a reason for each.

    `intake` reads with `NotFetched` pictures. Files are read and compared; a picture of the web is taken for what it was.
    """

    def __init__(self, intake: Intake, engine: SearchEngine, ledger: Ledger, scope: str) -> None:
        self.would = {"add": 0, "change": 0, "unchanged": 0, "remove": 0, "fail": 0}
        self.changes: list[dict[str, object]] = []
        self.failures: list[RowFailure] = []
        self.prune_refused: str | None = None
        self._intake, self._engine, self._ledger, self._scope = intake, engine, ledger, scope
        self._read = self._unnamed = 0
        self._truncated = False
        self._seconds = 0.0

    def go(
        self,
        rows: Iterable[Change | RowFailure],
        rule: prune.PruneRule,
        watch: Watch = lambda _done, _failed: None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Go through it all; False where it was stopped before the end. Raises: InvalidInput, IndexProblem, Unavailable."""
        began = time.monotonic()
        known = self._ledger.members.count(self._scope)
        with self._ledger.members.sighting(self._scope) as sighting:
            whole = True
            for batch in self._batches(rows):
                if stopping():
                    whole = False
                    break
                sighting.see([one.id for one in batch if one.id is not None])
                for one in self._intake.foresee([one for one in batch if isinstance(one, Change)]):
                    self._tell(one)
                watch(self._read, self.would["fail"])
            if rule.wanted:
                state, rows_read = "done" if whole else "cancelled", self._read - self._unnamed
                reading = prune.Reading(state, known, rows_read, self._unnamed, truncated=self._truncated)
                self.prune_refused = prune.objection(rule, reading)
                pages = prune.gone(sighting.strays(), self._engine) if self.prune_refused is None else ()
                for name in chain.from_iterable(leaving for leaving, _ in pages):
                    self._note(None, name, "remove", "the source no longer has it")
                self.prune_refused = self.prune_refused or prune.too_many(rule, reading, self.would["remove"])
        self._seconds = time.monotonic() - began
        return whole

    def take(self, row: SourceRow) -> None:
        """Report the fields that a row lost."""
        if row.lost:
            self._fail(joined(row.lost))

    def as_json(self) -> dict[str, object]:
        """The report: that of a run in which nothing was indexed, with what it would have done."""
        counts = {"read": self._read, "indexed": 0, "unchanged": self.would["unchanged"], "removed": 0, "failed": self.would["fail"]}
        told: dict[str, object] = {
            "run": None,
            "dry_run": True,
            "counts": counts,
            "would": dict(self.would),
            "changes": self.changes,
            "seconds": round(self._seconds, 3),
            "failures": [one.as_json() for one in sorted(self.failures, key=lambda one: one.row)],
            "dead_letters": None,
        }
        return told if self.prune_refused is None else told | {"prune_refused": self.prune_refused}

    def _batches(self, rows: Iterable[Change | RowFailure]) -> Iterator[list[Change | RowFailure]]:
        batch: list[Change | RowFailure] = []
        ids: set[str | None] = set()
        for row in rows:
            self._read += 1
            if isinstance(row, RowFailure):
                self._unnamed += row.id is None
                self._truncated |= row.reason == TRUNCATED
                self._fail(row)
            elif row.id in ids:
                yield batch
                batch, ids = [], set()
            batch.append(row)
            ids.add(row.id)
            if len(batch) >= BATCH_ROWS:
                yield batch
                batch, ids = [], set()
        yield batch

    def _tell(self, one: Foreseen) -> None:
        self._note(one.change.row, one.change.id, one.what, one.reason)
        failure = failure_of(Outcome(one.change, one.what, failures=one.failures))
        if failure is not None:
            self._fail(failure)

    def _note(self, row: int | None, name: str, what: str, reason: str) -> None:
        self.would[what] += 1
        if what != "unchanged" and len(self.changes) < MOST_TOLD:
            self.changes.append({"row": row, "id": name, "what": what, "reason": reason})

    def _fail(self, failure: RowFailure) -> None:
        self.would["fail"] += 1
        if len(self.failures) < MOST_TOLD:
            self.failures.append(failure)


class NotFetched:
    """PictureStore that leaves the web alone; files and kept bytes are read."""

    def __init__(self, pictures: PictureStore) -> None:
        self._pictures = pictures

    def fetch(self, reference: str) -> bytes:
        """The bytes. Raises: PictureUnavailable."""
        if reference[:4].lower() == "http":
            raise LeftAlone
        return self._pictures.fetch(reference)

    def keep(self, content: bytes) -> str:
        """Never called: nothing is looked at."""
        raise LeftAlone

    def forget(self, reference: str) -> None:
        """Nothing was kept."""
