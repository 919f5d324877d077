"""What the house talks about: standard library and numpy only."""
