"""A run whose rows are indexed by workers: the same stream of changes in, the same stream of outcomes out."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from lookalike.bootstrap import House
from lookalike.ports.runner import CarriesChunks
from lookalike.runners.chunks import chunked
from lookalike.services.carried import line_of, outcome_of_line
from lookalike.services.changes import Change, Outcome


class RunsChanges(Protocol):
    """What makes outcomes of changes: this process' own indexer, or the workers."""

    def run(self, changes: Iterable[Change], cancelled: Callable[[], bool] = lambda: False) -> Iterator[Outcome]:
        """What became of each change, once it is durable."""


def indexer_of(house: House) -> RunsChanges:
    """The workers where the runner can carry rows to them, else this process."""
    return SentIndexer(house.runner) if isinstance(house.runner, CarriesChunks) else house.indexer


class SentIndexer:
    """Sends changes to workers in chunks; the outcomes come back in the order of the changes."""

    def __init__(self, runner: CarriesChunks) -> None:
        self._runner = runner

    def run(self, changes: Iterable[Change], cancelled: Callable[[], bool] = lambda: False) -> Iterator[Outcome]:
        """As `Indexer.run`; a change that no worker could do is a failure. Raises: IndexProblem, Unavailable."""
        sent: dict[int, Change] = {}
        for lines in self._runner.carry(chunked(_lines(changes, sent)), cancelled):
            for line in lines:
                number, outcome = outcome_of_line(line, sent)
                del sent[number]
                yield outcome


def _lines(changes: Iterable[Change], sent: dict[int, Change]) -> Iterator[tuple[str, str]]:
    """Changes as lines; on the way each has a number of its own, for two dead letters may be of one row."""
    for number, change in enumerate(changes):
        sent[number] = change
        yield line_of(number, change), change.id
