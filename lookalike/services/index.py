"""Many changes at full speed: while the networks look at some batches, others are fetched, and finished ones are written."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass

from lookalike.ports.vision import PictureAnalyser
from lookalike.services.changes import Change, Outcome
from lookalike.services.intake import Batch, Intake

BATCH_ROWS = 64
FIRST_ROWS = 8
"""The first batch is this small and each next one twice as large, so that soon something is done, whatever happens then."""
AHEAD = 2
"""Batches that wait with their bytes for the networks: one alone would leave them idle while it is exchanged."""
WIDEST = 3
"""Batches at the networks at once: the last pictures of one and the first of the next keep all threads busy."""


LIGHT = 1 / 8
"""So much of a row is one that needs no picture, a patch of a price or a removal: what each batch costs is shared by more."""
BATCH_BYTES = 24_000_000
"""Where pictures are large, batches have fewer rows: about so many bytes of pictures each."""


@dataclass(slots=True)
class _Step:
    batch: Future[Batch]
    ids: frozenset[str]


class Indexer:
    """Runs an `Intake` over a stream of changes; outcomes come in the order of the changes, after they are durable.

    Changes of one product happen in their order: a batch holds no product twice, and waits until earlier batches with one
    of its products are written.
    """

    def __init__(self, intake: Intake, batch_rows: int = BATCH_ROWS) -> None:
        self._intake, self._batch_rows = intake, batch_rows

    def by(self, analyser: PictureAnalyser) -> "Indexer":
        """The same with another who looks."""
        return Indexer(self._intake.by(analyser), self._batch_rows)

    def run(
        self, changes: Iterable[Change], cancelled: Callable[[], bool] = lambda: False, first_rows: int = FIRST_ROWS
    ) -> Iterator[Outcome]:
        """What became of each change. `cancelled` is asked before a batch is begun: nothing of that batch is written before.

        Once it says so, what the networks have begun is finished and written, and nothing else begun.
        Raises: IndexProblem, Unavailable; what was yielded before is done.
        """
        with ThreadPoolExecutor(AHEAD + WIDEST + 1, thread_name_prefix="lookalike-intake") as pool:
            flow = _Flow(self._intake, pool, self._batch_rows, first_rows)
            try:
                for rows in flow.batches(changes):
                    if cancelled():
                        flow.drop()
                        break
                    while flow.clashes(rows):
                        yield from flow.advance()
                    flow.start(rows)
                    while flow.full:
                        yield from flow.advance()
                while flow.busy:
                    yield from flow.advance()
            finally:
                flow.abandon()


class _Flow:
    """The batches of one run on their way: first being fetched, then looked at; in order throughout."""

    def __init__(self, intake: Intake, pool: ThreadPoolExecutor, most_rows: int, first_rows: int) -> None:
        self._intake, self._pool, self._most_rows, self._first_rows = intake, pool, most_rows, first_rows
        self._fetching: deque[_Step] = deque()
        self._looking: deque[_Step] = deque()
        self._busy: set[str] = set()
        self._bytes_a_row = 0.0

    @property
    def full(self) -> bool:
        """Whether enough is on its way."""
        return len(self._fetching) > AHEAD

    @property
    def busy(self) -> bool:
        """Whether anything is."""
        return bool(self._fetching or self._looking)

    def clashes(self, rows: list[Change]) -> bool:
        """Whether a product of these is on its way already."""
        return not self._busy.isdisjoint(row.id for row in rows)

    def start(self, rows: list[Change]) -> None:
        """Send a batch on its way."""
        step = _Step(self._pool.submit(copy_context().run, self._intake.read, rows), frozenset(row.id for row in rows))
        self._busy |= step.ids
        self._fetching.append(step)

    def advance(self) -> list[Outcome]:
        """Write the oldest batch if it is looked at, or if the networks have enough to do; else hand them the next."""
        if self._looking and (self._looking[0].batch.done() or len(self._looking) >= WIDEST or not self._fetching):
            step = self._looking.popleft()
            outcomes = self._intake.write(step.batch.result())
            self._busy -= step.ids
            return outcomes
        step = self._fetching.popleft()
        fetched = step.batch.result()
        if fetched.wanted:
            self._bytes_a_row = sum(map(len, fetched.wanted.values())) / len(step.ids)
        step.batch = self._pool.submit(copy_context().run, self._intake.look, fetched)
        self._looking.append(step)
        return []

    def drop(self) -> None:
        """Forget the batches that the networks have not begun."""
        for step in self._fetching:
            step.batch.cancel()
        self._fetching.clear()

    def abandon(self) -> None:
        """Start nothing more of what waits."""
        for step in (*self._fetching, *self._looking):
            step.batch.cancel()

    def batches(self, changes: Iterable[Change]) -> Iterator[list[Change]]:
        """Changes in batches that hold no product twice."""
        size = min(self._first_rows, self._most_rows)
        rows: list[Change] = []
        ids: set[str] = set()
        weight = 0.0
        for change in changes:
            if change.id in ids or weight >= size:
                yield rows
                rows, ids, weight = [], set(), 0.0
                size = min(size * 2, self._most_rows, max(4, int(BATCH_BYTES / max(1.0, self._bytes_a_row))))
            rows.append(change)
            ids.add(change.id)
            weight += 1 if change.looks else LIGHT
        if rows:
            yield rows
