"""From a source of products into an index: the `index` command."""
