"""What every TaskRunner promises."""

import threading
import time
from collections.abc import Callable

import pytest

from lookalike.domain.commands import ApplyChanges, ChangeRow, Command, Progress, RowFailure, Ticket
from lookalike.errors import IndexLocked, NotFound, Overloaded
from lookalike.ports.counting import CountsWaiting
from lookalike.ports.runner import TaskRunner

Handle = Callable[[Command, Progress, Callable[[], bool]], None]
_ENDS = ("done", "failed", "cancelled")


def command(rows: int = 1) -> ApplyChanges:
    """A command of so many deletions."""
    return ApplyChanges(tuple(ChangeRow(number, "delete", f"p{number}", None) for number in range(1, rows + 1)))


class TaskRunnerContract:
    """`make_runner` gives a runner whose commands are done by `handle`; about `most_waiting` of them may wait."""

    def make_runner(self, handle: Handle, most_waiting: int = 64) -> TaskRunner:
        """A runner with nothing to do yet."""
        raise NotImplementedError

    def finished(self, runner: TaskRunner, ticket: Ticket, seconds: float = 20) -> Ticket:
        """The ticket once its command has ended."""
        until = time.monotonic() + seconds
        while (now := runner.ticket(ticket.id)).state not in _ENDS:
            assert time.monotonic() < until, now
            time.sleep(0.005)
        return now

    def test_a_command_goes_from_queued_to_done(self) -> None:
        """The first ticket says queued; the last has counts, failures and times."""

        def handle(told: Command, progress: Progress, _: Callable[[], bool]) -> None:
            progress.total = len(told.rows)
            progress.done, progress.unchanged = 1, 1
            progress.failures.append(RowFailure(3, "p3", "invalid", "It is wrong."))

        runner = self.make_runner(handle)
        first = runner.submit(command(3))
        last = self.finished(runner, first)
        runner.close()
        assert first.state == "queued"
        assert (last.state, last.total, last.done, last.unchanged, last.failed) == ("done", 3, 1, 1, 1)
        assert last.failures[0].row == 3
        assert last.created <= (last.finished or "")

    def test_commands_run_in_their_order(self) -> None:
        """One after the other, as they came."""
        order: list[int] = []
        runner = self.make_runner(lambda told, _progress, _cancelled: order.append(len(told.rows)))
        tickets = [runner.submit(command(rows)) for rows in range(1, 9)]
        for ticket in tickets:
            self.finished(runner, ticket)
        runner.close()
        assert order == list(range(1, 9))

    def test_rows_of_one_product_run_in_their_order(self) -> None:
        """However many hands there are, and wherever the command is divided; and no row is done twice."""
        lock, done = threading.Lock(), dict[str, list[int]]()
        rows = tuple(ChangeRow(number, "delete", f"p{number % 97 if number % 3 else 0}", None) for number in range(1, 801))

        def handle(told: Command, progress: Progress, _: Callable[[], bool]) -> None:
            for row in told.rows:
                with lock:
                    done.setdefault(str(row.id), []).append(row.row)
                progress.done += 1

        runner = self.make_runner(handle)
        end = self.finished(runner, runner.submit(ApplyChanges(rows)))
        runner.close()
        assert (end.state, end.total, end.done) == ("done", 800, 800)
        assert sorted(number for numbers in done.values() for number in numbers) == list(range(1, 801))
        assert all(numbers == sorted(numbers) for numbers in done.values())

    def test_an_error_fails_its_own_command_only(self) -> None:
        """Whether foreseen or not; the message says what was foreseen, and nothing of what was not."""
        errors: list[Exception] = [IndexLocked("Somebody else writes."), RuntimeError("secret")]

        def handle(_told: Command, _progress: Progress, _cancelled: Callable[[], bool]) -> None:
            if errors:
                raise errors.pop(0)

        runner = self.make_runner(handle)
        ends = [self.finished(runner, runner.submit(command())) for _ in range(3)]
        runner.close()
        assert [one.state for one in ends] == ["failed", "failed", "done"]
        assert ends[0].message == "Somebody else writes."
        assert "secret" not in (ends[1].message or "")

    def test_cancelling_stops_before_the_next_row(self) -> None:
        """What runs is told to stop; what waits never starts."""
        started, go = threading.Event(), threading.Event()

        def handle(told: Command, progress: Progress, cancelled: Callable[[], bool]) -> None:
            progress.total = len(told.rows)
            started.set()
            go.wait(20)
            while not cancelled() and progress.done < progress.total:
                progress.done += 1

        runner = self.make_runner(handle)
        running, waiting = runner.submit(command(5)), runner.submit(command(5))
        assert started.wait(20)
        assert runner.cancel(waiting.id).state == "cancelled"
        runner.cancel(running.id)
        go.set()
        end = self.finished(runner, running)
        runner.close()
        assert (end.state, end.done) == ("cancelled", 0)
        assert runner.ticket(waiting.id).state == "cancelled"

    def test_a_ticket_that_ended_stays_as_it_was_told(self) -> None:
        """Whoever tells it: its times to the millisecond, too."""
        started, go = threading.Event(), threading.Event()

        def handle(_told: Command, _progress: Progress, _cancelled: Callable[[], bool]) -> None:
            started.set()
            go.wait(20)

        runner = self.make_runner(handle)
        first = runner.submit(command())
        assert started.wait(20)
        cancelled = [runner.cancel(runner.submit(command()).id) for _ in range(400)]
        assert [runner.ticket(one.id) for one in cancelled] == cancelled
        go.set()
        self.finished(runner, first)
        runner.close()

    def test_too_much_is_refused(self) -> None:
        """Overloaded, with a time to come back."""
        go = threading.Event()

        def handle(_told: Command, _progress: Progress, _cancelled: Callable[[], bool]) -> None:
            go.wait(20)

        runner = self.make_runner(handle, most_waiting=2)

        def submit_many() -> None:
            for _ in range(10):
                runner.submit(command())

        with pytest.raises(Overloaded) as caught:
            submit_many()
        go.set()
        runner.close()
        assert caught.value.retry_after_seconds > 0

    def test_what_waits_is_counted_where_it_can_be(self) -> None:
        """Commands behind the one at work, and none once all are done. Needs `CountsWaiting`."""
        started, go = threading.Event(), threading.Event()

        def handle(_told: Command, _progress: Progress, _cancelled: Callable[[], bool]) -> None:
            started.set()
            go.wait(20)

        runner = self.make_runner(handle)
        if not isinstance(runner, CountsWaiting):
            runner.close()
            pytest.skip("this runner does not tell how much waits")
        tickets = [runner.submit(command())]
        assert started.wait(20)
        tickets += [runner.submit(command()) for _ in range(3)]
        runner.cancel(tickets[-1].id)
        assert runner.waiting() == 2
        go.set()
        for ticket in tickets:
            self.finished(runner, ticket)
        assert runner.waiting() == 0
        runner.close()

    def test_an_unknown_ticket_is_not_found(self) -> None:
        """To look at or to cancel."""
        runner = self.make_runner(lambda _told, _progress, _cancelled: None)
        with pytest.raises(NotFound):
            runner.ticket("j_nobody")
        with pytest.raises(NotFound):
            runner.cancel("j_nobody")
        runner.close()
