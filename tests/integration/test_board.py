"""The board on a real Redis: who may have which rows, when, and what a death costs."""

import threading
import time
from collections.abc import Iterator

import pytest
from redis import Redis
from support.redis_server import running

from lookalike.errors import NotFound, Overloaded, Unavailable
from lookalike.runners.board import Board, Done, Figures, Piece

LEASE = 0.3


@pytest.fixture
def board(redis: str) -> Iterator[Board]:
    one = Board(redis, "opensearch://nobody.invalid/board", "toy")
    yield one
    one.close()


def run_of(board: Board, *chunks: tuple[int, int | None]) -> str:
    """A run of chunks: how many rows, and after which chunk."""
    assert board.begin("run", "r_one", 0, 0)
    for number, (rows, after) in enumerate(chunks):
        assert board.push("r_one", number, [f"{number}.{row}" for row in range(rows)], after)
    return "r_one"


def claimed(board: Board, *, alone: bool = True, lease: float = 60.0) -> Piece:
    """A piece, once somebody's lease has run out."""
    end, breath = time.monotonic() + 20, threading.Event()
    while (piece := board.claim(lease, alone=alone)) is None:
        assert time.monotonic() < end
        breath.wait(0.02)
    return piece


def test_chunks_with_a_product_in_common_wait_for_each_other(board: Board) -> None:
    """Others do not; a chunk that is pushed again is there once."""
    run = run_of(board, (2, None), (2, 0), (2, None))
    board.push(run, 2, ["another"], None)
    first, third = claimed(board), claimed(board)
    board.present("somebody", 60)
    assert board.figures() == Figures(jobs_waiting=0, runs=1, chunks_waiting=1, chunks_held=2, workers=1)
    assert (first.rows, third.rows) == (("0.0", "0.1"), ("2.0", "2.1"))
    assert board.claim(60, alone=True) is None
    assert board.finish(first, Done(done=2, result="a"))
    assert claimed(board).rows == ("1.0", "1.1")
    seen = board.poll(run, [])
    assert seen is not None
    assert seen.results == {first.name: "a"}
    assert len(seen.open) == 2


def test_what_a_dead_holder_had_is_worked_on_alone_and_divided(board: Board) -> None:
    """Until the one row is found that they die of; its neighbours are done."""
    run_of(board, (40, None), (1, None))
    poison, died, done = "0.17", list[Piece](), list[str]()
    while (seen := board.poll("r_one", [])) is not None and seen.open:
        piece = claimed(board, lease=LEASE)
        if poison in piece.rows and not piece.is_poison:
            died.append(piece)
            other = board.claim(60, alone=False)
            assert other is None or not other.deaths  # who has something at work beside it may not have what others died of
            if other is not None:
                done += other.rows
                board.finish(other, Done())
        else:
            assert piece.rows == (poison,) or not piece.is_poison
            done += piece.rows
            assert board.finish(piece, Done())
    assert sorted(done) == sorted([*(f"0.{row}" for row in range(40)), "1.0"])
    assert [len(one.rows) for one in died] == [40, 40, 3, 1, 1]
    assert not board.finish(died[0], Done())


def test_a_piece_that_waits_for_something_rests(board: Board) -> None:
    """It is nobody's death, and it says since when it waits."""
    run_of(board, (1, None))
    piece = claimed(board)
    board.give(piece, "later", 0.2)
    assert board.claim(60, alone=True) is None
    again = claimed(board, alone=False)
    assert (again.tries, again.deaths) == (1, 0)
    assert again.away_seconds >= 0.2


def test_a_job_waits_for_the_one_before_it(board: Board) -> None:
    """And is not begun while it arrives; what is finished twice counts once."""
    for job in ("j_one", "j_two"):
        assert board.begin("job", job, 1, 5)
        board.push(job, 0, [job])
        assert board.claim(60, alone=True) is None
    assert board.close_flow("j_two", 5)
    assert board.close_flow("j_one", 5)
    piece = claimed(board)
    assert piece.flow == "j_two"
    assert board.claim(60, alone=True) is None
    assert board.finish(piece, Done(done=1))
    assert not board.finish(piece, Done(done=1))
    assert (board.about("j_two")["state"], board.about("j_two")["done"]) == ("done", "1")
    board.cancel("j_one")
    assert board.about("j_one")["state"] == "cancelled"
    assert board.claim(60, alone=True) is None


def test_too_many_jobs_are_refused_and_leave_nothing(board: Board) -> None:
    """Also where they arrive at the same time."""
    assert board.begin("job", "j_one", 1, 1)
    assert board.begin("job", "j_two", 1, 1)
    for job in ("j_one", "j_two"):
        board.push(job, 0, [job])
    assert board.close_flow("j_one", 1)
    assert not board.close_flow("j_two", 1)
    assert not board.begin("job", "j_three", 1, 1)
    with pytest.raises(NotFound):
        board.about("j_two")


def test_a_redis_that_was_away_is_not_blamed_on_who_works(board: Board, redis: str) -> None:
    """Leases that ran out while nobody could renew them are good for once more."""
    run_of(board, (1, None))
    piece = claimed(board)
    with Redis.from_url(redis) as raw:  # as if the lease had run out, and nobody had been here since before that
        raw.zadd(f"{board.name}:r_one:leases", {piece.name: 1})
        raw.set(f"{board.name}:swept", 0)
    assert board.claim(60, alone=True) is None
    assert board.beat(60, [piece]) == [True]
    assert board.finish(piece, Done(done=1))


def test_a_redis_that_does_not_answer_is_told_as_away() -> None:
    """Within seconds, and in a sentence."""
    with running() as server:
        board = Board(server.url, "opensearch://nobody.invalid/board", "toy")
        run_of(board, (1, None))
    with pytest.raises(Unavailable, match="LOOKALIKE_REDIS"):
        board.claim(1.0, alone=True)
    board.close()


def test_a_full_redis_takes_no_more_rows_and_gives_up_what_it_has() -> None:
    """Who sends is told so; who works goes on."""
    with running(maxmemory="3mb") as server:
        board = Board(server.url, "opensearch://nobody.invalid/board", "toy")
        run_of(board, (1, None))

        def fill() -> None:
            for number in range(1, 20):
                board.push("r_one", number, ["x" * 200_000])

        with pytest.raises(Overloaded):
            fill()
        done = 0
        while (piece := board.claim(60, alone=True)) is not None:
            assert board.finish(piece, Done(done=1, result="done"))
            done += 1
        assert done > 1
        assert board.push("r_one", 20, ["x" * 200_000])
        board.close()
