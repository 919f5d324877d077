"""What adapters can do besides: tell how much they have to do, and of themselves what `status` would be too slow for."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class CountsWaiting(Protocol):
    """An analyser, a runner: how much waits."""

    def waiting(self) -> int | None:
        """Pictures, or commands, that nobody works on yet; None where it cannot be known just now. Quick, and raises nothing."""


@runtime_checkable
class CountsBatches(Protocol):
    """An analyser: how many pictures were looked at together."""

    def batches(self) -> Mapping[int, int]:
        """Size of a batch → how many there were, since the process began. Quick, and raises nothing."""


@runtime_checkable
class HasFigures(Protocol):
    """An engine: its own figures, JSON.

    Known names: `version`, `health` (green, yellow, red), `size_bytes` on disk, `knn` (counters of its k-NN, by name).
    """

    def figures(self) -> Mapping[str, Any]:
        """They may take a moment. Raises: Unavailable, IndexProblem."""
