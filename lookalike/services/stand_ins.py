"""What stands in for the networks while nobody is there: the catalogue knows what they said of a picture that looks the same."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

from lookalike.domain.analysis import Analysis
from lookalike.domain.geometry import Box
from lookalike.ports.engine import HashLookup, SearchEngine
from lookalike.ports.vision import Glance

HASH_APART = 2
"""Bits of the perceptual hash that the same picture may be apart: JPEG of quality 40, or half the size, stays within these, and
different pictures hardly ever do (measured for the doctor: services/doctor/duplicates.py)."""
_HASH_BITS = 64
_CANDIDATES = 5


@dataclass(frozen=True, slots=True)
class StoodIn:
    """What is known of a picture without a network. `analysis` is that of `product`'s picture, None where none is the same."""

    glance: Glance
    analysis: Analysis | None = None
    product: str | None = None


class StandIns:
    """Finds stand-ins in an engine by their perceptual hash; an engine that has no `HashLookup` knows none. Threads may call it at once."""

    def __init__(self, engine: SearchEngine, glance: Callable[[bytes], Glance]) -> None:
        self._engine, self._glance = engine, glance

    def find(self, content: bytes, box: Box | None) -> StoodIn:
        """What stands in for an analysis of these bytes. Raises: PictureUnreadable, and what an engine raises."""
        glance = self._glance(content)
        if not isinstance(self._engine, HashLookup) or int(glance.phash, 16) == 0:  # a plain picture's hash says nothing
            return StoodIn(glance)
        near = near_hashes(glance.phash)
        ids = self._engine.with_hashes(near, _CANDIDATES)
        found = [one for one in self._engine.get(ids[:1]) if one is not None]
        if not found:
            return StoodIn(glance)
        order = {one: place for place, one in enumerate(near)}
        seen = min(found[0].seen, key=lambda one: order.get(one.analysis.phash, len(order)), default=None)
        if seen is None:
            return StoodIn(glance)
        objects = seen.analysis.objects if box is None else tuple(sorted(seen.analysis.objects, key=lambda one: -_shared(one.box, box)))
        analysis = replace(
            seen.analysis, objects=objects, digest=glance.digest, width=glance.width, height=glance.height, phash=glance.phash, took_ms={}
        )
        return StoodIn(glance, analysis, found[0].id)


def near_hashes(phash: str) -> list[str]:
    """A hash and all that are up to `HASH_APART` bits from it, the nearest first: 2,081 for 64 bits and 2."""
    value = int(phash, 16)
    changed = (places for apart in range(HASH_APART + 1) for places in itertools.combinations(range(_HASH_BITS), apart))
    return [f"{value ^ sum(1 << place for place in places):016x}" for places in changed]


def _shared(one: Box, other: Box) -> float:
    """Area in common over area together."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    common = max(0.0, width) * max(0.0, height)
    return common / (one.area + other.area - common)
