"""What a worker process works with: built once, after the fork, and given back when the process ends."""

import logging
import threading
from collections.abc import Callable, Sequence

from celery import signals

from lookalike.analysers.local import cores
from lookalike.bootstrap import House, analyser_of, build, recipe_of
from lookalike.broker.names import QUEUES
from lookalike.ports.vision import PictureAnalyser
from lookalike.settings import Settings

logger = logging.getLogger("lookalike.worker")


class WorkerHouse:
    """The networks and, where a task wants one, the whole house of this process. Nothing is built before it is asked for.

    Neither networks (CUDA) nor connections survive a fork: with `--pool=prefork` no part may be asked for in the parent.
    `processes` share the cores of this machine: each takes its part of them for its threads. Raises: InvalidSetting, UnknownPlugin.
    """

    def __init__(self, settings: Settings, processes: int = 1, queues: Sequence[str] = QUEUES) -> None:
        # in a worker the networks run here, and commands too: it is where the others send them
        self.settings = settings.model_copy(
            update={"analyser": "local", "runner": "inline", "threads": settings.threads or max(1, cores() // max(1, processes))}
        )
        self.recipe = recipe_of(self.settings)
        self.queues = tuple(queues)
        """What this worker takes tasks from."""
        self.beginning: list[Callable[[], None]] = []
        self.ending: list[Callable[[], None]] = []
        """What is called in each working process once its networks are warm, and before they are given back."""
        self._lock = threading.RLock()
        self._analyser: PictureAnalyser | None = None
        self._house: House | None = None

    @property
    def analyser(self) -> PictureAnalyser:
        """The networks of this process. Raises: InvalidSetting, MissingDependency."""
        with self._lock:
            if self._analyser is None:
                self._analyser = analyser_of(self.settings)
            return self._analyser

    @property
    def house(self) -> House:
        """The whole house, with the same networks. Raises: what `bootstrap.build` raises."""
        with self._lock:
            if self._house is None:
                self._house = build(self.settings, analyser=self.analyser)
            return self._house

    def close(self) -> None:
        """Give everything back; asked again it would be built again."""
        with self._lock:
            if self._house is not None:
                self._house.close()
            elif self._analyser is not None:
                self._analyser.close()
            self._house = self._analyser = None


def install(pool: str, house: WorkerHouse, opened: Callable[[], None], closed: Callable[[], None]) -> None:
    """Call `opened()` in each process that works, after the fork and before its first task, and `closed()` when it ends.

    With prefork Celery tells each child of its birth. With solo, where this process is the only one, it does so before it
    listens to SIGTERM; so there the worker's own readiness is waited for, which comes again after each lost connection.
    """
    state = {"open": False}

    def begin(**_: object) -> None:
        if state["open"]:
            return
        try:
            opened()
        except Exception:
            # Celery logs and swallows what a handler raises: a process without networks would take work and fail at it
            logger.exception("This worker cannot work and ends.")
            raise SystemExit(1) from None
        state["open"] = True

    def end(**_: object) -> None:
        if state["open"]:
            state["open"] = False
            closed()
            house.close()

    if pool == "solo":
        signals.worker_ready.connect(begin, weak=False)
        signals.worker_shutdown.connect(end, weak=False)
    else:
        signals.worker_process_init.connect(begin, weak=False)
        signals.worker_process_shutdown.connect(end, weak=False)
