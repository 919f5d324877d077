"""The command line: `lookalike …`. A command's module is imported when that command is called, and no other's."""

from lookalike.cli.main import main

__all__ = ["main"]
