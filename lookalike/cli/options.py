"""What several commands take, and the house they open with it."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lookalike.bootstrap import House

Where = Annotated[str | None, typer.Option("--index", help="The index: a path, memory:, or an engine's URI.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def opened(index: str | None, *, read_only: bool = True, prepare: bool = True) -> "House":
    """The house of the settings, with `index` in place of theirs. Raises: what `bootstrap.build` raises."""
    from lookalike.bootstrap import build
    from lookalike.settings import load

    return build(load(index=index), read_only=read_only, prepare=prepare)
