"""`lookalike serve`: the HTTP API and the page, from one process.

What it needs is imported when it runs: other commands start without a web framework.
"""

import _thread
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from lookalike.errors import Unavailable

if TYPE_CHECKING:
    from lookalike.bootstrap import House
    from lookalike.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command()
    def serve(
        index: Annotated[str | None, typer.Option(help="The index: a path, memory:, or an engine's URI.")] = None,
        host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
        port: Annotated[int | None, typer.Option(help="The port to listen on; 0 takes a free one.")] = None,
        threads: Annotated[int | None, typer.Option(help="Requests that are worked on at once.")] = None,
    ) -> None:
        """Serve searches, the catalogue and the page over HTTP."""
        from lookalike.bootstrap import build
        from lookalike.settings import load

        settings = load(index=index, host=host, port=port, http_threads=threads)
        with build(settings) as house:
            run(house, settings.host, settings.port)


def run(house: "House", host: str, port: int) -> None:
    """Serve a house until SIGTERM or SIGINT. Its address is printed once the networks have answered and searches will be.

    Raises: InvalidSetting where nothing can listen at that address; what the networks raise where they do not answer.
    """
    from lookalike.settings import secrets_of
    from lookalike.telemetry.logs import configure
    from query_api.app import create_app
    from query_api.metrics import Metrics
    from query_api.options import Options
    from query_api.server import bind, make_server, serve_until_told
    from query_api.state import ServerState

    told = house.settings
    configure(told.log, told.log_level, secrets_of(told))
    options, metrics, warm = replace(Options.of(told), turn_key=_turn_key(told)), Metrics(house), threading.Event()
    app = create_app(house, options, metrics, warm.is_set)
    listening = bind(host, port)
    taken = listening.getsockname()[1]
    server = make_server(app, listening, options)
    metrics.waiting = server.task_dispatcher.waiting

    failures: list[Exception] = []
    stopped = threading.Event()
    state = ServerState(house, metrics)

    def ready() -> None:
        try:
            _warm_up(house)
        except Exception as error:  # noqa: BLE001 — whatever it is, a server that cannot see says so and ends
            failures.append(error)
            _thread.interrupt_main()
            server.pull_trigger()
            return
        warm.set()
        shown = f"[{host}]" if ":" in host else "127.0.0.1" if host in ("0.0.0.0", "") else host  # noqa: S104 — it is only shown
        print(f"Lookalike is ready: http://{shown}:{taken}  ({house.engine.status().documents:,} products)", flush=True)
        state.tell_until(stopped, told.events_state_seconds)

    if options.write_key is None and host not in ("127.0.0.1", "localhost", "::1"):
        print("Anybody who reaches this address may write. Set LOOKALIKE_WRITE_KEY to ask for a key.", file=sys.stderr, flush=True)
    try:
        serve_until_told(server, ready)
    finally:
        stopped.set()
    if failures:
        raise failures[0]


def _turn_key(settings: "Settings") -> bytes | None:
    """What signs turns, where processes that serve the same shop meet at a Redis; else, or where it is away, each has its own."""
    if "celery" not in (settings.analyser, settings.runner):
        return None
    from redis.exceptions import RedisError

    from lookalike.broker.connection import connect, shared_secret

    try:
        with connect(settings.redis) as client:
            return shared_secret(client, "turns")
    except RedisError as error:
        print(f"Redis does not answer ({type(error).__name__}): whoever is told 429 has to come back to this process.", file=sys.stderr)
        return None


def _warm_up(house: "House") -> None:
    """Let the networks answer once. Where they run elsewhere and nobody is there yet, searches begin without them."""
    from lookalike.bootstrap import warm_up
    from lookalike.ports.vision import Elsewhere

    if not isinstance(house.analyser, Elsewhere):
        warm_up(house.analyser)
        return
    try:
        warm_up(house.analyser, time.monotonic() + house.settings.deadline_seconds)
    except Unavailable as error:
        print(f"{error} Until then searches by picture are answered without looking at it.", file=sys.stderr, flush=True)
