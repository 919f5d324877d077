"""The rules of tests/house.py hold, and each of them would notice its breach."""

import subprocess
import time
from pathlib import Path

import house
import pytest
from house import File


def test_the_house_is_in_order() -> None:
    """Every tracked file keeps the rules, and to know that takes less than three seconds."""
    if subprocess.run(["git", "rev-parse", "--git-dir"], cwd=house.ROOT, capture_output=True, check=False).returncode:
        pytest.skip("this tree is no git repository, so nobody can tell which files belong to it")
    began = time.process_time()
    assert house.faults(house.tracked()) == []
    assert time.process_time() - began < 3


def _tree(*more: File) -> list[File]:
    """The smallest house that is in order, and more; a file of the same name replaces."""
    files = [
        File("docs/README.md", 1, "[one](one.md)"),
        File("docs/one.md", 1, ""),
        File("lookalike/errors.py", 1, "class Root(Exception): ...\nclass Gone(Root): ...\nclass Shut(Root): ...\n"),
        File("lookalike/raising.py", 1, "raise Gone('x')\nraise errors.Shut.at('y')\n"),
    ]
    return [one for one in files if one.name not in {other.name for other in more}] + list(more)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (File("lookalike/long.py", 1, "\n" * 401), "401 lines"),
        (File("frontend/src/long.ts", 1, "\n" * 401), "401 lines"),
        (File("lookalike/sample_shop/film.bin", 5 << 20, None), "5,242,880 bytes"),
        (File("docs/one.md", 1, "see /" + "root/shop/x"), "path of one machine"),
        (File("lookalike/a.py", 1, 'open("/' + 'home/ann/x")'), "path of one machine"),
        (File("requirements/run.txt", 1, "--index-url https:" + "//mirror.example/simple"), "address of a registry"),
        (File("frontend/package-lock.json", 1, '"resolved": "https:' + '//r.example/x.tgz"'), "address of a registry"),
        (File("lookalike/a.py", 1, "# TO" + "DO later"), "not finished"),
        (File("query_api/a.py", 1, "raise NotImplemented" + "Error"), "not finished"),
        (File("docs/lost.md", 1, ""), "docs/lost.md is not linked"),
        (File("lookalike/errors.py", 1, "class Root(Exception): ...\nclass Idle(Root): ...\n"), "nothing raises Idle"),
        (File("tests/unit/test_idle.py", 1, "def test_it() -> None:\n    run()\n"), "asserts nothing"),
        (File("frontend/src/idle.test.js", 1, "test('it', () => run())"), "asserts nothing"),
    ],
    ids=lambda told: told.name if isinstance(told, File) else "",
)
def test_a_breach_is_named(file: File, told: str) -> None:
    """One broken rule, one sentence with the file in it."""
    found = house.faults(_tree(file))
    assert len(found) == 1, found
    assert file.name in found[0]
    assert told in found[0]


def test_what_is_allowed_is_not_named() -> None:
    """A suite's abstract maker, pages below linked pages, paths in addresses, a test that is a public contract suite."""
    tree = _tree(
        File("lookalike/testing/suite.py", 1, "raise NotImplemented" + "Error\n"),
        File("docs/one.md", 1, "[a](decisions/0001-a.md#b)"),
        File("docs/decisions/0001-a.md", 1, "GET https://shop.example/" + "home/x"),
        File("tests/contracts/test_memory.py", 1, "from lookalike.testing.runners import Handle, TaskRunnerContract\n"),
    )
    assert house.faults(tree) == []


def test_the_script_keeps_its_own_rules() -> None:
    """Patterns that match the file that holds them would make every run fail."""
    path = Path(house.__file__)
    assert house.faults(_tree(File("lookalike/house.py", path.stat().st_size, path.read_text(encoding="utf-8")))) == []
