"""Seeing: the networks and what is read from a picture beside them."""
