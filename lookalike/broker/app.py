"""Celery as we want it, made when it is asked for: no app and no client exists because a module was imported.

What is set here and why: docs/decisions/0080-celery-on-redis.md.
"""

from celery import Celery
from kombu import Exchange, Queue

from lookalike.broker.names import INGEST, LOOK, LOOKS, QUEUES

TASK_SECONDS = 300
"""Hard limit of a task that says nothing else. A task may set a shorter one, never a longer one."""
LOOK_SECONDS = 60
"""Hard limit of one turn at the visitors' pictures."""
VISIBLE_AGAIN_SECONDS = TASK_SECONDS + 60
"""Redis gives a message that nobody acknowledged to another worker after so long: later than the longest task may take, so
that no task is run twice because it is slow."""
SEND_SECONDS = 2.0
"""A message that cannot be sent within this is an error of the sender, who has somebody waiting."""

SILENT_SECONDS = 15.0
"""A worker gives up a connection on which Redis is silent for so long in the middle of an answer."""


def make_app(url: str, *, sender: bool = False, attempts: int = 100) -> Celery:
    """A Celery app on the Redis at `url`, with no connection yet.

    A `sender` gives up a Redis that is silent for 2 s, because somebody waits. `attempts`: how often a worker tries to reach
    a lost Redis before it ends and leaves it to its supervisor.
    """
    app = Celery("lookalike", set_as_current=False)
    app.conf.update(
        broker_url=url,
        # no backend: what becomes of a task is told by who runs it, where somebody asks (tickets, answers)
        result_backend=None,
        task_ignore_result=True,
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        # a worker that dies loses nothing; and without acks_late one exits when Redis dies and comes back
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_acks_on_failure_or_timeout=True,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=False,  # they may be done twice, so they may as well end
        task_time_limit=TASK_SECONDS,
        task_queues=[Queue(name, Exchange(name), routing_key=name) for name in QUEUES],
        task_create_missing_queues=False,
        task_default_queue=INGEST,
        task_default_exchange=INGEST,
        task_default_routing_key=INGEST,
        task_routes={LOOK: {"queue": LOOKS}},
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1},
        broker_connection_timeout=SEND_SECONDS,
        broker_connection_retry=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=attempts,
        broker_transport_options={
            "visibility_timeout": VISIBLE_AGAIN_SECONDS,
            # in the order in which they are consumed, which is that of QUEUES (a worker that is given them sorts them so)
            "queue_order_strategy": "priority",
            "priority_steps": [0],  # one list a queue: LLEN of its name is its depth
            "socket_connect_timeout": SEND_SECONDS,
            "socket_timeout": SEND_SECONDS if sender else SILENT_SECONDS,
            "socket_keepalive": True,
            "health_check_interval": 10,
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.1,
            "interval_max": 0.1,
        },
        worker_proc_alive_timeout=180,  # a new process builds its networks before it takes work
        worker_redirect_stdouts=False,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,  # nobody who reaches Redis shall stop a worker by a message
        enable_utc=True,
        timezone="UTC",
    )
    return app
