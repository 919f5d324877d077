"""Documents of an export into an index: what is there already is passed over, so that an interrupted import just goes on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lookalike.domain.document import Document
from lookalike.ports.engine import SearchEngine, Write


@dataclass(frozen=True, slots=True)
class Imported:
    """How far an import is: documents that were written, and those that the index had, with this very digest."""

    written: int = 0
    unchanged: int = 0


def import_documents(batches: Iterable[list[Document]], engine: SearchEngine) -> Iterator[Imported]:
    """Put documents into an index that is prepared for their recipe; tells after every batch how far it is.

    What is told is durable. Of documents with one id the last counts. Raises: what `batches` raises; IndexProblem; Unavailable.
    """
    so_far = Imported()
    for batch in batches:
        last = {one.id: one for one in batch}
        known = engine.digests(list(last))
        writes = [Write(one) for name, one in last.items() if not one.digest or known.get(name) != one.digest]
        if writes:
            engine.put(writes)
        unchanged = len(last) - len(writes)
        so_far = Imported(so_far.written + len(batch) - unchanged, so_far.unchanged + unchanged)
        yield so_far
