"""`lookalike demo`: the sample shop, indexed where it is not yet, and served."""

import os
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command()
    def demo(
        index: Annotated[
            str | None, typer.Option(help="Where the sample's index lies or shall lie (default: in your data folder).")
        ] = None,
        host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
        port: Annotated[int | None, typer.Option(help="The port to listen on; 0 takes a free one.")] = None,
    ) -> None:
        """Index the sample shop, once, and serve it."""
        from lookalike.cli.main import run
        from lookalike.errors import InvalidInput, RecipeMismatch

        source = resources.files("lookalike").joinpath("sample_shop", "products.jsonl")
        if not source.is_file():
            raise InvalidInput.at("", "This installation has no sample shop. Index a catalogue of your own: lookalike index --help.")
        where = index or str(_data_folder() / "demo.lookalike")
        Path(where).parent.mkdir(parents=True, exist_ok=True)
        with resources.as_file(source.parent if isinstance(source, Path) else source) as place:
            catalogue = place / "products.jsonl" if place.is_dir() else place
            fill = ["index", str(catalogue), "--as", "jsonl", "--index", where]
            try:
                run(fill, "index")
            except RecipeMismatch:  # a new version sees differently, and the sample is ours to look at again
                run(["index-admin", "rebuild", "--index", where], "index-admin")
                run(fill, "index")
            more = [*(["--host", host] if host else []), *(["--port", str(port)] if port is not None else [])]
            run(["serve", "--index", where, *more], "serve")


def _data_folder() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "lookalike"
