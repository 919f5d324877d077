"""How far an ingest is, on standard error: a bar with rate and time left for a person, a line now and then for a log."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ingest.run import Watch

LINE_EVERY = 30.0
"""Seconds between two lines of a log."""


@contextmanager
def watching(total: int | None, *, as_json: bool = False) -> Iterator[Watch]:
    """Shows progress while the block runs. `total`: rows, where that is known."""
    if not sys.stderr.isatty():
        if not as_json and total:
            print(f"Reading {total:,} rows …", file=sys.stderr)
        yield lines(total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}")),
        *(TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[failed]}")),
    )
    with Progress(*columns, console=Console(stderr=True), refresh_per_second=4) as bar:
        task = bar.add_task("Indexing", total=total, rate="", failed="")

        def watch(done: int, failed: int) -> None:
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = f"{done / elapsed:,.0f}/s" if elapsed > 0.5 else ""
            bar.update(task, completed=done, rate=rate, failed=f"{failed:,} failed" if failed else "")

        yield watch


def lines(total: int | None, clock: Callable[[], float] = time.monotonic) -> Watch:
    """Writes a line every `LINE_EVERY` seconds: rows done, rate since the line before, time left at that rate."""
    at, rows = clock(), 0

    def watch(done: int, failed: int) -> None:
        nonlocal at, rows
        now = clock()
        if now - at < LINE_EVERY:
            return
        rate = (done - rows) / (now - at)
        at, rows = now, done
        of = f" of {total:,}" if total else ""
        left = f", {_span((total - done) / rate)} left" if total and rate > 0 and done < total else ""
        print(f"{done:,}{of} rows, {rate:,.1f}/s{left}" + (f", {failed:,} failed" if failed else ""), file=sys.stderr, flush=True)

    return watch


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
