"""`lookalike models`: the networks that are installed."""

import json
from typing import Annotated, Any

import typer

_PORTS = ("embedder", "detector", "segmenter", "category classifier", "hasher")
_HOW = {"efficientnet-lite0": "LOOKALIKE_RECIPE=default", "efficientnet-lite1": "LOOKALIKE_RECIPE=quality"}
"""What chooses a network of ours; a stranger's embedder is chosen by its own name."""
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    models = typer.Typer(no_args_is_help=True, help="Show the networks that are installed.")
    for command in (list_, show):
        models.command(command.__name__.rstrip("_"))(command)
    app.add_typer(models, name="models")


def list_(as_json: AsJson = False) -> None:
    """List the networks: task, licence, input, dimension, and how to choose them."""
    from lookalike import plugins

    found = [_told(port, name) for port in _PORTS for name in sorted(plugins.installed(port))]
    if as_json:
        print(json.dumps(found))
        return
    for one in found:
        if "missing" in one:
            print(f"{one['name']}  ({one['port']})\n    not usable: {one['missing']}")
            continue
        print(f"{one['name']}  ({one['port']}; {one['task']})")
        print(f"    {one['licence']}; input {one['input_side']} px, dimension {one['dimension']}; {one['chosen_by']}")


def show(name: Annotated[str, typer.Argument(help="A network of `models list`.")], as_json: AsJson = False) -> None:
    """Show everything that is known of a network."""
    from lookalike import plugins
    from lookalike.errors import UnknownPlugin

    ports = [port for port in _PORTS if name in plugins.installed(port)]
    if not ports:
        raise UnknownPlugin("network", name, [one for port in _PORTS for one in plugins.installed(port)])
    told = _told(ports[0], name)
    if as_json:
        print(json.dumps(told))
    else:
        print("\n".join(f"{key}: {value}" for key, value in told.items() if value != ""))


def _told(port: str, name: str) -> dict[str, Any]:
    """The card of a network as JSON; opening it builds nothing yet."""
    import dataclasses

    from lookalike import plugins
    from lookalike.errors import MissingDependency
    from lookalike.settings import load

    settings = load()
    told: dict[str, Any] = {"name": name, "port": port}
    try:
        card = plugins.load(port, name)(settings.cache_dir, settings.precision).card
    except MissingDependency as error:
        return told | {"missing": str(error)}
    chosen = _HOW.get(name, f"LOOKALIKE_RECIPE={name}" if port == "embedder" else "")
    return told | dataclasses.asdict(card) | {"name": name, "chosen_by": chosen}
