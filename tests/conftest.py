"""What all tests share.

Being here puts this folder on the path: tests below find `toy_house` in it.

With `LOOKALIKE_NO_SKIPS=1`, as in continuous integration, a test that is skipped makes the run fail: a machine that lacks
something must not look like one on which everything passed.
"""

import os
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import redis_server

from stack import opensearch as opensearch_node

SHARED = Path(os.environ.get("LOOKALIKE_SHARED") or Path(__file__).resolve().parents[2] / "shared")
"""Real pictures and networks to measure with: a folder beside the clone, or the one named. Tests marked `shared` need it."""

_skipped: list[str] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs the shared pictures where there are none."""
    if not (SHARED / "data").is_dir():
        for item in items:
            if item.get_closest_marker("shared"):
                item.add_marker(pytest.mark.skip(reason=f"no pictures in {SHARED}: say where they lie with LOOKALIKE_SHARED"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared pictures and networks. Mark the test `shared` as well."""
    return SHARED


@pytest.fixture(scope="session")
def opensearch() -> Iterator[str]:
    """The address of a real OpenSearch, `opensearch://HOST:PORT`: the one of OPENSEARCH_URL, or one node started for the session,
    of OPENSEARCH_VERSION or the newest that can be had. Mark the test `opensearch` as well."""
    if given := os.environ.get("OPENSEARCH_URL"):
        yield f"opensearch://{urllib.parse.urlsplit(given).netloc}"
        return
    try:
        with opensearch_node.running(os.environ.get("OPENSEARCH_VERSION") or opensearch_node.VERSIONS[0]) as url:
            yield f"opensearch://{urllib.parse.urlsplit(url).netloc}"
    except opensearch_node.NotHere as reason:
        pytest.skip(str(reason))


@pytest.fixture
def opensearch_index(opensearch: str, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Addresses of indexes of this test alone: of each name one. They are deleted in the end."""
    from opensearchpy import OpenSearch

    mine = f"test-{abs(hash(tmp_path)):x}"
    yield lambda name: f"{opensearch}/{mine}-{name}"
    client = OpenSearch([opensearch.replace("opensearch", "http", 1)])
    client.indices.delete(index=f"{mine}-*", params={"expand_wildcards": "all"})
    client.close()


@pytest.fixture(scope="session")
def redis_of_session() -> Iterator[redis_server.RedisServer]:
    """A real Redis for the session; see `redis` for one that is empty."""
    try:
        with redis_server.running() as server:
            yield server
    except redis_server.NotHere as reason:
        pytest.skip(str(reason))


@pytest.fixture
def redis(redis_of_session: redis_server.RedisServer) -> str:
    """The address of a real Redis, empty when the test begins. Who stops or kills it starts one with `redis_server.running`."""
    from redis import Redis

    with Redis.from_url(redis_of_session.url) as client:
        client.flushall()
    return redis_of_session.url


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember each skipped test with its reason."""
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.append(f"{report.nodeid}: {_reason(report.longrepr)}")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Remember each file that skipped itself whole, at import."""
    if report.skipped:
        _skipped.append(f"{report.nodeid}: {_reason(report.longrepr)}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that left something out where nothing may be left out."""
    if _skipped and os.environ.get("LOOKALIKE_NO_SKIPS") == "1" and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tests were left out, when that is why the run fails."""
    if _skipped and os.environ.get("LOOKALIKE_NO_SKIPS") == "1":
        terminalreporter.section("left out, and LOOKALIKE_NO_SKIPS=1 forbids that", red=True)
        for line in _skipped:
            terminalreporter.line(line)


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
