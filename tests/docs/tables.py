"""The parts of the documentation that are made from the code: commands, settings, the list of decisions.

`make docs` writes them; the tests beside this file fail where a page holds another text.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dashboards
import grafana
import typer

from lookalike.cli.main import make_app
from lookalike.settings import PREFIX, Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"
_BEGIN, _END = "<!-- {name}: written by make docs -->", "<!-- end of {name} -->"


def commands() -> str:
    """Every command with its sentence, arguments and options, as `--help` gives them."""
    return "\n\n".join(_command(" ".join(words), command) for words, command in walk())


def walk() -> Iterator[tuple[list[str], Any]]:
    """Every command that can be called, ours and those of installed plugins, with the words that call it."""
    for name in typer.main.get_command(make_app(None)).commands:  # type: ignore[attr-defined]
        yield from _below(["lookalike", name], typer.main.get_command(make_app(name)).commands[name])  # type: ignore[attr-defined]


def _below(words: list[str], command: Any) -> Iterator[tuple[list[str], Any]]:
    """A command, or those below it. Typer brings a click of its own, whose classes have no public names."""
    if not hasattr(command, "commands"):
        yield words, command
        return
    for name, below in command.commands.items():
        yield from _below([*words, name], below)


def _command(name: str, command: Any) -> str:
    usage = " ".join([name, *(_spelling(one) for one in command.params if one.param_type_name == "argument")])
    told = [f"### {name}", f"`{usage}` — {' '.join((command.help or '').split())}"]
    rows = [f"| `{_spelling(one)}` | {_about(one)} |" for one in command.params]
    if rows:
        told.append("\n".join(["| Argument or option | What it is for |", "|---|---|", *rows]))
    return "\n\n".join(told)


def _spelling(one: Any) -> str:
    if one.param_type_name == "argument":
        return str(one.name).upper()
    names = " / ".join((*one.opts, *one.secondary_opts))
    return names if one.is_flag else f"{names} …"


def _about(one: Any) -> str:
    told = [one.help or "", "May be given several times." if one.multiple else ""]
    if one.param_type_name == "option" and one.default not in (None, False, (), []):
        told.append(f"Default: {'yes' if one.default is True else one.default}.")
    return " ".join(filter(None, told)).replace("|", "\\|")


def settings() -> str:
    """Every setting with its default and what it is for."""
    rows = [f"| `{PREFIX}{name.upper()}` | {_default(name)} | {field.description} |" for name, field in Settings.model_fields.items()]
    return "\n".join(["| Variable | Default | What it is for |", "|---|---|---|", *rows])


def _default(name: str) -> str:
    if name == "cache_dir":
        return "the platform's cache folder, `lookalike` in it"
    if name == "models_dir":
        return "the platform's data folder, `lookalike/models` in it"
    default = Settings.model_fields[name].get_default(call_default_factory=True)
    if isinstance(default, int) and not isinstance(default, bool):
        default = int(default)
    if isinstance(default, tuple) and default:
        default = ",".join(map(str, default))
    return "none" if default in (None, (), {}) else f"`{default}`"


def decisions() -> str:
    """Every decision with the title that it has itself."""
    rows = []
    for path in sorted((DOCS / "decisions").glob("[0-9]*.md")):
        heading = path.read_text(encoding="utf-8").partition("\n")[0]
        number, _, title = heading.removeprefix("# ").partition(" · ")
        rows.append(f"* [{number}]({path.name}) {title}")
    return "\n".join(rows)


MADE: dict[tuple[str, str], Callable[[], str]] = {
    ("commands.md", "commands"): commands,
    ("configuration.md", "settings"): settings,
    ("decisions/README.md", "decisions"): decisions,
}
"""(page, name of the block) → what makes it."""
FILES: dict[Path, Callable[[], str]] = {dashboards.FILE: dashboards.text, grafana.FILE: grafana.text}
"""Files that are made whole."""


def block(page: str, name: str) -> str:
    """What a page holds between the marks of a block. Raises: ValueError where it has not exactly one."""
    return _parts(page, name)[1].strip()


def _parts(page: str, name: str) -> tuple[str, str, str]:
    """A page up to the block, the block, and from the block on."""
    text, begin, end = (DOCS / page).read_text(encoding="utf-8"), _BEGIN.format(name=name), _END.format(name=name)
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"docs/{page} must hold {begin!r} and {end!r} once each.")
    before, _, rest = text.partition(begin)
    inside, _, after = rest.partition(end)
    return before + begin, inside, end + after


def main() -> None:
    """Write every block anew."""
    for (page, name), make in MADE.items():
        before, inside, after = _parts(page, name)
        if inside.strip() != (text := make()):
            (DOCS / page).write_text(f"{before}\n\n{text}\n\n{after}", encoding="utf-8")
            print(f"docs/{page}: {name} written.")
    for file, made in FILES.items():
        if not file.exists() or file.read_text(encoding="utf-8") != made():
            file.write_text(made(), encoding="utf-8")
            print(f"{file.name} written.")


if __name__ == "__main__":
    main()
