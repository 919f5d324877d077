"""Celery over a real Redis as we set it: the order of queues, and an app that connects to nothing by itself."""

import os
import subprocess
import sys

from lookalike.broker.app import make_app
from lookalike.broker.names import INGEST, LOOK, LOOKS, QUEUES


def test_visitors_are_fetched_first_whatever_was_there_before(redis: str) -> None:
    """Not by alphabet, not in turns, not by hash seed: both queues are full, and one consumer takes from both."""
    app = make_app(redis)
    with app.connection_for_write() as sending:
        for number in range(3):
            app.send_task("lookalike.other", queue=INGEST, connection=sending, task_id=f"ingest-{number}")
            app.send_task(LOOK, connection=sending, task_id=f"look-{number}")
    for seed in ("0", "1", "2", "3"):  # the order of a set of names hangs on it
        fetched = subprocess.run(
            [sys.executable, "-c", _FETCH, redis], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        )
        assert [one.partition("-")[0] for one in fetched.stdout.split()] == ["look"] * 3 + ["ingest"] * 3, fetched.stderr
    app.close()


_FETCH = """
import sys
from kombu import Consumer
from lookalike.broker.app import make_app
app, order = make_app(sys.argv[1]), []
with app.connection_for_read() as connection, connection.channel() as channel:
    def took(body, message):
        order.append(message)
    with Consumer(channel, list(app.amqp.queues.values()), callbacks=[took], prefetch_count=0, accept=["json"]):
        while len(order) < 6:
            connection.drain_events(timeout=20)
    print(*(one.headers["id"] for one in order))
    for one in order:
        one.requeue()
"""


def test_an_app_has_no_connection_until_it_needs_one() -> None:
    """Made for an address where nobody listens; JSON is all it takes, and every queue of ours is known to it."""
    app = make_app("redis://127.0.0.1:1/0")
    assert set(app.amqp.queues) == set(QUEUES) == {LOOKS, INGEST}
    assert (app.conf.accept_content, app.conf.task_serializer) == (["json"], "json")
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.broker_transport_options["visibility_timeout"] > app.conf.task_time_limit
