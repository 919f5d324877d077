"""The house's rules that no linter knows. `make check` runs it; it prints a list and fails where one is broken."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[1]
MOST_LINES = 400
MOST_BYTES = 4 << 20
_CODE = {".py", ".ts", ".tsx", ".js", ".mjs"}
_TEXT = _CODE | {".md", ".txt", ".toml", ".json", ".jsonl", ".html", ".css", ".svg", ".yml", ".yaml", ".in", ".cfg", ".npmrc", ""}
_SOURCES = ("lookalike/", "ingest/", "query_api/", "workers/", "frontend/", "benchmarks/", "stack/", "samples/", "examples/", "mappings/")
# The patterns are put together from parts, so that this file does not match itself.
_MACHINE = re.compile(r"(?<![\w.~/-])/(?:" + "|".join(("home", "root", "work", "Users")) + r")/[\w.-]")
_REGISTRY = re.compile(
    "|".join(re.escape(".".join(parts)) for parts in (("files", "pythonhosted"), ("registry", "npmjs"), ("pypi", "org/simple")))
)
_ADDRESS = re.compile(r"https?:" + r"//")
_UNFINISHED = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "NotImplemented" + "Error")) + r")\b")
_JUDGES = re.compile(r"\bassert\b|\bassert[.(]|\braises\(|\bexpect\(|\bimport [\w, ]*Contract\b")
_LINK = re.compile(r"\]\(\s*<?([^)\s>#]+)")


@dataclass(frozen=True, slots=True)
class File:
    """A tracked file: its path from the root, and its text where it has one."""

    name: str
    size: int
    text: str | None

    @property
    def suffix(self) -> str:
        """`.py`, or "" where there is none."""
        return Path(self.name).suffix.lower()


def tracked(root: Path = ROOT) -> list[File]:
    """What git knows of the tree. Raises: CalledProcessError, FileNotFoundError where there is no git or no repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True).stdout.decode()
    files = []
    for name in filter(None, listed.split("\0")):
        path = root / name
        if path.is_file():  # one that was deleted, and whose deletion is not told to git yet, is no longer ours to judge
            readable = Path(name).suffix.lower() in _TEXT
            files.append(File(name, path.stat().st_size, path.read_text(encoding="utf-8", errors="replace") if readable else None))
    return files


def faults(files: Sequence[File]) -> list[str]:
    """A sentence for each broken rule, in the order of the rules."""
    return [*_sizes(files), *_places(files), *_unfinished(files), *_unlinked(files), *_unraised(files), *_idle_tests(files)]


def _sizes(files: Sequence[File]) -> Iterator[str]:
    for file in files:
        lines = 0 if file.text is None else file.text.count("\n")
        if file.suffix in _CODE and lines > MOST_LINES:
            yield f"{file.name} has {lines} lines; {MOST_LINES} at most. Split it."
        if file.size > MOST_BYTES:
            yield f"{file.name} has {file.size:,} bytes; {MOST_BYTES:,} at most."


def _places(files: Sequence[File]) -> Iterator[str]:
    for file in files:
        locks = file.name.startswith("requirements/") or "lock" in Path(file.name).name
        for number, line in enumerate((file.text or "").splitlines(), 1):
            if found := _MACHINE.search(line):
                yield f"{file.name}:{number} names a path of one machine: {found[0]}…"
            if _REGISTRY.search(line) or (locks and _ADDRESS.search(line) and file.suffix in (".txt", ".json", ".lock", ".in")):
                yield f"{file.name}:{number} holds the address of a registry; locks have versions and hashes only."


def _unfinished(files: Sequence[File]) -> Iterator[str]:
    for file in files:
        # a contract suite's maker is abstract: the subclass that tests an adapter writes it
        if file.suffix not in _CODE or not file.name.startswith(_SOURCES) or file.name.startswith("lookalike/testing/"):
            continue
        for number, line in enumerate((file.text or "").splitlines(), 1):
            if found := _UNFINISHED.search(line):
                yield f"{file.name}:{number} is not finished: {found[0]}."


def _unlinked(files: Sequence[File]) -> Iterator[str]:
    """Which pages cannot be reached from docs/README.md; a page right in docs must be named by it itself."""
    pages = {file.name: file.text or "" for file in files if file.suffix == ".md"}
    start = "docs/README.md"
    if start not in pages:
        yield f"{start} is missing: the table of contents."
        return
    links = {name: set(_targets(name, text)) for name, text in pages.items()}
    reached, front = {start}, [start]
    while front:
        for target in links[front.pop()] & pages.keys() - reached:
            reached.add(target)
            front.append(target)
    for name in sorted(pages):
        direct = name.count("/") == 1 and name != start
        if name.startswith("docs/") and (name not in reached or (direct and name not in links[start])):
            yield f"{name} is not linked from {start}."


def _targets(name: str, text: str) -> Iterator[str]:
    for found in _LINK.finditer(text):
        if ":" not in found[1]:
            place = (ROOT / name).parent / unquote(found[1])
            yield Path(*place.parts).resolve().relative_to(ROOT).as_posix() if place.resolve().is_relative_to(ROOT) else found[1]


def _unraised(files: Sequence[File]) -> Iterator[str]:
    """Exceptions of errors.py that nothing makes; one that others descend from is a name for all of them."""
    named = {file.name: file.text or "" for file in files if file.suffix == ".py"}
    home = "lookalike/errors.py"
    if home not in named:
        return
    classes = [node for node in ast.parse(named[home]).body if isinstance(node, ast.ClassDef)]
    bases = {node.name: {base.id for base in node.bases if isinstance(base, ast.Name)} for node in classes}
    ours = {name for name in bases if _descends(name, bases)}
    parents = set().union(*(bases[name] for name in ours)) if ours else set()
    made: set[str] = set()
    for name, text in named.items():
        if name.startswith(_SOURCES) and name != home and not name.startswith("lookalike/testing/"):
            candidates = {one for one in ours - made if one in text}
            if candidates:
                calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
                made |= candidates & set().union(*map(_called, calls))
    for name in sorted(ours - made - parents):
        yield f"{home}: nothing raises {name}."


def _descends(name: str, bases: dict[str, set[str]]) -> bool:
    return any(base == "Exception" or (base in bases and _descends(base, bases)) for base in bases[name])


def _called(call: ast.Call) -> set[str]:
    """The names in what is called: the class among them in `Name(…)`, `errors.Name(…)` and `Name.at(…)`."""
    return {getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(call.func)}


def _idle_tests(files: Sequence[File]) -> Iterator[str]:
    for file in files:
        base = Path(file.name).name
        is_test = (base.startswith("test_") and file.suffix == ".py") or re.search(r"\.test\.m?[jt]s$", base)
        if is_test and not _JUDGES.search(file.text or ""):
            yield f"{file.name} asserts nothing: it cannot fail."


def main() -> int:
    """Print what is wrong; the answer is the exit status."""
    try:
        found = faults(tracked())
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"The house cannot be looked through: git does not list it ({error}).", file=sys.stderr)
        return 2
    print("\n".join(found) or "The house is in order.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
