"""Where commands run."""

from typing import Protocol

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
        """Finish what runs, drop what waits."""
