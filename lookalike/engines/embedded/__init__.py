"""The default engine: one folder; SQLite is the one truth, vectors and columns are derived from it and kept in memory."""

from lookalike.engines.embedded.engine import EmbeddedEngine, open_embedded

__all__ = ["EmbeddedEngine", "open_embedded"]
