"""From the network's 1000 labels to words that a shopper would use."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Tag

# Of the words shown three in four are right from here on: docs/decisions/0015.
SHOWN_SCORE = 0.25
SHOWN_MOST = 4


@dataclass(frozen=True, slots=True)
class ShopWords:
    """`words`: the readable names. Probability of label `labels[i]` counts for the word whose part of `labels` it is in.

    `starts`: where each word's labels begin.
    """

    words: tuple[str, ...]
    labels: NDArray[np.intp]
    starts: NDArray[np.intp]

    def tags(self, probabilities: NDArray[np.float32]) -> tuple[Tag, ...]:
        """As `tags_of` one picture; () without probabilities."""
        return self.tags_of(probabilities[None])[0] if len(probabilities) else ()

    def tags_of(self, probabilities: NDArray[np.float32]) -> list[tuple[Tag, ...]]:
        """For each row the likeliest words first, those above `SHOWN_SCORE`, at most `SHOWN_MOST`."""
        mass = np.add.reduceat(probabilities[:, self.labels], self.starts, axis=1)
        rows, places = np.nonzero(mass >= SHOWN_SCORE)
        found: list[list[tuple[float, int]]] = [[] for _ in mass]
        for row, place, score in zip(rows.tolist(), places.tolist(), mass[rows, places].tolist(), strict=True):
            found[row].append((-score, place))
        return [tuple(Tag(self.words[place], min(-score, 1.0)) for score, place in sorted(likely)[:SHOWN_MOST]) for likely in found]


@lru_cache(maxsize=1)
def shop_words() -> ShopWords:
    """The reviewed list that ships with us: label number → word, with the wider words above it."""
    told = json.loads((resources.files("lookalike.vision") / "data" / "shop_words.json").read_text(encoding="utf-8"))
    named: Mapping[str, str] = told["labels"]
    parents: Mapping[str, str] = told["parents"]
    words = tuple(sorted({*named.values(), *parents.values()}))
    at = {word: row for row, word in enumerate(words)}
    pairs = [(int(label), at[word]) for label, word in named.items()]
    for label, word in named.items():
        wider = parents.get(word)
        while wider is not None:
            pairs.append((int(label), at[wider]))
            wider = parents.get(wider)
    labels, places = np.array(sorted(pairs, key=lambda pair: pair[1]), np.intp).T.copy()
    return ShopWords(words, labels, np.searchsorted(places, np.arange(len(words))))


def probabilities_of(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Softmax of each row."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)
