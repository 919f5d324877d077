"""Lookalike: visual product search. The kernel that every other part imports."""

__version__ = "0.1.0"
