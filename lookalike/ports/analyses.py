"""What was seen, by the digest of the bytes: nothing is analysed twice."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lookalike.domain.analysis import Analysis
from lookalike.domain.geometry import Box


@dataclass(frozen=True, slots=True)
class LookKey:
    """All that an analysis depends on: SHA-256 of the encoded bytes in hex, the recipe's id, the box that was asked for."""

    digest: str
    recipe_id: str
    box: Box | None = None


def name_of(key: LookKey) -> bytes:
    """Twenty bytes that stand for a key wherever analyses are kept."""
    box = "" if key.box is None else repr((key.box.left, key.box.top, key.box.right, key.box.bottom))
    return hashlib.blake2b(f"{key.digest}\n{key.recipe_id}\n{box}".encode(), digest_size=20).digest()


class AnalysisCache(Protocol):
    """Remembers analyses across products, runs and restarts, as long as there is room. Threads and processes may use it at once.

    It only saves work: where it cannot be read or written it finds and keeps nothing, and raises nothing.
    """

    def find(self, keys: Sequence[LookKey]) -> dict[LookKey, Analysis]:
        """What is remembered of these, equal to what was kept to the last digit; `took_ms` is empty."""

    def keep(self, seen: Mapping[LookKey, Analysis]) -> None:
        """Remember; a key that is known gets the new analysis."""

    def close(self) -> None:
        """Give back files."""
