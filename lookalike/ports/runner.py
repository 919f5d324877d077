"""Where commands run."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from lookalike.domain.commands import Command, Ticket


class TaskRunner(Protocol):
    """Runs commands in the background, in the order they came."""

    def submit(self, command: Command) -> Ticket:
        """Take a command; the ticket is `queued`. Raises: Overloaded where too much waits."""

    def ticket(self, ticket_id: str) -> Ticket:
        """The state of a command. Raises: NotFound."""

    def cancel(self, ticket_id: str) -> Ticket:
        """Stop a command before its next row; what is done stays done. Raises: NotFound."""

    def close(self) -> None:
        """Finish what runs, drop what waits; where other processes do the work, it goes on."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that travel together, a line of JSON each, and the products that they change."""

    rows: tuple[str, ...]
    ids: frozenset[str]


@runtime_checkable
class CarriesChunks(Protocol):
    """What a task runner can do besides: carry the rows of one long run to its workers, and back what became of them."""

    def carry(self, chunks: Iterable[Chunk], cancelled: Callable[[], bool] = lambda: False) -> Iterator[Sequence[str]]:
        """For each chunk, in order, a line for each row, once it is durable; chunks with a product in common are done in order.

        Only so many are on their way at once: meanwhile `chunks` is not read on. `cancelled` is asked before each is sent;
        once it says so, what workers have begun is told, and no more. Raises: IndexProblem, Unavailable.
        """
