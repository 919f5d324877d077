"""What the command prints: the report of a run, of a dry run, and the list of runs; and the exit status that goes with it."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from ingest.run import Run
from ingest.stopping import Stopping
from lookalike.cli.main import status_of
from lookalike.domain.runs import RunRecord
from lookalike.errors import LookalikeError

_SHOWN = 10
_SHOWN_CHANGES = 20


@contextmanager
def reported(run: Run, stopping: Stopping, *, as_json: bool) -> Iterator[None]:
    """Prints the report when the block ends, however it does; leaves with a status where that is not 0.

    Raises: Exit, and without `as_json` the LookalikeError that ended the block.
    """
    try:
        yield
    except KeyboardInterrupt:
        _stopped(run, as_json)
        raise typer.Exit(130) from None
    except LookalikeError as error:
        if not as_json:
            _tell(run.as_json(), as_json=False)
            raise
        print(f"lookalike: {error}", file=sys.stderr)
        _tell(run.as_json() | {"error": {"type": type(error).__name__, "message": str(error)}}, as_json=True)
        raise typer.Exit(status_of(error)) from error
    if run.state == "cancelled":
        _stopped(run, as_json)
        raise typer.Exit(stopping.status)
    _tell(run.as_json(), as_json)
    if run.prune_refused is not None:
        print(f"lookalike: {run.prune_refused}", file=sys.stderr)
    if run.counts["failed"] or run.prune_refused is not None:
        raise typer.Exit(1)


def tell_preview(told: dict[str, Any], *, as_json: bool) -> None:
    """What a run would do."""
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
        return
    print(", ".join(f"{number:,} would {_WOULD[name]}" for name, number in told["would"].items()) + f" in {told['seconds']:,.1f} s.")
    for one in told["changes"][:_SHOWN_CHANGES]:
        at = "" if one["row"] is None else f"row {one['row']}, "
        print(f"  {one['what']} {one['id']} ({at}{one['reason']})")
    _more(sum(told["would"][name] for name in ("add", "change", "remove")) - _SHOWN_CHANGES, sys.stdout)
    _tell_failures(told)
    if "prune_refused" in told:
        print(f"lookalike: {told['prune_refused']}", file=sys.stderr)


def tell_runs(records: Sequence[RunRecord], *, as_json: bool) -> None:
    """The runs and jobs that the ledger has."""
    if as_json:
        print(json.dumps({"runs": [one.as_json() for one in records]}, ensure_ascii=False))
        return
    for one in records:
        counts = ", ".join(f"{number:,} {name}" for name, number in one.counts.items() if number)
        print(f"{one.id}  {one.started[:19]}  {one.kind:6}  {one.state:9}  {counts or 'nothing yet'}  {one.source or ''}".rstrip())
        if one.message:
            print(f"    {one.message}")
    if not records:
        print("No run is known.")


_WOULD = {"add": "be added", "change": "be changed", "unchanged": "stay unchanged", "remove": "be removed", "fail": "fail"}


def _stopped(run: Run, as_json: bool) -> None:
    _tell(run.as_json(), as_json)
    print("lookalike: stopped. What is indexed stays; the same command goes on from there.", file=sys.stderr)


def _tell(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
        return
    counts, seconds = report["counts"], report["seconds"]
    rate = f", {counts['read'] / seconds:,.0f} a second" if seconds > 0 else ""
    listed = ", ".join(f"{number:,} {name}" for name, number in counts.items())
    print(f"{listed} in {seconds:,.1f} s{rate}. Run {report['run']}.")
    if notes := report.get("notes"):
        print("Noticed, nothing lost: " + ", ".join(f"{number:,} {code}" for code, number in notes.items()) + ".")
    _tell_failures(report)
    if report["dead_letters"]:
        print(f"All failures: {report['dead_letters']}; try them again with --replay.", file=sys.stderr)


def _tell_failures(report: dict[str, Any]) -> None:
    for one in report["failures"][:_SHOWN]:
        print(f"  row {one['row']} ({one['id'] or 'no id'}): {one['message']}", file=sys.stderr)
    _more(report["counts"]["failed"] - _SHOWN, sys.stderr)


def _more(number: int, where: Any) -> None:
    if number > 0:
        print(f"  and {number:,} more", file=where)
