"""Processes that are kept running: started, started again when they die, stopped in order, none left behind.

What a container engine does with `restart: unless-stopped`, for machines without one.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

LOOK_EVERY_SECONDS = 0.05
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, WELL_AFTER_SECONDS = 0.1, 60.0, 10.0
"""As Docker: what dies is started after .1 s, then .2 s, … 60 s; who has run for ten seconds begins with .1 s again."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a process is started and stopped. `user` is the user id to take on, None for ours; `environment` is all it gets."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    user: int | None = None
    stop_seconds: float = 10.0

    def start(self) -> "subprocess.Popen[bytes]":
        """Start it, in a session of its own (Ctrl-C in our terminal is not for it). Raises: OSError.

        Where the system can (Linux, `setpriv`), the kernel kills it when the thread that called this ends, so that nothing is
        left behind even where we are killed: call this from a thread that lives as long as the process shall.
        """
        guard = shutil.which("setpriv")
        argv = [guard, "--pdeathsig", "KILL", "--", *self.argv] if guard else list(self.argv)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                argv,
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.user,
                group=self.user,
                start_new_session=True,
            )

    def log_tail(self, lines: int = 15) -> str:
        """The end of what it has written."""
        if not self.log.is_file():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def stop(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """End a process: politely, and after `seconds` by force with all of its session. Whether politeness was enough."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        kill(process)
        return False
    kill(process)  # children that a dead parent has left
    return True


def kill(process: "subprocess.Popen[bytes]") -> None:
    """`kill -9` of a process and of all of its session that is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@dataclass(slots=True)
class _Kept:
    launch: Launch
    process: "subprocess.Popen[bytes]"
    began: float
    starts: int = 1
    pause: float = FIRST_PAUSE_SECONDS
    again_at: float | None = None
    deaths: list[int] = field(default_factory=list)


class Supervisor:
    """Keeps processes running. Threads may call it at once."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._wanted: list[Launch] = []
        self._forced: list[str] = []
        self._failure: OSError | None = None
        self._ended = False
        self._lock = threading.Condition()
        self._thread = threading.Thread(target=self._look, name="supervisor", daemon=True)
        self._thread.start()

    def start(self, launch: Launch) -> None:
        """Start a process and keep it running. Raises: OSError where it cannot be started at all, ValueError for a name in use."""
        with self._lock:
            if launch.name in self._kept:
                raise ValueError(f"A process called {launch.name!r} runs already.")
            self._failure = None
            self._wanted.append(launch)
            self._lock.notify_all()
            self._lock.wait_for(lambda: launch not in self._wanted)
            if self._failure is not None:
                raise self._failure

    def pid(self, name: str) -> int:
        """Its process id; that of the one that died where it is not started again yet. Raises: KeyError."""
        with self._lock:
            return self._kept[name].process.pid

    def starts(self, name: str) -> int:
        """How often it was started. Raises: KeyError."""
        with self._lock:
            return self._kept[name].starts

    def deaths(self) -> dict[str, list[int]]:
        """The exit statuses (negative: the signal) of those that died without being stopped."""
        with self._lock:
            return {name: list(kept.deaths) for name, kept in self._kept.items() if kept.deaths}

    def kill(self, name: str) -> None:
        """`kill -9` one, which is then started again. Raises: KeyError."""
        self.signal(name, signal.SIGKILL)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send one a signal. Raises: KeyError."""
        with self._lock:
            self._kept[name].process.send_signal(number)

    def close(self) -> list[str]:
        """Stop all, the last started first, and start none again: the names of those that had to be killed."""
        with self._lock:
            self._ended = True
            self._lock.notify_all()
        self._thread.join()
        return self._forced

    def _look(self) -> None:
        """Processes are started, minded and stopped by this one thread: the kernel kills them when it ends (`Launch.start`)."""
        with self._lock:
            while not self._ended:
                for launch in self._wanted:
                    try:
                        self._kept[launch.name] = _Kept(launch, launch.start(), time.monotonic())
                    except OSError as error:
                        self._failure = error
                self._wanted.clear()
                for kept in self._kept.values():
                    _mind(kept)
                self._lock.notify_all()
                self._lock.wait(LOOK_EVERY_SECONDS)
            for kept in reversed(self._kept.values()):
                if not stop(kept.process, kept.launch.stop_seconds):
                    self._forced.append(kept.launch.name)


def _mind(kept: _Kept) -> None:
    """Start it again where it died, after a pause."""
    now, status = time.monotonic(), kept.process.poll()
    if status is None:
        return
    if kept.again_at is None:
        kept.deaths.append(status)
        kill(kept.process)  # what a dead parent has left
        if now - kept.began > WELL_AFTER_SECONDS:
            kept.pause = FIRST_PAUSE_SECONDS
        kept.again_at, kept.pause = now + kept.pause, min(2 * kept.pause, LONGEST_PAUSE_SECONDS)
    elif now >= kept.again_at:
        kept.process, kept.began, kept.again_at = kept.launch.start(), now, None
        kept.starts += 1
