"""Picture files: below a root, or anywhere for the command line."""

import os
from pathlib import Path

import pytest

from lookalike.errors import PictureUnavailable, StorageFull
from lookalike.pictures.files import FilePictures
from lookalike.pictures.store import FolderShelf


def reason(files: FilePictures, path: str) -> str:
    with pytest.raises(PictureUnavailable) as caught:
        files.fetch(path)
    return caught.value.reason


def test_below_the_root_and_nowhere_else(tmp_path: Path) -> None:
    """Neither by dots, nor absolutely, nor by a link; links that stay inside are fine."""
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "a.jpg").write_bytes(b"inside")
    (tmp_path / "secret").write_bytes(b"outside")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "folder").symlink_to(tmp_path)
    (root / "fine").symlink_to(root / "sub" / "a.jpg")
    files = FilePictures(root, 1000)
    assert files.fetch("sub/a.jpg") == files.fetch(str(root / "sub" / "a.jpg")) == files.fetch("fine") == b"inside"
    for path in ("../secret", str(tmp_path / "secret"), "link", "folder/secret", "sub/../../secret", "/etc/passwd", ".", "", "a\0b"):
        assert reason(files, path) in ("not_allowed", "bad_reference")
    assert reason(files, "sub/none.jpg") == "not_found"


def test_what_is_no_file_does_not_block(tmp_path: Path) -> None:
    """A pipe would wait for a writer for ever, a device for ever give; a folder is no picture; a large file is too large."""
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "large.jpg").write_bytes(b"x" * 1001)
    (tmp_path / "right.jpg").write_bytes(b"x" * 1000)
    files = FilePictures(None, 1000)
    assert reason(files, str(tmp_path / "pipe.jpg")) == "bad_reference"
    assert reason(files, "/dev/zero") == "bad_reference"
    assert reason(files, str(tmp_path)) == "bad_reference"
    assert reason(files, str(tmp_path / "large.jpg")) == "too_large"
    assert len(files.fetch(str(tmp_path / "right.jpg"))) == 1000


def test_messages_name_no_folder(tmp_path: Path) -> None:
    """What is told to a stranger must not say where things lie."""
    with pytest.raises(PictureUnavailable) as caught:
        FilePictures(None, 1000).fetch(str(tmp_path / "none.jpg"))
    assert str(tmp_path) not in str(caught.value)


def test_a_full_disk_is_told_and_leaves_nothing_half(tmp_path: Path) -> None:
    """The shelf holds whole files only."""
    resource = pytest.importorskip("resource")
    shelf, before = FolderShelf(tmp_path), resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, before[1]))
        with pytest.raises(StorageFull):
            shelf.write("ab" * 32, b"x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []
