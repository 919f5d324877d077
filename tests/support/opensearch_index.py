"""What tests of the OpenSearch engine ask of their index."""

from lookalike.ports.engine import SearchEngine


def behind(engine: SearchEngine) -> str:
    """The index behind the alias."""
    return str((engine.status().details or {})["index"])
