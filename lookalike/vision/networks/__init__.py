"""Networks by name: a card and no code. A card says what a file is, what it takes and what its outputs mean."""
