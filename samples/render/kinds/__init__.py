"""One module for each family of products; each registers its kinds in `base.KINDS`."""
