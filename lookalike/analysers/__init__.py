"""Where pictures are analysed."""
