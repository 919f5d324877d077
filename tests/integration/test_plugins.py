"""Plugins: a stranger's package is found by its entry point, passes the public contract, and works."""

import json
import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from lookalike import plugins
from lookalike.bootstrap import engine_of
from lookalike.errors import MissingDependency, UnknownPlugin

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "mean_colour"
SAMPLE = ROOT / "lookalike" / "sample_shop"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process in which the example is installed; nothing is fetched for it."""
    place, source = tmp_path_factory.mktemp("installed"), tmp_path_factory.mktemp("source") / "example"
    source.mkdir()
    for file in EXAMPLE.iterdir():
        if file.is_file():
            (source / file.name).write_bytes(file.read_bytes())
    line = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--target",
        str(place),
        str(source),
    ]
    done = subprocess.run(line, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return {**os.environ, "PYTHONPATH": str(place)}


def test_the_example_passes_the_public_contract(installed: dict[str, str], tmp_path: Path) -> None:
    """Its own test, in its own folder, as its author would run it."""
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(EXAMPLE), str(EXAMPLE / "test_mean_colour.py")]
    done = subprocess.run(line, env=installed, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout


def test_the_example_indexes_and_finds(installed: dict[str, str], tmp_path: Path) -> None:
    """`LOOKALIKE_RECIPE` names it like a recipe of ours."""
    environment = {**installed, "LOOKALIKE_RECIPE": "mean-colour", "LOOKALIKE_INDEX": str(tmp_path / "shop.lookalike")}

    def run(*words: str) -> dict[str, object]:
        line = [sys.executable, "-c", "from lookalike.cli import main; main()", *words]
        done = subprocess.run(line, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode == 0, done.stderr
        told: dict[str, object] = json.loads(done.stdout)
        return told

    counts = run("index", str(SAMPLE / "products.jsonl"), "--limit", "12", "--json")["counts"]
    assert counts == {"read": 12, "indexed": 12, "unchanged": 0, "removed": 0, "failed": 0}
    first = json.loads((SAMPLE / "products.jsonl").read_text(encoding="utf-8").splitlines()[0])
    answer = run("search", "--picture", str(SAMPLE / first["pictures"][0]), "--json")
    assert answer["hits"][0]["id"] == first["id"]  # type: ignore[index]


def test_only_the_one_asked_for_is_imported() -> None:
    """What is installed is known by name; what is not asked for costs nothing and can break nothing."""
    line = "import sys; from lookalike import plugins; plugins.load('search engine', 'memory'); print('faiss' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout.strip() == "False"


def test_an_unknown_name_gets_the_near_one() -> None:
    """The message that the house promises."""
    with pytest.raises(
        UnknownPlugin, match=r"No search engine is called 'memroy'\. Installed: .*embedded, memory.* Did you mean 'memory'\?"
    ):
        plugins.load("search engine", "memroy")
    with pytest.raises(UnknownPlugin, match="Did you mean 'memory'"):
        engine_of("memroy:")


def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to install; a defect of a plugin's own stays a defect."""
    entry = EntryPoint("sky", "no_such_package:open", "lookalike.engines")
    with pytest.raises(MissingDependency, match="This needs no_such_package"):
        plugins.load_entry(entry)
    with pytest.raises(ModuleNotFoundError):
        plugins.load_entry(EntryPoint("sky", "lookalike.no_such_module:open", "lookalike.engines"))


@pytest.mark.parametrize(
    ("index", "wanted"),
    [
        *(("./shop.lookalike", ("embedded", "./shop.lookalike")), ("shop", ("embedded", "shop")), ("memory:", ("memory", ""))),
        *((told, ("opensearch", told)) for told in ("opensearch://h:9200/x", "opensearch+https://h/x")),
        *(("embedded:a/b c", ("embedded", "a/b c")), ("C:shop", ("embedded", "C:shop")), ("MEMORY:x", ("memory", "x"))),
    ],
)
def test_the_index_uri_names_the_engine(index: str, wanted: tuple[str, str]) -> None:
    """A path is the embedded engine's; one letter before a colon is a drive."""
    assert engine_of(index) == wanted


def test_every_port_is_documented() -> None:
    """docs/plugins.md names each group of entry points and each contract suite."""
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    for group in plugins.GROUPS.values():
        assert f"`{group}`" in text, group
