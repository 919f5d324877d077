"""How many products have vectors: what decides, before a search, whether all of them are compared or the graph is asked."""

import time

_TRUSTED_SECONDS = 1.0
"""Longer a number is not believed, for other processes write too. One that is a moment too old makes a search slower or, in the last
digits of its recall, coarser; never wrong."""


class VectorCount:
    """The number that a search was told last. Threads may share it."""

    def __init__(self) -> None:
        self._told: tuple[str, int, float] | None = None

    def of(self, index: str) -> int | None:
        """The number of an index, if it is known."""
        told = self._told
        if told is None or told[0] != index or time.monotonic() - told[2] > _TRUSTED_SECONDS:
            return None
        return told[1]

    def learn(self, index: str, many: int) -> None:
        """What a search was told."""
        self._told = index, many, time.monotonic()

    def forget(self) -> None:
        """After a write of our own: what is read next is to be as it is now."""
        self._told = None
