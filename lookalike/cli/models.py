"""`lookalike models`: the networks that are installed."""

import json
import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from lookalike.vision.networks.zoo import Zoo

_PORTS = ("embedder", "detector", "segmenter", "category classifier", "hasher")
_HOW = {"efficientnet-lite0": "LOOKALIKE_RECIPE=default", "efficientnet-lite1": "LOOKALIKE_RECIPE=quality"}
"""What chooses a network of ours; a stranger's embedder is chosen by its own name."""
BIG_SHARE = 1 / 3
"""Of the memory: weights are held twice while a network is opened, and pictures need room too."""
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    from lookalike.cli import networks

    models = typer.Typer(no_args_is_help=True, help="Show the networks that are installed, and bring others.")
    for command in (list_, show, networks.pull, networks.import_, networks.check, networks.quantise, networks.bench):
        models.command(command.__name__.rstrip("_"))(command)
    app.add_typer(models, name="models")


def list_(as_json: AsJson = False) -> None:
    """List the networks: task, licence, input, dimension, whether they are here, too big or not for business, and how to choose them."""
    from lookalike import plugins

    found = [_told(port, name) for port in _PORTS for name in sorted(plugins.installed(port))]
    zoo = _zoo()
    found += [_named(zoo, name) for name in zoo.names()]
    if as_json:
        print(json.dumps(found))
        return
    for one in found:
        if "wanting" in one:
            continue
        if "missing" in one:
            print(f"{one['name']}  ({one['port']})\n    not usable: {one['missing']}")
            continue
        print(f"{one['name']}  ({one['port']}; {one['task']})")
        size = f", {one['bytes'] / 1e6:,.1f} MB" if one.get("bytes") else ""
        dimension = f", dimension {one['dimension']}" if one["dimension"] else ""
        state = "; ".join(filter(None, (one.get("state"), *one.get("warnings", ()), one["chosen_by"])))
        print(f"    {one['licence']}; input {one['input_side']} px{dimension}{size}; {state}")
    if wanting := [one["name"] for one in found if "wanting" in one]:
        print(f"Without weights here (docs/gluon.md): {', '.join(wanting)}")


def show(name: Annotated[str, typer.Argument(help="A network of `models list`.")], as_json: AsJson = False) -> None:
    """Show everything that is known of a network."""
    from lookalike import plugins
    from lookalike.errors import UnknownPlugin

    ports = [port for port in _PORTS if name in plugins.installed(port)]
    zoo = _zoo()
    if not ports and name not in zoo.names():
        raise UnknownPlugin("network", name, {one for port in _PORTS for one in plugins.installed(port)} | set(zoo.names()))
    told = _told(ports[0], name) if ports else _named(zoo, name) | {"card": _card(zoo, name)}
    if as_json:
        print(json.dumps(told))
    else:
        print("\n".join(f"{key}: {_shown(value)}" for key, value in told.items() if value not in ("", None, [], 0)))


def _card(zoo: "Zoo", name: str) -> dict[str, Any]:
    return zoo.card(name).model_dump(mode="json", exclude_defaults=True)


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _zoo() -> "Zoo":
    from lookalike.named import zoo_of
    from lookalike.settings import load

    return zoo_of(load())


def _named(zoo: "Zoo", name: str) -> dict[str, Any]:
    """A network with a card as JSON: whether it is here and usable, and what stands against it."""
    import dataclasses

    from lookalike.errors import LookalikeError
    from lookalike.vision.networks.network import model_card

    told: dict[str, Any] = {"name": name, "port": "network"}
    try:
        card = zoo.card(name)
    except LookalikeError as error:
        return told | {"missing": str(error)}
    files = [file for file in (card.files.network, card.files.text, card.files.tokenizer) if file is not None]
    size = sum(file.bytes or 0 for file in files)
    here = name in zoo.installed()
    warnings = []
    if card.non_commercial:
        warnings.append("not for business")
    if size > BIG_SHARE * _memory():
        warnings.append("too big for this machine's memory")
    state = "installed" if here else f"lookalike models pull {name}" if all(one.url for one in files) else "not here: models import FILE"
    chosen = f"LOOKALIKE_RECIPE={name}" if card.task in ("embedding", "two-encoder") else "a recipe may name it"
    about = dataclasses.asdict(model_card(card))
    return told | about | {"name": name, "installed": here, "state": state, "bytes": size, "warnings": warnings, "chosen_by": chosen}


def _memory() -> int:
    """The machine's memory in bytes; where that is not told, more than any network needs."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 1 << 62


def _told(port: str, name: str) -> dict[str, Any]:
    """The card of a network as JSON; opening it builds nothing yet."""
    import dataclasses

    from lookalike import plugins
    from lookalike.errors import MissingDependency, NotFound
    from lookalike.settings import load

    settings = load()
    told: dict[str, Any] = {"name": name, "port": port}
    try:
        card = plugins.load(port, name)(settings.cache_dir, settings.precision).card
    except MissingDependency as error:
        return told | {"missing": str(error)}
    except NotFound as error:
        return told | {"wanting": str(error)}
    chosen = _HOW.get(name, f"LOOKALIKE_RECIPE={name}" if port == "embedder" else "")
    return told | dataclasses.asdict(card) | {"name": name, "chosen_by": chosen}
