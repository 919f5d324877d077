"""Processes that are kept running: started again when they die, stopped in order, none left behind."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.compose import ComposeProblem, read
from stack.processes import Launch, Supervisor

ROOT = Path(__file__).resolve().parents[3]
WAITS = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print('up', flush=True)
signal.sigwait([{awaited}])
print('down', flush=True)
"""
POLITE, STUBBORN = WAITS.format(awaited="signal.SIGTERM"), WAITS.format(awaited="signal.SIGUSR1")
OWNER = """
import os, pathlib, sys, threading
from stack.processes import Launch, Supervisor
folder, supervisor = pathlib.Path(sys.argv[1]), Supervisor()
supervisor.start(Launch("one", ("sleep", "600"), dict(os.environ), folder, folder / "one.log"))
print(supervisor.pid("one"), flush=True)
threading.Event().wait()
"""


def launch(folder: Path, name: str, code: str, **more: float) -> Launch:
    return Launch(name, (sys.executable, "-S", "-c", code), {"PATH": os.environ["PATH"]}, folder, folder / f"{name}.log", **more)


def until(told: Callable[[], bool]) -> None:
    end, pause = time.monotonic() + 30, threading.Event()
    while not told():
        assert time.monotonic() < end
        pause.wait(0.02)


def gone(pid: int) -> bool:
    """Whether it has ended; one that nobody has buried yet counts as ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in "ZX"


def test_what_is_killed_is_started_again_and_all_are_stopped_in_the_end(tmp_path: Path) -> None:
    supervisor = Supervisor()
    for name in ("first", "second"):
        supervisor.start(launch(tmp_path, name, POLITE))
    until(lambda: (tmp_path / "first.log").read_text() == "up\n")
    before, other = supervisor.pid("first"), supervisor.pid("second")
    supervisor.kill("first")
    until(lambda: supervisor.starts("first") == 2 and (tmp_path / "first.log").read_text() == "up\nup\n")
    assert supervisor.deaths() == {"first": [-signal.SIGKILL]}
    after = supervisor.pid("first")
    assert after != before
    until(lambda: (tmp_path / "second.log").read_text() == "up\n")
    assert supervisor.close() == []
    assert gone(after)
    assert gone(other)
    assert (tmp_path / "second.log").read_text() == "up\ndown\n", "it was asked before it was killed"


def test_who_does_not_stop_is_killed_and_named(tmp_path: Path) -> None:
    supervisor = Supervisor()
    supervisor.start(launch(tmp_path, "stubborn", STUBBORN, stop_seconds=0.3))
    until(lambda: (tmp_path / "stubborn.log").read_text() == "up\n")
    pid = supervisor.pid("stubborn")
    assert supervisor.close() == ["stubborn"]
    assert gone(pid)


def test_what_cannot_be_started_is_said_at_once(tmp_path: Path) -> None:
    supervisor = Supervisor()
    with pytest.raises(OSError, match="nowhere"):
        supervisor.start(Launch("lost", ("true",), {"PATH": os.environ["PATH"]}, tmp_path / "nowhere", tmp_path / "lost.log"))
    assert supervisor.close() == []


pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this machine has no /proc to look for processes in")


@pytest.mark.skipif(not shutil.which("setpriv"), reason="no setpriv on this machine: it is of util-linux")
def test_a_stack_that_is_killed_takes_its_processes_with_it(tmp_path: Path) -> None:
    """As when somebody closes the terminal hard: nobody is left who could stop them."""
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        until(lambda: Path(f"/proc/{pid}/comm").read_text() == "sleep\n")  # setpriv has asked the kernel by then
        owner.kill()
    until(lambda: gone(pid))


def test_variables_are_filled_in_as_compose_does(tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    file.write_text(
        "services: {a: {image: b, healthcheck: {test: [CMD, x]}, environment: "
        '{A: "${A}", B: "${B:-two}", C: "${C-three}", D: "$${D}", E: "${E:?say E}"}}}'
    )
    assert read(file, {"A": "1", "B": "", "C": "", "E": "5"})["a"].environment == {"A": "1", "B": "two", "C": "", "D": "${D}", "E": "5"}
    with pytest.raises(ComposeProblem, match="E is not set: say E"):
        read(file, {"E": ""})
