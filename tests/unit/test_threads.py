"""Threads that nobody waits for do not interrupt the networks."""

import os
import threading

import pytest

from lookalike.domain.commands import ApplyChanges
from lookalike.runners.inline import InlineRunner
from lookalike.runners.threads import never_interrupting

pytestmark = pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="Only Linux tells threads apart so.")


def _inside_another() -> int:
    """The policy of a thread that this one starts."""
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(os.sched_getscheduler(0)))
    thread.start()
    thread.join(30)
    return seen[0]


def test_a_thread_and_those_it_starts_interrupt_nobody_while_the_block_runs() -> None:
    before = os.sched_getscheduler(0)
    seen: list[int] = []

    def fails() -> None:
        with never_interrupting():
            seen.extend((os.sched_getscheduler(0), _inside_another()))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert seen == [os.SCHED_BATCH, os.SCHED_BATCH]
    assert os.sched_getscheduler(0) == before != os.SCHED_BATCH


def test_a_job_interrupts_nobody_and_who_asked_for_it_is_as_before() -> None:
    seen: list[int] = []
    before = os.sched_getscheduler(0)
    done = threading.Event()

    def handle(*_: object) -> None:
        seen.extend((os.sched_getscheduler(0), _inside_another()))
        done.set()

    runner = InlineRunner(handle)
    runner.submit(ApplyChanges(()))
    assert done.wait(30)
    runner.close()
    assert seen == [os.SCHED_BATCH, os.SCHED_BATCH]
    assert os.sched_getscheduler(0) == before
