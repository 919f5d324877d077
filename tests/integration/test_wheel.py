"""The wheel: what `pip install lookalike` brings, without the clone that it was made from."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKED = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "lookalike", "ingest", "workers", "query_api", "frontend", "mappings")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
# Runs with nothing but the unpacked wheel in front of the dependencies: says where it found itself and what it serves.
ASK = """
import json, re
from importlib import metadata, resources
from urllib.parse import urljoin
from lookalike import bootstrap, settings
from query_api.app import create_app
import lookalike

with bootstrap.build(settings.load(index="memory:")) as house:
    client = create_app(house).test_client()
    waiting, statuses = ["/"], {}
    while waiting:
        address = waiting.pop()
        answer = client.get(address)
        statuses[address] = answer.status_code
        links = re.findall(r'(?:href|src)="(/static/[^"]+)"', answer.text) if address == "/" else []
        if address.endswith(".js"):
            links = [urljoin(address, name) for name in re.findall(r'from\\s+"(\\.[^"]+)"', answer.text)]
        waiting += [link for link in links if link not in statuses]
shop = resources.files("lookalike") / "sample_shop"
told = [json.loads(line) for line in (shop / "products.jsonl").read_text("utf-8").splitlines()]
there = all((shop / picture).is_file() for product in told for picture in product["pictures"])
print(json.dumps({"home": lookalike.__file__, "statuses": statuses, "products": len(told), "pictures": there,
                  "commands": sorted(one.name for one in metadata.entry_points(group="lookalike.commands"))}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built from a copy: building leaves folders behind."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    ignored = shutil.ignore_patterns("__pycache__", "node_modules")
    for one in (ROOT / name for name in PACKED if (ROOT / name).exists()):
        if one.is_dir():
            shutil.copytree(one, source / one.name, ignore=ignored)
        else:
            shutil.copy(one, source)
    line = [*PIP, "wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(out), str(source)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(out.glob("lookalike-*.whl"))


def test_what_a_clone_has_for_its_users_is_in_the_wheel_and_what_builds_it_is_not(wheel: Path) -> None:
    """The page and the sample shop file for file; no test, no package.json."""
    packed = set(zipfile.ZipFile(wheel).namelist())
    page = [
        one.relative_to(ROOT / "frontend") for kind in ("styles/*.css", "src/**/*.js", "*.html") for one in (ROOT / "frontend").glob(kind)
    ]
    wanted = {f"query_api/page/{one.as_posix()}" for one in page if ".test." not in one.name}
    wanted |= {one.relative_to(ROOT).as_posix() for one in (ROOT / "lookalike" / "sample_shop").rglob("*") if one.is_file()}
    wanted |= {f"lookalike/{one.relative_to(ROOT).as_posix()}" for one in (ROOT / "mappings").rglob("*.json")}
    vision = ROOT / "lookalike" / "vision"
    wanted |= {one.relative_to(ROOT).as_posix() for folder in ("networks/cards", "recipes") for one in (vision / folder).glob("*.toml")}
    assert len(wanted) > 500
    assert not wanted - packed
    assert not [one for one in packed if ".test." in one or "node_modules" in one or one.endswith(("package.json", "tsconfig.json"))]
    assert not [one for one in packed if one.startswith(("tests/", "frontend/", "benchmarks/"))]


def test_an_installed_wheel_serves_the_page_and_finds_the_sample_shop(wheel: Path, tmp_path: Path) -> None:
    """Every stylesheet and module that the page asks for is answered, from the wheel and not from this clone."""
    target = tmp_path / "installed"
    subprocess.run([*PIP, "install", "--no-index", "--no-deps", "--no-compile", "--target", str(target), str(wheel)], check=True)
    environment = {**os.environ, "PYTHONPATH": str(target), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    line = [sys.executable, "-P", "-c", ASK]
    done = subprocess.run(line, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert Path(told["home"]).is_relative_to(target)
    assert {address: status for address, status in told["statuses"].items() if status != 200} == {}
    assert len([one for one in told["statuses"] if one.endswith(".js")]) > 20
    assert told["products"] > 300
    assert told["pictures"]
    assert {"index", "search", "serve"} <= set(told["commands"])
