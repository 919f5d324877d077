"""The board: rows on their way to the workers, in Redis. Who takes a piece holds it by a lease; who dies loses it in seconds.

What is done with the rows is not known here, nor is Celery, whose messages only say that there is something to do
(docs/decisions/0085). `board.lua` beside this file is what happens in Redis, each call at once.
"""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from lookalike.broker.names import KEYS
from lookalike.errors import NotFound, Overloaded, Unavailable

Kind = Literal["job", "run"]
How = Literal["back", "later", "divide", "died"]
POISON_DEATHS = 3
"""A row that was alone in the hands of two who died, after one who died with others beside it, is not tried again."""
OUTSIDE = "Bulk changes cannot be taken at the moment. Try again in a moment; the server's log says more."
"""What visitors are told where Redis is away: the rest is the operators' business alone."""
_AWAY_SECONDS = 2.0
_ADDING = ("begin", "push")


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows that somebody holds: lines of JSON. `deaths`: holders that it outlived; `away_seconds`: since it was first put off."""

    flow: str
    kind: Kind
    name: str
    token: str
    deaths: int
    tries: int
    away_seconds: float
    rows: tuple[str, ...]

    @property
    def is_poison(self) -> bool:
        """Whether it is its one row that its holders died of."""
        return self.deaths >= POISON_DEATHS and len(self.rows) == 1


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a piece: how many rows were done or unchanged, its failures and result as JSON."""

    done: int = 0
    unchanged: int = 0
    failures: tuple[str, ...] = ()
    result: str = ""
    gave_up: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run's sender sees: the names of what is open, and results by name."""

    state: str
    message: str
    open: frozenset[str]
    results: dict[str, str]


@dataclass(frozen=True, slots=True)
class Figures:
    """Jobs that wait for the one at work, runs, chunks that wait and that are held, worker programs that are there."""

    jobs_waiting: int
    runs: int
    chunks_waiting: int
    chunks_held: int
    workers: int


class Board:
    """The board of one index. Threads and processes may use it at once; connections are made by the first use, and not shared
    across a fork. Every method raises: Unavailable where Redis is away, Overloaded where it is full.
    """

    def __init__(self, address: str, index: str, recipe: str) -> None:
        name = hashlib.sha256(f"{index.rstrip('/')}\n{recipe}".encode()).hexdigest()[:16]
        self.name = f"{KEYS}{{board:{name}}}"
        self._redis = redis.Redis.from_url(
            address,
            decode_responses=True,
            socket_timeout=5.0,
            socket_connect_timeout=2.0,
            health_check_interval=10,
            retry=Retry(NoBackoff(), 1),
            retry_on_error=[redis.ConnectionError],
        )
        script = resources.files(__package__).joinpath("board.lua").read_text(encoding="utf-8")
        self._adding = self._redis.register_script(script)
        # a Redis that is full takes no more rows; what makes room again has to go on
        self._working = self._redis.register_script(f"#!lua flags=allow-oom\n{script}")

    def begin(self, kind: Kind, flow: str, total: int, most_waiting: int) -> bool:
        """A new flow; a run may be worked on at once, a job once it is closed. False where too many jobs wait."""
        return bool(self._do("begin", flow, kind, total, most_waiting))

    def push(self, flow: str, number: int, rows: Sequence[str], after: int | None = None) -> bool:
        """A chunk of rows, which waits for the chunk `after`; again is no more than once. False where the flow takes no more."""
        return bool(self._do("push", flow, number, "" if after is None else after, len(rows), "\n".join(rows)))

    def close_flow(self, flow: str, most_waiting: int) -> bool:
        """All chunks are there. False where too many jobs wait meanwhile, and the job is gone."""
        return bool(self._do("close", flow, most_waiting))

    def drop(self, flow: str) -> None:
        """Forget a flow."""
        self._do("drop", flow)

    def claim(self, lease_seconds: float, *, alone: bool) -> Piece | None:
        """The next piece, held for so long; None where there is none. `alone`: the caller holds nothing else, so that it may
        have one that others died with."""
        token = secrets.token_hex(8)
        told = self._do("claim", token, int(lease_seconds * 1000), int(alone))
        if not told:
            return None
        flow, kind, name, deaths, tries, away_ms, body = told
        first, count = (int(part) for part in name.split(":")[1:])
        rows = tuple((body or "").split("\n")[first : first + count])
        return Piece(flow, kind, name, token, int(deaths), int(tries), int(away_ms) / 1000, rows)

    def beat(self, lease_seconds: float, pieces: Sequence[Piece]) -> list[bool]:
        """Still at work on these; False for one that is somebody else's by now."""
        told = [part for one in pieces for part in (one.flow, one.name, one.token)]
        return [bool(one) for one in self._do("beat", int(lease_seconds * 1000), *told)] if told else []

    def finish(self, piece: Piece, done: Done) -> bool:
        """A piece is done, durably. False where it is somebody else's by now, and this is not counted."""
        return bool(
            self._do(
                *("finish", piece.flow, piece.name, piece.token, done.done, done.unchanged, int(done.gave_up), done.result),
                *done.failures,
            )
        )

    def give(self, piece: Piece, how: How, rest_seconds: float = 0.0) -> None:
        """A piece goes back: as it was, `later` for want of something, to `divide` it, or since it `died`."""
        self._do("give", piece.flow, piece.name, piece.token, how, int(rest_seconds * 1000))

    def fail(self, flow: str, message: str) -> None:
        """End a flow by an error; what is at work is finished, what waits is dropped."""
        self._do("fail", flow, message)

    def cancel(self, flow: str) -> None:
        """Stop a flow; what is at work stops before its next batch, what waits is dropped."""
        self._do("cancel", flow)

    def stopped(self, flow: str) -> bool:
        """Whether a flow is to be stopped, or is gone."""
        with self._reached():
            kind, cancel, failing = self._redis.hmget(f"{self.name}:{flow}:flow", ["kind", "cancel", "failing"])
        return kind is None or cancel is not None or failing is not None

    def about(self, flow: str) -> dict[str, str]:
        """The flow as it is kept. Raises: NotFound("job")."""
        with self._reached():
            told = cast(dict[str, str], self._redis.hgetall(f"{self.name}:{flow}:flow"))
        if not told:
            raise NotFound("job", flow, "Ended jobs are remembered for seven days.")
        return told

    def failures(self, flow: str) -> list[str]:
        """The failures of a job, as they were told."""
        with self._reached():
            return cast(list[str], self._redis.lrange(f"{self.name}:{flow}:failures", 0, -1))

    def poll(self, flow: str, taken: Sequence[str]) -> Seen | None:
        """How a run is; the results `taken` are forgotten. None where Redis does not know it any more."""
        told = self._do("poll", flow, *taken)
        if not told:
            return None
        state, message, names, results = told
        return Seen(state, message, frozenset(names), dict(zip(results[::2], results[1::2], strict=True)))

    def wait(self, flow: str, seconds: float) -> None:
        """Until something of a flow is done, at most so long (whole seconds, at least one)."""
        with self._reached():
            self._redis.blpop([f"{self.name}:{flow}:bell"], timeout=max(1, int(seconds)))

    def wanted(self, gate_seconds: float) -> bool:
        """Whether somebody should be told to come: True once in so many seconds while there is work that may be begun."""
        return bool(self._do("wanted", int(gate_seconds * 1000)))

    def present(self, token: str, life_seconds: float) -> None:
        """A worker process serves this board."""
        self._do("present", token, int(life_seconds * 1000))

    def workers(self) -> int:
        """How many do."""
        return int(self._do("workers"))

    def figures(self) -> Figures:
        """How much is to be done, and by whom."""
        return Figures(*(int(one) for one in self._do("figures")))

    def leading(self) -> dict[str, str]:
        """The job that is at work, as it is kept; nothing where none is."""
        with self._reached():
            head = cast(list[str], self._redis.zrange(f"{self.name}:jobs", 0, 0))
            return cast(dict[str, str], self._redis.hgetall(f"{self.name}:{head[0]}:flow")) if head else {}

    def close(self) -> None:
        """Give the connections back."""
        self._redis.close()

    def _do(self, *told: Any) -> Any:
        with self._reached():
            return (self._adding if told[0] in _ADDING else self._working)(keys=[self.name], args=list(told))

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except redis.exceptions.OutOfMemoryError as error:
            raise _full() from error
        except redis.ReadOnlyError as error:
            raise Unavailable(
                "Redis takes no writes: it is a replica. LOOKALIKE_REDIS has to name the primary.", _AWAY_SECONDS, OUTSIDE
            ) from error
        except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
            raise Unavailable(f"Redis, which LOOKALIKE_REDIS names, does not answer ({error}).", _AWAY_SECONDS, OUTSIDE) from error
        except redis.ResponseError as error:
            if "OOM" in str(error):
                raise _full() from error
            if any(word in str(error) for word in ("READONLY", "MISCONF", "LOADING", "NOREPLICAS", "MASTERDOWN")):
                raise Unavailable(f"Redis takes no writes just now: {error}.", _AWAY_SECONDS, OUTSIDE) from error
            raise


def _full() -> Overloaded:
    return Overloaded("Redis is full (maxmemory): rows wait there until they are indexed. Try again later, or give it more.", 10.0)
