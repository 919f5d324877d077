"""What a run tells those who keep events: each failure as it comes, and at its end what it came to."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lookalike.domain import events
from lookalike.domain.commands import RowFailure
from lookalike.domain.request_id import named
from lookalike.services.events import MOST_FAILURES, ingest_told

if TYPE_CHECKING:
    from ingest.run import Run
    from lookalike.bootstrap import House


@contextmanager
def told(run: "Run", house: "House") -> Iterator[None]:
    """Inside the block the run goes on. Its id is the request's name in logs and in what OpenSearch is asked."""
    heard = 0

    def fail(failure: RowFailure) -> None:
        nonlocal heard
        heard += 1
        if heard <= MOST_FAILURES:
            house.events.tell(events.failed("index", run.id, failure))

    run.on_failure = fail
    with (
        named(run.id),
        ingest_told(house.events, house.figures, house.recipe.id, origin="index", run=run.id, counts=lambda: run.counts) as ended,
    ):
        yield
        ended(run.state)
