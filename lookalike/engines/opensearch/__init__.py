"""The engine for large catalogues and several machines: documents in OpenSearch, its k-NN, its filters, its counts."""

from lookalike.engines.opensearch.engine import OpenSearchEngine, open_opensearch
from lookalike.engines.opensearch.mapping import mapping_for

__all__ = ["OpenSearchEngine", "mapping_for", "open_opensearch"]
