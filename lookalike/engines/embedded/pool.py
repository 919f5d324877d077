"""Distinct texts, numbered as they come, at a few bytes beside their own: a million Python strings in a dictionary take 200 MB."""

import itertools
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

_SMALL = 4096
"""Up to so many texts are kept as Python strings: faster, and hardly larger."""
_REMEMBERED = 32_768
"""So many frozen texts that were put again are found as Python strings from then on: prices and brands come again and again."""

Arrays = dict[str, NDArray[Any]]


class Pool:
    """Texts that only ever grow in number. The first ones may lie frozen in arrays (UTF-8, ends, and hashes in order);
    those that came since are Python strings."""

    def __init__(self) -> None:
        self._frozen = 0
        self._blob: memoryview = memoryview(b"")
        self._ends = np.zeros(1, np.int64)
        self._hashes, self._order = np.empty(0, np.uint32), np.empty(0, np.int32)
        self._texts: list[str] = []
        self._codes: dict[str, int] = {}

    def __len__(self) -> int:
        return self._frozen + len(self._texts)

    def __getitem__(self, code: int) -> str:
        if code >= self._frozen:
            return self._texts[code - self._frozen]
        return str(self._blob[self._ends[code] : self._ends[code + 1]], "utf-8", "surrogatepass")

    def texts(self, start: int = 0) -> Iterable[str]:
        """All from number `start` on, in order."""
        return itertools.chain(map(self.__getitem__, range(start, self._frozen)), self._texts[max(0, start - self._frozen) :])

    def find(self, text: str) -> int:
        """The number of a text; -1 where it is not here."""
        code = self._codes.get(text)
        if code is None:
            return self._find_frozen(text) if self._frozen else -1
        return code

    def codes(self, texts: Iterable[str]) -> list[int]:
        """The numbers of some texts; new ones are added."""
        known, texts = self._codes, texts if isinstance(texts, list | tuple) else list(texts)
        found = list(map(known.get, texts))
        if None not in found:
            return cast(list[int], found)
        places = [at for at, seen in enumerate(found) if seen is None]
        for at, frozen in zip(places, self._all_frozen([texts[at] for at in places]), strict=True):
            text, code = texts[at], frozen
            if code < 0:
                code = known.get(text, -1)  # it may have come a moment ago
                if code < 0:
                    code = known[text] = self._frozen + len(self._texts)
                    self._texts.append(text)
            elif len(known) < len(self._texts) + _REMEMBERED:
                known[text] = code
            found[at] = code
        return cast(list[int], found)

    def known(self, texts: Sequence[str]) -> list[int]:
        """The numbers of some texts; -1 for those that are not here."""
        found = list(map(self._codes.get, texts))
        places = [at for at, seen in enumerate(found) if seen is None]
        for at, code in zip(places, self._all_frozen([texts[at] for at in places]), strict=True):
            found[at] = code
        return cast(list[int], found)

    def arrays(self) -> Arrays:
        """All of it, for `Pool.held`. The pool itself is frozen by it."""
        fresh = [text.encode("utf-8", "surrogatepass") for text in self._texts]
        blob = b"".join([self._blob[: int(self._ends[-1])], *fresh])
        lengths = np.fromiter(map(len, fresh), np.int64, len(fresh))
        late = np.fromiter(map(zlib.crc32, fresh), np.uint32, len(fresh))
        sorted_late = np.argsort(late, kind="stable")
        places = self._hashes.searchsorted(late[sorted_late], side="right")  # those that are in order already need no sorting
        hashes = np.insert(self._hashes, places, late[sorted_late])
        order = np.insert(self._order, places, (self._frozen + sorted_late).astype(np.int32))
        ends = np.concatenate([self._ends, self._ends[-1] + np.cumsum(lengths)])
        arrays: Arrays = {"blob": np.frombuffer(blob, np.uint8), "ends": ends, "hashes": hashes, "order": order}
        if self._texts and len(self) > _SMALL:
            self.__dict__.update(Pool.held(arrays).__dict__)  # what was told is smaller than what it was told from
        return arrays

    @classmethod
    def held(cls, arrays: Mapping[str, NDArray[Any]]) -> "Pool":
        """The pool that `arrays` told; it keeps using them."""
        pool = cls()
        pool._blob, pool._ends = arrays["blob"].data, arrays["ends"]
        pool._hashes, pool._order = arrays["hashes"], arrays["order"]
        pool._frozen = len(pool._ends) - 1
        if pool._frozen <= _SMALL:
            texts = list(pool.texts())
            pool = cls()
            pool.codes(texts)
        return pool

    def kept(self, codes: Sequence[int]) -> "Pool":
        """A pool of only those texts, numbered by their place in `codes`."""
        pool = Pool()
        pool.codes(map(self.__getitem__, codes))
        return pool

    def _all_frozen(self, texts: Sequence[str]) -> list[int]:
        """As `_find_frozen`, of many: those whose hash nobody has, which are most, cost no look of their own."""
        if not self._frozen or not texts:
            return [-1] * len(texts)
        raws = [text.encode("utf-8", "surrogatepass") for text in texts]
        wanted = np.fromiter(map(zlib.crc32, raws), np.uint32, len(raws))
        places = self._hashes.searchsorted(wanted)
        found = np.full(len(raws), -1)
        for at in np.flatnonzero(self._hashes[np.minimum(places, self._frozen - 1)] == wanted).tolist():
            found[at] = self._at_frozen(raws[at], wanted[at], int(places[at]))
        return cast(list[int], found.tolist())

    def _find_frozen(self, text: str) -> int:
        raw = text.encode("utf-8", "surrogatepass")
        wanted = np.uint32(zlib.crc32(raw))
        return self._at_frozen(raw, wanted, int(self._hashes.searchsorted(wanted)))

    def _at_frozen(self, raw: bytes, wanted: np.uint32, at: int) -> int:
        while at < self._frozen and self._hashes[at] == wanted:
            code = int(self._order[at])
            if self._blob[self._ends[code] : self._ends[code + 1]] == raw:
                return code
            at += 1
        return -1
