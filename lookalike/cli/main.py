"""Which command is meant, and what an error comes to: one sentence and an exit status."""

import gc
import importlib
import json
import os
import sys
from typing import Annotated

import typer

import lookalike
from lookalike import plugins
from lookalike.errors import (
    IndexDamaged,
    IndexLocked,
    LookalikeError,
    MissingDependency,
    StorageFull,
    Unavailable,
    UnknownPlugin,
)

DONE, SOME_FAILED, WRONG_USE, NOT_THERE, DEFECT, STOPPED = 0, 1, 2, 3, 70, 130
"""Exit statuses: docs/configuration.md. 70 is EX_SOFTWARE of sysexits.h; 130 what shells say of SIGINT."""
_OWN = {
    "demo": ("lookalike.cli.demo", "Index the sample shop, once, and serve it."),
    "evaluate": ("lookalike.cli.evaluating", "Measure how well an index answers known queries."),
    "config": ("lookalike.cli.configuring", "Show every setting, its value and where it comes from."),
    "models": ("lookalike.cli.models", "Show the networks that are installed, and bring others."),
    "status": ("lookalike.cli.status", "Show the whole house: index, server, workers, queues, last runs."),
    "index-admin": ("lookalike.cli.admin", "Look after an index: status, export, import, check, doctor, rebuild."),
}
_TOLD = {
    "index": "Read a catalogue into an index.",
    "search": "Search an index by picture and words.",
    "serve": "Serve searches, the catalogue and the page over HTTP.",
    "worker": "Look at shoppers' pictures, and do the catalogue's work, as they come through Redis.",
}
_ORDER = ("index", "search", "serve", "demo", "evaluate", "status", "models", "index-admin", "worker", "config")


def make_app(asked: str | None) -> typer.Typer:
    """The application with the command `asked` in it; where that is none, with the names of all, for the help.

    Raises: MissingDependency.
    """
    app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.callback()(_about)
    found = plugins.installed("command")
    if asked in _OWN:
        importlib.import_module(_OWN[asked][0]).register(app)
    elif asked in found:
        plugins.load_entry(found[asked])(app)
    else:
        known = {
            **{name: _TOLD.get(name, f"From {found[name].value.partition(':')[0]}.") for name in found},
            **{k: v[1] for k, v in _OWN.items()},
        }
        for name in sorted(known, key=lambda one: (_ORDER.index(one) if one in _ORDER else len(_ORDER), one)):
            app.command(name, help=known[name])(_never)
    return app


def _never() -> None:
    """Stands for a command in the help; the one that is called is always the real one."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lookalike {lookalike.__version__}")
        raise typer.Exit


def _about(
    version: Annotated[bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)] = False,
) -> None:
    """Visual product search: a shopper's photo finds the product; words, filters and rules steer it."""


def collect_seldom() -> None:
    """Let Python look for circles after 50,000 new objects instead of 700.

    Analyses, rows and answers are many small objects that go in no circle. While a catalogue is indexed, looking through them
    again and again took a percent of the time, and each look held up every thread.
    """
    gc.set_threshold(50_000, 20, 20)


def main(arguments: list[str] | None = None) -> None:
    """Run a command and leave with its status; a LookalikeError is one sentence on standard error, never a traceback."""
    collect_seldom()
    words = sys.argv[1:] if arguments is None else arguments
    asked = next((one for one in words if not one.startswith("-")), None)
    try:
        run(words, asked)
    except LookalikeError as error:
        sys.exit(report(error, as_json="--json" in words))
    except BrokenPipeError:
        # who read our output has enough; Python's flush at exit would only complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(DONE)
    except KeyboardInterrupt:
        print("lookalike: stopped.", file=sys.stderr)
        sys.exit(STOPPED)
    except Exception as error:
        if os.environ.get("LOOKALIKE_TRACEBACK"):
            raise
        told = f"{type(error).__name__}: {error}"[:500]
        print(f"lookalike: something that we did not foresee: {told}. LOOKALIKE_TRACEBACK=1 shows where.", file=sys.stderr)
        if "--json" in words:
            print(json.dumps({"error": {"type": "Defect", "message": told}}))
        sys.exit(DEFECT)


def run(words: list[str], asked: str | None) -> None:
    """Run a command line in this process. Raises: LookalikeError, SystemExit with a status other than 0."""
    known = {*_OWN, *plugins.installed("command")}
    if asked is not None and asked not in known:
        raise UnknownPlugin("command", asked, known)
    try:
        make_app(asked)(words, prog_name="lookalike")
    except SystemExit as left:
        if left.code not in (0, None):
            raise


def report(error: LookalikeError, *, as_json: bool = False) -> int:
    """Tell an error; the answer is the exit status. With `as_json` standard output gets it as the one document."""
    print(f"lookalike: {error}", file=sys.stderr)
    if as_json:
        print(json.dumps({"error": {"type": type(error).__name__, "message": str(error)}}))
    return status_of(error)


def status_of(error: LookalikeError) -> int:
    """2 where the call was wrong, 3 where something that is needed is not there or not in order."""
    return NOT_THERE if isinstance(error, Unavailable | MissingDependency | StorageFull | IndexLocked | IndexDamaged) else WRONG_USE
