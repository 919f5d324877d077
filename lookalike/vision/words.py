"""From the network's 1000 labels to words that a shopper would use."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Tag

SHOWN_SCORE = 0.10
SHOWN_MOST = 4


@dataclass(frozen=True, slots=True)
class ShopWords:
    """`words`: the readable names. Probability of label `labels[i]` counts for word `places[i]`."""

    words: tuple[str, ...]
    labels: NDArray[np.intp]
    places: NDArray[np.intp]

    def tags(self, probabilities: NDArray[np.float32]) -> tuple[Tag, ...]:
        """The likeliest words first, those above `SHOWN_SCORE`, at most `SHOWN_MOST`; () without probabilities."""
        if len(probabilities) == 0:
            return ()
        mass = np.bincount(self.places, weights=probabilities[self.labels], minlength=len(self.words))
        likely = np.flatnonzero(mass >= SHOWN_SCORE)
        best = likely[np.argsort(-mass[likely], kind="stable")][:SHOWN_MOST]
        return tuple(Tag(self.words[int(n)], min(float(mass[n]), 1.0)) for n in best)


@lru_cache(maxsize=1)
def shop_words() -> ShopWords:
    """The reviewed list that ships with us: label number → word, with a parent word where there is one."""
    told = json.loads((resources.files("lookalike.vision") / "data" / "shop_words.json").read_text(encoding="utf-8"))
    named: Mapping[str, str] = told["labels"]
    parents: Mapping[str, str] = told["parents"]
    words = tuple(sorted({*named.values(), *parents.values()}))
    at = {word: row for row, word in enumerate(words)}
    pairs = [(int(label), at[word]) for label, word in named.items()]
    pairs += [(int(label), at[parents[word]]) for label, word in named.items() if word in parents]
    labels, places = np.array(pairs, np.intp).T.copy()
    return ShopWords(words, labels, places)


def probabilities_of(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Softmax of each row."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)
