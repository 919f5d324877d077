"""The README's quickstart runs as it stands: real commands, real networks, pictures of the sample shop."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pages
import pytest

SHOP = pages.ROOT / "lookalike" / "sample_shop"
KINDS = ("chair", "mug", "lamp")
PORT = "127.0.0.1:8080"
"""Where the page says that the server is; here it takes a free port."""


@pytest.fixture(scope="module")
def blocks() -> dict[str, str]:
    return pages.marked(pages.ROOT / "README.md")


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """The commands of this environment first, and nobody's own settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LOOKALIKE_")}
    return clean | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "LOOKALIKE_PORT": "0"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What somebody has who starts: a folder of pictures in sub-folders, and a photo."""
    place = tmp_path_factory.mktemp("quickstart")
    for kind in KINDS:
        (place / "pictures" / kind).mkdir(parents=True)
        for picture in sorted((SHOP / "pictures").glob(f"{kind}-*.jpg"))[:12]:
            shutil.copy(picture, place / "pictures" / kind)
    shutil.copy(SHOP / "queries" / "chair-011-query.jpg", place / "photo.jpg")
    return place


@pytest.fixture(scope="module")
def searched(blocks: dict[str, str], environment: dict[str, str], folder: Path) -> str:
    """What the first block prints: the folder indexed, the photo searched for."""
    return _run(["bash", "-euo", "pipefail", "-c", blocks["index"]], folder, environment)


@pytest.fixture(scope="module")
def server(searched: str, blocks: dict[str, str], environment: dict[str, str], folder: Path) -> Iterator[str]:
    """The address of what the second block starts."""
    assert searched
    with (
        (folder / "server.log").open("w") as log,
        subprocess.Popen(
            ["bash", "-c", f"exec {blocks['serve']}"], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdout is not None
        try:
            found = next((found for line in process.stdout if (found := re.search(r"http://([\d.]+:\d+)", line))), None)
            assert found is not None, (folder / "server.log").read_text()
            yield found[1]
        finally:
            process.terminate()
            process.wait(30)
    assert process.returncode == 0


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_marked_block_is_run_here(blocks: dict[str, str]) -> None:
    """A block that is renamed or added must not drop out unnoticed."""
    assert list(blocks) == ["index", "serve", "curl", "python"]


def test_a_folder_is_indexed_and_searched(searched: str) -> None:
    """Every picture is a product, and a photo of a chair finds chairs."""
    counts = searched.splitlines()[0]
    assert re.match(r"36 read, 36 indexed, 0 unchanged, 0 removed, 0 failed", counts), counts
    hits = [line for line in searched.splitlines()[1:] if line.endswith("]")]
    assert len(hits) == 5
    assert hits[0].endswith("[chair]")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed, which the README's example calls: apt-get install curl")
def test_the_server_answers_what_the_page_asks_with_curl(
    server: str, blocks: dict[str, str], environment: dict[str, str], folder: Path
) -> None:
    """Three hits, chairs first."""
    assert PORT in blocks["curl"]
    answer = _run(["bash", "-euo", "pipefail", "-c", blocks["curl"].replace(PORT, server)], folder, environment)
    assert answer.count('"similarity"') == 3
    assert re.search(r'"hits":\[{"id":"chair/chair-\d+', answer)


def test_python_finds_the_same_beside_the_server(server: str, blocks: dict[str, str], environment: dict[str, str], folder: Path) -> None:
    """Ids, similarities, categories."""
    assert server
    lines = _run([sys.executable, "-c", blocks["python"]], folder, environment).splitlines()
    assert len(lines) == 3
    assert re.fullmatch(r"chair/chair-\d+\S* 0\.\d+ chair", lines[0]), lines


def test_the_two_commands_are_there() -> None:
    """`make run` and `make test`: a contract with whoever clones this."""
    assert "\n    make run " in (text := (pages.ROOT / "README.md").read_text(encoding="utf-8"))
    assert "\n    make test " in text
    chores = set(re.findall(r"^([a-z-]+):", (pages.ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    told = {
        name
        for page in pages.markdown()
        for name in re.findall(r"(?:^    |`|^)make ([a-z-]+)\b", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert {"run", "test"} <= told <= chores
