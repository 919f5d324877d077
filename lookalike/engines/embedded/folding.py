"""Texts that people complete while they type: folded once, searched as one long string."""

import itertools
import re
from collections.abc import Iterator

import numpy as np

from lookalike.engines.embedded.pool import Pool
from lookalike.engines.words import folded


class FoldedTexts:
    """The strings among a column's values, which only ever grow."""

    def __init__(self, values: Pool) -> None:
        self._values = values
        self._starts = np.zeros(1, np.int64)
        """Where each line of the text begins, and where the next one will."""
        self._text = ""

    def starting(self, prefix: str) -> Iterator[tuple[int, str]]:
        """(code, text) of those in which some word starts with the folded `prefix`, as `words.starts_a_word` has it."""
        self._follow()
        last = -1
        for found in re.finditer(rf"(?m)(?:^|(?<=[\W_])(?=[^\W_])){re.escape(prefix)}", self._text):
            code = int(self._starts.searchsorted(found.start(), "right")) - 1
            if code != last and code < len(self._values) and self._values[code][:1] != "\0":
                yield code, self._values[code]
            last = code

    def _follow(self) -> None:
        known = len(self._starts) - 1
        if known == len(self._values):
            return
        lines = [folded(one).replace("\n", " ") if one[:1] != "\0" else "" for one in self._values.texts(known)]
        ends = self._starts[-1] + np.fromiter(itertools.accumulate(len(line) + 1 for line in lines), np.int64, len(lines))
        self._text = f"{self._text}{chr(10).join(lines)}\n"
        self._starts = np.concatenate([self._starts, ends])
