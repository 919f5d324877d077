"""Sources of products, each found by its entry point."""
