"""Pictures in files: of the command line anywhere, over HTTP only below one folder."""

import errno
import os
import stat
from pathlib import Path

from lookalike.domain.reasons import PictureReason
from lookalike.errors import PictureUnavailable

# What the platform has of these: a pipe must not block us, a link not lead us astray, a child not inherit, bytes stay bytes.
_READ = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
_NOFOLLOW, _FOLDER = getattr(os, "O_NOFOLLOW", 0), getattr(os, "O_DIRECTORY", 0)


class FilePictures:
    """Reads picture files.

    `root` None reads any path, for the command line and for what it put into the index; else only files below `root`
    are read, symbolic links that lead out of it included in the refusal. `most_bytes` bounds a file.
    """

    def __init__(self, root: Path | None, most_bytes: int) -> None:
        self._root = None if root is None else Path(os.path.realpath(root))
        self._most_bytes = most_bytes

    def fetch(self, path: str) -> bytes:
        """The bytes of a file. Raises: PictureUnavailable; its message names no folder."""
        if not path or "\0" in path or len(path) > 4096:
            raise PictureUnavailable(PictureReason.BAD_REFERENCE, "The picture's path is empty, too long, or holds a NUL character.")
        name = os.path.basename(path)[:100]
        try:
            handle = self._below_root(path) if self._root is not None else os.open(path, _READ)
        except (OSError, UnicodeError) as error:
            raise _failure(error, name) from error
        try:
            return self._read(handle, name)
        except OSError as error:
            raise _failure(error, name) from error
        finally:
            os.close(handle)

    def _read(self, handle: int, name: str) -> bytes:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise PictureUnavailable(PictureReason.BAD_REFERENCE, f"{name!r} is no file, but a folder, a device or a pipe.")
        if about.st_size > self._most_bytes:
            message = f"The picture {name!r} has {about.st_size:,} bytes; at most {self._most_bytes:,} are read (LOOKALIKE_PICTURE_BYTES)."
            raise PictureUnavailable(PictureReason.TOO_LARGE, message)
        content = os.read(handle, about.st_size + 1)
        if len(content) == about.st_size:  # the end, since one byte more was asked for
            return content
        while len(content) <= self._most_bytes and (more := os.read(handle, 1 << 20)):  # it grew, or the system reads in parts
            content += more
        return content[: self._most_bytes]

    def _below_root(self, path: str) -> int:
        """Open a file step by step from the root, following no link: what was checked is what is opened."""
        assert self._root is not None
        real = Path(os.path.realpath(self._root / path))
        if not real.is_relative_to(self._root) or real == self._root:
            raise PictureUnavailable(PictureReason.NOT_ALLOWED, "Only files below the folder that LOOKALIKE_PICTURE_ROOT names are read.")
        if os.open not in os.supports_dir_fd:  # Windows: what was checked is opened by its name
            return os.open(real, _READ)
        *folders, name = real.relative_to(self._root).parts
        handle = os.open(self._root, _READ | _FOLDER)
        try:
            for step in folders:
                below = os.open(step, _READ | _FOLDER | _NOFOLLOW, dir_fd=handle)
                os.close(handle)
                handle = below
            return os.open(name, _READ | _NOFOLLOW, dir_fd=handle)
        finally:
            os.close(handle)


class NoFiles:
    """Reads no file at all: what strangers may name when no folder is set."""

    def fetch(self, path: str) -> bytes:
        """Raises: PictureUnavailable, always."""
        message = (
            f"The reference {path[:60]!r} is neither http(s):// nor data:. Paths of files are taken only from the command line, "
            "or below the folder that LOOKALIKE_PICTURE_ROOT names."
        )
        raise PictureUnavailable(PictureReason.NOT_ALLOWED, message)


def _failure(error: OSError | UnicodeError, name: str) -> PictureUnavailable:
    if isinstance(error, UnicodeError):
        return PictureUnavailable(PictureReason.BAD_REFERENCE, "The picture's path holds characters that no file has.")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return PictureUnavailable(PictureReason.NOT_FOUND, f"There is no file {name!r}.")
    if error.errno in (errno.ELOOP, errno.ENAMETOOLONG):
        return PictureUnavailable(PictureReason.BAD_REFERENCE, f"{name!r} cannot be opened: {error.strerror}.")
    reason = PictureReason.FORBIDDEN if error.errno in (errno.EACCES, errno.EPERM) else PictureReason.CONNECTION
    return PictureUnavailable(reason, f"The file {name!r} cannot be read: {error.strerror}.")
