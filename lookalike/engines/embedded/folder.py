"""The folder of an index: which database counts, and who may write.

shop.lookalike/
├── meta.json              format, engine, name of the database that counts, recipe; replaced atomically
├── index-000001.sqlite    the one truth (and its -wal and -shm)
├── index-000001.columns   derived from it, so that opening takes no reading of all: checked, and made anew where it does not fit
├── index-000001.1.vectors, index-000001.1.colours
└── write.lock             locked by the one process that writes; its text says which
"""

import contextlib
import errno
import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from lookalike.errors import IndexDamaged, IndexLocked, IndexNotFound, IndexProblem, IndexTooNew, StorageFull

FORMAT = 1
ENGINE = "embedded"
META, LOCK = "meta.json", "write.lock"
_DATABASES = "index-*.sqlite"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Meta:
    """What `meta.json` says. `database` is a file name in the folder."""

    database: str
    recipe: str | None = None

    def following(self) -> str:
        """A database name that comes after this one."""
        return f"index-{int(self.database[6:12]) + 1:06d}.sqlite"


FIRST = Meta("index-000001.sqlite")


def read_meta(folder: Path) -> Meta | None:
    """What the folder says of itself; None where there is no index yet. Raises: IndexDamaged, IndexTooNew, IndexProblem."""
    path = folder / META
    try:
        told = json.loads(path.read_bytes())
        version, engine, name, recipe = told["format"], told["engine"], told["database"], told["recipe"]
    except FileNotFoundError:
        return _without_meta(folder)
    except NotADirectoryError as error:
        raise IndexProblem(f"{folder} is a file, but an embedded index is a folder. Choose another place.") from error
    except OSError as error:
        raise IndexProblem(f"{path} cannot be read: {error.strerror}. Check its permissions.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise IndexDamaged(f"{path} is damaged: it is not what we wrote. {REMEDY}") from error
    if isinstance(version, int) and version > FORMAT:
        state = f"it has the format {version}, and this one reads up to {FORMAT}"
        raise IndexTooNew(f"{folder} was written by a newer version of Lookalike: {state}. Update Lookalike.")
    known = isinstance(name, str) and len(name) == 19 and name[6:12].isdecimal() and name[:6] + name[12:] == "index-.sqlite"
    if engine != ENGINE or version != FORMAT or not known or not (recipe is None or isinstance(recipe, str)):
        raise IndexDamaged(f"{path} is damaged: it does not describe an embedded index. {REMEDY}")
    if not (folder / name).exists() or not (folder / name).stat().st_size:
        raise IndexDamaged(f"{folder / name} is gone or empty, though {META} names it. {REMEDY}")
    return Meta(name, recipe)


REMEDY = "Restore the folder from a backup, or delete it and index the catalogue again."


def _without_meta(folder: Path) -> Meta | None:
    if not folder.exists():
        return None
    found = sorted(one.name for one in folder.glob(_DATABASES))
    if found and (folder / found[-1]).stat().st_size and found != [FIRST.database]:
        raise IndexDamaged(f"{folder} holds {', '.join(found)}, but {META} is gone, which says which one counts. {REMEDY}")
    if not found and any(one.name != LOCK and not one.name.startswith(f".{META}") for one in folder.iterdir()):
        raise IndexProblem(f"{folder} holds files, but no index: choose an empty or new folder, so that nothing of yours is touched.")
    return None


def write_meta(folder: Path, meta: Meta) -> None:
    """Replace `meta.json` at once and durably. Raises: StorageFull, IndexProblem."""
    told = json.dumps({"format": FORMAT, "engine": ENGINE, "database": meta.database, "recipe": meta.recipe}, indent=1)
    fresh = folder / f".{META}.{os.getpid()}"
    try:
        with fresh.open("w") as file:
            file.write(told + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / META)
        handle = os.open(folder, os.O_RDONLY)
        with contextlib.suppress(OSError):  # some file systems cannot sync a folder; the rename is atomic all the same
            os.fsync(handle)
        os.close(handle)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise _refused(folder, error) from error


def make_folder(folder: Path) -> None:
    """Create it where it is not there. Raises: StorageFull, IndexProblem."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refused(folder, error) from error


def _refused(folder: Path, error: OSError) -> IndexProblem:
    if error.errno in _FULL:
        return StorageFull(f"The disk is full: {folder} could not be written. Make room, then try again; nothing stored is lost.")
    return IndexProblem(f"{folder} cannot be written: {error.strerror}. Check the path and its permissions.")


def not_there(folder: Path) -> IndexNotFound:
    """The error for a place without an index."""
    return IndexNotFound(f"There is no index at {folder}. Make one with: lookalike index SOURCE --index {folder}")


class WriterLock:
    """Held by the one process that writes; the kernel gives it back when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Take it. Raises: IndexLocked, IndexProblem."""
        path = folder / LOCK
        try:
            self._file: TextIO = path.open("a+")
        except OSError as error:
            raise _refused(folder, error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read(20).strip()
            self._file.close()
            who = f"process {holder}" if holder.isdecimal() else "another process"
            raise IndexLocked(
                f"{folder} is being written by {who}. Wait for it to end or send the changes to the running server; "
                "searching works meanwhile."
            ) from error
        with contextlib.suppress(OSError):  # the number is only for the message: a full disk must not stop a reader
            self._file.truncate(0)
            self._file.write(str(os.getpid()))
            self._file.flush()

    def release(self) -> None:
        """Let others write."""
        self._file.close()


def leftovers(folder: Path, meta: Meta) -> list[Path]:
    """Databases of rebuilds that never ended or that were replaced, with what was derived from them, and caches half written."""
    stem = meta.database.removesuffix(".sqlite")
    return [*(path for path in folder.glob("index-*") if not path.name.startswith(f"{stem}.")), *folder.glob(".index-*")]
