"""A TCP proxy of our own that can be made slow, or silent, while connections go through it."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")
LOOK_SECONDS = 0.1


class SlowProxy:
    """Listens on a free port of the loopback address and hands everything on to `upstream` (HOST:PORT).

    `delay_seconds` is waited before each piece of an answer is handed back; it may be changed at any time.
    """

    def __init__(self, upstream: str) -> None:
        self.delay_seconds = 0.0
        self.address = ""
        self._host, _, port = upstream.rpartition(":")
        self._port = int(port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="slow-proxy", daemon=True)

    def __enter__(self) -> "SlowProxy":
        self._thread.start()
        server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0)).result()
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        async def end() -> None:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self._call(end()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.close()
            return
        with contextlib.suppress(asyncio.CancelledError):  # at the end; a callback of asyncio's own would complain of it
            await asyncio.gather(self._pump(reader, up_writer, slow=False), self._pump(up_reader, writer, slow=True))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slow: bool) -> None:
        with contextlib.suppress(OSError):  # either side may go at any time: the other is told by the close
            while piece := await reader.read(65536):
                came = self._loop.time()
                while slow and self._loop.time() < came + self.delay_seconds:  # asked anew each time: it may have been mended
                    await asyncio.sleep(min(self.delay_seconds, LOOK_SECONDS))
                writer.write(piece)
                await writer.drain()
        writer.close()
