"""The real command as a process: how long it takes, how much memory it holds, what it answers."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks import BLAS_THREADS

COMMAND = (sys.executable, "-P", "-c", "from lookalike.cli import main; main()")
LOOK_EVERY_S = 0.02
BYTECODE = Path(__file__).resolve().parents[1] / "var" / "pycache"
"""Python's bytecode goes here, so that a benchmark writes nothing into the environment that it measures."""


@dataclass(slots=True)
class Ran:
    """A process that has ended. `peak_mb` is its own largest resident memory, 0 where the system does not tell."""

    status: int
    out: str
    seconds: float
    cpu_seconds: float
    peak_mb: float


@dataclass(slots=True)
class Serving:
    """`lookalike serve` or `demo`, ready. `seconds` and `cpu_seconds` are from its start until it said so."""

    process: subprocess.Popen[str]
    host: str
    port: int
    seconds: float
    cpu_seconds: float
    _connections: list[http.client.HTTPConnection] = field(default_factory=list)

    def post(self, path: str, body: bytes, kind: str = "application/json") -> Any:
        """One request on a connection that stays open. Raises: RuntimeError where the answer is neither 200 nor 202."""
        return self._asked("POST", path, body, {"Content-Type": kind})

    def get(self, path: str) -> Any:
        """The same without a body."""
        return self._asked("GET", path, None, {})

    def _asked(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Any:
        if not self._connections:
            self._connections.append(http.client.HTTPConnection(self.host, self.port, timeout=60))
        connection = self._connections[0]
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        told = answer.read()
        if answer.status not in (200, 202):
            raise RuntimeError(f"{method} {path} was answered {answer.status}: {told[:200]!r}")
        return json.loads(told)

    def memory_mb(self) -> float:
        """Resident memory now; 0 where the system does not tell."""
        return status_mb(self.process.pid, "VmRSS")


def run(*words: str, environment: Mapping[str, str] | None = None) -> Ran:
    """Run a command to its end. Raises: RuntimeError with what it said where it did not end well."""
    began = time.perf_counter()
    line = [*COMMAND, *words]
    with subprocess.Popen(line, env=environment_of(environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        peak, ended = [0.0], threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, peak, ended))
        watch.start()
        before = os.times()
        try:
            out, said = process.communicate()
        except BaseException:
            process.kill()
            raise
        finally:
            ended.set()
            watch.join()
    seconds, after = time.perf_counter() - began, os.times()
    if process.returncode:
        raise RuntimeError(f"lookalike {words[0]} ended with {process.returncode}: {said.strip()[-400:]}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Ran(process.returncode, out, seconds, cpu, peak[0])


@contextmanager
def serving(*words: str, environment: Mapping[str, str] | None = None) -> Iterator[Serving]:
    """A server on a free port, from the moment when it says that it is ready; ended with the block. Raises: RuntimeError."""
    began = time.perf_counter()
    line = [*COMMAND, *words, "--port", "0"]
    process = subprocess.Popen(line, env=environment_of(environment), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        ready = next((said for said in process.stdout if "ready" in said), None)
        if ready is None:
            raise RuntimeError(f"lookalike {words[0]} ended with {process.wait()} before it was ready.")
        seconds = time.perf_counter() - began
        address = urlsplit(next(word for word in ready.split() if word.startswith("http://")))
        yield Serving(process, address.hostname or "127.0.0.1", address.port or 80, seconds, cpu_of(process.pid))
    finally:
        ended(process)


def ended(process: "subprocess.Popen[str]") -> None:
    """SIGTERM, and after half a minute SIGKILL."""
    process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def status_mb(pid: int, name: str) -> float:
    """A field of /proc/PID/status in MB (10⁶ bytes); 0 where there is none."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{name}:")), 0.0)


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def session_cpu(leader: int) -> float:
    """Seconds of CPU that a session's processes have used, those of its dead children included; 0 where the system does not tell."""
    total = 0
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = place.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it ended while we looked
        if int(fields[3]) == leader:
            total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def forget(path: Path) -> None:
    """Ask the system to drop a folder's files from its page cache, so that the next reader waits for the disk."""
    if not hasattr(os, "posix_fadvise"):
        return
    for one in path.rglob("*"):
        if one.is_file():
            handle = os.open(one, os.O_RDONLY)
            try:
                os.fsync(handle)
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(handle)


def _watch(pid: int, peak: list[float], ended: threading.Event) -> None:
    """The largest VmHWM seen: that of wait4 also counts what the parent held when it forked."""
    while not ended.wait(LOOK_EVERY_S):
        peak[0] = max(peak[0], status_mb(pid, "VmHWM"))


def environment_of(more: Mapping[str, str] | None) -> dict[str, str]:
    """Ours without what a shop has set for itself: a benchmark measures the defaults, Python's bytecode among them."""
    own = {name for name in os.environ if name.startswith("LOOKALIKE_")} - {"LOOKALIKE_CACHE_DIR"} | {
        "PYTHONDONTWRITEBYTECODE",
        BLAS_THREADS,
    }
    kept = {name: value for name, value in os.environ.items() if name not in own}
    return {**kept, "PYTHONPYCACHEPREFIX": str(BYTECODE), **(more or {})}
