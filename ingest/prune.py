"""Pruning: products that a catalogue no longer has leave the index; unless that looks like a mistake."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lookalike.ports.engine import SearchEngine
from lookalike.runners.ledger import Ledger
from lookalike.runners.members import Stray

SHARE = 0.5


@dataclass(frozen=True, slots=True)
class PruneRule:
    """Whether to prune. `share` is the largest part of a catalogue's products that may go; `force` sets both guards aside."""

    wanted: bool = False
    share: float = SHARE
    force: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """How a pass over a source went: what decides whether products that it did not see are gone.

    `known` counts the catalogue's products before it, `rows` those that it read, `unnamed` rows that could not be read so
    far that their product's id is known.
    """

    state: str
    known: int
    rows: int
    unnamed: int
    changed: bool = False
    """The source's file changed while it was read."""
    truncated: bool = False
    """The source itself said that it ends before it should."""


def objection(rule: PruneRule, reading: Reading) -> str | None:
    """Why this reading proves nothing of what it did not see; None where it does."""
    if reading.state != "done" or reading.truncated:
        return "The source was not read to its end, so nothing is removed."
    if reading.changed:
        return "The source changed while it was read, so nothing is removed. Run again when it is whole."
    if not reading.rows:
        return "The source holds no product, so nothing is removed: an empty source is taken for a mistake."
    if reading.unnamed and not rule.force:
        return (
            f"{reading.unnamed:,} rows could not be read, and nobody knows which products they are, so nothing is removed. "
            "Mend them, or say --force."
        )
    return None


def too_many(rule: PruneRule, reading: Reading, gone: int) -> str | None:
    """Why so many products are not removed; None where they may be."""
    if rule.force or gone <= rule.share * reading.known:
        return None
    return (
        f"{gone:,} of the catalogue's {reading.known:,} products would be removed, {gone / max(1, reading.known):.0%}, "
        f"and at most {rule.share:.0%} may be: nothing is removed. If that is right, say --force or a larger --prune-share."
    )


def gone(pages: Iterable[Sequence[Stray]], engine: SearchEngine) -> Iterable[tuple[list[str], list[str]]]:
    """Page by page: the strays that leave the index, and all that are members no longer (another catalogue may have them)."""
    for page in pages:
        there = engine.digests([name for name, shared in page if not shared])
        yield [name for name, shared in page if not shared and name in there], [name for name, _ in page]


def remove(ledger: Ledger, engine: SearchEngine, scope: str, run_id: str) -> Iterable[int]:
    """Remove what the run did not see, a page at a time; each figure is how many more are durably gone.

    A kill in between leaves members whose product is gone: the next run removes them too. Raises: IndexProblem, Unavailable.
    """
    for leaving, released in gone(ledger.members.strays(scope, run_id), engine):
        removed = sum(engine.remove(leaving)) if leaving else 0
        ledger.members.release(scope, released)
        yield removed
