"""Connections are asked what they want when something happened to them, and only then."""

import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from query_api.watching import Watch


@dataclass(eq=False, slots=True)
class Connection:
    """One end of a pair of sockets, which counts what it is asked."""

    ours: socket.socket
    theirs: socket.socket
    connections: "dict[int, Connection]"
    wants_bytes: bool = True
    to_send: bytes = b""
    asked: int = 0
    came: bytes = b""
    breaks: Exception | None = None
    closed: bool = field(default=False)

    @property
    def number(self) -> int:
        return self.ours.fileno()

    def readable(self) -> bool:
        self.asked += 1
        return self.wants_bytes

    def writable(self) -> bool:
        return bool(self.to_send)

    def handle_read_event(self) -> None:
        if self.breaks is not None:
            raise self.breaks
        self.came += self.ours.recv(100)

    def handle_write_event(self) -> None:
        self.ours.send(self.to_send)
        self.to_send = b""

    def handle_close(self) -> None:
        self.closed = True
        self.connections.pop(self.number, None)


@dataclass(slots=True)
class Room:
    """A watch over connections, all of them touched."""

    watch: Watch
    connections: dict[int, Connection]
    stack: ExitStack

    def connection(self) -> Connection:
        ours, theirs = (self.stack.enter_context(one) for one in socket.socketpair())
        made = Connection(ours, theirs, self.connections)
        self.connections[made.number] = made
        self.watch.touch(made.number, made)
        return made

    def leave(self, one: Connection) -> None:
        """As a server does it: first it is forgotten, then closed."""
        self.watch.forget(one.number)
        one.handle_close()
        one.ours.close()


@pytest.fixture
def room() -> Iterator[Room]:
    connections: dict[int, Connection] = {}
    watch = Watch(connections)  # type: ignore[arg-type]
    with ExitStack() as stack:
        yield Room(watch, connections, stack)
    watch.close()


def test_who_is_idle_is_asked_once(room: Room) -> None:
    idle, busy = [room.connection() for _ in range(50)], room.connection()
    for n in range(20):
        busy.theirs.send(b"%d," % n)
        room.watch.turn(5)
    assert busy.came == b"".join(b"%d," % n for n in range(20))
    assert [one.asked for one in idle] == [1] * 50
    assert busy.asked == 21


def test_who_changes_is_watched_anew_when_touched(room: Room) -> None:
    """As one whose request is being worked on: it wants nothing, then to send, then bytes again."""
    one = room.connection()
    one.wants_bytes = False
    one.theirs.send(b"next")
    room.watch.turn(0)
    assert one.came == b""
    one.to_send = b"answer"
    room.watch.turn(0)
    assert one.to_send == b"answer", "nobody said that it had changed"
    room.watch.touch(one.number, one)
    room.watch.turn(5)
    assert one.theirs.recv(100) == b"answer"
    one.wants_bytes = True
    room.watch.touch(one.number, one)
    room.watch.turn(5)
    assert one.came == b"next"


def test_a_number_that_is_used_again_is_another_connection(room: Room) -> None:
    first = room.connection()
    room.watch.turn(0)
    number = first.number
    room.watch.touch(number, first)
    room.leave(first)
    first.theirs.close()
    second = room.connection()
    assert second.number == number
    second.theirs.send(b"x")
    room.watch.turn(5)
    assert (first.came, second.came) == (b"", b"x")


@pytest.mark.parametrize("breaks", [ConnectionResetError("gone"), RuntimeError("a defect")], ids=["gone", "defect"])
def test_one_that_breaks_is_closed_and_the_others_live(room: Room, breaks: Exception, caplog: pytest.LogCaptureFixture) -> None:
    broken, well = room.connection(), room.connection()
    broken.breaks = breaks
    for one in (broken, well):
        one.theirs.send(b"x")
    room.watch.turn(5)
    room.watch.turn(0)
    assert (broken.closed, well.closed, well.came) == (True, False, b"x")
    told = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert len(told) == (not isinstance(breaks, OSError)), "whom the other end left is no defect of ours"
