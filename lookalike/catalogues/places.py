"""Where a catalogue's relative picture references lead: below their folder or URL prefix, and nowhere else."""

import os
import re
from pathlib import Path
from urllib.parse import quote

from lookalike.domain.picture import OUTSIDE


def below_folder(folder: Path, told: str, *, also_absolute: bool = True) -> str:
    """The path that a reference means; `outside:…` where it, or a symbolic link on the way, leads out of the folder.

    `also_absolute` holds absolute paths to the folder too; else they are taken as they are.
    """
    if os.path.isabs(told) and not also_absolute:
        return os.path.normpath(told)
    path = os.path.normpath(folder / told)
    inside = (
        Path(path).is_relative_to(folder) and "\0" not in path and Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
    )
    return path if inside else OUTSIDE + told


def below_prefix(prefix: str, told: str) -> str:
    """The URL that a reference means, in the place of `{}` or at the end; `outside:…` where its dots climb out of the prefix."""
    if any(step in (".", "..") for step in re.split(r"[/\\]", told)):
        return OUTSIDE + told
    return prefix.replace("{}", quote(told)) if "{}" in prefix else prefix + quote(told)
