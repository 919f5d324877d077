"""Our picture store keeps the public contract, over memory and over a folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lookalike.pictures.files import NoFiles
from lookalike.pictures.http import WebPictures
from lookalike.pictures.store import FolderShelf, MemoryShelf, Pictures
from lookalike.ports.pictures import PictureStore
from lookalike.testing.stores import PictureStoreContract


class _Ours(PictureStoreContract):
    @pytest.fixture(autouse=True)
    def _around(self, tmp_path: Path) -> Iterator[None]:
        self.folder, self.web = tmp_path, WebPictures()
        yield
        self.web.close()


class TestMemory(_Ours):
    """In memory."""

    def make_store(self) -> PictureStore:
        """A store."""
        return Pictures(MemoryShelf(), self.web, NoFiles(), 1_000_000)


class TestFolder(_Ours):
    """In a folder."""

    def make_store(self) -> PictureStore:
        """A store."""
        return Pictures(FolderShelf(self.folder / "pictures"), self.web, NoFiles(), 1_000_000)

    def test_a_spoiled_file_is_not_served(self) -> None:
        """What a disk has changed is as good as gone, and can be kept anew."""
        store = self.make_store()
        reference = store.keep(b"some bytes")
        file = next(one for one in self.folder.rglob("*") if one.is_file())
        file.write_bytes(b"some lies!")
        with pytest.raises(Exception, match="No picture is kept"):
            store.fetch(reference)
        store.keep(b"some bytes")
        assert store.fetch(reference) == b"some bytes"
        assert [one.name for one in self.folder.rglob("*") if one.is_file()] == [reference.removeprefix("stored:")]
