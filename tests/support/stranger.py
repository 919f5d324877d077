"""An HTTP server that says what a test wants where OpenSearch should be."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

Answer = tuple[int, str | None, str]
"""Status, content type (None: none is told), and body."""


@contextmanager
def stranger(answer: Callable[[str], Answer]) -> Iterator[str]:
    """An HTTP server that gives `answer` of each path; its HOST:PORT."""

    class Handler(BaseHTTPRequestHandler):
        def _tell(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, kind, text = answer(self.path)
            self.send_response(status)
            if kind is not None:
                self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text.encode())

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _tell  # noqa: N815 — the names of http.server

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
