"""Packs what lies beside the packages into them: the page, and the index templates of other engines.

All else is said in pyproject.toml, which can name packages that it finds or packages that lie elsewhere, but not both.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from setuptools import find_namespace_packages, setup

HERE = Path(__file__).parent
ELSEWHERE = {"query_api.page": "frontend", "lookalike.mappings": "mappings"}
"""A package of data: the folder that it is made of. What of it is left out is said in pyproject.toml."""


def folders(package: str, folder: str) -> Iterator[tuple[str, str]]:
    """Each folder with files, as a package of its own: setuptools knows no other way to keep them."""
    for place, below, files in os.walk(HERE / folder):
        below[:] = sorted(one for one in below if (one.isidentifier() or one.isdecimal()) and one != "node_modules")
        if files:
            inside = Path(place).relative_to(HERE / folder).parts
            yield ".".join((package, *inside)), Path(folder, *inside).as_posix()


elsewhere = dict(one for package, folder in ELSEWHERE.items() for one in folders(package, folder))
found = find_namespace_packages(str(HERE), include=["lookalike*", "ingest*", "workers*", "query_api*"])
setup(packages=[*found, *elsewhere], package_dir=elsewhere)
