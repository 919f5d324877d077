"""The workers' Celery app: the one of the kernel with our tasks in it."""

from collections.abc import Callable

from celery import Celery

from lookalike.broker.app import make_app as make_broker_app
from lookalike.settings import Settings
from workers import ingesting, looks
from workers.lifecycle import WorkerHouse

TASKS: tuple[Callable[[Celery, WorkerHouse], None], ...] = (looks.register, ingesting.register)
"""What puts tasks into an app, each with the house that they work in."""


def make_app(settings: Settings, house: WorkerHouse | None = None) -> Celery:
    """An app whose tasks work in `house`, which builds its parts when they are first wanted; nothing is connected yet."""
    app, house = make_broker_app(settings.redis), house or WorkerHouse(settings)
    for register in TASKS:
        register(app, house)
    return app
