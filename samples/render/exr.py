"""Reads the uncompressed OpenEXR files that Cycles writes, so that no EXR package is needed."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

SAMPLE_TYPES = {0: ("<u4", 4), 1: ("<f2", 2), 2: ("<f4", 4)}


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode("ascii"), end + 1


def _channels(block: bytes) -> list[tuple[str, int]]:
    found, at = [], 0
    while block[at] != 0:
        name, at = _text(block, at)
        found.append((name, struct.unpack_from("<i", block, at)[0]))
        at += 16  # type, linearity flags and the two sampling rates
    return found


def read(path: Path) -> dict[str, np.ndarray]:
    """Every channel of a single-part, uncompressed scanline file as float32, top row first."""
    data = path.read_bytes()
    if struct.unpack_from("<I", data)[0] != 20000630:
        raise ValueError(f"{path} is not an OpenEXR file")
    at, header = 8, {}
    while data[at] != 0:
        name, at = _text(data, at)
        _, at = _text(data, at)
        size = struct.unpack_from("<i", data, at)[0]
        header[name] = data[at + 4 : at + 4 + size]
        at += 4 + size
    if header["compression"][0] != 0:
        raise ValueError(f"{path} is compressed")
    left, top, right, bottom = struct.unpack("<4i", header["dataWindow"])
    width, height = right - left + 1, bottom - top + 1
    channels = _channels(header["channels"])
    offsets = struct.unpack_from(f"<{height}Q", data, at + 1)
    planes = {name: np.empty((height, width), np.float32) for name, _ in channels}
    for offset in offsets:
        row = struct.unpack_from("<i", data, offset)[0] - top
        here = offset + 8
        for name, kind in channels:
            dtype, size = SAMPLE_TYPES[kind]
            planes[name][row] = np.frombuffer(data, dtype, width, here)
            here += size * width
    return planes
