"""MXNet in its own environment: its tests, run by its Python."""

import pytest
from support import gluon_environment

pytestmark = pytest.mark.gluon


@pytest.mark.timeout(900)
def test_its_own_tests_pass() -> None:
    """Exports, proofs and adapters; and the embedded engine's contract on the numpy and the faiss of that environment."""
    words = ("-m", "pytest", "-q", "-W", "ignore", "-p", "no:cacheprovider", "tests/gluon", "tests/contracts/test_engine_embedded.py")
    ran = gluon_environment.run(*words, seconds=880)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    assert " skipped" not in ran.stdout.splitlines()[-1], ran.stdout[-2000:]
