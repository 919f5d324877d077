"""Lets real worker processes do commands by a function of the test's own process: lines of JSON over a socket, both ways."""

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lookalike import errors
from lookalike.domain.commands import ApplyChanges, Command, Progress, RowFailure
from lookalike.runners.celery import row_line, row_of_line

Handle = Callable[[Command, Progress, Callable[[], bool]], None]


class HandleHere:
    """The side of the test: does what workers ask for by `handle`, each in a thread."""

    def __init__(self, path: Path) -> None:
        self.handle: Handle = lambda _command, _progress, _cancelled: None
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, self.handle), daemon=True).start()

    def _serve(self, connection: socket.socket, handle: Handle) -> None:
        with connection, connection.makefile("rw", encoding="utf-8") as wire:
            rows = tuple(row_of_line(line) for line in json.loads(wire.readline()))
            progress = Progress()

            def cancelled() -> bool:
                _write(wire, {"ask": True})
                return bool(json.loads(wire.readline()))

            error: list[str] | None = None
            try:
                handle(ApplyChanges(rows), progress, cancelled)
            except Exception as raised:  # noqa: BLE001 — whatever it is, the worker shall meet it
                error = [type(raised).__name__, str(raised)]
            told = [one.as_json() for one in progress.failures]
            _write(wire, {"done": progress.done, "unchanged": progress.unchanged, "failures": told, "error": error})


def handle_there(path: str) -> Handle:
    """The side of the worker: a handle that has it done by the test."""

    def handle(command: Command, progress: Progress, cancelled: Callable[[], bool]) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            with connection.makefile("rw", encoding="utf-8") as wire:
                _write(wire, [row_line(row) for row in command.rows])
                while "ask" in (told := json.loads(wire.readline())):
                    _write(wire, cancelled())
        progress.done, progress.unchanged = told["done"], told["unchanged"]
        progress.failures += [RowFailure(**one) for one in told["failures"]]
        if told["error"]:
            name, message = told["error"]
            raise getattr(errors, name, RuntimeError)(message)

    return handle


def _write(wire: Any, told: Any) -> None:
    wire.write(json.dumps(told) + "\n")
    wire.flush()
