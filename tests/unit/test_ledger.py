"""The ledger: what survives, who is alive, what belongs to whom."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.domain.commands import ApplyChanges, ChangeRow, Progress, RowFailure
from lookalike.errors import IndexProblem, NotFound, StorageFull
from lookalike.runners import ledger as module
from lookalike.runners.inline import InlineRunner
from lookalike.runners.ledger import Ledger

COUNTS = {"read": 3, "indexed": 2}


def test_a_run_is_told_by_whoever_opens_the_ledger_later(tmp_path: Path) -> None:
    """Its options, how far it is, how it ended; the newest first."""
    first = Ledger(tmp_path)
    assert first.latest() == []
    assert not (tmp_path / "runs").exists(), "who only asks leaves nothing behind"
    first.begin("a", "index", source="shop.csv", scope="shop", options={"map": {"title": "name"}}, total=9)
    first.note("a", position=2, counts=COUNTS)
    second = Ledger(tmp_path)
    running = second.find("a")
    assert running is not None
    assert (running.state, running.position, running.total, running.options) == ("running", 2, 9, {"map": {"title": "name"}})
    first.end("a", "failed", position=3, counts=COUNTS, message="The disk is full.", dead_letters="x.jsonl")
    first.begin("b", "bulk")
    first.close()
    third = Ledger(tmp_path)
    b, a = third.latest()
    assert (a.state, a.message, a.position, a.counts, a.dead_letters) == ("failed", "The disk is full.", 3, COUNTS, "x.jsonl")
    assert a.finished is not None
    assert (b.id, b.state) == ("b", "killed")
    assert third.latest(scope="shop") == [a]


def test_a_process_that_was_killed_has_killed_its_runs(tmp_path: Path) -> None:
    """Nobody else's: what another living process runs goes on running, for readers and for writers."""
    line = (
        "import sys, os, signal\nfrom pathlib import Path\nfrom lookalike.runners.ledger import Ledger\n"
        "ledger = Ledger(Path(sys.argv[1]))\nledger.begin('theirs', 'index')\nprint('begun', flush=True)\nsys.stdin.read()"
    )
    process = subprocess.Popen([sys.executable, "-c", line, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    ours = Ledger(tmp_path)
    ours.begin("ours", "index")
    assert [one.state for one in ours.latest()] == ["running", "running"]
    process.kill()
    process.communicate()
    assert [one.state for one in Ledger(tmp_path).latest()] == ["running", "killed"]
    ours.close()
    writer = Ledger(tmp_path)
    writer.begin("next", "index")
    assert {one.id: one.state for one in writer.latest()} == {"next": "running", "ours": "killed", "theirs": "killed"}
    assert len(list((tmp_path / "runs").glob("*.lock"))) == 1
    writer.close()


def test_the_oldest_that_ended_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With their failures; what runs is not."""
    monkeypatch.setattr(module, "MOST_KEPT", 3)
    ledger = Ledger(tmp_path)
    ledger.begin("long", "index")
    for number in range(6):
        ledger.begin(f"r{number}", "bulk")
        ledger.end(f"r{number}", "done", position=1, counts={}, failures=[RowFailure(1, None, "invalid", "Wrong.")])
    ledger.begin("last", "index")
    assert [one.id for one in ledger.latest()] == ["last", "r5", "r4", "r3", "long"]
    assert ledger.failures("r0") == []
    assert len(ledger.failures("r5")) == 1
    ledger.close()


_PASSES = st.lists(st.tuples(st.sampled_from("AB"), st.sets(st.integers(0, 9))), max_size=8)


@settings(max_examples=60, deadline=None)
@given(_PASSES)
def test_members_are_what_sets_say(passes: list[tuple[str, set[int]]]) -> None:
    """A stray is what a scope had and the pass has not; shared where another scope has it. A page is of any size."""
    ledger = Ledger(None)
    had: dict[str, set[str]] = {"A": set(), "B": set()}
    for number, (scope, seen) in enumerate(passes):
        names, other = {f"p{one}" for one in seen}, had["B" if scope == "A" else "A"]
        assert ledger.members.count(scope) == len(had[scope])
        ledger.begin(str(number), "index", scope=scope)
        ledger.note(str(number), position=0, counts={}, seen=sorted(names))
        strays = [one for page in ledger.members.strays(scope, str(number)) for one in page]
        assert strays == [(name, name in other) for name in sorted(had[scope] - names)]
        ledger.members.release(scope, [name for name, _ in strays])
        had[scope] = names
    ledger.close()


def test_a_sighting_tells_the_same_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a dry run says, the run does."""
    monkeypatch.setattr("lookalike.runners.members.PAGE", 2)
    ledger = Ledger(tmp_path)
    for name, scope, seen in (("a", "A", "pqrstu"), ("b", "B", "q")):
        ledger.begin(name, "index", scope=scope)
        ledger.note(name, position=0, counts={}, seen=list(seen))
    ledger.close()
    ledger = Ledger(tmp_path)
    with ledger.members.sighting("A") as sighting:
        sighting.see(["s"])
        foreseen = [one for page in sighting.strays() for one in page]
    ledger.begin("c", "index", scope="A")
    ledger.note("c", position=0, counts={}, seen=["s"])
    assert foreseen == [one for page in ledger.members.strays("A", "c") for one in page]
    assert foreseen == [("p", False), ("q", True), ("r", False), ("t", False), ("u", False)]
    ledger.close()
    with Ledger(tmp_path / "nowhere").members.sighting("A") as sighting:
        sighting.see(["s"])
        assert list(sighting.strays()) == []


def test_threads_may_note_at_once(tmp_path: Path) -> None:
    """Requests submit and ask while a job is noted."""
    ledger = Ledger(tmp_path)
    ledger.begin("a", "bulk")

    def work(number: int) -> None:
        for row in range(40):
            ledger.note("a", position=row, counts={}, failures=[RowFailure(number * 100 + row, "\ud800", "invalid", "Wrong.")])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(ledger.failures("a")) == 160
    assert ledger.failures("a")[0].id == "\ud800"
    ledger.close()


def test_where_nothing_can_be_written_that_is_said(tmp_path: Path) -> None:
    """An error of ours, with the place."""
    (tmp_path / "runs").write_text("a file where the folder should be")
    with pytest.raises(IndexProblem, match="runs"):
        Ledger(tmp_path).begin("a", "index")


def test_a_job_is_told_after_a_restart(tmp_path: Path) -> None:
    """One that ended, as it ended; one that a kill interrupted, with how far it was and what to do."""
    go, halfway = threading.Event(), threading.Event()

    def handle(command: ApplyChanges, progress: Progress, cancelled: object) -> None:
        progress.total = len(command)
        progress.done = 1
        progress.failures.append(RowFailure(2, "\ud800", "invalid", "It is wrong."))
        if len(command) == 3:
            assert callable(cancelled)
            cancelled()
            halfway.set()
            go.wait(20)

    def rows(count: int) -> ApplyChanges:
        return ApplyChanges(tuple(ChangeRow(number, "delete", "x", None) for number in range(count)))

    ledger = Ledger(tmp_path)
    runner = InlineRunner(handle, ledger=ledger)
    ended, interrupted, waiting = (runner.submit(rows(count)) for count in (2, 3, 5))
    assert halfway.wait(20)
    before = runner.ticket(ended.id)
    ledger._owner.release()  # type: ignore[union-attr]  # as the kernel does when the process is killed

    later = InlineRunner(handle, ledger=Ledger(tmp_path))
    assert later.ticket(ended.id) == before
    assert (before.state, before.done, before.failures[0].id) == ("done", 1, "\ud800")
    found = later.ticket(interrupted.id)
    assert (found.state, found.total, found.done, found.failed) == ("failed", 3, 1, 1)
    assert found.finished is not None
    assert "Interrupted" in (found.message or "")
    assert "2 of 3 rows" in (found.message or "")
    assert later.ticket(waiting.id).state == later.cancel(waiting.id).state == "failed"
    with pytest.raises(NotFound):
        later.ticket("j_nobody")
    go.set()
    runner.close()
    ledger.close()


def test_a_job_that_cannot_be_remembered_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """202 is a promise; where the disk is full it is not given."""
    ledger = Ledger(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise StorageFull("The disk is full.")

    monkeypatch.setattr(ledger, "begin", full)
    runner = InlineRunner(lambda *_: None, ledger=ledger)
    with pytest.raises(StorageFull):
        runner.submit(ApplyChanges(()))
    runner.close()
