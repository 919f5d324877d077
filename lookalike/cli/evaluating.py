"""`lookalike evaluate`: how well an index answers known queries."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lookalike.services.evaluate import KnownQuery


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command()
    def evaluate(
        queries: Annotated[Path, typer.Argument(help="QUERIES.jsonl: a query and what it should find on each line.")],
        index: Annotated[str | None, typer.Option(help="The index: a path, memory:, or an engine's URI.")] = None,
        depth: Annotated[int, typer.Option(min=1, max=1000, help="How many hits are looked at.")] = 100,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    ) -> None:
        """Measure recall@k, P@k, mAP, nDCG, MRR and latency over known queries."""
        from lookalike.bootstrap import build
        from lookalike.services import evaluate as service
        from lookalike.settings import load

        known = list(_read(queries))
        with build(load(index=index), read_only=True) as house:
            if any(one.request.like or one.request.unlike for one in known):
                house.check_recipe()
            told = service.evaluate(known, house.searcher, house.engine, depth)
        if as_json:
            print(json.dumps(told))
            return
        for name, figure in told.items():
            print(f"{name:12} {figure if not isinstance(figure, dict) else '  '.join(f'{k} {v}' for k, v in figure.items())}")
        sys.stdout.flush()


def _read(path: Path) -> "Iterator[KnownQuery]":
    from lookalike.domain.values import strict_json
    from lookalike.errors import InvalidInput
    from lookalike.services.evaluate import parse_known_query

    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InvalidInput.at("", f"{str(path)!r} cannot be read: {error.strerror}.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield parse_known_query(strict_json(line.decode()))
        except InvalidInput as error:
            raise error.below(f"line {number}") from error
        except ValueError as error:
            raise InvalidInput.at(f"line {number}", f"This is no JSON: {error}.") from error
