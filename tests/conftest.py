"""Being here puts this folder on the path: tests below find `toy_house` in it."""
