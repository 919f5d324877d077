"""A real server over a part of the sample shop, and a real browser in front of it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from page_shop import HOSTILE, LINKED, REPOSITORY, SHOP, some_products


@pytest.fixture(scope="session")
def shop() -> list[dict[str, Any]]:
    """The products with pictures that the server knows."""
    return some_products()


def _lookalike() -> str:
    found = shutil.which("lookalike", path=str(Path(sys.executable).parent)) or shutil.which("lookalike")
    if found is None:
        pytest.skip("the command 'lookalike' is not installed: pip install -e .")
    return found


@pytest.fixture(scope="session")
def server(shop: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `lookalike serve`."""
    if not (REPOSITORY / "frontend" / "index.html").is_file():
        pytest.skip("the page is in a clone's folder frontend/, which is not here")
    # Full paths: with a folder of pictures the two that have none would be looked for there by their ids.
    rows = [row | {"pictures": [str(SHOP / one) for one in row["pictures"]]} for row in shop]
    with serving(tmp_path_factory.mktemp("shop"), [*rows, HOSTILE, LINKED]) as address:
        yield address


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[str]]:
    """Starts another server, in its own folder, over its own products, with its own settings."""
    return serving


@contextmanager
def serving(folder: Path, rows: Sequence[dict[str, Any]], **settings: str) -> Iterator[str]:
    """The address of `lookalike serve` over these products."""
    catalogue, index = folder / "products.jsonl", folder / "shop.lookalike"
    catalogue.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    # Somebody's own settings are not what is tested here.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LOOKALIKE_")} | settings
    command = _lookalike()
    indexed = subprocess.run(
        [command, "index", str(catalogue), "--index", str(index), "--json"],
        cwd=folder, env=clean, check=False, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert indexed.returncode == 0, indexed.stdout + indexed.stderr
    log = folder / "server.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [command, "serve", "--index", str(index), "--host", "127.0.0.1", "--port", "0"],
            cwd=folder, env=clean, stdout=subprocess.PIPE, stderr=errors, text=True,
        ) as process,
    ):  # fmt: skip
        assert process.stdout is not None
        address = next((found[0] for line in process.stdout if (found := re.search(r"http://[\d.]+:\d+", line))), None)
        assert address is not None, f"The server did not start:\n{log.read_text()}"
        yield address
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    quiet = ["quic", "background-networking", "component-update", "sync"]
    arguments = ["--no-sandbox", "--disable-gpu", "--no-first-run", *(f"--disable-{name}" for name in quiet)]
    sync_api.expect.set_options(timeout=15_000)
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, headless=True, args=arguments)
        yield running
        running.close()
