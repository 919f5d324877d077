"""Adapters by name, found through entry points: ours come in by the same door as a stranger's, and only the one asked for is imported."""

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from lookalike.errors import MissingDependency, UnknownPlugin

GROUPS = {
    "search engine": "lookalike.engines",
    "detector": "lookalike.detectors",
    "segmenter": "lookalike.segmenters",
    "embedder": "lookalike.embedders",
    "category classifier": "lookalike.classifiers",
    "hasher": "lookalike.hashers",
    "catalogue source": "lookalike.catalogues",
    "task runner": "lookalike.runners",
    "picture analyser": "lookalike.analysers",
    "event sink": "lookalike.events",
    "command": "lookalike.commands",
}
"""What a port's adapters are called in messages → the entry-point group that they register in."""


def installed(port: str) -> dict[str, EntryPoint]:
    """The adapters of a port by name, none of them imported. Of two with one name the first found counts."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUPS[port]):
        found.setdefault(entry.name, entry)
    return found


def load(port: str, name: str) -> Callable[..., Any]:
    """What an adapter's entry point names: a factory. Raises: UnknownPlugin, MissingDependency."""
    found = installed(port)
    if name not in found:
        raise UnknownPlugin(port, name, found)
    return load_entry(found[name])


def load_entry(entry: EntryPoint) -> Callable[..., Any]:
    """The factory that an entry point names. Raises: MissingDependency."""
    try:
        factory: Callable[..., Any] = entry.load()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("lookalike", "ingest", "query_api", "workers", ""):
            raise
        raise MissingDependency(missing, entry.name) from error
    return factory
