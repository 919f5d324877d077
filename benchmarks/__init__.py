"""Ratios against peers and bounds, each measured in one run: `python -m benchmarks`."""

import os

# Exact numpy is a peer on one thread, as the engine's searches are; OpenBLAS asks this when numpy is first imported.
BLAS_THREADS = "OPENBLAS_NUM_THREADS"
os.environ[BLAS_THREADS] = "1"
