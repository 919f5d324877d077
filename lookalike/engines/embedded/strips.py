"""numpy arrays that grow at their end."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Strip:
    """An array with room behind it. What it begins with may be mapped from a file: writing to it copies single pages."""

    def __init__(self, dtype: type, fill: float = 0, held: NDArray[Any] | None = None) -> None:
        self._all: NDArray[Any] = np.empty(0, dtype) if held is None else held
        self._fill = fill
        self.size = len(self._all)

    def __len__(self) -> int:
        return self.size

    def resize(self, size: int) -> NDArray[Any]:
        """At least `size` entries, new ones filled; a view of the first `size`, good until the next call."""
        known, held = self.size, self._all
        if size > known:
            if size > len(held):
                held = np.empty(size + size // 4 + 256, held.dtype)  # room that nobody has written to takes no memory
                held[:known] = self._all[:known]
            held[known:size] = self._fill
            self._all, self.size = held, size  # at last: searches beside this one may do the same
        return held[:size]

    def all(self) -> NDArray[Any]:
        """A view of every entry, good until the next call of another method."""
        return self._all[: self.size]

    def append(self, values: object, count: int) -> int:
        """Add `count` values at the end; where they begin."""
        begin = self.size
        self.resize(begin + count)[begin:] = values
        return begin
