"""Fetching networks from a server that breaks off, lies and redirects."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.file_server import Files, serving

from lookalike.errors import NetworkRefused, Unavailable
from lookalike.vision.networks.download import check_address, fetch

CONTENT = np.random.default_rng(3).bytes(300_000)
SUM = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def files() -> Iterator[Files]:
    with serving() as files:
        files.contents["/n.onnx"] = CONTENT
        yield files


def test_a_file_comes_whole_and_its_progress_is_told(files: Files, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    fetch(f"{files.address}/n.onnx", tmp_path / "n.onnx", SUM, progress=lambda done, total: told.append((done, total)))
    assert (tmp_path / "n.onnx").read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in tmp_path.iterdir()] == ["n.onnx"]


def test_what_broke_off_is_gone_on_with(files: Files, tmp_path: Path) -> None:
    """In the same run, and in the next one."""
    files.breaks["/n.onnx"] = 2
    fetch(f"{files.address}/n.onnx", tmp_path / "n.onnx", SUM, pause=0.01)
    assert (tmp_path / "n.onnx").read_bytes() == CONTENT
    assert [wanted for _, wanted in files.asked] == [None, "bytes=150000-", "bytes=225000-"]
    (tmp_path / "m.onnx.part").write_bytes(CONTENT[:1000])
    fetch(f"{files.address}/n.onnx", tmp_path / "m.onnx", SUM)
    assert files.asked[-1][1] == "bytes=1000-"
    (tmp_path / "w.onnx.part").write_bytes(CONTENT)  # all of it was there: the server answers 416
    fetch(f"{files.address}/n.onnx", tmp_path / "w.onnx", SUM)
    assert (tmp_path / "w.onnx").read_bytes() == (tmp_path / "m.onnx").read_bytes() == CONTENT


def test_a_server_without_ranges_gives_it_all_again(files: Files, tmp_path: Path) -> None:
    files.ranges, files.breaks["/n.onnx"] = False, 1
    fetch(f"{files.address}/n.onnx", tmp_path / "n.onnx", SUM, pause=0.01)
    assert (tmp_path / "n.onnx").read_bytes() == CONTENT


def test_a_part_of_another_file_is_begun_anew(files: Files, tmp_path: Path) -> None:
    (tmp_path / "n.onnx.part").write_bytes(b"x" * 1000)
    fetch(f"{files.address}/n.onnx", tmp_path / "n.onnx", SUM)
    assert (tmp_path / "n.onnx").read_bytes() == CONTENT


def test_other_bytes_are_refused_and_thrown_away(files: Files, tmp_path: Path) -> None:
    with pytest.raises(NetworkRefused, match=f"not {'0' * 64}"):
        fetch(f"{files.address}/n.onnx", tmp_path / "n.onnx", "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_more_than_the_card_says_is_not_fetched(files: Files, tmp_path: Path) -> None:
    with pytest.raises(NetworkRefused, match="300,000 bytes"):
        fetch(f"{files.address}/n.onnx", tmp_path / "n.onnx", SUM, most=1000)


def test_a_server_in_trouble_is_asked_again_and_a_missing_file_is_not(files: Files, tmp_path: Path) -> None:
    files.errors["/n.onnx"] = [503, 429]
    fetch(f"{files.address}/n.onnx", tmp_path / "n.onnx", SUM, pause=0.01)
    assert len(files.asked) == 3
    with pytest.raises(NetworkRefused, match="404"):
        fetch(f"{files.address}/none.onnx", tmp_path / "none.onnx", SUM)
    files.errors["/n.onnx"] = [500] * 9
    with pytest.raises(Unavailable, match="answers 500"):
        fetch(f"{files.address}/n.onnx", tmp_path / "again.onnx", SUM, pause=0.01)


def test_redirects_pass_the_same_gate(files: Files, tmp_path: Path) -> None:
    files.redirects |= {"/here": f"{files.address}/n.onnx", "/out": "http://192.0.2.1/n.onnx", "/file": "file:///etc/passwd"}
    fetch(f"{files.address}/here", tmp_path / "n.onnx", SUM)
    for path in ("/out", "/file"):
        with pytest.raises(NetworkRefused):
            fetch(f"{files.address}{path}", tmp_path / "m.onnx", SUM)


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/n.onnx",
        "ftp://example.org/n",
        "file:///n.onnx",
        "https://",
        "http://127.0.0.1.example.org/n",
        "https://a:b@c.org/n",
    ],
)
def test_addresses_that_networks_are_not_fetched_from(address: str) -> None:
    with pytest.raises(NetworkRefused):
        check_address(address)


def test_addresses_that_they_are_fetched_from() -> None:
    for address in ("https://example.org/n.onnx", "http://localhost:1/n", "http://127.0.0.1/n", "http://[::1]:8/n"):
        check_address(address)
