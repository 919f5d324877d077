"""Settings: where they come from, and what is said of those that cannot be."""

import os
from pathlib import Path

import pytest

from lookalike.errors import InvalidSetting
from lookalike.settings import FILE, PREFIX, load, origin, strays, told


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


def test_the_command_line_beats_the_environment_beats_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """And each value says where it is from."""
    Path(FILE).write_text('port = 1111\nhost = "0.0.0.0"\nindex = "a"\n', encoding="utf-8")
    monkeypatch.setenv("LOOKALIKE_PORT", "2222")
    monkeypatch.setenv("LOOKALIKE_INDEX", "b")
    found = load(index="c", host=None)
    assert (found.port, found.host, found.index, found.recipe) == (2222, "0.0.0.0", "c", "default")
    origins = [origin(name, {"index": "c"}) for name in ("port", "host", "index", "recipe")]
    assert origins == ["environment", FILE, "command line", "default"]


def test_values_are_read_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes with units, lists with commas; an empty variable is none."""
    monkeypatch.setenv("LOOKALIKE_MAX_BODY", "5MB")
    monkeypatch.setenv("LOOKALIKE_PICTURE_HOSTS", " Images.Local, 10.0.0.5:8000 ,")
    monkeypatch.setenv("LOOKALIKE_PORT", "")
    found = load()
    assert (int(found.max_body), found.picture_hosts, found.port) == (5_000_000, ("images.local", "10.0.0.5:8000"), 8080)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("PICTURE_HOSTS", "10.0.0.0/99"), ("PICTURE_HOSTS", "10.0.0.5/8"), ("PICTURE_PORTS", "0"), ("PICTURE_PORTS", "http")),
        *(("PICTURE_PORTS", "70000"), ("FETCH_PROXY", "socks5://x"), ("FETCH_PATIENCE", "-1")),
        ("PORT", "abc"),
        ("PORT", "70000"),
        ("THREADS", "-1"),
        ("PRECISION", "int4"),
        ("MAX_BODY", "much"),
        ("UPLOAD_TTL", "nan"),
    ],
)
def test_an_impossible_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """What was found, where, and what is wanted."""
    monkeypatch.setenv(f"LOOKALIKE_{name}", value)
    with pytest.raises(InvalidSetting, match=rf"LOOKALIKE_{name} \(environment\) is '{value}', but .+"):
        load()


def test_a_slip_in_the_file_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown name, and TOML that is none."""
    Path(FILE).write_text("prot = 5\n", encoding="utf-8")
    with pytest.raises(InvalidSetting, match=r"'prot'.*Did you mean 'port'"):
        load()
    Path(FILE).write_text("port = = 5\n", encoding="utf-8")
    with pytest.raises(InvalidSetting, match="no TOML"):
        load()


def test_a_slip_in_the_environment_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be an error: others may use our prefix."""
    monkeypatch.setenv("LOOKALIKE_INDXE", "x")
    for other in ("SHARED", "NO_SKIPS", "TRACEBACK"):  # no settings, but names of ours
        monkeypatch.setenv(f"LOOKALIKE_{other}", "x")
    assert strays() == ["LOOKALIKE_INDXE is no setting. Did you mean LOOKALIKE_INDEX?"]


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by config nor by an error."""
    monkeypatch.setenv("LOOKALIKE_WRITE_KEY", "hunter2")
    assert "hunter2" not in repr(told(load())) + repr(load())


def test_a_password_in_an_address_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Host and database are: an operator wants to see where a worker asks."""
    monkeypatch.setenv("LOOKALIKE_REDIS", "rediss://me:hunter2@cache.shop.example:6380/1")
    shown = next(one.value for one in told(load()) if one.name == "redis")
    assert shown == "rediss://me:********@cache.shop.example:6380/1"
    assert "hunter2" not in repr(load())
    monkeypatch.setenv("LOOKALIKE_REDIS", "http://me:hunter2@cache.shop.example")
    with pytest.raises(InvalidSetting, match=r"starts with redis://") as refused:
        load()
    assert "hunter2" not in str(refused.value)
