"""The reader of torch's legacy files runs nothing that the file says."""

import io
import os
import pickle
import struct
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.vision.efficientnet_lite.torch_file import MAGIC, PROTOCOL, WeightsRefused, read_checked, read_tensors


class _Named:
    """Pickles as a global of the given name."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class _Writer(pickle._Pickler):  # the Python pickler: its methods can be replaced
    def persistent_id(self, one: object) -> object:
        return one if isinstance(one, tuple) and one and one[0] == "storage" else None

    def save(self, one: object, save_persistent_id: bool = True) -> None:
        if isinstance(one, _Named):
            self.write(b"c" + one.module.encode() + b"\n" + one.name.encode() + b"\n")
            return
        super().save(one, save_persistent_id)


class _Call:
    """Pickles as a call of a named global with arguments."""

    def __init__(self, module: str, name: str, *arguments: object) -> None:
        self.told = (module, name, arguments)


def dumped(one: object) -> bytes:
    out = io.BytesIO()
    writer = _Writer(out, protocol=2)
    writer.dispatch = dict(writer.dispatch)

    def call(self: _Writer, told: _Call) -> None:
        module, name, arguments = told.told
        self.save(_Named(module, name))
        self.save(arguments)
        self.write(pickle.REDUCE)

    writer.dispatch[_Call] = call
    writer.dump(one)
    return out.getvalue()


def file_of(state: object, keys: list[str], raw: bytes = b"", magic: int = MAGIC) -> bytes:
    return b"".join(dumped(one) for one in (magic, PROTOCOL, {"little_endian": True}, state, keys)) + raw


def tensor(key: str, count: int, shape: tuple[int, ...], stride: tuple[int, ...], offset: int = 0, kind: str = "FloatStorage") -> _Call:
    storage = ("storage", _Named("torch", kind), key, "cpu", count, None)
    return _Call("torch._utils", "_rebuild_tensor_v2", storage, offset, shape, stride, False, OrderedDict())


def floats(*values: float) -> bytes:
    return struct.pack("<q", len(values)) + struct.pack(f"<{len(values)}f", *values)


def test_tensors_come_back() -> None:
    """Plain, transposed and offset tensors of one storage."""
    state = OrderedDict(a=tensor("1", 6, (2, 3), (3, 1)), b=tensor("1", 6, (3, 2), (1, 3)), c=tensor("1", 6, (2,), (1,), 4))
    told = read_tensors(file_of(state, ["1"], floats(0, 1, 2, 3, 4, 5)))
    np.testing.assert_array_equal(told["a"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(told["b"], [[0, 3], [1, 4], [2, 5]])
    np.testing.assert_array_equal(told["c"], [4, 5])


@pytest.mark.parametrize(
    ("module", "name"),
    [("os", "system"), ("builtins", "eval"), ("posix", "system"), ("subprocess", "Popen"), ("torch", "load"), ("collections", "Counter")],
)
def test_other_globals_are_refused(module: str, name: str, tmp_path: Path) -> None:
    """A global outside the list ends the reading, and nothing is called."""
    trap = tmp_path / "called"
    with pytest.raises(WeightsRefused, match=name):
        read_tensors(file_of(_Call(module, name, f"touch {trap}"), []))
    assert not trap.exists()


def test_nested_names_are_refused() -> None:
    """Protocol 4 may ask for attributes of attributes."""
    with pytest.raises(WeightsRefused):
        read_tensors(b"\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.__init__\x93.")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04" + bytes(100),
        file_of({}, [], magic=7),
        file_of({"a": 5}, []),
        file_of({"a": tensor("1", 6, (2, 3), (3, 1))}, ["1"], floats(1, 2)),
        file_of({"a": tensor("1", 2, (9,), (1,))}, ["1"], floats(1, 2)),
        file_of({"a": tensor("1", 2, (2, 2), (-1, 1))}, ["1"], floats(1, 2)),
        file_of({"a": tensor("1", 2, (2, 2), (5, 1))}, ["1"], floats(1, 2)),
        file_of({"a": tensor("1", 6, (2, 3), (3, 1))}, ["1"], struct.pack("<q", 6) + b"short"),
    ],
)
def test_damaged_files_are_refused(content: bytes) -> None:
    with pytest.raises(WeightsRefused):
        read_tensors(content)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(WeightsRefused):
        read_tensors(content)


def test_another_digest_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(os.urandom(64))
    with pytest.raises(WeightsRefused, match="SHA-256"):
        read_checked(file, "0" * 64)
