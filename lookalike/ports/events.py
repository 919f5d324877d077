"""Where events go: searches, what shoppers do with the hits, ingests, failures, the state of a server."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Event = Mapping[str, Any]
"""JSON with `event_id`, `timestamp`, `kind` and `application`, and the fields of its kind (mappings/opensearch/README.md)."""


class EventSink(Protocol):
    """Takes events for good. One thread calls it, and nobody waits for it."""

    def write(self, events: Sequence[Event]) -> int:
        """Store events; the same one twice counts once where the place can tell. How many it refuses, now and for ever.

        Raises: Unavailable, IndexProblem, StorageFull where none of them is stored and a later attempt may succeed.
        """

    def close(self) -> None:
        """Give back files and connections; a `write` that waits ends soon."""
