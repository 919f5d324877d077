"""What every AnalysisCache promises."""

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lookalike.domain.analysis import Analysis
from lookalike.domain.geometry import WHOLE, Box
from lookalike.ports.analyses import AnalysisCache, LookKey
from lookalike.testing.documents import make_documents


def seen_pictures(count: int, seed: int = 1) -> dict[LookKey, Analysis]:
    """So many analyses with their keys, awkward on purpose."""
    found: dict[LookKey, Analysis] = {}
    for number, document in enumerate(make_documents(seed, count, plain=True)):
        analysis = replace(document.seen[0].analysis, digest=f"{seed:032x}{number:032x}")
        found[LookKey(analysis.digest, analysis.recipe_id)] = analysis
    return found


def same(one: Analysis | None, other: Analysis) -> bool:
    """Equal to the last digit, vectors included."""
    return (
        one == other
        and one is not None
        and all(
            np.array_equal(mine.vector, theirs.vector)
            and np.array_equal(mine.colour_vector, theirs.colour_vector)
            and mine.vector.dtype == np.float32
            for mine, theirs in zip(one.objects, other.objects, strict=True)
        )
    )


class AnalysisCacheContract:
    """`make_cache` gives an empty cache with room for a hundred analyses."""

    def make_cache(self) -> AnalysisCache:
        """A cache; for tests that need a place, override a fixture and keep the place in `self`."""
        raise NotImplementedError

    def test_what_is_kept_is_found_to_the_last_digit(self) -> None:
        """So it does not matter who looked first."""
        cache, seen = self.make_cache(), seen_pictures(50)
        assert cache.find(list(seen)) == {}
        cache.keep(seen)
        found = cache.find(list(seen))
        assert all(same(found.get(key), one) for key, one in seen.items())
        assert cache.find([]) == {}
        cache.keep({})
        cache.close()

    def test_everything_that_an_analysis_depends_on_counts(self) -> None:
        """Other bytes, another recipe, another box: not seen yet. The whole box is another question than none."""
        cache, (key, analysis) = self.make_cache(), next(iter(seen_pictures(1).items()))
        part = LookKey(key.digest, key.recipe_id, Box(0.1, 0.2, 0.30000000000000004, 0.9))
        cache.keep({key: analysis, part: replace(analysis, phash="0" * 16)})
        others = [
            LookKey("f" * 64, key.recipe_id),
            LookKey(key.digest, "other@0"),
            LookKey(key.digest, key.recipe_id, WHOLE),
            LookKey(key.digest, key.recipe_id, Box(0.1, 0.2, 0.3, 0.9)),
        ]
        found = cache.find([key, part, *others])
        assert set(found) == {key, part}
        assert (found[key].phash, found[part].phash) == (analysis.phash, "0" * 16)
        cache.close()

    def test_the_later_analysis_stays(self) -> None:
        """Keeping again replaces."""
        cache, (key, analysis) = self.make_cache(), next(iter(seen_pictures(1).items()))
        cache.keep({key: analysis})
        cache.keep({key: replace(analysis, width=7)})
        assert cache.find([key])[key].width == 7
        cache.close()

    def test_threads_may_use_it_at_once(self) -> None:
        """Each finds what it kept."""
        cache, wrong = self.make_cache(), list[str]()

        def work(number: int) -> Callable[[], None]:
            def run() -> None:
                for key, analysis in seen_pictures(10, seed=number).items():
                    cache.keep({key: analysis})
                    if not same(cache.find([key]).get(key), analysis):
                        wrong.append(key.digest)

            return run

        threads = [threading.Thread(target=work(number)) for number in range(2, 10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not wrong
        cache.close()

    def test_after_closing_it_finds_and_keeps_nothing(self) -> None:
        """And raises nothing."""
        cache, seen = self.make_cache(), seen_pictures(1)
        cache.close()
        cache.keep(seen)
        assert cache.find(list(seen)) == {}
        cache.close()
