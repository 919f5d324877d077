"""The exact engine in plain Python: keeps nothing on disk, and is the oracle that other engines are compared with."""

from lookalike.engines.memory.engine import MemoryEngine, open_memory

__all__ = ["MemoryEngine", "open_memory"]
