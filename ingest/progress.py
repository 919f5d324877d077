"""How far an ingest is: a bar with rate and time left, on standard error, where somebody looks."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ingest.run import Watch


@contextmanager
def watching(total: int | None, *, as_json: bool = False) -> Iterator[Watch]:
    """Shows progress while the block runs; nothing where standard error is no terminal."""
    if not sys.stderr.isatty():
        if not as_json and total:
            print(f"Reading {total:,} rows …", file=sys.stderr)
        yield lambda _done, _failed: None
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
