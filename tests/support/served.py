"""A server in a thread of this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from query_api.server import BoundedServer


@contextmanager
def served(server: BoundedServer) -> Iterator[None]:
    """While the block runs, the server serves; then it and its connections end."""
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.task_dispatcher.shutdown()
        server.stop()
        thread.join(5)
        server.asyncore.close_all(server._map)
    assert not thread.is_alive()
