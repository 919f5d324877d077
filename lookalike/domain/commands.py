"""What can be asked of the house to be done in the background."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

TRUNCATED = "truncated"
"""The reason of a failure which says that the source ends before it should: what comes after is not known."""


@dataclass(frozen=True, slots=True)
class RowFailure:
    """A row that did not arrive whole: rows count from 1; `reason` is a short code.

    `content` is what the source held there (text, cells, or columns with their cells), so that it can be replayed; reports
    leave it out.
    """

    row: int
    id: str | None
    reason: str
    message: str
    content: Any = field(default=None, compare=False)

    def as_json(self) -> dict[str, object]:
        """For reports and jobs."""
        return {"row": self.row, "id": self.id, "reason": self.reason, "message": self.message}


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One row of a bulk change: `op` is put, patch or delete; `told` the product or patch as JSON, unchecked."""

    row: int
    op: str
    id: str | None
    told: Mapping[str, Any] | None


class ChangeRows(Protocol):
    """Rows that are counted, and read one by one where they are wanted: a tuple, or what streams them from a file."""

    def __len__(self) -> int:
        """How many, those that cannot be parsed included."""

    def __iter__(self) -> Iterator[ChangeRow | RowFailure]:
        """Each in turn; one that cannot even be parsed is a failure."""


@dataclass(frozen=True, slots=True)
class ApplyChanges:
    """Put, patch and remove products, row by row. Who is done with it closes it."""

    rows: ChangeRows

    def __len__(self) -> int:
        return len(self.rows)

    def close(self) -> None:
        """Give back the file that the rows may be in."""
        close = getattr(self.rows, "close", None)
        if close is not None:
            close()


Command = ApplyChanges


@dataclass(slots=True)
class Progress:
    """How far a command is; the runner's ticket shows it."""

    total: int = 0
    done: int = 0
    unchanged: int = 0
    failures: list[RowFailure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A command's state: queued, running, done, failed or cancelled; times are ISO 8601."""

    id: str
    state: str
    created: str
    finished: str | None = None
    total: int = 0
    done: int = 0
    unchanged: int = 0
    failed: int = 0
    failures: tuple[RowFailure, ...] = ()
    message: str | None = None

    def as_json(self) -> dict[str, object]:
        """The job of interfaces.md."""
        told: dict[str, object] = {
            "id": self.id,
            "state": self.state,
            "counts": {"total": self.total, "done": self.done, "unchanged": self.unchanged, "failed": self.failed},
            "errors": [one.as_json() for one in self.failures],
            "created": self.created,
            "finished": self.finished,
        }
        return told if self.message is None else told | {"message": self.message}
