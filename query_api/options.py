"""What the HTTP door needs to know, apart from the house behind it."""

from dataclasses import dataclass, field
from pathlib import Path

from lookalike.settings import Settings


@dataclass(frozen=True, slots=True)
class Options:
    """`max_body`: bytes of a request's body. `deadline_seconds`: no answer takes longer. `write_key`: what writes need, if any.

    `threads` answer at once; `waiting` requests may wait for one of them, the next is told 429. `connections` may be open;
    one on which nothing happens for `idle_seconds` is closed. Answers to an Idempotency-Key are kept for `idempotency_ttl`
    seconds. `page` is the folder served at `/`, if there is one; with `page_events` it reports what shoppers
    see and open, where events are kept. `log_requests`: a line of the log for each request. `turn_key` signs the turns of whoever
    is told 429 (query_api/turns.py); without one each process has its own.
    """

    max_body: int = 20_000_000
    deadline_seconds: float = 20.0
    write_key: str | None = None
    threads: int = 32
    waiting: int = 512
    connections: int = 1_500
    idle_seconds: int = 60
    idempotency_ttl: float = 86_400.0
    turn_key: bytes | None = field(default=None, repr=False)
    page: Path | None = None
    page_events: bool = True
    log_requests: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "Options":
        """What the settings say."""
        return cls(
            max_body=int(settings.max_body),
            deadline_seconds=settings.deadline_seconds,
            write_key=settings.write_key.get_secret_value() if settings.write_key is not None else None,
            threads=settings.http_threads,
            idempotency_ttl=settings.idempotency_ttl,
            page=page_folder(),
            page_events=settings.page_events,
            log_requests=settings.log_requests,
        )


def page_folder() -> Path | None:
    """Where the page's files lie: packed beside this module by a wheel (setup.py), or in a clone's `frontend`; else None."""
    here = Path(__file__).resolve().parent
    places = (here / "page", here.parent / "frontend")
    return next((place for place in places if (place / "index.html").is_file()), None)
