"""What all tests share.

Being here puts this folder on the path: tests below find `toy_house` in it.

With `LOOKALIKE_NO_SKIPS=1`, as in continuous integration, a test that is skipped makes the run fail: a machine that lacks
something must not look like one on which everything passed.
"""

import os
from pathlib import Path

import pytest

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
