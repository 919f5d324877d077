"""A real Redis for tests: on a free port, in a folder of its own, stopped by its process id."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

START_SECONDS = 20


class NotHere(Exception):
    """There is no Redis on this machine that tests could start."""


class RedisServer:
    """A redis-server process. `kill` and `start` again: its memory is then empty, as after a crash without a file."""

    def __init__(self, folder: Path, port: int = 0, options: Sequence[str] = ()) -> None:
        self.folder, self.port, self.options = folder, port or free_port(), tuple(options)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As LOOKALIKE_REDIS wants it."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The process, while it runs."""
        assert self._process is not None, "this Redis does not run"
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it answers. Raises: NotHere, RuntimeError with the end of its log."""
        binary = shutil.which("redis-server")
        if binary is None:
            raise NotHere("no redis-server on this machine (Debian: apt-get install redis-server)")
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "redis.log"
        line = [binary, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "", "--appendonly", "no"]
        line += ["--logfile", str(log), "--daemonize", "no", *self.options]
        self._process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError(f"Redis did not start: {log.read_text()[-2000:] if log.exists() else 'no log'}")

    def kill(self) -> None:
        """SIGKILL, as when the machine dies."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM; nothing where it does not run."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            os.kill(process.pid, signal.SIGCONT)  # one that a test has stopped could not hear anything else
            os.kill(process.pid, how)
        process.wait(START_SECONDS)

    def _answers(self) -> bool:
        """Whether a PING comes back; while it loads nothing does. Waits a breath where nobody listens yet."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as asked:
                asked.sendall(b"PING\r\n")
                return asked.recv(64).startswith(b"+PONG")
        except OSError:
            if self._process is not None:
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(0.02)
            return False


@contextmanager
def running(*options: str, port: int = 0, maxmemory: str = "") -> Iterator[RedisServer]:
    """A Redis that answers, in a temporary folder; stopped in the end. `maxmemory` such as 8mb, with Redis' own policy noeviction.

    Raises: NotHere.
    """
    told = ("--maxmemory", maxmemory) if maxmemory else ()
    with TemporaryDirectory(prefix="lookalike-redis-") as folder:
        server = RedisServer(Path(folder), port, (*told, *options))
        try:
            server.start()
            yield server
        finally:
            server.stop()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
