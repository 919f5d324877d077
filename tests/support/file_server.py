"""A local HTTP server for one folder: knows Range, breaks off, redirects and lies as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(slots=True)
class Files:
    """What is served: path → bytes. `redirects`: path → address. `breaks`: path → how many answers break off in the middle.

    `ranges` False answers every request whole. `asked` remembers (path, Range).
    """

    contents: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    breaks: dict[str, int] = field(default_factory=dict)
    errors: dict[str, list[int]] = field(default_factory=dict)
    ranges: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    address: str = ""


class _Handler(BaseHTTPRequestHandler):
    files: Files

    def do_GET(self) -> None:
        told, wanted = self.files, self.headers.get("Range")
        told.asked.append((self.path, wanted))
        if self.path in told.redirects:
            self.send_response(302)
            self.send_header("Location", told.redirects[self.path])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if told.errors.get(self.path) or self.path not in told.contents:
            self.send_error(told.errors[self.path].pop(0) if told.errors.get(self.path) else 404)
            return
        content, start = told.contents[self.path], 0
        if wanted and told.ranges:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        rest = content[start:]
        if told.breaks.get(self.path, 0):
            told.breaks[self.path] -= 1
            self.wfile.write(rest[: len(rest) // 2])
            self.close_connection = True
            return
        self.wfile.write(rest)

    def log_message(self, *_: Any) -> None:
        """Silent."""


@contextmanager
def serving() -> Iterator[Files]:
    """A server on this machine for as long as the block lasts."""
    files = Files()
    handler = type("Handler", (_Handler,), {"files": files})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        files.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield files
        finally:
            server.shutdown()
            thread.join()
