"""Pictures that were fetched once: asked after, never fetched again; and swept when nobody refers to them."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from picture_server import PictureServer

from lookalike.domain.document import Document, Seen
from lookalike.domain.picture import digest_of
from lookalike.pictures.addresses import Guard
from lookalike.pictures.files import NoFiles
from lookalike.pictures.http import WebPictures
from lookalike.pictures.known import KnownAddresses
from lookalike.pictures.store import FolderShelf, Pictures
from lookalike.services.sweep import sweep
from lookalike.testing.documents import make_documents


@pytest.fixture
def server() -> Iterator[PictureServer]:
    opened = PictureServer(lambda name: b"\x89PNG\r\n\x1a\n" + name.encode())
    yield opened
    opened.close()


@pytest.fixture
def open_store(server: PictureServer, tmp_path: Path) -> Iterator[Callable[[], Pictures]]:
    """Each call is another run of the program over the same folder."""
    opened: list[WebPictures] = []

    def make() -> Pictures:
        opened.append(WebPictures(guard=Guard([f"127.0.0.1:{server.port}"])))
        known = KnownAddresses(tmp_path / "addresses.sqlite")
        return Pictures(FolderShelf(tmp_path / "pictures"), opened[-1], NoFiles(), 1_000_000, known)

    yield make
    for one in opened:
        one.close()


def sent(server: PictureServer) -> list[str]:
    """Which requests carried a condition, since the last call."""
    asked, server.asked = server.asked, []
    return [" ".join(sorted(name for name in one.headers if name.startswith("If-"))) for one in asked]


def test_what_is_kept_is_only_asked_after(server: PictureServer, open_store: Callable[[], Pictures], tmp_path: Path) -> None:
    """By ETag or by date, also through a redirect, in another run; changed bytes arrive, and what was never kept is fetched."""
    urls = [f"{server.base}/{one}" for one in ("tagged/a", "dated/b", "picture/c", "tagged/unkept")]
    urls.append(f"{server.base}/to/x?url=/tagged/moved")
    first = open_store().fetch_all(urls)
    assert sent(server) == [""] * 6
    store = open_store()
    assert store.fetch_all(urls) == first, "nothing was kept, so all is fetched again"
    assert sent(server) == [""] * 6
    for place in (0, 1, 2, 4):
        content = first[place]
        assert isinstance(content, bytes)
        store.keep(content)

    def again() -> tuple[list[object], list[str]]:
        found, one = list(open_store().fetch_all(urls)), open_store().fetch(urls[0])
        assert one == found[0]
        return found, sorted(sent(server)[:-1])

    found, conditions = again()
    assert found == list(first)
    assert conditions == sorted(["If-None-Match", "If-Modified-Since", "", "", "", "If-None-Match"])
    server.content = lambda name: b"\x89PNG\r\n\x1a\nnew " + name.encode()
    server.etags["a"] += 1
    found, _ = again()
    assert (found[0], found[1]) == (b"\x89PNG\r\n\x1a\nnew a", first[1])

    spoiled = tmp_path / "pictures" / digest_of(bytes(first[1]))[:2] / digest_of(bytes(first[1]))  # type: ignore[arg-type]
    spoiled.write_bytes(b"spoiled")
    assert again()[0][1] == b"\x89PNG\r\n\x1a\nnew b", "the server said 'the same', but the disk lost it"


def test_a_new_mark_for_the_same_bytes_is_remembered(server: PictureServer, open_store: Callable[[], Pictures]) -> None:
    """Though nobody keeps the bytes again: servers behind one name give their own marks."""
    url, store = f"{server.base}/tagged/a", open_store()
    store.keep(store.fetch(url))
    server.etags["a"] += 1
    open_store().fetch(url)
    sent(server)
    told: list[int] = []
    real = server.content
    server.content = lambda name: told.append(1) or real(name)  # type: ignore[func-returns-value]
    open_store().fetch(url)
    assert (sent(server), told) == (["If-None-Match"], [])


def test_a_damaged_memory_of_addresses_costs_only_work(server: PictureServer, open_store: Callable[[], Pictures], tmp_path: Path) -> None:
    """It is begun anew."""
    url, store = f"{server.base}/tagged/a", open_store()
    store.keep(store.fetch(url))
    for file in tmp_path.glob("addresses.sqlite*"):
        file.write_bytes(b"no database at all " * 1000)
    sent(server)
    for expected in ([""], ["If-None-Match"]):
        store = open_store()
        store.keep(store.fetch(url))
        assert sent(server) == expected


def test_a_sweep_removes_what_nobody_refers_to(open_store: Callable[[], Pictures], tmp_path: Path) -> None:
    """Not what is young, was just put again, is named or was seen; a dry run removes nothing."""
    store = open_store()
    names = (b"named", b"seen", b"orphan", b"young", b"renewed", b"fetched")
    named, seen, orphan, young, renewed, fetched = map(store.keep, names)
    files = {one.name: one for one in tmp_path.glob("pictures/*/*")}
    left = next(iter(files.values())).with_name(".0123456789abcdef")
    left.write_bytes(b"of a writer that was killed")
    for file in (*files.values(), left):
        os.utime(file, (0, 0))
    os.utime(files[young.removeprefix("stored:")])
    store.keep(b"renewed")
    store.fetch(fetched)
    one, two = make_documents(1, 2, plain=True)
    analysis = replace(two.seen[0].analysis, digest=seen.removeprefix("stored:"))
    documents = [
        replace(one, product=replace(one.product, pictures=(named,)), seen=()),
        replace(two, product=replace(two.product, pictures=("http://x/y",)), seen=(Seen(0, analysis),)),
    ]
    shelf = FolderShelf(tmp_path / "pictures")
    dry = sweep(documents, shelf, dry_run=True)
    assert (dry.kept, dry.removed, dry.removed_bytes) == (5, (orphan.removeprefix("stored:"),), len(b"orphan"))
    assert len(list(tmp_path.glob("pictures/*/*"))) == len(files) + 1
    done = sweep(documents, shelf)
    assert (done.kept, done.removed, done.leftovers) == (5, dry.removed, 1)
    there = {one.name for one in tmp_path.glob("pictures/*/*")}
    assert there == {one.removeprefix("stored:") for one in (named, seen, young, renewed, fetched)}
    assert orphan.removeprefix("stored:") not in there
    assert len(sweep(iter(()), shelf, grace_seconds=-1).removed) == 5


def test_a_picture_that_is_put_in_the_moment_of_its_sweep_stays(open_store: Callable[[], Pictures], tmp_path: Path) -> None:
    """The documents are read after the pictures are listed, and whoever puts one meanwhile makes it young."""
    store = open_store()
    late = store.keep(b"late")
    for file in tmp_path.glob("pictures/*/*"):
        os.utime(file, (0, 0))

    def documents() -> Iterator[Document]:
        assert store.keep(b"late") == late
        yield from ()

    assert sweep(documents(), FolderShelf(tmp_path / "pictures")).removed == ()
    assert store.fetch(late) == b"late"
