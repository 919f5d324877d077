"""Recipes as data: what finds the objects, what cuts them out, what makes their vectors. docs/models.md tells the format."""
