"""Networks in this process: one thread a core decodes and analyses; shoppers' pictures go before the catalogue's."""

import dataclasses
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

from lookalike.domain.analysis import Analysis, Recipe
from lookalike.domain.geometry import Box
from lookalike.domain.picture import Picture
from lookalike.errors import Overloaded, PictureUnreadable, Unavailable
from lookalike.ports.vision import Look, PictureDecoder, Seer

BATCH = 8
"""Pictures that a thread takes at once where shoppers ask: one who comes waits for at most so many, some 40 ms."""
PATIENT_BATCH = 32
"""And where none has asked for `CALM_SECONDS`: all that surrounds the network is a tenth cheaper (docs/decisions/0012)."""
CALM_SECONDS = 10.0
OWN_SECONDS = 5.0
"""Who has more time left than this may look himself: no one picture takes so long, so nobody has to give up waiting for it."""
Result = Analysis | PictureUnreadable | Exception


class _Call:
    """One call of `analyse`: its looks, where their results go, and a bell for when the last is there."""

    __slots__ = ("bell", "deadline", "left", "lock", "looks", "results")

    def __init__(self, looks: Sequence[Look], deadline: float | None) -> None:
        self.looks, self.deadline = looks, deadline
        self.results: list[Result | None] = [None] * len(looks)
        self.left = len(looks)
        self.lock = threading.Lock()
        self.bell = threading.Event()


_Job = tuple[_Call, int]


class _Line:
    """Two queues and some places at the networks under one lock: who has a deadline goes first.

    A thread takes a place and what waits, at most a batch, without a timer. A shopper who finds a place free and nobody waiting
    takes it himself.
    """

    def __init__(self, most_urgent: int, places: int) -> None:
        self._most_urgent, self._places, self._free = most_urgent, places, places
        self._urgent: deque[_Job] = deque()
        self._patient: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._asked = float("-inf")

    def add(self, call: _Call) -> None:
        """Raises: Overloaded where too many urgent looks wait, Unavailable after `close`."""
        with self._changed:
            if self._closed:
                raise Unavailable("Pictures are no longer analysed: the program is ending.")
            if call.deadline is not None and self._urgent and len(self._urgent) + len(call.looks) > self._most_urgent:
                raise Overloaded(f"{len(self._urgent)} pictures wait for the networks already; try again in a moment.")
            target = self._patient if call.deadline is None else self._urgent
            if call.deadline is not None:
                self._asked = time.monotonic()
            target.extend((call, place) for place in range(len(call.looks)))
            self._changed.notify(len(call.looks))  # a thread that finds nothing would only get in the way of the one that looks

    def begin(self) -> bool:
        """Whether a shopper may look in his own thread, which must `end`: waking another one costs him a millisecond."""
        with self._changed:
            if not self._free or self._urgent or self._patient or self._closed:
                return False
            self._free, self._asked = self._free - 1, time.monotonic()
            return True

    def end(self) -> None:
        """Give the place back."""
        with self._changed:
            self._free += 1
            if self._urgent or self._patient or self._closed:
                self._changed.notify()

    def take(self) -> list[_Job] | None:
        """A place (whoever gets one must `end`) and the next looks, shared fairly with the other places; None once closed and empty."""
        with self._changed:
            while not self._free or not (self._urgent or self._patient):
                if self._closed and not (self._urgent or self._patient):
                    return None
                self._changed.wait()
            self._free -= 1
            source = self._urgent or self._patient
            most = PATIENT_BATCH if time.monotonic() - self._asked > CALM_SECONDS else BATCH
            share = max(1, min(most, -(-len(source) // self._places)))
            return [source.popleft() for _ in range(share)]

    def waiting(self) -> int:
        return len(self._urgent) + len(self._patient)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class LocalAnalyser:
    """PictureAnalyser of this process. Networks and decoder are made by the first look: who only reads words waits for none.

    Results do not depend on which other pictures are analysed beside one. `threads` 0 is one a core; `most_waiting` bounds
    the looks with a deadline that wait.
    """

    def __init__(
        self,
        recipe: Recipe,
        make_seer: Callable[[], Seer],
        make_decoder: Callable[[], PictureDecoder],
        threads: int = 0,
        most_waiting: int = 256,
    ) -> None:
        self.recipe = recipe
        self._make_seer, self._make_decoder, self._count = make_seer, make_decoder, threads or cores()
        self._line = _Line(most_waiting, self._count)
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._eyes: tuple[PictureDecoder, Seer] | None = None
        self._batches: Counter[int] = Counter()

    def analyse(self, looks: Sequence[Look], deadline: float | None = None) -> list[Analysis | PictureUnreadable]:
        """One result for each look, in order. Raises: Unavailable past the deadline, Overloaded."""
        if not looks:
            return []
        self.warm()
        call = _Call(looks, deadline)
        if len(looks) == 1 and deadline is not None and deadline - time.monotonic() > OWN_SECONDS and self._line.begin():
            self._look([(call, 0)])
        else:
            self._line.add(call)
        if not call.bell.wait(None if deadline is None else max(0.0, deadline - time.monotonic())):
            raise Unavailable("The networks did not come to this picture in time; try again in a moment.", 2.0)
        found: list[Analysis | PictureUnreadable] = []
        for result in call.results:
            if isinstance(result, Exception) and not isinstance(result, PictureUnreadable):
                raise result
            assert result is not None
            found.append(result)
        return found

    def warm(self) -> None:
        """Build the networks and start the threads, where that is not done. Raises: what `make_seer` raises."""
        if self._threads:
            return
        with self._lock:
            if self._eyes is None:
                self._eyes = self._make_decoder(), self._make_seer()
            if not self._threads:
                self._threads = [
                    threading.Thread(target=self._work, name=f"lookalike-analyser-{number}", daemon=True) for number in range(self._count)
                ]
                for thread in self._threads:
                    thread.start()

    def waiting(self) -> int:
        """Pictures that no thread has taken."""
        return self._line.waiting()

    def batches(self) -> dict[int, int]:
        """Size of a batch → how many there were."""
        with self._lock:
            return dict(self._batches)

    def close(self) -> None:
        """Finish what waits, end the threads."""
        self._line.close()
        with self._lock:
            threads = self._threads
        for thread in threads:
            thread.join()

    def _work(self) -> None:
        while (jobs := self._line.take()) is not None:
            self._look(jobs)

    def _look(self, jobs: list[_Job]) -> None:
        """Settle some looks in this thread, which has a place, and give the place back."""
        assert self._eyes is not None
        decoder, seer = self._eyes
        try:
            with self._lock:
                self._batches[len(jobs)] += 1
            now = time.monotonic()
            late = [job for job in jobs if job[0].deadline is not None and job[0].deadline < now]
            for job in late:  # nobody waits for it any more
                _settle(job, Unavailable("The deadline passed while the picture waited."))
            fresh = [job for job in jobs if job not in late] if late else jobs
            for job, result in zip(fresh, _results(decoder, seer, fresh), strict=True):
                _settle(job, result)
        finally:
            self._line.end()


def _results(decoder: PictureDecoder, seer: Seer, jobs: list[_Job]) -> list[Result]:
    results: list[Result | None] = [None] * len(jobs)
    seen: list[tuple[int, tuple[Picture, Box | None], float]] = []
    for place, (call, at) in enumerate(jobs):
        look, began = call.looks[at], time.perf_counter()
        try:
            picture = decoder.decode(look.content)
        except Exception as error:  # noqa: BLE001 — a defect in the decoder must reach who asked, not end this thread
            results[place] = error
        else:
            seen.append((place, (picture, look.box), (time.perf_counter() - began) * 1000))
    for place, result in zip([one[0] for one in seen], _seen(seer, [one[1] for one in seen], [one[2] for one in seen]), strict=True):
        results[place] = result
    return [one for one in results if one is not None]


def _seen(seer: Seer, looks: list[tuple[Picture, Box | None]], decode_ms: list[float]) -> list[Result]:
    if not looks:
        return []
    began = time.perf_counter()
    try:
        found = seer.analyse(looks)
    except Exception as error:  # noqa: BLE001 — as above; and of a batch only the picture that is to blame shall suffer
        if len(looks) == 1:
            return [error]
        return [result for look, ms in zip(looks, decode_ms, strict=True) for result in _seen(seer, [look], [ms])]
    each = (time.perf_counter() - began) * 1000 / len(looks)
    return [_timed(one, ms, each) for one, ms in zip(found, decode_ms, strict=True)]


def _timed(analysis: Analysis, decode_ms: float, analyse_ms: float) -> Analysis:
    return dataclasses.replace(analysis, took_ms={"decode": decode_ms, "analyse": analyse_ms})


def _settle(job: _Job, result: Result) -> None:
    call, place = job
    call.results[place] = result
    with call.lock:
        call.left -= 1
        done = call.left == 0
    if done:
        call.bell.set()


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def open_local(
    recipe: Recipe, make_seer: Callable[[], Seer], make_decoder: Callable[[], PictureDecoder], *, settings: Any = None
) -> LocalAnalyser:
    """The analyser of this process; `settings` tell `threads` and `queue_looks`."""
    return LocalAnalyser(recipe, make_seer, make_decoder, getattr(settings, "threads", 0), getattr(settings, "queue_looks", 256))
