"""Looking at the same bytes once, ever: across products, runs, threads and restarts."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime

from lookalike.domain.analysis import Analysis, Recipe
from lookalike.domain.picture import digest_of
from lookalike.errors import PictureUnreadable, Unavailable
from lookalike.ports.analyses import AnalysisCache, LookKey
from lookalike.ports.vision import Look, PictureAnalyser

Result = Analysis | PictureUnreadable


class RememberingAnalyser:
    """PictureAnalyser that asks `analyser` only for what `analyses` does not remember, and what nobody else is asking for now.

    For the catalogue's pictures, not for shoppers': what it sees is kept. Pictures that cannot be read are not remembered:
    another limit or a newer decoder may read them. `looked` counts the pictures that were really analysed, `remembered`
    those that were not.
    """

    def __init__(self, analyser: PictureAnalyser, analyses: AnalysisCache) -> None:
        self.recipe = analyser.recipe
        self.looked = self.remembered = 0
        self._analyser, self._analyses = analyser, analyses
        self._lock = threading.Lock()
        self._coming: dict[LookKey, Future[Result | None]] = {}

    def analyse(self, looks: Sequence[Look], deadline: float | None = None) -> list[Result]:
        """One result for each look, in order. Raises: Unavailable past the deadline, Overloaded."""
        keys = [LookKey(digest_of(look.content), self.recipe.id, look.box) for look in looks]
        wanted = dict(zip(keys, looks, strict=True))
        found: dict[LookKey, Result] = {}
        looked = 0
        while missing := {key: look for key, look in wanted.items() if key not in found}:
            mine, others = self._claim(missing)
            try:
                known = self._analyses.find(list(mine))
                found |= known
                seen = self._seen({key: look for key, look in mine.items() if key not in known}, deadline)
                looked += len(seen)
                found |= seen
            finally:  # after it is kept: who asks from now on finds it
                self._release(mine, found)
            for key, coming in others.items():
                result = _awaited(coming, deadline)
                if result is not None:  # else who looked at it failed, and we try ourselves
                    found[key] = result
        with self._lock:
            self.looked += looked
            self.remembered += len(looks) - looked
        return [found[key] for key in keys]

    def without_networks(self, reason: str, message: str) -> "RememberedLooks":
        """Who tells what is remembered, and of all else that it cannot be read, for this reason. Nothing of it is to be closed."""
        return RememberedLooks(self.recipe, self._analyses, lambda: PictureUnreadable(reason, message))

    def close(self) -> None:
        """Give back what the analyser and the cache hold."""
        self._analyser.close()
        self._analyses.close()

    def _claim(self, missing: dict[LookKey, Look]) -> tuple[dict[LookKey, Look], dict[LookKey, "Future[Result | None]"]]:
        """What is ours to look at, and what is being looked at."""
        with self._lock:
            others = {key: self._coming[key] for key in missing if key in self._coming}
            mine = {key: look for key, look in missing.items() if key not in others}
            self._coming |= {key: Future() for key in mine}
        return mine, others

    def _seen(self, looks: dict[LookKey, Look], deadline: float | None) -> dict[LookKey, Result]:
        if not looks:
            return {}
        results = dict(zip(looks, self._analyser.analyse(list(looks.values()), deadline), strict=True))
        self._analyses.keep({key: one for key, one in results.items() if isinstance(one, Analysis)})
        return results

    def _release(self, mine: dict[LookKey, Look], found: dict[LookKey, Result]) -> None:
        with self._lock:
            coming = {key: self._coming.pop(key) for key in mine}
        for key, one in coming.items():
            one.set_result(found.get(key))


class RememberedLooks:
    """PictureAnalyser that looks at nothing: what `analyses` has, and `unreadable()` for what it has not."""

    def __init__(self, recipe: Recipe, analyses: AnalysisCache, unreadable: Callable[[], PictureUnreadable]) -> None:
        self.recipe, self._analyses, self._unreadable = recipe, analyses, unreadable

    def analyse(self, looks: Sequence[Look], deadline: float | None = None) -> list[Result]:
        """One result for each look, in order."""
        keys = [LookKey(digest_of(look.content), self.recipe.id, look.box) for look in looks]
        known = self._analyses.find(list(dict.fromkeys(keys)))
        return [known.get(key) or self._unreadable() for key in keys]

    def close(self) -> None:
        """Nothing: the cache is somebody else's."""


def _awaited(coming: "Future[Result | None]", deadline: float | None) -> Result | None:
    try:
        return coming.result(None if deadline is None else max(0.0, deadline - time.monotonic()))
    except NotInTime as error:
        raise Unavailable("The networks did not come to this picture in time; try again in a moment.", 2.0) from error
