"""A server between us and another: it hands on what is asked, notes whose request it was, and can be made to hang."""

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_PASSED_ON = ("Content-Type", "X-Opaque-Id")


class Between:
    """`seen` holds (method, path, X-Opaque-Id) of each request; while `passing` is not set nothing is answered.

    The answer of the next `_bulk` after `lose(then)` is lost: it is done, `then` is called, and the connection closed.
    """

    def __init__(self) -> None:
        self.port = 0
        self.seen: list[tuple[str, str, str | None]] = []
        self.passing = threading.Event()
        self.passing.set()
        self.losing: Callable[[], object] | None = None

    def lose(self, then: Callable[[], object] = lambda: None) -> None:
        """See the class."""
        self.losing = then


@contextmanager
def between(url: str) -> Iterator[Between]:
    """Stands before the server at `url`, `http://HOST:PORT`, until the block ends."""
    told = Between()
    ask = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _hand_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
            told.seen.append((self.command, self.path, self.headers.get("X-Opaque-Id")))
            told.passing.wait()
            headers = {name: self.headers[name] for name in _PASSED_ON if name in self.headers}
            try:
                with ask(urllib.request.Request(url + self.path, body, headers, method=self.command), timeout=60) as answer:
                    status, kind, content = answer.status, answer.headers.get("Content-Type"), answer.read()
            except urllib.error.HTTPError as error:
                status, kind, content = error.code, error.headers.get("Content-Type"), error.read()
            if told.losing is not None and "_bulk" in self.path:
                then, told.losing = told.losing, None
                then()
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Type", kind or "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _hand_on  # noqa: N815 — the names of http.server

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that gave up on a hanging answer is no error of ours."""

    server = Server(("127.0.0.1", 0), Handler)
    told.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield told
    finally:
        told.passing.set()
        server.shutdown()
        server.server_close()
        thread.join()
