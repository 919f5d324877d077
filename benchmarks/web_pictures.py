"""Pictures from the web: how many a second the fetcher brings from a server of this machine, what one costs, and what asking again costs.

`python -m benchmarks.web_pictures`. The server is a process of its own, so its work is not counted.
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from lookalike.errors import PictureUnavailable
from lookalike.pictures.addresses import Guard
from lookalike.pictures.files import NoFiles
from lookalike.pictures.http import WebLimits, WebPictures
from lookalike.pictures.known import KnownAddresses
from lookalike.pictures.store import FolderShelf, Pictures

SAMPLE = Path(__file__).resolve().parents[1] / "lookalike" / "sample_shop" / "pictures"
BATCH = 64
"""As the ingest asks for them."""


def serve() -> None:
    """The sample's pictures, each name with bytes of its own; prints the port."""
    from aiohttp import web

    contents = [one.read_bytes() for one in sorted(SAMPLE.glob("*.jpg"))]

    async def answer(request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        etag = f'"{number}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        # what follows the end of a JPEG is nothing to a decoder, but another digest
        body = contents[number % len(contents)] + number.to_bytes(4, "big")
        return web.Response(body=body, content_type="image/jpeg", headers={"ETag": etag})

    app = web.Application()
    app.router.add_get("/{number}", answer)
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    print(listening.getsockname()[1], flush=True)
    web.run_app(app, sock=listening, print=None, access_log=None)


def main(argv: list[str] | None = None) -> int:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--parallel", type=int, default=32)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.serve:
        serve()
        return 0
    with subprocess.Popen([sys.executable, "-m", "benchmarks.web_pictures", "--serve"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        try:
            print(
                json.dumps(
                    _measured([f"http://127.0.0.1:{port}/{one}" for one in range(options.pictures)], options.parallel, port), indent=1
                )
            )
        finally:
            server.terminate()
    return 0


def _measured(urls: Sequence[str], parallel: int, port: int) -> dict[str, object]:
    limits, guard = WebLimits(parallel=parallel, per_host=parallel), Guard([f"127.0.0.1:{port}"])
    with tempfile.TemporaryDirectory() as kept, closing(WebPictures(limits, guard)) as web:
        folder = Path(kept)
        with closing(KnownAddresses(folder / "addresses.sqlite")) as known:
            store = Pictures(FolderShelf(folder / "pictures"), web, NoFiles(), 20_000_000, known)
            store.fetch_all(urls[:BATCH])  # the connections are there
            contents: list[bytes] = []

            def fetch(some: Sequence[str]) -> None:
                found = store.fetch_all(some)
                assert not any(isinstance(one, PictureUnavailable) for one in found)
                contents.extend(one for one in found if isinstance(one, bytes))

            first = _timed(fetch, urls)
            size = sum(map(len, contents)) / len(contents)
            keep = _timed(lambda some: [store.keep(contents[int(one.rpartition("/")[2])]) for one in some], urls)
            again = _timed(fetch, urls)
    return {"pictures": len(urls), "mean_bytes": round(size), "parallel": parallel, "fetch": first, "keep": keep, "again_unchanged": again}


def _timed(work: Callable[[Sequence[str]], object], urls: Sequence[str]) -> dict[str, float]:
    began, cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(urls), BATCH):
        work(urls[start : start + BATCH])
    took, used = time.perf_counter() - began, time.process_time() - cpu
    return {"per_second": round(len(urls) / took), "cpu_ms_each": round(1000 * used / len(urls), 3)}


if __name__ == "__main__":
    sys.exit(main())
