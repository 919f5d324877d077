"""`lookalike worker`: a Celery worker with networks, until it is told to stop.

What it needs is imported when it runs: other commands start without Celery.
"""

import os
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lookalike.errors import InvalidSetting, MissingDependency

if TYPE_CHECKING:
    from lookalike.settings import Settings

Pool = Literal["prefork", "solo"]
Level = Literal["debug", "info", "warning", "error"]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command()
    def worker(
        pool: Annotated[
            Pool, typer.Option(help="prefork: processes that are replaced when they die; solo: one, as a GPU wants it.")
        ] = "prefork",
        concurrency: Annotated[int, typer.Option(min=1, max=256, help="Processes of --pool=prefork; they share the cores.")] = 1,
        queues: Annotated[str, typer.Option(help="What it works on, commas between; visitors' pictures always go first.")] = "",
        log_level: Annotated[Level, typer.Option(help="From which level on it tells what it does.")] = "info",
    ) -> None:
        """Look at shoppers' pictures, and do the catalogue's work, as they come through Redis."""
        from lookalike.settings import load

        sys.exit(run(load(), pool, concurrency, queues, log_level))


def run(settings: "Settings", pool: Pool, concurrency: int, queues: str, log_level: Level) -> int:
    """Work until SIGTERM or SIGINT (what is under way is finished first), or until Redis is lost for good. The exit status.

    Each process says on standard output that it is ready, once its networks have seen a picture.
    Raises: InvalidSetting, UnknownPlugin, MissingDependency.
    """
    from lookalike.bootstrap import warm_up
    from lookalike.broker.names import QUEUES
    from lookalike.settings import secrets_of
    from lookalike.telemetry.logs import configure

    try:
        from workers.app import make_app
        from workers.lifecycle import WorkerHouse, install
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("celery", "kombu", "redis"):
            raise
        raise MissingDependency("celery and redis", "celery") from error

    told = {one.strip() for one in queues.split(",") if one.strip()} or set(QUEUES)
    if unknown := sorted(told - set(QUEUES)):
        raise InvalidSetting(f"There is no queue {unknown[0]!r}; --queues takes {' and '.join(QUEUES)}.")
    wanted = [one for one in QUEUES if one in told]  # in this order Redis is asked for the next message
    configure(settings.log, log_level.upper(), secrets_of(settings))
    processes = concurrency if pool == "prefork" else 1
    house = WorkerHouse(settings, processes, wanted)
    recipe = house.recipe  # an impossible setting is told here, once, not by each process that dies of it
    app = make_app(settings, house)

    def opened() -> None:
        warm_up(house.analyser)
        for begin in house.beginning:
            begin()
        print(f"Lookalike worker is ready: process {os.getpid()}, recipe {recipe.id}, {', '.join(wanted)}", flush=True)

    def closed() -> None:
        for end in reversed(house.ending):
            end()

    install(pool, house, opened, closed)
    worker = app.Worker(
        pool_cls=pool,
        concurrency=processes,
        queues=wanted,
        loglevel=log_level.upper(),
        optimization="fair",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    worker.start()
    return int(worker.exitcode or 0)
