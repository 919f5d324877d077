"""A real `lookalike worker` in a process of its own, which says itself when it is ready."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 120
STOP_SECONDS = 60
READY = "Lookalike worker is ready: process "


class WorkerProcess:
    """A worker with the environment that it is given beside this process' own. `line` starts it (default: the command line itself)."""

    def __init__(self, environment: Mapping[str, str], *words: str, line: Sequence[str] = ()) -> None:
        start = list(line) or [sys.executable, "-c", "from lookalike.cli import main; main()"]
        root = str(Path(__file__).parents[2])
        path = os.pathsep.join(one for one in (environment.get("PYTHONPATH"), root, os.environ.get("PYTHONPATH")) if one)
        self._process = subprocess.Popen(
            [*start, "worker", *words],
            env={**os.environ, **environment, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.told: list[str] = []
        """Its output so far, by the line."""
        self.ready: list[int] = []
        """The processes that have said that they are ready, in that order: those that died among them."""
        self._changed = threading.Condition()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    @property
    def pid(self) -> int:
        """The process that was started; with --pool=prefork the parent of those that work."""
        return self._process.pid

    def wait_ready(self, processes: int = 1) -> list[int]:
        """The ids of those that are ready, once so many have said so. Raises: RuntimeError with what it told instead."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.ready) >= processes or not self._reading.is_alive(), START_SECONDS)
            if len(self.ready) < processes:
                raise RuntimeError(f"{len(self.ready)} of {processes} worker processes became ready: " + "".join(self.told[-40:]))
            return list(self.ready)

    def stop(self) -> int:
        """SIGTERM, as a supervisor sends it; the exit status. A worker that does not end is killed, and the status is -9."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait(STOP_SECONDS)
        self._reading.join(STOP_SECONDS)
        return status

    def kill(self) -> None:
        """SIGKILL to the process that was started; its children end when they notice."""
        self._process.kill()
        self._process.wait(STOP_SECONDS)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with self._changed:
                    self.told.append(line)
                    if line.startswith(READY):
                        self.ready.append(int(line[len(READY) :].partition(",")[0]))
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()


@contextmanager
def worker(environment: Mapping[str, str], *words: str, processes: int = 1, line: Sequence[str] = ()) -> Iterator[WorkerProcess]:
    """A worker that is ready; stopped in the end."""
    started = WorkerProcess(environment, *words, line=line)
    try:
        started.wait_ready(processes)
        yield started
    finally:
        started.stop()
