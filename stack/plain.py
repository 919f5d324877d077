"""A service of docker-compose.yml as a process without a container: the same words, in this machine's places.

What differs from the container is here and nowhere else: where others are (`redis:6379` becomes `127.0.0.1:40123`), which port
one listens on and that it listens on the loopback address, where volumes lie, and which file a program is.
"""

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stack.compose import Service
from stack.processes import Launch


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are on this machine. `addresses`: what others are told a service is at; several with commas between.

    `ports`: the port that a service itself listens on in place of its container's. `folder`: where volumes and logs lie.
    """

    addresses: Mapping[str, str]
    ports: Mapping[str, int]
    folder: Path

    def of(self, service: Service, text: str) -> str:
        """A text of a service as it must read here."""
        for name, address in self.addresses.items():
            text = re.sub(rf"(?<![\w.-]){re.escape(name)}:\d+(?!\d)", address, text)
        for target, volume in service.mounts.items():
            text = re.sub(rf"(?<![\w.-]){re.escape(target)}(?![\w-])", str(self.folder / volume.lstrip("./")), text)
        if service.name in self.ports:
            for port in service.ports:
                text = re.sub(rf"(?<![\w.]){port}(?![\w.])", str(self.ports[service.name]), text)
        return text.replace("0.0.0.0", "127.0.0.1")

    def environment(self, service: Service) -> dict[str, str]:
        """All that its process gets: what the container would, and what no program can do without."""
        programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        told = {key: self.of(service, value) for key, value in service.environment.items()}
        return {"PATH": programs, "HOME": str(self.folder), "LANG": os.environ.get("LANG", "C.UTF-8"), "PYTHONUNBUFFERED": "1"} | told

    def health(self, service: Service) -> tuple[str, ...]:
        """The words of its health check."""
        return tuple(self.of(service, word) for word in service.health)

    def launch(self, service: Service, name: str) -> Launch:
        """How it is started as a process called `name`."""
        for volume in service.mounts.values():
            (self.folder / volume.lstrip("./")).mkdir(mode=0o700, parents=True, exist_ok=True)
        return Launch(
            name,
            tuple(self.of(service, word) for word in service.command),
            self.environment(service),
            self.folder,
            self.folder / f"{name}.log",
            stop_seconds=service.stop_seconds,
        )


def ordered(services: Sequence[Service]) -> list[Service]:
    """Those that others want first; else as in the file. Services that are wanted and not among these are nobody's business here."""
    left, found = list(services), list[Service]()
    while left:
        names = {one.name for one in left}
        ready = [one for one in left if not names & set(one.wants)]
        if not ready:
            raise ValueError(f"These services want each other: {', '.join(sorted(names))}.")
        found += ready
        left = [one for one in left if one not in ready]
    return found


def missing(service: Service) -> str | None:
    """Why a service cannot be a process here; None where it can."""
    if not service.command:
        return "its program comes in its image only"
    return (
        None
        if shutil.which(service.command[0], path=Places({}, {}, Path()).environment(service)["PATH"])
        else (f"there is no {service.command[0]} on this machine")
    )
