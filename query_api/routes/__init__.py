"""One module for each resource: `blueprint(…)` makes its routes over a house."""
