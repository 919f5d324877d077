"""A file of arrays beside the database: what was derived from it, so that opening need not derive it again.

Eight bytes of magic, the length and the checksum of a head in JSON (what it is, and each array's name, type, length, place
and checksum), then the arrays, each at a multiple of 64. Written anew each time and renamed into place, never changed.
"""

import contextlib
import hashlib
import json
import mmap
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.engines.embedded.pool import Arrays

_MAGIC = b"LKLKCOL1"
_ALIGNED = 64
_SUMMED_AT_ONCE = 1 << 20


class Stale(Exception):
    """The file is not there, damaged, or of another state than the database: derive everything anew."""


def checksum(content: NDArray[np.uint8]) -> int:
    """The sum of its 64-bit words: notices whatever happens to a file by itself, as fast as memory is read (8 GB/s)."""
    whole = len(content) // 8 * 8
    words = content[:whole].view("<u8")
    total = len(content) + int.from_bytes(content[whole:].tobytes(), "little")
    for start in range(0, len(words), _SUMMED_AT_ONCE):
        total += int(np.add.reduce(words[start : start + _SUMMED_AT_ONCE]))
    return total & (1 << 63) - 1


def write(path: Path, told: Mapping[str, Any], arrays: Arrays) -> None:
    """Put the file in place, or leave what was there. Raises: OSError."""
    flat = {name: np.ascontiguousarray(array).view(np.uint8).reshape(-1) for name, array in arrays.items()}
    place, listed = 0, []
    for name, array in arrays.items():
        listed.append([name, array.dtype.str, len(array), place, len(flat[name]), checksum(flat[name])])
        place += -(-len(flat[name]) // _ALIGNED) * _ALIGNED
    head = json.dumps({"told": told, "arrays": listed}, separators=(",", ":")).encode()
    opening = _MAGIC + len(head).to_bytes(8, "little") + hashlib.blake2b(head, digest_size=16).digest() + head
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with fresh.open("wb") as file:
            file.write(opening.ljust(_begin(len(head)), b"\0"))
            for one in flat.values():
                file.write(one.data)
                file.write(b"\0" * (-len(one) % _ALIGNED))
        fresh.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise


def read(path: Path) -> tuple[dict[str, Any], Arrays]:
    """What `write` was given. The arrays are mapped: writing to them changes nothing on disk. Raises: Stale."""
    try:
        with path.open("rb") as file:
            mapped = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), np.uint8)
    except (OSError, ValueError) as error:
        raise Stale(f"{path.name} cannot be read") from error
    length = int.from_bytes(mapped[8:16].tobytes(), "little")
    head = mapped[32 : 32 + length].tobytes() if length < len(mapped) else b""
    if mapped[:8].tobytes() != _MAGIC or hashlib.blake2b(head, digest_size=16).digest() != mapped[16:32].tobytes():
        raise Stale(f"{path.name} is damaged")
    known = json.loads(head)
    arrays: Arrays = {}
    for name, kind, count, place, size, wanted in known["arrays"]:
        start = _begin(length) + place
        content = mapped[start : start + size]
        if len(content) != size or checksum(content) != wanted:
            raise Stale(f"{path.name} is damaged")
        arrays[name] = content.view(kind)[:count]
    return known["told"], arrays


def _begin(head: int) -> int:
    return -(-(32 + head) // _ALIGNED) * _ALIGNED
