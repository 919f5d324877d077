"""Whether an open index can still be read: its file may be damaged under a running process, which has only a part in memory."""

import random
from collections.abc import Iterator

from lookalike.domain.document import Document
from lookalike.engines import words
from lookalike.engines.embedded import text
from lookalike.engines.embedded.store import Store
from lookalike.errors import IndexDamaged

_THOROUGH = 20
_SEARCHED = 2
"""So many of them are searched for as shoppers do, which costs more."""
_TRIES = 50


class Health:
    """What readiness asks of a store. Threads may use it at once.

    Every look reads one product, taken by chance, and its words. Where that fails, or a search met damage since, twenty are
    read, by connections that remember nothing: one damaged product of many does not make an index useless, and a damaged file
    that was put right is well again.
    """

    def __init__(self) -> None:
        self._random = random.Random()  # noqa: S311 - no secret
        self._met: IndexDamaged | None = None

    def met(self, damage: IndexDamaged) -> None:
        """A search, or whatever else was asked, found damage."""
        self._met = damage

    def look(self, store: Store) -> None:
        """Read a little. Raises: IndexDamaged where the index cannot be relied on; Unavailable, IndexProblem."""
        if self._met is None:
            try:
                self._read(store, 1)
            except IndexDamaged as error:
                self.met(error)
        if self._met is not None:
            store.database.renew()
            self._read(store, _THOROUGH)
            self._met = None

    def _read(self, store: Store, many: int) -> None:
        with store.lock.reading():
            if store.closed:
                return
            for number, document in enumerate(self._sample(store, many)):
                asked = list(words.query_words(document.product.title or ""))[:2]
                if many > 1 and number < _SEARCHED and asked:
                    text.scores(store.database, asked, store.state.alive())
                for word in asked:
                    text.one_with(store.database, word)

    def _sample(self, store: Store, many: int) -> Iterator[Document]:
        """Living products, read and verified; of few the same one more than once."""
        state, found = store.state, 0
        for _ in range(_TRIES * many if state.count else 0):
            slot = self._random.randrange(state.size)
            if slot not in state:
                continue
            document = store.in_slot(slot)
            found += 1
            if document is not None:
                yield document
            if found == many:
                return
