"""Names on the wire, in one place: queues, tasks, keys. Other processes, other versions and dashboards rely on them."""

LOOKS, INGEST = "lookalike.looks", "lookalike.ingest"
"""Celery's queues (in Redis: lists of the same names), the one that goes first named first."""
QUEUES = (LOOKS, INGEST)
LOOK = "lookalike.look"
"""The task that says no more than: pictures wait, come and take them."""
INGEST_TASK = "lookalike.ingest"
"""The task that says no more than: rows lie on the board whose name it has, come and take them."""
KEYS = "lookalike:"
"""What our own keys in Redis begin with."""
