"""docker-compose.yml, as far as processes without containers need it.

Compose is a language of its own; what our file uses of it is read here, and what it does not use is not known here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).resolve().parents[1] / "docker-compose.yml"
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?:(:?[-?])([^}]*))?\})")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class ComposeProblem(Exception):
    """The file says what cannot be run here; the text names the place."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service. `command` is what its container runs, () for what its image runs by itself.

    `health` are the words of its health check, run by the service itself; `mounts` the folders that it keeps, with the volume
    that each one is; `ports` those that it listens on; `wants` the services that must be healthy first.
    """

    name: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    health: tuple[str, ...]
    mounts: Mapping[str, str]
    ports: tuple[int, ...]
    wants: tuple[str, ...]
    profiles: frozenset[str]
    scale: int
    stop_seconds: float


def read(file: Path = FILE, environment: Mapping[str, str] = {}) -> dict[str, Service]:
    """The services of a file, its variables taken from `environment`. Raises: ComposeProblem."""
    try:
        told = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ComposeProblem(f"{file.name} is no YAML: {error}") from error
    return {name: _service(name, _filled(one, environment)) for name, one in told["services"].items()}


def _service(name: str, told: Mapping[str, Any]) -> Service:
    command = told.get("command", ())
    if isinstance(command, str):
        raise ComposeProblem(f"services.{name}.command is one text. Write a list of words: no shell splits it here.")
    return Service(
        name=name,
        image=told["image"],
        command=tuple(map(str, command)),
        environment={key: str(value) for key, value in told.get("environment", {}).items()},
        health=_health(name, told["healthcheck"]["test"]),
        mounts={mount.split(":")[1]: mount.split(":")[0] for mount in told.get("volumes", ())},
        ports=tuple(int(str(port).rpartition(":")[2]) for port in (*told.get("expose", ()), *told.get("ports", ()))),
        wants=tuple(told.get("depends_on", {})),
        profiles=frozenset(told.get("profiles", ())),
        scale=int(told.get("scale", 1)),
        stop_seconds=_seconds(str(told.get("stop_grace_period", "10s"))),
    )


def _health(name: str, test: list[str]) -> tuple[str, ...]:
    kind, *words = test
    if kind == "CMD":
        return tuple(words)
    if kind == "CMD-SHELL":
        return ("sh", "-c", *words)
    raise ComposeProblem(f"services.{name}.healthcheck.test begins with {kind!r}; CMD or CMD-SHELL is wanted.")


def _seconds(told: str) -> float:
    parts = re.findall(r"([\d.]+)(ms|s|m|h)", told)
    if "".join(number + unit for number, unit in parts) != told:
        raise ComposeProblem(f"{told!r} is no duration such as 1m30s.")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _filled(told: Any, environment: Mapping[str, str]) -> Any:
    """The same with every variable in its texts replaced."""
    if isinstance(told, dict):
        return {key: _filled(value, environment) for key, value in told.items()}
    if isinstance(told, list):
        return [_filled(value, environment) for value in told]
    return _VARIABLE.sub(lambda found: _value(found, environment), told) if isinstance(told, str) else told


def _value(found: "re.Match[str]", environment: Mapping[str, str]) -> str:
    name, mark, rest = found[1], found[2] or "", found[3] or ""
    if name is None:
        return "$"
    value = environment.get(name)
    if value is None or (mark.startswith(":") and not value):
        if mark.endswith("?"):
            raise ComposeProblem(f"The variable {name} is not set: {rest or 'it is needed'}.")
        return rest if mark.endswith("-") else ""
    return value
