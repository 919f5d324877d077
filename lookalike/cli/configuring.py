"""`lookalike config`: every setting, its value, and where it comes from."""

import json
import sys
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command()
    def config(
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    ) -> None:
        """Show every setting, its value and where it comes from."""
        from lookalike.settings import PREFIX, load, strays, told

        shown = told(load())
        for sentence in strays():
            print(f"lookalike: {sentence}", file=sys.stderr)
        if as_json:
            print(json.dumps([{"name": one.name, "value": one.value, "origin": one.origin, "about": one.about} for one in shown], indent=2))
            return
        for one in shown:
            value = ", ".join(map(str, one.value)) if isinstance(one.value, list) else one.value
            print(f"{PREFIX}{one.name.upper()} = {'' if value is None else value}  ({one.origin})\n    {one.about}")
