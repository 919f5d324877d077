"""Where pictures come from: decoding, files, the web."""
