"""The documentation says what the code does: nothing that is there is untold, nothing is told that is not there."""

import importlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pages
import pytest
import tables
from apiflask import APIFlask
from toy_house import toy_house

import lookalike
from lookalike import plugins
from lookalike.domain.reasons import PictureReason
from query_api.app import create_app

_UNTOLD = re.compile(r"^/(static|docs)/<|^/favicon\.ico$")
"""Parts of pages, which nobody calls by name."""


@pytest.fixture(scope="module")
def app() -> Iterator[APIFlask]:
    with toy_house() as house:
        yield create_app(house)


@pytest.mark.parametrize(("page", "name"), tables.MADE)
def test_what_is_made_from_the_code_is_up_to_date(page: str, name: str) -> None:
    """Commands with their options, settings with their defaults, decisions with their titles. `make docs` writes them."""
    assert tables.block(page, name) == tables.MADE[page, name](), "Run: make docs"


@pytest.mark.parametrize("file", tables.FILES, ids=lambda file: file.name)
def test_what_is_made_whole_is_up_to_date(file: Path) -> None:
    """The saved objects of Dashboards, the dashboard of Grafana."""
    assert file.read_text(encoding="utf-8") == tables.FILES[file](), "Run: make docs"


def test_every_route_is_told_and_every_told_route_is_there(app: APIFlask) -> None:
    """In the first table of docs/http-api.md: path and methods, as routed, and as /openapi.json has them."""
    told: set[tuple[str, str]] = set()
    for routes, *_ in pages.table((pages.DOCS / "http-api.md").read_text(encoding="utf-8")):
        methods: list[str] = []
        for code in re.findall(r"`([^`]+)`", routes):
            *verbs, path = code.split()
            methods = verbs or methods
            told |= {(verb, path.partition("?")[0]) for verb in methods}
    routed = {
        (verb, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if not _UNTOLD.search(rule.rule)
        for verb in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert told == routed
    document: dict[str, Any] = app.test_client().get("/openapi.json").json
    described = {(verb.upper(), path) for path, operations in document["paths"].items() for verb in operations}
    assert described <= told
    assert {path for _, path in told - described} == {"/", "/docs", "/openapi.json"}


def test_every_metric_is_told_and_every_told_metric_is_given(app: APIFlask) -> None:
    """In the table of docs/operations.md, with kind and labels."""
    client = app.test_client()
    assert client.post("/v1/search", json={}).status_code == 200
    kinds: dict[str, str] = {}
    labels: dict[str, set[str]] = {}
    for line in client.get("/metrics").text.splitlines():
        if found := re.match(r"# TYPE (\w+) (\w+)", line):
            kinds[found[1]] = found[2]
        elif found := re.match(r"(\w+)(?:{(.*)})? ", line):
            name = found[1] if found[1] in kinds else re.sub(r"_(bucket|count|sum)$", "", found[1])
            labels.setdefault(name, set()).update(set(re.findall(r'(\w+)="', found[2] or "")) - {"le"})
    # `_created` is added by the client library: when it began to count
    given = {(name, kinds[name], tuple(sorted(labels[name]))) for name in labels if not name.endswith("_created")}
    rows = pages.table((pages.DOCS / "operations.md").read_text(encoding="utf-8"), "### Metrics")
    assert {(name.strip("`"), kind, tuple(sorted(re.findall(r"`(\w+)`", named)))) for name, kind, named, _ in rows} == given


def test_every_entry_point_group_is_told_and_every_told_group_is_there() -> None:
    """In the table of docs/plugins.md."""
    text = (pages.DOCS / "plugins.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(lookalike\.\w+)` \|", text, re.MULTILINE)) == set(plugins.GROUPS.values())


def test_every_named_contract_suite_can_be_imported() -> None:
    """Modules and classes of lookalike.testing, in docs/plugins.md."""
    named = re.findall(r"`(lookalike\.testing(?:\.[a-z]\w*)+)(?:\.([A-Z]\w*))?`", (pages.DOCS / "plugins.md").read_text(encoding="utf-8"))
    assert len(named) >= len(plugins.GROUPS) // 2
    assert [f"{module}.{name}" for module, name in named if name and not hasattr(importlib.import_module(module), name)] == []


def test_every_adapter_of_ours_is_told_with_its_port() -> None:
    """In the table of ports in docs/architecture.md."""
    rows = pages.table((pages.DOCS / "architecture.md").read_text(encoding="utf-8"), "## Ports")
    told = {group.strip("`"): set(re.findall(r"`([\w.+-]+)`", adapters)) for _, _, group, adapters in rows if group.startswith("`")}
    ours = {
        group: {name for name, entry in plugins.installed(port).items() if entry.dist is not None and entry.dist.name == "lookalike"}
        for port, group in plugins.GROUPS.items()
        if port != "command"
    }
    assert told == ours


def test_decisions_have_numbers_of_their_own_and_titles() -> None:
    """A number is how code refers to one."""
    found = sorted((pages.DOCS / "decisions").glob("[0-9]*.md"))
    assert [number for number, count in Counter(path.name[:4] for path in found).items() if count > 1] == []
    assert [path.name for path in found if not re.match(rf"# {path.name[:4]} · \S", path.read_text(encoding="utf-8"))] == []


def test_code_refers_to_decisions_that_are_there() -> None:
    """`docs/decisions/0031` in a comment leads somewhere."""
    known = {path.name[:4] for path in (pages.DOCS / "decisions").glob("[0-9]*.md")}
    named = {
        number
        for folder in ("lookalike", "ingest", "query_api", "workers", "benchmarks")
        for path in (pages.ROOT / folder).rglob("*.py")
        for number in re.findall(r"docs/decisions/(\d{4})", path.read_text(encoding="utf-8"))
    }
    assert named, "code names decisions: else this looks in the wrong place"
    assert named <= known


def test_the_changelog_has_this_version() -> None:
    """The version that the package says it is has a heading, released or not."""
    text = (pages.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert lookalike.__version__ in "".join(re.findall(r"^## .*$", text, re.MULTILINE))


def test_every_reason_is_told_and_no_other_is_given() -> None:
    """In the last table of docs/pictures.md; and whatever a picture fails with is one of them."""
    text = (pages.DOCS / "pictures.md").read_text(encoding="utf-8")
    assert [code.strip("`") for code, _ in pages.table(text, "## Reasons")] == list(PictureReason)
    sources = [*(pages.DOCS.parent / "lookalike").rglob("*.py"), *(pages.DOCS.parent / "query_api").rglob("*.py")]
    given = {found for one in sources for found in re.findall(r"Picture(?:Unreadable|Unavailable)\(\s*\"(\w+)\"", one.read_text("utf-8"))}
    assert {"truncated", "too_many_pixels"} < given <= set(PictureReason)
