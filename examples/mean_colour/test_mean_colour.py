"""The embedder keeps the public contract: all that a plugin's author has to write."""

from lookalike_mean_colour import MeanColour

from lookalike.testing.embedders import EmbedderContract


class TestMeanColour(EmbedderContract):
    """Run it with: pytest test_mean_colour.py"""

    def make_embedder(self) -> MeanColour:
        """The embedder under test."""
        return MeanColour()
