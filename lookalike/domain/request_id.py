"""The name of the request that is being worked on, wherever that is: in answers, logs, tasks, and what servers are asked.

It belongs to the thread that works on the request. Who hands work to another thread runs that in a copy of the context
(`contextvars.copy_context().run`); who sends it to another process sends `current()` along, and opens `named` there.
"""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_current: ContextVar[str | None] = ContextVar("lookalike_request_id", default=None)


def current() -> str | None:
    """The name, None where no request is being worked on."""
    return _current.get()


def sane(told: object) -> str | None:
    """What a stranger calls a request, where it can stand in a header and in a line of a log: letters, digits, `._-`, 64 at most."""
    return told if isinstance(told, str) and _SANE.fullmatch(told) else None


def look_name() -> str:
    """A new name for a picture that is sent to another process: it says which request it belongs to (`request_of`)."""
    own = uuid.uuid4().hex[:20]
    request_id = current()
    return own if request_id is None else f"{request_id}.{own}"


def request_of(look: str) -> str | None:
    """The request that a picture of that name belongs to."""
    return look.rpartition(".")[0] or None


@contextmanager
def named(request_id: str | None) -> Iterator[None]:
    """What is done inside the block belongs to that request; None and names that are not sane leave what was."""
    name = sane(request_id)
    if name is None:
        yield
        return
    before = _current.set(name)
    try:
        yield
    finally:
        _current.reset(before)
