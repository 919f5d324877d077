"""Our task runners keep the public contract."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from support.handles import HandleHere
from support.redis_server import NotHere, running
from support.worker_process import worker

from lookalike.errors import InvalidSetting
from lookalike.ports.runner import TaskRunner
from lookalike.runners.celery import CeleryRunner, board_of, open_celery
from lookalike.runners.inline import InlineRunner
from lookalike.settings import Settings
from lookalike.testing.runners import Handle, TaskRunnerContract, command


class TestInline(TaskRunnerContract):
    """In this process."""

    @pytest.fixture(autouse=True)
    def _quiet(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.CRITICAL)

    def make_runner(self, handle: Handle, most_waiting: int = 64) -> TaskRunner:
        """A runner."""
        return InlineRunner(handle, most_waiting)


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, HandleHere]]:
    """Two worker processes on a Redis, which do what the test's handle says."""
    place = tmp_path_factory.mktemp("runner") / "handle"
    try:
        with running() as server:
            settings = Settings(index="opensearch://nobody.invalid/contract", redis=server.url, lease_seconds=3.0)
            told = {
                "LOOKALIKE_REDIS": server.url,
                "LOOKALIKE_INDEX": settings.index,
                "LOOKALIKE_LEASE_SECONDS": "3",
                "TEST_HANDLE": str(place),
            }
            script = str(Path(__file__).parents[1] / "support" / "handling_worker.py")
            here = HandleHere(place)
            with worker(told, "--concurrency", "2", "--queues", "lookalike.ingest", processes=2, line=[sys.executable, script]):
                yield settings, here
            here.close()
    except NotHere as error:
        pytest.skip(str(error))


class TestCelery(TaskRunnerContract):
    """Real workers on a real Redis, in processes of their own."""

    @pytest.fixture(autouse=True)
    def _workers(self, workers: tuple[Settings, HandleHere]) -> Iterator[None]:
        self.settings, self.here = workers
        yield
        board, keys = board_of(self.settings).name, redis.Redis.from_url(self.settings.redis)
        for key in keys.scan_iter(f"{board}*"):  # jobs that a test left behind are not for the next one's handle
            keys.delete(key)
        keys.close()

    def make_runner(self, handle: Handle, most_waiting: int = 64) -> TaskRunner:
        """A runner in this process; `handle` is called by what the workers ask of it."""
        self.here.handle = handle
        return open_celery(None, settings=self.settings.model_copy(update={"queue_jobs": most_waiting}))

    def test_another_process_tells_the_same(self) -> None:
        """A ticket is not the taker's alone."""
        runner = self.make_runner(lambda told, progress, _: setattr(progress, "done", len(told)))
        other = self.make_runner(self.here.handle)
        ended = self.finished(other, runner.submit(command(130)))
        assert isinstance(runner, CeleryRunner)
        assert runner.ticket(ended.id) == ended
        assert (ended.state, ended.done) == ("done", 130)
        runner.close()
        other.close()

    def test_where_redis_is_away_nobody_knows_how_much_waits(self) -> None:
        """Which is not the same as nothing, and no error: who asks tells of much else besides."""
        away = open_celery(None, settings=self.settings.model_copy(update={"redis": "redis://127.0.0.1:1/0"}))
        assert away.waiting() is None
        away.close()

    def test_an_index_that_no_worker_can_open_is_refused(self) -> None:
        """At once, and in a sentence: its jobs would wait for ever."""
        with pytest.raises(InvalidSetting, match="workers can open"):
            open_celery(None, settings=self.settings.model_copy(update={"index": "memory:"}))
