"""Every relative link and anchor of the documentation leads somewhere."""

from pathlib import Path

import pages
import pytest


@pytest.mark.parametrize("page", pages.markdown(), ids=lambda page: page.relative_to(pages.ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """To a file of the tree, and to a heading in it."""
    broken = []
    for target, anchor in pages.links(page):
        if not target.is_relative_to(pages.ROOT) or not target.exists():
            broken.append(f"{target} is not there")
        elif anchor and target.suffix == ".md" and anchor not in pages.anchors(target):
            broken.append(f"{target.name} has no heading #{anchor}")
    assert broken == []


def test_code_is_no_link_and_headings_are_named_as_github_names_them(tmp_path: Path) -> None:
    """Or broken links would not be found, and good ones would."""
    page = tmp_path / "page.md"
    page.write_text(
        "# One · two `three`!\n\n# Twice\n\n# Twice\n\n[a](gone.md#x) ![b](#one--two-three) `[c](d.md)`\n"
        "```\n[e](f.md)\n# no heading\n```\n[g](https://h.example)\n",
        encoding="utf-8",
    )
    assert list(pages.links(page)) == [((tmp_path / "gone.md").resolve(), "x"), (page.resolve(), "one--two-three")]
    assert pages.anchors(page) == {"one--two-three", "twice", "twice-1"}
