"""Contract suites that every adapter, ours or a stranger's, must pass."""
