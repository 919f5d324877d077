"""`lookalike status`: the whole house on one screen."""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lookalike.cli.options import AsJson, Where

if TYPE_CHECKING:
    from lookalike.cli.parts import Part

_STATUS = {"fine": 0, "off": 0, "degraded": 1, "away": 3}
_COLOUR = {"fine": "green", "off": "dim", "degraded": "yellow", "away": "red"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command()
    def status(
        index: Where = None,
        *,
        api: Annotated[str | None, typer.Option(help="A running server's address; default: LOOKALIKE_HOST and LOOKALIKE_PORT.")] = None,
        seconds: Annotated[
            float, typer.Option("--timeout", min=0.5, max=60, help="Seconds for all of it; who answers later is away.")
        ] = 5.0,
        as_json: AsJson = False,
    ) -> None:
        """Show the whole house: index, server, workers, queues, last runs. Status 0: fine, 1: degraded, 3: something is away."""
        from lookalike.cli.parts import house
        from lookalike.settings import load

        found = house(load(index=index), api, seconds)
        worst = max(found, key=lambda part: _STATUS[part.state])
        state = "fine" if worst.state == "off" else worst.state
        if as_json:
            print(json.dumps({"state": state, **{part.name: part.as_json() for part in found}}))
        else:
            _show(found)
        sys.stdout.flush()
        raise typer.Exit(_STATUS[state])


def _show(found: list["Part"]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    for part in found:
        table.add_row(Text(part.name, "bold"), Text(part.state, _COLOUR[part.state]), Text(part.sentence))
        for name, value in _lines(part):
            table.add_row("", "", Text(f"{name}: {value}", "dim"))
    Console(highlight=False, soft_wrap=True).print(table)


def _lines(part: "Part") -> Iterator[tuple[str, str]]:
    told = part.figures
    if part.name == "index" and "documents" in told:
        yield from _index(told)
    elif part.name == "server" and "recent" in told:
        yield from _server(told)
    elif part.name == "workers" and "workers" in told:
        if "jobs" in told:
            leading = told["jobs"]["leading"]
            rows = f"at work: {', '.join(f'{leading[name]} {name}' for name in ('total', 'done', 'failed') if name in leading)}"
            yield "jobs", f"{told['jobs']['workers']} workers; {rows if leading else 'none at work'}"
        yield "queues", ", ".join(f"{name} {depth:,}" for name, depth in told["messages"].items())
        for one in told["workers"]:
            doing = f"looks at {one['in_hand']}" if one["in_hand"] else "waits"
            yield f"{one['host']}, process {one['pid']}", f"{doing}; {one['looks']:,} pictures, {one['rate']:,.1f}/s while at work"
    elif part.name == "runs":
        for one in told.get("runs", ()):
            counts = ", ".join(f"{many:,} {name}" for name, many in one["counts"].items() if many) or "nothing yet"
            letters = f", letters in {one['dead_letters']}" if one.get("dead_letters") else ""
            yield f"{one['started'][:19]} {one['kind']}", f"{one['state']}, {counts}{letters}"


def _index(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    engine = [
        f"{told['engine']} {told.get('version', '')}".strip(),
        *(str(told[name]) for name in ("health", "address", "path") if name in told),
    ]
    yield "engine", ", ".join(engine)
    if told.get("recipe"):
        yield "recipe", str(told["recipe"])
    if "size_bytes" in told:
        yield "size", f"{told['size_bytes'] / 1e6:,.1f} MB"
    if "search_ms" in told:
        yield "a search takes", ", ".join(f"{name} {spent:,.1f} ms" for name, spent in told["search_ms"].items())


def _server(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    up = told["uptime_seconds"]
    yield "address", f"{told['address']}, version {told['version']}, up {f'{up / 3600:,.1f} h' if up >= 3600 else f'{up:.0f} s'}"
    rates = told["per_second"]
    yield "rate", f"{rates['searches']:,.2f} searches/s, {rates['pictures']:,.2f} pictures/s"
    for stage, spent in told["recent"]["stages_ms"].items():
        yield stage, ", ".join(f"{name} {value:,.1f} ms" for name, value in spent.items())
    yield "waiting", ", ".join(f"{name} {many:,}" for name, many in told["queue"].items())
    events = told["events"]
    if events["on"]:
        yield "events", ", ".join(f"{events[name]:,} {name}" for name in ("written", "waiting", "dropped", "refused"))
