"""The documentation as tests read it: pages, links, anchors, marked blocks, tables."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^```.*?^```\s*?$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(<?([^)\s>]+)>?\)")
_HEADING = re.compile(r"^#{1,6} +(.+)$", re.MULTILINE)
_MARKED = re.compile(r"<!-- tested: (\w+) -->\s*```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)
_TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)


def markdown() -> list[Path]:
    """Every tracked Markdown page; where there is no git, those outside of environments and build folders."""
    listed = subprocess.run(["git", "ls-files", "-z", "*.md"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    return [path for path in ROOT.rglob("*.md") if not {".venv", "node_modules", "var"} & set(path.relative_to(ROOT).parts)]


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The relative links of a page: the file or folder that each means, and its anchor or ""."""
    prose = _CODE.sub("", _FENCE.sub("", page.read_text(encoding="utf-8")))
    for told in _LINK.findall(prose):
        if not re.match(r"[a-z][a-z0-9+.-]*:", told, re.IGNORECASE):
            name, _, anchor = told.partition("#")
            yield (page.parent / unquote(name) if name else page).resolve(), anchor


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to the headings of a page."""
    given: dict[str, int] = {}
    for heading in _HEADING.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip()).lower()
        name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        given[name] = given.get(name, 0) + 1
    return {name if not place else f"{name}-{place}" for name, count in given.items() for place in range(count)}


def marked(page: Path) -> dict[str, str]:
    """The fenced blocks below a mark `<!-- tested: NAME -->`, by name, in their order."""
    return dict(_MARKED.findall(page.read_text(encoding="utf-8")))


def table(text: str, heading: str = "") -> list[list[str]]:
    """The cells of the first table below a heading (a whole line), its head left out. Raises: ValueError where it is not there."""
    found = _TABLE.search(text, text.index(f"\n{heading}\n") if heading else 0)
    if found is None:
        raise ValueError(f"There is no table below {heading!r}.")
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in found[0].splitlines()[2:]]
