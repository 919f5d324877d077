"""`lookalike index`: a catalogue into an index, with progress, a report and dead letters."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

_KINDS = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command()
    def index(
        *,
        source: Annotated[str, typer.Argument(help="A folder of pictures, a .csv or .jsonl file, or Amazon product data (perhaps .gz).")],
        kind: Annotated[
            str | None, typer.Option("--as", help="folder, csv, jsonl, amazon, or an installed source; default: by its name.")
        ] = None,
        mapping: Annotated[
            list[str] | None, typer.Option("--map", help="FIELD=COLUMN, as often as needed; category=main>sub joins.")
        ] = None,
        pictures: Annotated[str | None, typer.Option(help="Folder or URL prefix of the pictures; {} in it stands for the name.")] = None,
        where: Annotated[str | None, typer.Option("--index", help="The index: a path, memory:, or an engine's URI.")] = None,
        limit: Annotated[int | None, typer.Option(min=0, help="Read only so many rows.")] = None,
        resume: Annotated[
            bool, typer.Option("--resume", help="Go on where a run was interrupted. That is always so: what is unchanged is passed over.")
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    ) -> None:
        """Read a catalogue into an index. What is in it unchanged is passed over; what cannot be read is reported, never fatal."""
        from ingest.progress import watching
        from ingest.run import Run
        from lookalike import plugins
        from lookalike.bootstrap import build
        from lookalike.errors import LookalikeError
        from lookalike.ports.catalogue import CatalogueOptions
        from lookalike.settings import load

        options = CatalogueOptions(_pairs(mapping or []), pictures, limit)
        catalogue = plugins.load("catalogue source", kind or _kind(source))(source, options)
        with build(load(index=where)) as house:
            run = Run(house.indexer, house.folder)
            try:
                with watching(catalogue.size(), as_json=as_json) as watch:
                    run.read(catalogue, watch)
            except KeyboardInterrupt:
                _tell(run.as_json(), as_json)
                print("lookalike: stopped. What is indexed stays; the same command goes on from there.", file=sys.stderr)
                raise typer.Exit(130) from None
            except LookalikeError as error:
                if not as_json:
                    _tell(run.as_json(), as_json=False)
                    raise
                from lookalike.cli.main import status_of

                print(f"lookalike: {error}", file=sys.stderr)
                _tell(run.as_json() | {"error": {"type": type(error).__name__, "message": str(error)}}, as_json=True)
                raise typer.Exit(status_of(error)) from error
        _tell(run.as_json(), as_json)
        if run.counts["failed"]:
            raise typer.Exit(1)


def _tell(report: dict[str, object], as_json: bool) -> None:
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
        return
    counts, seconds = report["counts"], report["seconds"]
    assert isinstance(counts, dict)
    assert isinstance(seconds, float)
    rate = f", {counts['read'] / seconds:,.0f} a second" if seconds > 0 else ""
    listed = ", ".join(f"{number:,} {name}" for name, number in counts.items())
    print(f"{listed} in {seconds:,.1f} s{rate}. Run {report['run']}.")
    if isinstance(notes := report.get("notes"), dict):
        print("Noticed, nothing lost: " + ", ".join(f"{number:,} {code}" for code, number in notes.items()) + ".")
    failures = report["failures"]
    assert isinstance(failures, list)
    for one in failures[:10]:
        print(f"  row {one['row']} ({one['id'] or 'no id'}): {one['message']}", file=sys.stderr)
    if len(failures) > 10:
        print(f"  and {counts['failed'] - 10:,} more", file=sys.stderr)
    if report["dead_letters"]:
        print(f"All failures: {report['dead_letters']}", file=sys.stderr)


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
