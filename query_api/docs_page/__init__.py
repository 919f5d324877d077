"""The documentation page, served at `/docs`. A package, so that its files are installed."""
