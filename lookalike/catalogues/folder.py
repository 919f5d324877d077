"""A folder of pictures: every picture is a product, sub-folders are its category, the file's name its title."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from lookalike.catalogues.files import existing
from lookalike.catalogues.places import below_folder
from lookalike.catalogues.rows import SUFFIXES
from lookalike.domain.commands import RowFailure
from lookalike.domain.product import parse_product
from lookalike.errors import InvalidInput
from lookalike.ports.catalogue import CatalogueOptions, SourceRow


class FolderCatalogue:
    """Pictures below a folder, in the order of their paths; hidden ones and linked folders are passed over."""

    def __init__(self, root: Path, options: CatalogueOptions) -> None:
        self._root, self._limit = root.resolve(), options.limit

    def rows(self) -> Iterator[SourceRow | RowFailure]:
        """One row a picture. Its id is the path below the folder, without suffix where that names one file only.

        A folder that cannot be read is a failure after the pictures: nobody knows what is in it.
        """
        row, unread = 0, list[OSError]()
        for row, (path, alone) in enumerate(islice(self._pictures(unread.append), self._limit), 1):
            relative = path.relative_to(self._root)
            name = (relative.with_suffix("") if alone else relative).as_posix()
            steps = [_words(step) for step in relative.parent.parts]
            picture = below_folder(self._root, str(path)) if path.is_symlink() else str(path)
            told = {"id": name, "title": _words(relative.stem), "pictures": [picture]} | ({"category": steps} if steps else {})
            try:
                yield SourceRow(row, parse_product(told))
            except InvalidInput as error:
                yield RowFailure(row, ascii(name)[1:-1][:512], "invalid", str(error))
        for place, fault in enumerate(unread, row + 1):
            name = ascii(os.path.relpath(fault.filename or self._root, self._root))[1:-1]
            yield RowFailure(place, None, "unreadable_folder", f"The folder {name} cannot be read: {fault.strerror}.")

    def size(self) -> int | None:
        """The number of pictures."""
        return sum(1 for _ in islice(self._pictures(), self._limit))

    def _pictures(self, unreadable: Callable[[OSError], object] = lambda _: None) -> Iterator[tuple[Path, bool]]:
        """(path, is it the only picture of its stem in its folder)."""
        for here, folders, files in os.walk(self._root, onerror=unreadable):
            folders[:] = sorted(one for one in folders if not one.startswith("."))
            names = sorted(one for one in files if one.lower().endswith(SUFFIXES) and not one.startswith("."))
            stems = Counter(os.path.splitext(one)[0] for one in names)
            for name in names:
                yield Path(here, name), stems[os.path.splitext(name)[0]] == 1


def _words(name: str) -> str:
    return " ".join(name.replace("_", " ").replace("-", " ").split()) or name


def open_folder(source: str, options: CatalogueOptions) -> FolderCatalogue:
    """The pictures below a folder. Raises: InvalidInput where there is none, or for options that a folder has no use for."""
    if options.mapping or options.pictures:
        raise InvalidInput.at("", "A folder of pictures has no columns: --map and --pictures are for csv and jsonl.")
    return FolderCatalogue(existing(source, folder=True), options)
