"""Ratios against peers and bounds, each measured in one run: `python -m benchmarks`."""
