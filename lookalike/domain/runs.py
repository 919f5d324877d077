"""What is remembered of a run over a catalogue, and of a bulk job."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OPEN_STATES = frozenset({"queued", "running"})
STATES = ("queued", "running", "done", "failed", "cancelled", "killed")
"""`done`: to the end, whatever rows failed. `failed`: an error ended it. `cancelled`: somebody stopped it, cleanly. `killed`: its
process ended without a word."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run or job as the ledger tells it. `kind` is index, replay or bulk; times are ISO 8601.

    `scope` names the catalogue whose products it brings; `position` is the last row whose outcome is durable, rows count
    from 1; `total` how many there are, where that is known. `counts` are those of its report.
    """

    id: str
    kind: str
    state: str
    started: str
    updated: str
    finished: str | None = None
    source: str | None = None
    scope: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    total: int | None = None
    position: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    message: str | None = None
    dead_letters: str | None = None

    def as_json(self) -> dict[str, object]:
        """For `lookalike index --runs`."""
        return {
            "run": self.id,
            "kind": self.kind,
            "state": self.state,
            "source": self.source,
            "scope": self.scope,
            "options": dict(self.options),
            "started": self.started,
            "updated": self.updated,
            "finished": self.finished,
            "total": self.total,
            "position": self.position,
            "counts": dict(self.counts),
            "message": self.message,
            "dead_letters": self.dead_letters,
        }
