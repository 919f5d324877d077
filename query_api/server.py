"""The production server: waitress, with bounds on everything that a stranger may make grow, and our error shape."""

import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.receiver import ChunkedReceiver
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask
from waitress.utilities import BadRequest, RequestEntityTooLarge

from lookalike.errors import InvalidSetting
from query_api.front import BEGAN, Environ, WsgiApp
from query_api.options import Options
from query_api.problem import MIMETYPE, PROTOCOL, document, new_request_id
from query_api.turns import Line, told_cookie, turn_in
from query_api.watching import TURN_SECONDS, Watch

logger = logging.getLogger("lookalike.server")

LARGEST_HEADER = 65_536
LONGEST_CHUNK_LINE = 4_096
HEADER_SECONDS, BODY_SECONDS = 30, 300
"""A request's header, and all of it, must have arrived after so long, however busily bytes trickle in."""
LINGER_BYTES, LINGER_SECONDS = 64 << 20, 3
"""What is read and thrown away after a refusal, so that the client reads our answer instead of a reset connection."""
LARGE_BODY, LARGEST_SUM = 1 << 20, 512 << 20
"""Bodies stay in memory (shoppers' pictures never reach a disk): from the first size on one is counted, above the second in sum refused."""
FILES_BESIDE = 512
URGENT = frozenset({"/healthz", "/readyz", "/statusz", "/metrics"})
_DETAILS = {
    400: "The request is not HTTP as we understand it (RFC 9112).",
    413: "The body is larger than this server takes (LOOKALIKE_MAX_BODY).",
    431: f"The headers have more than {LARGEST_HEADER:,} bytes.",
    501: "Of transfer codings only 'chunked' is understood.",
    500: "This is a defect of the server; please report it with the request_id.",
}


class Busy:
    """More waits already than can be answered in time: stands in for waitress's own errors. `turn` is what was promised."""

    code = 429

    def __init__(self, seconds: int, turn: str | None = None) -> None:
        self.retry_after, self.turn = seconds, turn
        self.body = f"More requests wait than can be answered in time. Try again in {self.retry_after} s."


class BoundedParser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """A parser that knows when it began and when all had arrived, and that lets no chunk header or trailer grow."""

    completed: bool = False
    error: Any = None
    body_bytes_received: int = 0

    def __init__(self, adj: Adjustments) -> None:
        super().__init__(adj)
        self.began = time.time()
        self.arrived = 0.0
        """When it was complete, in seconds of `time.monotonic()`."""

    def received(self, data: bytes) -> int:
        """As waitress: the number of bytes taken."""
        consumed: int = super().received(data)
        coded = self.body_rcv
        if self.completed:
            self.arrived = time.monotonic()
        if self.completed or not isinstance(coded, ChunkedReceiver):
            return consumed
        if max(len(coded.control_line), len(coded.trailer)) > LONGEST_CHUNK_LINE:
            self.error, self.completed = BadRequest("chunk header too long"), True
        elif self.body_bytes_received + coded.chunk_remainder > self.adj.max_request_body_size:  # as announced: why wait for it
            self.error, self.completed = RequestEntityTooLarge("chunk too large"), True
        return consumed

    def is_late(self, now: float) -> bool:
        """Whether it should have arrived by now."""
        return now - self.began > (BODY_SECONDS if self.headers_finished else HEADER_SECONDS)


class DatedTask(WSGITask):  # type: ignore[misc]  # waitress has no types
    """Tells the app when its request had arrived: whoever sent it waits since then, and not since a thread is free."""

    def get_environment(self) -> Environ:
        """As waitress, with `BEGAN`."""
        environ: Environ = super().get_environment()
        environ[BEGAN] = self.request.arrived
        return environ


class ProblemTask(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """What waitress refuses by itself, in our error shape."""

    def execute(self) -> None:
        """Write the answer."""
        error, request_id = self.request.error, new_request_id()
        kind = PROTOCOL.get(error.code, PROTOCOL[400])
        detail = error.body if isinstance(error, Busy) else _DETAILS.get(error.code, _DETAILS[400])
        body = document(kind, detail, request_id)
        self.status = f"{kind.status} {kind.title}"
        self.response_headers += [("Content-Type", MIMETYPE), ("X-Request-Id", request_id), ("Cache-Control", "no-store")]
        if isinstance(error, Busy):
            self.response_headers.append(("Retry-After", str(error.retry_after)))
            if error.turn is not None:
                self.response_headers.append(("Set-Cookie", told_cookie(error.turn, error.retry_after)))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class PatientChannel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection that is closed only after what its client still sends was read, within bounds."""

    parser_class = BoundedParser
    task_class = DatedTask
    error_task_class = ProblemTask
    request: BoundedParser | None = None
    requests: list[BoundedParser]
    refused = False
    measured = 0
    lingering_since: float | None = None
    lingered = 0

    def service(self) -> None:
        """Answer the first request that waits."""
        self.refused = self.refused or self.requests[0].error is not None
        began = time.monotonic()
        with self.server.working_on(self):
            super().service()
        if not self.refused:
            self.server.task_dispatcher.served(time.monotonic() - began)

    def received(self, data: bytes) -> bool:
        """Take bytes of requests; another large body is refused where all of them together are too large."""
        taken: bool = super().received(data)
        arriving = self.request
        large = 0 if arriving is None else arriving.body_bytes_received // LARGE_BODY
        if arriving is not None and large > self.measured and self.server.held() > LARGEST_SUM:
            with self.requests_lock:
                arriving.error, arriving.completed, self.request = Busy(2), True, None
                self.requests.append(arriving)
                if len(self.requests) == 1:
                    self.server.add_task(self)
        self.measured = large
        return taken

    def add_channel(self, map: dict[int, Any] | None = None) -> None:  # noqa: A002 — the name is waitress's
        """Be among the connections."""
        super().add_channel(map)
        self.server.touch(self)

    def del_channel(self, map: dict[int, Any] | None = None) -> None:  # noqa: A002 — the name is waitress's
        """Be no more among them."""
        self.server.watch.forget(self.socket.fileno())
        super().del_channel(map)

    def held(self) -> int:
        """Bytes of bodies that this connection holds in memory."""
        arriving = self.request
        return sum(one.body_bytes_received for one in self.requests) + (0 if arriving is None else arriving.body_bytes_received)

    def readable(self) -> bool:
        """Whether the loop shall watch for bytes."""
        return self.lingering_since is not None or super().readable()

    def handle_read(self) -> None:
        """Take bytes; while lingering, throw them away."""
        if self.lingering_since is None:
            super().handle_read()
            return
        try:
            self.lingered += len(self.recv(self.adj.recv_bytes))  # at the end of the stream this closes
        except OSError:
            self.lingered = LINGER_BYTES
        if self.connected and (self.lingered >= LINGER_BYTES or time.time() - self.lingering_since > LINGER_SECONDS):
            self.handle_close()

    def handle_close(self) -> None:
        """Close; after a refusal first only our own direction."""
        if self.refused and self.connected and self.lingering_since is None:
            self.lingering_since, self.will_close = time.time(), False
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                super().handle_close()
            return
        super().handle_close()


class BoundedDispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]  # waitress has no types
    """Threads with a bounded queue. Whom it would make wait too long it tells at once when there is room; health checks go first."""

    def __init__(self, waiting: int, threads: int, deadline_seconds: float, key: bytes | None) -> None:
        super().__init__()
        self._line = Line(waiting, threads, deadline_seconds, key)
        self.set_thread_count(threads)

    def served(self, seconds: float) -> None:
        """Learn how long answers take."""
        self._line.served(seconds)

    def waiting(self) -> int:
        """How many requests wait for a thread."""
        return len(self.queue)

    def add_task(self, task: PatientChannel) -> None:
        """Queue a connection whose request has arrived."""
        with self.lock:
            request = task.requests[0]
            urgent = request.error is not None or request.path in URGENT
            refusal = None if urgent else self._line.refusal(len(self.queue), turn_in(request.headers.get("COOKIE", "")))
            if refusal is not None:
                request.error, urgent = Busy(refusal.seconds, refusal.turn), True
            (self.queue.appendleft if urgent else self.queue.append)(task)
            self.queue_cv.notify()


class BoundedServer(TcpWSGIServer):  # type: ignore[misc]  # waitress has no types
    """A listening socket whose connections have ends."""

    channel_class = PatientChannel

    def __init__(self, app: WsgiApp, **given: Any) -> None:
        connections: dict[int, Any] = {}
        self.watch = Watch(connections)
        self._at_work = threading.local()
        self._ended = False
        super().__init__(app, map=connections, **given)

    def run(self) -> None:
        """Serve until `stop`, or until an exception of a signal handler."""
        try:
            for one in list(self._map.values()):
                self.touch(one)
            while not self._ended:
                self.touch(self)  # it closes what is overdue when it is asked
                self.watch.turn(TURN_SECONDS)
        except (SystemExit, KeyboardInterrupt):
            self.task_dispatcher.shutdown()

    def stop(self) -> None:
        """Have `run` come back. Any thread may say so."""
        self._ended = True
        self.trigger.pull_trigger()

    def close(self) -> None:
        """Listen no more, and give back what the loop held."""
        super().close()
        self.watch.close()

    def touch(self, one: Any) -> None:
        """Something of it has changed: what it wants to be watched for, perhaps."""
        self.watch.touch(one.socket.fileno(), one)

    @contextmanager
    def working_on(self, channel: PatientChannel) -> Iterator[None]:
        """While the block runs, this thread changes that connection."""
        self._at_work.channel = channel
        try:
            yield
        finally:
            self._at_work.channel = None

    def pull_trigger(self) -> None:
        """Wake the loop: the connection that this thread works on has changed."""
        channel = getattr(self._at_work, "channel", None)
        if channel is not None:
            self.touch(channel)
        super().pull_trigger()

    def held(self) -> int:
        """Bytes of bodies in memory."""
        channels: list[PatientChannel] = list(self.active_channels.values())
        return sum(channel.held() for channel in channels)

    def maintenance(self, now: float) -> None:
        """Close what idles, what trickles, what lingers."""
        super().maintenance(now)
        for channel in self.active_channels.values():
            late = channel.request is not None and channel.request.is_late(now)
            stale = channel.lingering_since is not None and now - channel.lingering_since > LINGER_SECONDS
            channel.will_close = channel.will_close or late or stale
            if channel.will_close:
                self.touch(channel)


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to an address. Raises: InvalidSetting where that cannot be."""
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise InvalidSetting(f"No address is known for the host {host!r} ({error.strerror or error}). Set LOOKALIKE_HOST.") from error
    family, kind, protocol, _, address = sorted(places, key=lambda one: one[0] != socket.AF_INET)[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise InvalidSetting(
            f"Nothing can listen on {host}:{port}: {error.strerror or error}. Choose another port with --port or LOOKALIKE_PORT."
        ) from error
    return listening


def affordable(connections: int) -> int:
    """As many of the wanted connections as this process may have open files for; half a thousand are left for the index.

    The soft limit is raised where it may be: at 1,024, as many systems set it, accepting would fail before our own limit.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + FILES_BESIDE
    if soft not in (-1, resource.RLIM_INFINITY) and soft < wanted:
        soft = wanted if hard in (-1, resource.RLIM_INFINITY) else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return max(50, min(connections, soft - FILES_BESIDE))
    return connections


def make_server(app: WsgiApp, listening: socket.socket, options: Options) -> BoundedServer:
    """A server on a bound socket; `run()` serves until an exception of the signal handlers ends it."""
    adjustments = Adjustments(
        sockets=[listening],
        threads=options.threads,
        backlog=1024,
        connection_limit=affordable(options.connections),
        channel_timeout=options.idle_seconds,
        cleanup_interval=2,
        recv_bytes=65_536,
        max_request_header_size=LARGEST_HEADER,
        max_request_body_size=options.max_body + 1,  # waitress refuses from this size on
        inbuf_overflow=options.max_body + (1 << 20),
        ident=None,
        log_socket_errors=False,
    )
    dispatcher = BoundedDispatcher(options.waiting, options.threads, options.deadline_seconds, options.turn_key)
    family = (listening.family, listening.type, listening.proto, listening.getsockname())
    return BoundedServer(app, _sock=listening, dispatcher=dispatcher, adj=adjustments, sockinfo=family, bind_socket=False)


def serve_until_told(server: BoundedServer, ready: Callable[[], Any]) -> None:
    """Serve, with `ready` running beside it, until SIGTERM or SIGINT; what is being answered gets five seconds."""

    def stop(number: int, _: FrameType | None) -> None:
        logger.info("%s: stopping", signal.Signals(number).name)
        raise SystemExit(0)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
    threading.Thread(target=ready, name="lookalike-warm", daemon=True).start()
    try:
        server.run()
    finally:
        server.close()
