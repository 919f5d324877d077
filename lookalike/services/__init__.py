"""Use cases: what the house does, joined from the ports."""
