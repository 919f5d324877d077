"""Opening a source file: is it there, is it packed, which lines has it, does it end before it should."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from lookalike.domain.commands import RowFailure
from lookalike.errors import InvalidInput

_GZIP = b"\x1f\x8b"
_BUFFER = 1 << 18


def existing(source: str, *, folder: bool = False) -> Path:
    """The path of a source that is there. Raises: InvalidInput, with what was found."""
    path = Path(source).expanduser()
    if folder:
        if not path.is_dir():
            found = "a file" if path.exists() else "nothing"
            raise InvalidInput.at(
                "", f"A folder of pictures is wanted, but at {source!r} is {found}. For a file say --as csv, jsonl or amazon."
            )
    elif not path.is_file():
        found = "a folder (index it with --as folder)" if path.is_dir() else "nothing"
        raise InvalidInput.at("", f"A catalogue file is wanted, but at {source!r} is {found}.")
    else:
        try:
            path.open("rb").close()
        except OSError as error:
            raise InvalidInput.at("", f"{source!r} cannot be read: {error.strerror}.") from error
    return path


class Unpacked(io.BufferedReader):
    """A file's bytes, unpacked where it is gzipped (of one or several members), whatever its name.

    Where the file is cut short or damaged, the stream ends there, and `damage` says what was found.
    """

    def __init__(self, path: Path) -> None:
        file = path.open("rb")
        with_magic = file.peek(2)[:2] == _GZIP
        self._source = _Source(gzip.GzipFile(fileobj=file, mode="rb") if with_magic else file, file)
        super().__init__(self._source, _BUFFER)

    @property
    def damage(self) -> str | None:
        """What is wrong with the file behind its last byte that could be read; None while nothing is."""
        return self._source.damage


class _Source(io.RawIOBase):
    def __init__(self, stream: BinaryIO | gzip.GzipFile, file: BinaryIO) -> None:
        self._stream, self._file = stream, file
        self.damage: str | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        if self.damage is not None:
            return 0
        try:
            return cast(io.RawIOBase, self._stream).readinto(buffer) or 0  # type: ignore[arg-type]
        except EOFError:
            self.damage = "it ends in the middle of its gzip stream; fetch it again"
        except (zlib.error, gzip.BadGzipFile) as error:
            self.damage = f"its gzip stream is damaged ({error}); fetch it again"
        except OSError as error:
            self.damage = f"it cannot be read further ({error.strerror or error})"
        return 0

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._file.close()
        super().close()


def lines_of(path: Path, longest: int) -> Iterator[tuple[int, bytes | RowFailure]]:
    """(number from 1, line) of every line that is not blank, in constant memory.

    A line of more than `longest` bytes is a failure "too_long", the line at which a damaged file ends one "truncated".
    """
    with Unpacked(path) as file:
        number = 0
        while line := file.readline(longest + 1):
            number += 1
            if len(line) > longest and not line.endswith(b"\n"):
                while line and not line.endswith(b"\n"):
                    line = file.readline(_BUFFER)
                yield number, RowFailure(number, None, "too_long", f"The line has more than {longest:,} bytes.")
                continue
            if file.damage is not None and not line.endswith(b"\n"):
                number -= 1
                break
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if not line.isspace() and line:
                yield number, line
        if file.damage is not None:
            yield number + 1, cut_off(number + 1, file.damage)


def cut_off(row: int, damage: str) -> RowFailure:
    """The report of a file that ends before it should."""
    return RowFailure(row, None, "truncated", f"The file is read up to here: {damage}. What comes after is not known.")


def count_lines(path: Path, limit: int | None) -> int | None:
    """Lines of a file, at most `limit`; None where it would have to be unpacked."""
    lines, last = 0, b"\n"
    with path.open("rb") as file:
        if file.peek(2)[:2] == _GZIP:
            return None
        while chunk := file.read(1 << 20):
            lines += chunk.count(b"\n")
            last = chunk[-1:]
    lines += last != b"\n"
    return lines if limit is None else min(lines, limit)
