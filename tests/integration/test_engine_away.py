"""The engine's server is away: visitors are told so, and not where it would be; the log tells that."""

import logging

import pytest

from lookalike.bootstrap import build
from lookalike.settings import load
from query_api.app import create_app
from query_api.options import Options

NOWHERE = "127.0.0.1:9"  # the discard port: nothing listens there


def test_visitors_are_not_told_where_the_engine_is(caplog: pytest.LogCaptureFixture) -> None:
    with build(load(index=f"opensearch://{NOWHERE}/products"), read_only=True) as house:
        client = create_app(house, Options()).test_client()
        with caplog.at_level(logging.WARNING):
            answers = [client.post("/v1/search", json={"text": "shoe"}), client.get("/v1/products/a"), client.get("/readyz")]
    for answer in answers:
        assert answer.status_code == 503
        assert "127.0.0.1" not in answer.text
        assert int(answer.headers["Retry-After"]) >= 1
    assert "does not answer" in answers[0].json["detail"]
    assert NOWHERE in caplog.text
