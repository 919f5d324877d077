"""Ctrl-C and SIGTERM: the first ends a run after the batch in flight, the second at once."""

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

_WATCHED = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """Inside the block a signal is remembered instead of ending the process; called, it says whether one came."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        """Whether a signal came."""
        return self.signal is not None

    @property
    def status(self) -> int:
        """The exit status that shells give a process that a signal ended."""
        return 128 + (self.signal or signal.SIGINT)

    def __enter__(self) -> "Stopping":
        if threading.current_thread() is threading.main_thread():
            self._before = {one: signal.signal(one, self._note) for one in _WATCHED}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number
        for one, handler in self._before.items():
            signal.signal(one, handler)
        print("lookalike: stopping after the batch in flight; once more stops at once.", file=sys.stderr)
