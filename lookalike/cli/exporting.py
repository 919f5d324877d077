"""`lookalike index-admin export` and `import`: an index as a file, and back."""

import io
import json
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from lookalike.cli.options import AsJson, Where, opened
from lookalike.errors import InvalidInput, Problem, StorageFull

if TYPE_CHECKING:
    from lookalike.services.importing import Imported


def export(
    index: Where = None,
    output: Annotated[Path | None, typer.Option(help="A file to write instead of standard output.")] = None,
    form: Annotated[
        str | None, typer.Option("--as", help="jsonl, or packed: compact, with checksums. Default: packed for a name that ends in .lkx.")
    ] = None,
) -> None:
    """Write every product with analysis and vectors, in the order of ids, as it is at one moment, also while others write."""
    from lookalike.services.export import export_lines
    from lookalike.services.packing import pack

    chosen = form or ("packed" if output is not None and output.suffix == ".lkx" else "jsonl")
    if chosen not in ("jsonl", "packed"):
        raise InvalidInput.at("--as", f"An export can be jsonl or packed, not {chosen!r}.")
    if output is None and chosen == "packed" and sys.stdout.isatty():
        raise InvalidInput.at("--output", "A packed export is not for a terminal. Name a file, or send it on: > shop.lkx")
    with opened(index) as house:
        documents, recipe = house.engine.documents(), house.engine.status().recipe
        parts = pack(documents, recipe) if chosen == "packed" else (f"{line}\n".encode() for line in export_lines(documents))
        if output is not None:
            _write(output, parts)
        else:
            sys.stdout.buffer.writelines(parts)
            sys.stdout.buffer.flush()


def _write(output: Path, parts: Iterable[bytes]) -> None:
    """A file of that name is whole: it is written beside, and renamed at the end."""
    passing = output.with_name(output.name + ".part")
    try:
        with passing.open("wb") as file:
            file.writelines(parts)
        passing.replace(output)
    except OSError as error:
        raise StorageFull(f"{str(output)!r} cannot be written: {error.strerror}. Make room, or name another place.") from error
    finally:
        passing.unlink(missing_ok=True)


def import_(
    file: Annotated[Path, typer.Argument(help="What export wrote, of either form, perhaps gzipped; - is standard input.")],
    index: Where = None,
    as_json: AsJson = False,
) -> None:
    """Put products that export wrote into an index, without looking at a picture. What is there already is passed over."""
    from lookalike.catalogues.files import Unpacked, existing
    from lookalike.services.export import read_lines
    from lookalike.services.importing import Imported, import_documents
    from lookalike.services.packing import MAGIC, unpack

    with ExitStack() as closing:
        stream = closing.enter_context(Unpacked(existing(str(file)))) if str(file) != "-" else cast(io.BufferedReader, sys.stdin.buffer)
        packed = stream.peek(1)[:1] == MAGIC[:1]  # no JSON begins so
        house = closing.enter_context(opened(index, read_only=False))
        so_far = Imported()
        try:
            for so_far in import_documents((unpack if packed else read_lines)(stream, house.recipe), house.engine):
                _progress(f"{so_far.written:,} imported, {so_far.unchanged:,} there already")
        except InvalidInput as error:
            if isinstance(stream, Unpacked) and stream.damage is not None:
                raise _cut(file, stream.damage, so_far) from error
            if packed:
                raise
            raise InvalidInput([*error.problems, Problem("", _kept(so_far))]) from error
        if isinstance(stream, Unpacked) and stream.damage is not None:
            raise _cut(file, stream.damage, so_far)
    told = {"imported": so_far.written, "unchanged": so_far.unchanged}
    print(json.dumps(told) if as_json else f"{so_far.written:,} products imported, {so_far.unchanged:,} were there already.")


def _cut(file: Path, damage: str, so_far: "Imported") -> InvalidInput:
    return InvalidInput.at("", f"{str(file)!r} is not whole: {damage}. {_kept(so_far)}")


def _kept(so_far: "Imported") -> str:
    done = so_far.written + so_far.unchanged
    return f"{done:,} products before that are in the index; repeat the import with a whole file, it goes on from there."


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text}", end="", file=sys.stderr, flush=True)
