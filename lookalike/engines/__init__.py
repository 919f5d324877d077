"""Search engines, each found by its entry point."""
