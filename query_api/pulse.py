"""The engine's status for those who must not wait for it: metrics, `/statusz`, the events of a server's state."""

import dataclasses
import threading
from collections.abc import Callable

from lookalike.ports.engine import EngineStatus

PATIENCE_SECONDS = 2.0


class Pulse:
    """Asks on a thread of its own, one at a time; who looks waits a moment at most, and is told then that there was no answer."""

    def __init__(self, ask: Callable[[], EngineStatus], patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._ask, self._patience_seconds = ask, patience_seconds
        self._lock = threading.Lock()
        self._coming: threading.Event | None = None
        self._last = EngineStatus(False, 0, None, "unknown", message="The engine has not answered yet.")

    def __call__(self) -> EngineStatus:
        """The status now; where it does not come in time the last one known, as not ready."""
        with self._lock:
            coming = self._coming
            if coming is None:
                coming = self._coming = threading.Event()
                threading.Thread(target=self._look, args=(coming,), name="lookalike-pulse", daemon=True).start()
        if coming.wait(self._patience_seconds):
            return self._last
        return dataclasses.replace(self._last, ready=False, message=f"The engine did not answer within {self._patience_seconds:g} s.")

    def _look(self, coming: threading.Event) -> None:
        try:
            self._last = self._ask()
        except Exception as error:  # noqa: BLE001 — whatever it is, who looks is told, and the next one asks again
            self._last = dataclasses.replace(self._last, ready=False, message=f"{type(error).__name__}: {error}")
        finally:
            with self._lock:
                self._coming = None
            coming.set()
