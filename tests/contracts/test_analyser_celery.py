"""The analyser of the workers keeps the public contract, with a real Redis and a real worker."""

from collections.abc import Iterator

import pytest
from support import looking, worker_process
from support.redis_server import RedisServer

from lookalike.analysers.celery import CeleryAnalyser
from lookalike.ports.vision import PictureAnalyser
from lookalike.testing.analysers import AnalyserContract


@pytest.fixture(scope="class", params=["solo", "prefork"])
def served(request: pytest.FixtureRequest, redis_of_session: RedisServer) -> Iterator[str]:
    """A Redis with a worker at it."""
    with worker_process.worker({"LOOKALIKE_REDIS": redis_of_session.url}, "--pool", request.param, line=looking.TOY):
        yield redis_of_session.url


class TestCelery(AnalyserContract):
    """With a toy for a network."""

    @pytest.fixture(autouse=True)
    def _at(self, served: str) -> None:
        self._url = served

    def make_analyser(self) -> PictureAnalyser:
        """An analyser that has asked nothing yet."""
        return CeleryAnalyser(looking.TOY_RECIPE, self._url)

    def pictures(self) -> list[bytes]:
        """Pictures of one colour each."""
        return [looking.painted(value, 255 - value, value // 2) for value in (1, 60, 120, 180, 240)]
