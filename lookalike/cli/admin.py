"""`lookalike index-admin`: look after an index."""

import json
import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from lookalike.cli.doctoring import doctor
from lookalike.cli.exporting import export, import_
from lookalike.cli.options import AsJson, Where, opened


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    admin = typer.Typer(no_args_is_help=True, help="Look after an index.")
    for command in (status, export, import_, check, doctor, rebuild, rollback, sweep):
        admin.command(command.__name__.rstrip("_"))(command)
    app.add_typer(admin, name="index-admin")


def status(index: Where = None, as_json: AsJson = False) -> None:
    """Show how many products it holds, of which recipe, and the engine's own figures."""
    with opened(index) as house:
        found = house.engine.status()
    told = {
        "ready": found.ready,
        "documents": found.documents,
        "recipe": found.recipe,
        "engine": found.engine,
        "message": found.message,
        "details": dict(found.details or {}),
    }
    if as_json:
        print(json.dumps(told))
    else:
        _print(told)
    if not found.ready:
        print(f"lookalike: the index cannot be used: {found.message}", file=sys.stderr)
        raise typer.Exit(3)


def check(index: Where = None, as_json: AsJson = False) -> None:
    """Verify everything that is stored."""
    with opened(index) as house:
        faults = house.engine.check()
    if as_json:
        print(json.dumps({"faults": faults}))
    else:
        print("\n".join(faults) or "All is well.")
    if faults:
        raise typer.Exit(3)


def rebuild(
    index: Where = None,
    again: Annotated[bool, typer.Option("--again", help="Look at every picture anew, even where the recipe is the same.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build the index anew under the recipe that is set; searches see the old one until the new one is whole."""
    from lookalike.services.rebuild import rebuilt

    with opened(index, read_only=False, prepare=False) as house:
        counts = {"indexed": 0, "failed": 0}
        with house.engine.rebuild(house.recipe) as fresh:
            analyser = house.analyser if again else house.looking
            for outcome in rebuilt(house.engine, fresh, analyser, house.pictures, house.recipe, again=again):
                counts["indexed"] += outcome.state == "indexed"
                counts["failed"] += bool(outcome.failures)
                _progress(f"{counts['indexed']:,} built")
    print(
        json.dumps({"counts": counts})
        if as_json
        else f"{counts['indexed']:,} products, {counts['failed']:,} with pictures that cannot be read."
    )
    if counts["failed"]:
        raise typer.Exit(1)


def rollback(index: Where = None, as_json: AsJson = False) -> None:
    """Go back to the index that the last rebuild replaced; what was written since is carried over."""
    from dataclasses import asdict

    from lookalike.errors import IndexProblem
    from lookalike.ports.engine import KeepsPrevious

    with opened(index, read_only=False, prepare=False) as house:
        if not isinstance(house.engine, KeepsPrevious):
            told = "This engine keeps no index to go back to: a rebuild replaces the old one for good."
            raise IndexProblem(f"{told} Rebuild it under the recipe you want, or import what 'index-admin export' wrote before.")
        done = house.engine.rollback()
    if as_json:
        print(json.dumps(asdict(done)))
        return
    print(f"Back from the recipe {done.left} to {done.recipe}.")
    print(f"Written since: {done.carried:,} products carried over, {done.removed:,} removed.")
    if done.unseen:
        print(f"{done.unseen:,} of them have pictures that were not looked at under this recipe: run the catalogue again.")


def sweep(
    index: Where = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would go.")] = False,
    grace_hours: Annotated[float, typer.Option(min=0, help="What was put within so many hours stays.")] = 24.0,
    as_json: AsJson = False,
) -> None:
    """Remove kept pictures that no product refers to any more."""
    from lookalike.errors import InvalidInput
    from lookalike.pictures.known import KnownAddresses
    from lookalike.pictures.store import FolderShelf
    from lookalike.services.sweep import sweep as swept

    with opened(index) as house:
        if house.folder is None:
            raise InvalidInput.at("--index", "An index in memory keeps no pictures on a disk: there is nothing to sweep.")
        shelf, known = FolderShelf(house.folder / "pictures"), KnownAddresses(house.folder / "addresses.sqlite")
        found = swept(house.engine.documents(), shelf, grace_seconds=grace_hours * 3600, dry_run=dry_run)
        if found.removed and not dry_run:
            known.forget(found.removed)
        known.close()
    if as_json:
        print(json.dumps(found.as_json()))
        return
    what = "would be removed" if dry_run else "removed"
    print(f"{len(found.removed):,} pictures ({found.removed_bytes:,} bytes) {what}, {found.kept:,} kept.")


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text}", end="", file=sys.stderr, flush=True)


def _print(told: Mapping[str, object]) -> None:
    for name, value in told.items():
        print(f"{name}: {_plain(value)}")


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "".join(f"\n  {name}: {_plain(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list):
        return (
            "".join(f"\n  {_plain(one)}" for one in value[:20]) + (f"\n  and {len(value) - 20:,} more" if len(value) > 20 else "") or "none"
        )
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
