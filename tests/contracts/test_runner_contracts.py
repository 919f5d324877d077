"""Our task runners keep the public contract."""

import logging

import pytest

from lookalike.ports.runner import TaskRunner
from lookalike.runners.inline import InlineRunner
from lookalike.testing.runners import Handle, TaskRunnerContract


class TestInline(TaskRunnerContract):
    """In this process."""

    @pytest.fixture(autouse=True)
    def _quiet(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.CRITICAL)

    def make_runner(self, handle: Handle, most_waiting: int = 64) -> TaskRunner:
        """A runner."""
        return InlineRunner(handle, most_waiting)
