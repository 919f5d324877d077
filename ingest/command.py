"""`lookalike index`: a catalogue into an index, with progress, a report and dead letters."""

import re
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ingest.prune import PruneRule
    from lookalike.ports.catalogue import CatalogueOptions, CatalogueSource
    from lookalike.settings import Settings

_KINDS = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command()
    def index(
        *,
        source: Annotated[
            str | None, typer.Argument(help="A folder of pictures, a .csv or .jsonl file, or Amazon product data (perhaps .gz).")
        ] = None,
        kind: Annotated[
            str | None, typer.Option("--as", help="folder, csv, jsonl, amazon, or an installed source; default: by its name.")
        ] = None,
        mapping: Annotated[
            list[str] | None, typer.Option("--map", help="FIELD=COLUMN, as often as needed; category=main>sub joins.")
        ] = None,
        pictures: Annotated[str | None, typer.Option(help="Folder or URL prefix of the pictures; {} in it stands for the name.")] = None,
        where: Annotated[str | None, typer.Option("--index", help="The index: a path, memory:, or an engine's URI.")] = None,
        runner: Annotated[
            str | None, typer.Option(help="Who does it: inline is this process, celery the workers; default: LOOKALIKE_RUNNER.")
        ] = None,
        limit: Annotated[int | None, typer.Option(min=0, help="Read only so many rows.")] = None,
        resume: Annotated[
            bool, typer.Option("--resume", help="Go on where a run was interrupted. That is always so: what is unchanged is passed over.")
        ] = False,
        scope: Annotated[
            str | None, typer.Option(help="The catalogue's name, where its file is another every day; default: its path.")
        ] = None,
        prune: Annotated[bool, typer.Option("--prune", help="Remove products of this catalogue that it no longer has.")] = False,
        prune_share: Annotated[float, typer.Option(min=0, max=1, help="Remove at most this share of the catalogue's products.")] = 0.5,
        force: Annotated[
            bool, typer.Option("--force", help="Prune beyond that share, and although rows could not be read; replay old letters.")
        ] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; write nothing, fetch nothing.")] = False,
        replay: Annotated[
            str | None, typer.Option(help="A file of dead letters: try again what failed; it keeps what fails again.")
        ] = None,
        runs: Annotated[bool, typer.Option("--runs", help="List the last runs and jobs of the index.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    ) -> None:
        """Read a catalogue into an index. What is in it unchanged is passed over; what cannot be read is reported, never fatal."""
        from ingest.prune import PruneRule
        from lookalike.ports.catalogue import CatalogueOptions

        _one_of(source, replay, runs=runs)
        rule = PruneRule(prune, prune_share, force)
        options = CatalogueOptions(_pairs(mapping or []), pictures, limit)
        if runs:
            _list_runs(where, as_json)
        elif replay is not None:
            _refuse(
                {
                    "--prune": prune,
                    "--dry-run": dry_run,
                    "--limit": limit is not None,
                    "--as": kind is not None,
                    "--scope": scope is not None,
                },
                "--replay",
            )
            _replay(replay, options, where, runner=runner, force=force, as_json=as_json)
        else:
            assert source is not None
            _refuse({"--limit": prune and limit is not None}, "--prune")
            kind, scope = kind or _kind(source), scope or _scope(source)
            _index(source, kind, options, scope=scope, rule=rule, where=where, runner=runner, dry_run=dry_run, as_json=as_json)


def _configure(settings: "Settings") -> None:
    from lookalike.settings import secrets_of
    from lookalike.telemetry.logs import configure

    configure(settings.log, settings.log_level, secrets_of(settings))


def _index(
    source: str,
    kind: str,
    options: "CatalogueOptions",
    *,
    scope: str,
    rule: "PruneRule",
    where: str | None,
    runner: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    from ingest.events import told as told_of
    from ingest.progress import watching
    from ingest.run import Run, Start, puts
    from ingest.sending import indexer_of
    from ingest.stopping import Stopping
    from ingest.telling import reported
    from lookalike import plugins
    from lookalike.bootstrap import build
    from lookalike.settings import load

    catalogue = plugins.load("catalogue source", kind)(source, options)
    if dry_run:
        _preview(catalogue, scope, rule, where, as_json)
        return
    settings = load(index=where, runner=runner)
    _configure(settings)
    with build(settings) as house, Stopping() as stopping:
        before, total = _stamp(source), catalogue.size()
        last = next(iter(house.ledger.latest(1, scope=scope)), None)
        if last is not None and last.state in ("killed", "failed", "cancelled"):
            print(f"Run {last.id} of this catalogue was {last.state} after row {last.position:,}; going on.", file=sys.stderr)
        told = {"as": kind, "map": options.mapping, "pictures": _whole(options.pictures), "limit": options.limit, "prune": rule.wanted}
        start = Start("index", _whole(source) or source, scope, {name: one for name, one in told.items() if one}, total)
        run = Run(start, indexer_of(house), house.ledger, house.folder)
        with reported(run, stopping, as_json=as_json), run.recorded(), told_of(run, house):
            with watching(total, as_json=as_json) as watch:
                run.go(puts(catalogue, run.take), watch, stopping)
            if rule.wanted:
                run.prune(rule, house.engine, changed=_stamp(source) != before, stopping=stopping)


def _replay(file: str, options: "CatalogueOptions", where: str | None, *, runner: str | None, force: bool, as_json: bool) -> None:
    from ingest.events import told as told_of
    from ingest.letters import Letters
    from ingest.progress import watching
    from ingest.run import Run, Start
    from ingest.sending import indexer_of
    from ingest.stopping import Stopping
    from ingest.telling import reported
    from lookalike.bootstrap import build
    from lookalike.errors import InvalidInput
    from lookalike.settings import load

    settings = load(index=where, runner=runner)
    _configure(settings)
    with build(settings) as house, Stopping() as stopping:
        letters = Letters(file, house.ledger, options)
        newer = letters.newer_run(house.ledger)
        if newer is not None and not force:
            raise InvalidInput.at(
                "--replay",
                f"These letters are of run {letters.run_id}, and run {newer} has read that catalogue since: it tried all of it again, "
                "and its own letters are what still fails. Replay those, or say --force.",
            )
        total, left = letters.size(), letters.left()
        start = Start("replay", str(letters.path.resolve()), letters.scope, {}, total)
        run = Run(start, indexer_of(house), house.ledger, house.folder, left)
        with reported(run, stopping, as_json=as_json), run.recorded(), told_of(run, house):
            try:
                with watching(total, as_json=as_json) as watch:
                    run.go(letters.changes(house.engine), watch, stopping)
            finally:
                letters.settle(left, whole=run.state == "done")


def _preview(catalogue: "CatalogueSource", scope: str, rule: "PruneRule", where: str | None, as_json: bool) -> None:
    from ingest.preview import NotFetched, Preview
    from ingest.progress import watching
    from ingest.run import puts
    from ingest.stopping import Stopping
    from ingest.telling import tell_preview
    from lookalike.bootstrap import build
    from lookalike.errors import IndexNotFound
    from lookalike.services.intake import Intake
    from lookalike.settings import load

    try:
        house = build(load(index=where), read_only=True)
    except IndexNotFound:
        house = build(load(index="memory:"))  # nothing is there yet: everything would be new
    with house, Stopping() as stopping:
        house.check_recipe()
        intake = Intake(house.engine, house.analyser, NotFetched(house.pictures), house.recipe)
        preview = Preview(intake, house.engine, house.ledger, scope)
        with watching(catalogue.size(), as_json=as_json) as watch:
            whole = preview.go(puts(catalogue, preview.take), rule, watch, stopping)
    tell_preview(preview.as_json(), as_json=as_json)
    if not whole:
        raise typer.Exit(stopping.status)
    if preview.would["fail"] or preview.prune_refused:
        raise typer.Exit(1)


def _list_runs(where: str | None, as_json: bool) -> None:
    from ingest.telling import tell_runs
    from lookalike.bootstrap import ledger_of
    from lookalike.settings import load

    with closing(ledger_of(load(index=where))) as ledger:
        tell_runs(ledger.latest(50), as_json=as_json)


def _one_of(source: str | None, replay: str | None, *, runs: bool) -> None:
    from lookalike.errors import InvalidInput

    if (source is not None) + (replay is not None) + runs != 1:
        raise InvalidInput.at("", "Say one of: a SOURCE to read, --replay FILE, or --runs. See: lookalike index --help.")


def _refuse(given: Mapping[str, bool], beside: str) -> None:
    from lookalike.errors import InvalidInput

    for name, one in given.items():
        if one:
            raise InvalidInput.at(name, f"It does not go together with {beside}.")


def _scope(source: str) -> str:
    """The name of a catalogue that was given none: its file or folder, wherever the command is run."""
    return _whole(source) or source


def _whole(told: str | None) -> str | None:
    """A path as an absolute one; an address as it is."""
    if told is None or re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", told):
        return told
    return str(Path(told).expanduser().resolve())


def _stamp(source: str) -> tuple[int, int] | None:
    """What changes when a file is written to; None for anything else."""
    path = Path(source).expanduser()
    try:
        found = path.stat() if path.is_file() else None
    except OSError:
        return (0, 0)
    return None if found is None else (found.st_size, found.st_mtime_ns)


def _pairs(mapping: list[str]) -> dict[str, str]:
    from lookalike.errors import InvalidInput

    found: dict[str, str] = {}
    for one in mapping:
        ours, mark, theirs = (part.strip() for part in one.partition("="))
        if not (ours and mark and theirs):
            raise InvalidInput.at("--map", f"Found {one!r}; FIELD=COLUMN is wanted, such as title=productDisplayName.")
        found[ours] = theirs
    return found


def _kind(source: str) -> str:
    from lookalike.errors import InvalidInput

    path = Path(source)
    if path.is_dir():
        return "folder"
    suffixes = [one.lower() for one in path.suffixes[-2:]]
    found = next((_KINDS[one] for one in reversed(suffixes) if one in _KINDS), None)
    if found is None:
        raise InvalidInput.at("--as", f"What {source!r} is cannot be told by its name; say --as folder, csv, jsonl or amazon.")
    return found
