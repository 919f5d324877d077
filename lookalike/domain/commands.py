"""What can be asked of the house to be done in the background."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class RowFailure:
    """A row that did not arrive whole: rows count from 1; `reason` is a short code."""

    row: int
    id: str | None
    reason: str
    message: str

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


@dataclass(frozen=True, slots=True)
class ApplyChanges:
    """Put, patch and remove products, row by row; rows that could not even be parsed are failures already."""

    rows: tuple[ChangeRow, ...]
    failures: tuple[RowFailure, ...] = ()


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
