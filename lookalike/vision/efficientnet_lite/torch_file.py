"""Reads the tensors of torch's legacy (non-zip) file without torch and without running what the file says.

Layout: five pickles (magic number, protocol, system information, state dict, storage keys), then for each key a
little-endian int64 count and the raw data. The four names of `ALLOWED` are all that such a state dict needs.
Source: torch/serialization.py, `_legacy_save`.
"""

import hashlib
import io
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import LookalikeError

Tensors = Mapping[str, NDArray[Any]]

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
BYTES_LIMIT = 256 << 20


class WeightsRefused(LookalikeError):
    """A file of weights is not what was expected; nothing of it was run."""


@dataclass(frozen=True, slots=True)
class _Storage:
    """Where a tensor's numbers will be found once the pickles are read."""

    key: str
    dtype: np.dtype[Any]
    count: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, _needs_gradient: Any = False, _hooks: Any = None, *_more: Any) -> _Tensor:
    if not isinstance(storage, _Storage):
        raise WeightsRefused(f"A tensor without a storage was found: {type(storage).__name__}.")
    return _Tensor(storage, int(offset), tuple(int(n) for n in shape), tuple(int(n) for n in stride))


ALLOWED: Mapping[tuple[str, str], Callable[..., Any] | np.dtype[Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
}


class _Reader(pickle.Unpickler):
    """An unpickler that knows four names; any other ends the reading before anything is called."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        try:
            return ALLOWED[module_name, global_name]
        except KeyError:
            raise WeightsRefused(
                f"The file asks for {module_name}.{global_name}; a state dict of plain tensors needs only "
                f"{', '.join('.'.join(name) for name in ALLOWED)}. Do not trust this file."
            ) from None

    def persistent_load(self, pid: Any) -> _Storage:
        if not (isinstance(pid, tuple) and len(pid) >= 5 and pid[0] == "storage" and isinstance(pid[1], np.dtype)):
            raise WeightsRefused("The file refers to something that is not a plain storage.")
        return _Storage(str(pid[2]), pid[1], int(pid[4]))


def read_tensors(content: bytes) -> dict[str, NDArray[Any]]:
    """The named tensors of a legacy torch file, each an array of its own.

    Raises: WeightsRefused where the bytes are anything else, or where they ask for any global outside `ALLOWED`.
    """
    if len(content) > BYTES_LIMIT:
        raise WeightsRefused(f"The file has {len(content):,} bytes; at most {BYTES_LIMIT:,} are read.")
    stream = io.BytesIO(content)
    try:
        magic, protocol, _system, state, keys = (_Reader(stream).load() for _ in range(5))
        if magic != MAGIC or protocol != PROTOCOL:
            raise WeightsRefused(f"This is no legacy torch file: magic {magic!r}, protocol {protocol!r}.")
        if not isinstance(state, dict) or not all(isinstance(one, _Tensor) for one in state.values()):
            raise WeightsRefused("The state dict holds something other than tensors.")
        wanted = {one.storage.key: one.storage for one in state.values()}
        storages = {str(key): _storage(stream, wanted[str(key)]) for key in keys}
        return {str(name): _array(one, storages[one.storage.key]) for name, one in state.items()}
    except WeightsRefused:
        raise
    # Pickle raises whatever its opcodes stumble over (also IndexError, AttributeError, UnicodeDecodeError, MemoryError).
    except Exception as error:
        raise WeightsRefused(f"The file of weights is damaged: {type(error).__name__}: {error}") from error


def _storage(stream: io.BytesIO, storage: _Storage) -> NDArray[Any]:
    (count,) = struct.unpack("<q", stream.read(8))
    if count != storage.count:
        raise WeightsRefused(f"Storage {storage.key} holds {count} numbers where {storage.count} were announced.")
    content = stream.read(count * storage.dtype.itemsize)
    return np.frombuffer(content, storage.dtype, count)


def _array(tensor: _Tensor, flat: NDArray[Any]) -> NDArray[Any]:
    count = int(np.prod(tensor.shape, dtype=np.int64))
    expected = tuple(int(np.prod(tensor.shape[axis + 1 :], dtype=np.int64)) for axis in range(len(tensor.shape)))
    if count and tensor.stride == expected:
        return flat[tensor.offset : tensor.offset + count].reshape(tensor.shape).copy()
    if min(tensor.stride, default=0) < 0 or tensor.offset < 0:
        raise WeightsRefused("A tensor with a negative stride or offset was found.")
    reach = tensor.offset + sum((size - 1) * step for size, step in zip(tensor.shape, tensor.stride, strict=True))
    if count == 0 or reach >= flat.size:
        raise WeightsRefused(f"A tensor of shape {tensor.shape} reaches outside its storage.")
    steps = tuple(step * flat.itemsize for step in tensor.stride)
    return np.lib.stride_tricks.as_strided(flat[tensor.offset :], tensor.shape, steps).copy()


def read_checked(path: Path, sha256: str) -> dict[str, NDArray[Any]]:
    """The tensors of a file whose SHA-256 is known. Raises: WeightsRefused, OSError."""
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise WeightsRefused(f"{path.name} has SHA-256 {found}, expected {sha256}. Install its package again.")
    return read_tensors(content)
