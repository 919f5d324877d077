"""Opening a source file: is it there, is it gzipped, how many lines has it."""

import gzip
from pathlib import Path
from typing import BinaryIO, cast

from lookalike.errors import InvalidInput


def existing(source: str, *, folder: bool = False) -> Path:
    """The path of a source that is there. Raises: InvalidInput, with what was found."""
    path = Path(source).expanduser()
    if folder:
        if not path.is_dir():
            found = "a file" if path.exists() else "nothing"
            raise InvalidInput.at(
                "", f"A folder of pictures is wanted, but at {source!r} is {found}. For a file say --as csv or --as jsonl."
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


def open_bytes(path: Path) -> BinaryIO:
    """The file's bytes as a stream, unpacked where its name ends in .gz."""
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def count_lines(path: Path, limit: int | None) -> int | None:
    """Lines of a file, at most `limit`; None where it would have to be unpacked."""
    if path.suffix == ".gz":
        return None
    lines, last = 0, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            lines += chunk.count(b"\n")
            last = chunk[-1:]
    lines += last != b"\n"
    return lines if limit is None else min(lines, limit)
