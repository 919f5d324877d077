"""The services of docker-compose.yml as processes of this machine: started, watched, stopped in order."""

import re
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from stack import compose, opensearch
from stack.compose import Service
from stack.plain import Places, missing, ordered
from stack.ports import free_port
from stack.processes import Launch, Supervisor

SERVER, OURS = "opensearchproject/opensearch:", "lookalike:"
HEALTHY_SECONDS, CHECK_SECONDS, BETWEEN_SECONDS = 180.0, 15.0, 0.3
PROFILES = frozenset({"cpu"})


class StackProblem(Exception):
    """The stack cannot come up; the text says what is missing, or how the log of what failed ends."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What can be chosen. `variables` are those of the compose file, as in .env; secrets that are not among them are made up.

    `port` is the API's, 0 takes a free one. `folder` keeps data and logs; without one they go in the end. `through`: what others
    are told a service is at, made from where it is, such as by a proxy in between. `environment` is added to that of our own
    services' processes, so that a test may install something into them.
    """

    port: int = 0
    workers: int = 1
    version: str = opensearch.VERSIONS[0]
    nodes: int = 1
    folder: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    through: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


class LocalStack:
    """The stack, up between `start` and `close`; or use it in a `with`."""

    def __init__(self, wishes: Wishes = Wishes(), tell: Callable[[str], None] = lambda _: None) -> None:
        self._wishes, self._tell = wishes, tell
        made_up = {name: secrets.token_hex(16) for name in ("REDIS_PASSWORD", "LOOKALIKE_WRITE_KEY")}
        self.variables = made_up | {"WORKERS": str(wishes.workers)} | dict(wishes.variables)
        services = [one for one in compose.read(environment=self.variables).values() if not one.profiles or one.profiles & PROFILES]
        self.left_out = {one.name: why for one in services if not one.image.startswith(SERVER) and (why := missing(one))}
        """Services that need a container, with the reason."""
        self.services = {one.name: one for one in ordered([one for one in services if one.name not in self.left_out])}
        self.processes: dict[str, str] = {}
        """Each process by its name, with its service."""
        self.addresses: dict[str, str] = {}
        """Where services are, HOST:PORT, several with commas between; those that listen nowhere are not among them."""
        self.supervisor = Supervisor()
        self._places: Places | None = None
        self._closing = ExitStack()

    @property
    def url(self) -> str:
        """The API's."""
        return f"http://{self.addresses['api']}"

    @property
    def write_key(self) -> str:
        """What writes need."""
        return self.variables["LOOKALIKE_WRITE_KEY"]

    @property
    def folder(self) -> Path:
        """Where data and logs lie."""
        assert self._places is not None, "this stack is not started"
        return self._places.folder

    def start(self) -> "LocalStack":
        """Start everything and wait until it is healthy. Raises: StackProblem, after having stopped what ran."""
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> list[str]:
        """Stop everything, the last started first: the names of processes that had to be killed."""
        forced = self.supervisor.close()
        self._closing.close()
        return forced

    def __enter__(self) -> "LocalStack":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def environment(self, service: str) -> dict[str, str]:
        """What a service's processes get."""
        assert self._places is not None, "this stack is not started"
        return self._places.environment(self.services[service])

    def healthy(self, service: str) -> bool:
        """Whether its own health check says so now."""
        assert self._places is not None, "this stack is not started"
        told, places = self.services[service], self._places
        if service == "opensearch":  # a check for each node
            ports = [int(one.rpartition(":")[2]) for one in self.addresses[service].split(",")]
            return all(_asked(Places({}, {service: port}, places.folder), told) for port in ports)
        return _asked(places, told)

    def wait_healthy(self, service: str, seconds: float = HEALTHY_SECONDS) -> None:
        """Until its health check says so. Raises: StackProblem."""
        end, pause = time.monotonic() + seconds, threading.Event()
        while not self.healthy(service):
            if time.monotonic() > end:
                raise StackProblem(f"{service} was not healthy within {seconds:.0f} s. {self._said(service)}")
            pause.wait(BETWEEN_SECONDS)

    def _start(self) -> None:
        folder = self._folder()
        ports = {one.name: free_port() for one in self.services.values() if one.ports}
        if self._wishes.port:
            ports["api"] = self._wishes.port
        self.addresses = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        nodes = [ports.get("opensearch", 0), *(free_port() for _ in range(self._wishes.nodes - 1))]
        if "opensearch" in self.services:
            self.addresses["opensearch"] = ",".join(f"127.0.0.1:{port}" for port in nodes)
        told = {name: self._wishes.through.get(name, str)(address) for name, address in self.addresses.items()}
        self._places = Places(told, ports, folder)
        for service in self.services.values():
            for wanted in service.wants:
                if wanted in self.services:
                    self.wait_healthy(wanted)
            for launch in self._launches(service, nodes):
                self._tell(f"{launch.name}: {self._masked(' '.join(launch.argv))}")
                try:
                    self.supervisor.start(launch)
                except OSError as error:
                    raise StackProblem(f"{launch.name} cannot be started: {error}") from error
                self.processes[launch.name] = service.name
        for name in self.services:
            self.wait_healthy(name)

    def _masked(self, line: str) -> str:
        """Without what is secret in it."""
        for name, value in self.variables.items():
            line = line.replace(value, "********") if re.search("KEY|PASSWORD", name) and value else line
        return line

    def _launches(self, service: Service, nodes: Sequence[int]) -> list[Launch]:
        assert self._places is not None, "this stack is not started"
        if not service.image.startswith(SERVER):
            names = [service.name] if service.scale == 1 else [f"{service.name}-{number}" for number in range(1, service.scale + 1)]
            launches = [self._places.launch(service, name) for name in names]
            ours = service.image.startswith(OURS)
            return [replace(one, environment={**one.environment, **self._wishes.environment}) if ours else one for one in launches]
        # the image's own start makes settings of variables that are written like settings, and so does this
        settings = {name: value for name, value in service.environment.items() if re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", name)}
        heap = re.search(r"-Xmx(\w+)", service.environment.get("OPENSEARCH_JAVA_OPTS", ""))
        try:
            found = opensearch.launches(
                self._wishes.version, self._places.folder / service.name, ports=nodes, settings=settings, heap=heap[1] if heap else "1g"
            )
        except opensearch.NotHere as error:
            raise StackProblem(str(error)) from error
        return [launch for launch, _ in found]

    def _folder(self) -> Path:
        if self._wishes.folder is not None:
            folder = self._wishes.folder.resolve()
            folder.mkdir(parents=True, exist_ok=True)
        else:
            folder = Path(tempfile.mkdtemp(prefix="lookalike-stack-"))
            self._closing.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o711)  # OpenSearch runs as another user where we are root, and must reach its own folder below
        return folder

    def _said(self, service: str) -> str:
        """How the logs of its processes end."""
        assert self._places is not None, "this stack is not started"
        logs = {name: self._places.folder / f"{name}.log" for name, of in self.processes.items() if of == service}
        if service == "opensearch":
            logs = {str(log): log for log in (self._places.folder / service).rglob("console.log")}
        tails = [
            f"{name}:\n" + "\n".join(log.read_text(errors="replace").splitlines()[-15:]) for name, log in logs.items() if log.is_file()
        ]
        return "Its log ends:\n" + "\n".join(tails) if tails else "It has no log."


def _asked(places: Places, service: Service) -> bool:
    try:
        asked = subprocess.run(
            places.health(service),
            env=places.environment(service),
            cwd=places.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=CHECK_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0
