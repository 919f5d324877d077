"""Events as JSON lines in a folder, in files that take turns."""

import fcntl
import json
import logging
from collections.abc import Mapping, Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

from lookalike.errors import InvalidSetting, StorageFull
from lookalike.ports.events import Event

FILE_BYTES, KEPT_FILES = 50_000_000, 5
"""A file that has grown so large is put aside as NAME.1; so many of those are kept."""
_MOST_PROCESSES = 64


class EventFile:
    """EventSink: `events-N.jsonl` in a folder, N the first number that no other process has. The folder is made with the first event."""

    def __init__(self, folder: Path, most_bytes: int = FILE_BYTES, kept: int = KEPT_FILES) -> None:
        self._folder, self._most_bytes, self._kept = folder, most_bytes, kept
        self._file: RotatingFileHandler | None = None
        self._lock: TextIO | None = None

    def write(self, events: Sequence[Event]) -> int:
        """All or, where the disk refuses, perhaps some: those are written again. Raises: StorageFull."""
        try:
            file = self._file = self._file or self._opened()
            for event in events:
                file.emit(logging.makeLogRecord({"msg": json.dumps(event, ensure_ascii=True)}))
        except OSError as error:
            raise StorageFull(
                f"Events cannot be written to {self._folder}: {error.strerror}. Make room, or check its permissions."
            ) from error
        return 0

    def close(self) -> None:
        """Give the files back."""
        if self._file is not None:
            self._file.close()
        if self._lock is not None:
            self._lock.close()

    def _opened(self) -> RotatingFileHandler:
        self._folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, _MOST_PROCESSES + 1):
            lock = (self._folder / f".events-{number}.lock").open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            self._lock = lock
            return _Turning(self._folder / f"events-{number}.jsonl", maxBytes=self._most_bytes, backupCount=self._kept, encoding="utf-8")
        raise OSError(0, f"{_MOST_PROCESSES} processes write events there already")


class _Turning(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 — logging's name
        """What it would print, it raises."""
        raise  # noqa: PLE0704 — called inside an except block


def open_event_file(location: str, *, settings: Mapping[str, str], folder: Path | None, application: str) -> EventFile:
    """`file:FOLDER`, or `file` for `events` in the index's own folder. Raises: InvalidSetting where there is none."""
    if location:
        return EventFile(Path(location).expanduser())
    if folder is None:
        raise InvalidSetting("LOOKALIKE_EVENTS is 'file', but an index in memory has no folder. Say where: file:FOLDER.")
    return EventFile(folder / "events")
