"""Texts that people complete while they type: folded once, searched as one long string."""

import bisect
import itertools
import re
from collections.abc import Iterator, Sequence

from lookalike.domain.values import Scalar
from lookalike.engines.words import folded


class FoldedTexts:
    """The strings among a column's values, which only ever grow."""

    def __init__(self, values: Sequence[Scalar]) -> None:
        self._values = values
        self._lines: list[str] = []
        self._starts: list[int] = []
        self._text = ""

    def starting(self, prefix: str) -> Iterator[tuple[int, str]]:
        """(code, text) of those in which some word starts with the folded `prefix`, as `words.starts_a_word` has it."""
        self._follow()
        last = -1
        for found in re.finditer(rf"(?m)(?:^|(?<=[\W_])(?=[^\W_])){re.escape(prefix)}", self._text):
            code = bisect.bisect_right(self._starts, found.start()) - 1
            value = self._values[code]
            if code != last and isinstance(value, str):
                yield code, value
            last = code

    def _follow(self) -> None:
        known = len(self._lines)
        if known == len(self._values):
            return
        fresh = self._values[known:]
        self._lines += [folded(one).replace("\n", " ") if isinstance(one, str) else "" for one in fresh]
        self._starts = [0, *itertools.accumulate(len(line) + 1 for line in self._lines)][: len(self._lines)]
        self._text = "\n".join(self._lines)
