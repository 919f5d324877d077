"""`lookalike index-admin doctor`: what is wrong with a catalogue."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookalike.cli.options import AsJson, Where, opened

if TYPE_CHECKING:
    from lookalike.services.doctor.ward import Tell


def doctor(
    index: Where = None,
    *,
    report: Annotated[Path | None, typer.Option(help="Also write a page with thumbnails: an HTML file.")] = None,
    fixes: Annotated[Path | None, typer.Option(help="Also write every suggested fix: a CSV file.")] = None,
    pictures: Annotated[bool, typer.Option(help="Look at the picture files too: are they there, do they find their product?")] = True,
    self_match: Annotated[int, typer.Option(min=0, help="Products to search by their own picture.")] = 500,
    as_json: AsJson = False,
) -> None:
    """Examine index and catalogue: duplicates, pictures that are blank, blurred, gone or of another category, missing fields, odd prices,
    products that their own picture does not find."""
    from lookalike.services.doctor import Options, examine
    from lookalike.services.doctor.page import report_page

    with opened(index) as house:
        with _progress() as tell:
            found = examine(
                *(house.engine, house.pictures if pictures else None),
                house.analyser if house.engine.status().recipe == house.recipe.id else None,  # a new look compares only under one recipe
                *(tell, Options(self_match)),
            )
        if fixes is not None:
            _write(fixes, (line.encode() for line in found.fixes()))
        if report is not None:
            from lookalike.errors import PictureUnavailable, PictureUnreadable
            from lookalike.pictures.thumbnail import shown

            def thumbnail(reference: str) -> bytes | None:
                try:
                    return (
                        None if reference.lower().startswith(("http:", "https:")) else shown(house.pictures.fetch(reference), 160).content
                    )
                except (PictureUnavailable, PictureUnreadable):
                    return None  # the card stands without a picture: that it cannot be read is a finding of its own

            _write(report, (part.encode() for part in report_page(found, thumbnail)))
    if as_json:
        print(json.dumps(found.as_json()))
    else:
        told = found.as_json()
        print(f"{found.documents:,} products, {found.flagged:,} with something to look at.")
        for kind, count in told["findings"].items():
            print(f"  {count:>7,}  {kind}: {', '.join(told['products'][kind][:5])}{' …' if count > 5 else ''}")
        for line in (*found.notes, *(f"Written: {path}" for path in (report, fixes) if path)):
            print(line)
        if found.flagged and not (report or fixes):
            print("All of it: --report FILE.html with thumbnails, --fixes FILE.csv with suggested fixes.")
    if found.faults:
        print(f"lookalike: the index has faults: {found.faults[0]}", file=sys.stderr)
        raise typer.Exit(3)


def _write(path: Path, parts: Iterator[bytes]) -> None:
    from lookalike.errors import InvalidInput

    try:
        passing = path.with_name(path.name + ".part")
        with passing.open("wb") as file:
            file.writelines(parts)
        passing.replace(path)  # a file of that name is whole
    except OSError as error:
        raise InvalidInput.at("", f"{str(path)!r} cannot be written: {error.strerror}.") from error


@contextmanager
def _progress() -> Iterator["Tell"]:
    if not sys.stderr.isatty():
        yield lambda _step, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True)
    ) as bar:
        task = bar.add_task("reading")

        def tell(step: str, done: int, total: int | None) -> None:
            bar.update(task, description=step, completed=done, total=total)

        yield tell
