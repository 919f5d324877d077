"""BM25 written from its formula: https://www.sqlite.org/fts5.html#the_bm25_function."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from lookalike.domain.document import Document
from lookalike.engines import words


class TextIndex:
    """The stems of every product's texts."""

    def __init__(self) -> None:
        self._texts: dict[str, list[Counter[str]]] = {}

    def put(self, document: Document) -> None:
        """Keep, or replace, one product's words."""
        self._texts[document.id] = [Counter(words.stem(word) for word in words.tokens(text)) for text in words.texts_of(document)]

    def remove(self, name: str) -> None:
        """Forget one product's words."""
        self._texts.pop(name, None)

    def scores(self, asked: Collection[str], allowed: Iterable[str]) -> dict[str, float]:
        """id → 0…1 for the products of the whole index that match: all words, and some words where few have all.

        Products with all words come above .5, those with some below; BM25 is divided by the best of either set. Whether few
        have all of them is asked among `allowed`.
        """
        if not asked or not self._texts:
            return {}
        frequencies = {name: self._weighted(texts, asked) for name, texts in self._texts.items()}
        rarity = {word: self._idf(sum(1 for found in frequencies.values() if found[word])) for word in asked}
        sizes = {name: sum(text.total() for text in texts) for name, texts in self._texts.items()}
        average = sum(sizes.values()) / len(sizes)

        def bm25(name: str) -> float:
            long = words.K1 * (1 - words.B + words.B * sizes[name] / average)
            return sum(rarity[word] * (often * (words.K1 + 1)) / (often + long) for word, often in frequencies[name].items() if often)

        every = {name: bm25(name) for name, found in frequencies.items() if all(found.values())}
        found = {name: 0.5 + 0.5 * score / max(every.values()) for name, score in every.items()}
        if sum(1 for name in allowed if name in every) < words.ENOUGH:
            some = {name: bm25(name) for name, one in frequencies.items() if any(one.values()) and name not in every}
            found |= {name: 0.5 * score / max(some.values()) for name, score in some.items()}
        return found

    def _weighted(self, texts: list[Counter[str]], asked: Collection[str]) -> Mapping[str, float]:
        weights = words.COLUMNS.values()
        return {word: sum(weight * text[word] for weight, text in zip(weights, texts, strict=True)) for word in asked}

    def _idf(self, products: int) -> float:
        return max(1e-6, math.log((len(self._texts) - products + 0.5) / (products + 0.5)))
