"""A real OpenSearch with k-NN and neural search, one node or several, assembled from Maven artifacts: for tests, `make opensearch`
and `make stack-local`.

Maven downloads (so its mirrors and settings count), Java runs; neither is installed here. What was assembled is kept in the
user's cache folder. OpenSearch refuses to run as root: as root it runs as `nobody`, and is kept where that user can read it.
"""

import argparse
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack.ports import free_port
from stack.processes import Launch, stop

VERSIONS = ("3.6.0", "2.19.1")
"""Those of which server, k-NN and neural search are all published."""

_JAVA = {"3": (21, 99), "2": (11, 23)}
"""The Java versions that each major version runs on: OpenSearch 2 needs the Security Manager, which Java 24 has no more."""

_PLUGINS = {"opensearch-knn": "org.opensearch.plugin:opensearch-knn", "opensearch-neural-search": "org.opensearch.plugin:neural-search"}
_SERVER = "org.opensearch.distribution.integ-test-zip:opensearch"
_MODULES = {
    "lang-painless": "org.opensearch.painless.PainlessPlugin",
    "analysis-common": "org.opensearch.analysis.common.CommonAnalysisPlugin",
}
"""What k-NN and our mapping need and the server's archive lacks before 3.0, with the class that the module begins with."""

_DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
_HEAP, _HEAP_OF_SEVERAL = "1g", "512m"
_START_SECONDS = 180


class NotHere(Exception):
    """OpenSearch cannot be had on this machine; the text says what is missing."""


def cache_folder() -> Path:
    """Where assembled servers are kept."""
    if os.geteuid() == 0:
        return Path("/var/cache/lookalike/opensearch")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lookalike" / "opensearch"


@functools.cache
def java_home(version: str) -> Path:
    """A Java that OpenSearch `version` runs on: JAVA_HOME, or one that is installed. Raises: NotHere."""
    if version not in VERSIONS:
        raise NotHere(f"OpenSearch {version} cannot be assembled; these can: {', '.join(VERSIONS)}")
    lowest, highest = _JAVA[version.partition(".")[0]]
    places = [Path(told) for name in ("OPENSEARCH_JAVA_HOME", "JAVA_HOME") if (told := os.environ.get(name))]
    places += sorted(Path("/usr/lib/jvm").glob("*"))
    if found := shutil.which("java"):
        places.append(Path(found).resolve().parents[1])
    seen = []
    for place in places:
        feature = _java_feature(place)
        if feature is not None and lowest <= feature <= highest:
            return place
        seen += [] if feature is None else [str(feature)]
    raise NotHere(f"OpenSearch {version} needs Java {lowest} to {highest}, found {', '.join(seen) or 'none'}: set JAVA_HOME")


def _java_feature(place: Path) -> int | None:
    """Its version: 25 of 25.0.1."""
    if not (place / "bin" / "java").is_file():
        return None
    told = subprocess.run([place / "bin" / "java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else None


def assembled(version: str) -> Path:
    """The folder of a server, assembled now where it is not there yet. Raises: NotHere."""
    java_home(version)
    home = cache_folder() / version
    if (home / "assembled").is_file():
        return home
    if shutil.which("mvn") is None:
        raise NotHere(f"OpenSearch {version} is not in {cache_folder()}, and Maven (mvn) is not here to fetch it")
    cache_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
        made = _assemble(version, Path(folder))
        shutil.rmtree(home, ignore_errors=True)
        made.rename(home)
    return home


def _assemble(version: str, work: Path) -> Path:
    _maven(work, "copy", f"-Dartifact={_SERVER}:{version}:zip", f"-DoutputDirectory={work}")
    shutil.unpack_archive(work / f"opensearch-{version}.zip", work)
    home = work / f"opensearch-{version}"
    for script in (home / "bin").iterdir():
        script.chmod(0o755)
    for name, start in _MODULES.items():
        if not (home / "modules" / name).is_dir():
            _module(version, name, start, home, work)
    for name, artifact in _PLUGINS.items():
        _maven(work, "copy", f"-Dartifact={artifact}:{version}.0:zip", f"-DoutputDirectory={work}")
        shutil.unpack_archive(work / f"{artifact.partition(':')[2]}-{version}.0.zip", home / "plugins" / name)
    work.chmod(0o755)
    subprocess.run(["chmod", "-R", "a+rX", home], check=True)
    (home / "assembled").write_text(version, encoding="utf-8")
    return home


def _module(version: str, name: str, start: str, home: Path, work: Path) -> None:
    """A module of the server, of which only the jars are published: with a descriptor, and with the rights that it needs."""
    project = work / "project.xml"
    project.write_text(
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>lookalike</groupId>'
        f"<artifactId>{name}</artifactId><version>1</version><packaging>pom</packaging><dependencies><dependency>"
        f"<groupId>org.opensearch.plugin</groupId><artifactId>{name}</artifactId><version>{version}</version>"
        "</dependency></dependencies></project>",
        encoding="utf-8",
    )
    jars = work / f"jars-{name}"
    _maven(work, "copy-dependencies", "-f", str(project), "-DincludeScope=runtime", f"-DoutputDirectory={jars}")
    folder = home / "modules" / name
    folder.mkdir()
    known = {jar.name for place in ("lib", "modules/lang-painless") for jar in (home / place).glob("*.jar")}
    for jar in jars.glob("*.jar"):
        if jar.name not in known:  # a class that is there twice stops the server
            shutil.copy2(jar, folder)
    extended = "" if name == "lang-painless" else "lang-painless"
    (folder / "plugin-descriptor.properties").write_text(
        f"description={name}\nname={name}\nclassname={start}\nversion={version}\nopensearch.version={version}\n"
        f"java.version=11\nextended.plugins={extended}\nhas.native.controller=false\n",
        encoding="utf-8",
    )
    if name == "lang-painless":
        rights = "".join(f'permission java.lang.RuntimePermission "{right}"; ' for right in ("createClassLoader", "getClassLoader"))
        (folder / "plugin-security.policy").write_text(f"grant {{ {rights}}};\n", encoding="utf-8")


def _maven(work: Path, goal: str, *options: str) -> None:
    command = ["mvn", "-q", "-B", f"{_DEPENDENCY_PLUGIN}:{goal}", *options]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        raise NotHere(f"Maven could not fetch {options[0]}: {(lines or ['it says nothing'])[0][:300]}")


@dataclass(frozen=True, slots=True)
class Cluster:
    """Nodes that are one cluster, the first named first."""

    urls: tuple[str, ...]
    nodes: "tuple[subprocess.Popen[bytes], ...]"

    def kill(self, number: int) -> None:
        """End a node with SIGKILL, as a machine that goes dark."""
        self.nodes[number].kill()
        self.nodes[number].wait()


@contextmanager
def running(version: str, *, port: int = 0, run: Path | None = None) -> Iterator[str]:
    """One node on this machine, ended with the block: its URL. `run` keeps its data; without it they go. Raises: NotHere."""
    with cluster(version, port=port, run=run) as found:
        yield found.urls[0]


@contextmanager
def cluster(version: str, *, nodes: int = 1, port: int = 0, run: Path | None = None) -> Iterator[Cluster]:
    """So many nodes that are one cluster, on `port` and those after it, ended with the block. Raises: NotHere."""
    ports = [port + number for number in range(nodes)] if port else [free_port() for _ in range(nodes)]
    with tempfile.TemporaryDirectory(prefix="lookalike-opensearch-") as temporary, ExitStack() as stack:
        if run is None:
            Path(temporary).chmod(0o755)  # the nodes may be another user's
        heap = _HEAP if nodes == 1 else _HEAP_OF_SEVERAL
        made = launches(version, run or Path(temporary), ports=ports, heap=heap)
        started = []
        for launch, _ in made:
            started.append(launch.start())
            stack.callback(stop, started[-1], launch.stop_seconds)
        for node, (launch, url) in zip(started, made, strict=True):
            wait(node, url, launch, nodes)
        yield Cluster(tuple(url for _, url in made), tuple(started))


def launches(
    version: str, folder: Path, *, ports: Sequence[int], settings: Mapping[str, str] = {}, heap: str = _HEAP
) -> list[tuple[Launch, str]]:
    """How the nodes of a cluster are started, with their URLs: a node for each port, one below another in `folder`.

    `settings` are OpenSearch's, as `opensearch.yml` has them; what says where a node is and how it finds the others is ours.
    Starting a launch again finds its data. Raises: NotHere.
    """
    home, java = assembled(version), java_home(version)
    names = ["opensearch"] if len(ports) == 1 else [f"opensearch-{number}" for number in range(1, len(ports) + 1)]
    transports = [free_port() for _ in ports]
    found = []
    for name, port, transport in zip(names, ports, transports, strict=True):
        place = folder if len(ports) == 1 else folder / name
        told = dict(settings) | {
            "node.name": name,
            "network.host": "127.0.0.1",
            "http.port": str(port),
            "transport.port": str(transport),
            "path.data": str(place / "data"),
            "path.logs": str(place / "logs"),
            "cluster.routing.allocation.disk.threshold_enabled": "false",
        }
        if len(ports) == 1:
            told["discovery.type"] = "single-node"
        else:
            told.pop("discovery.type", None)
            told.setdefault("cluster.name", f"lookalike-{transports[0]}")
            told["discovery.seed_hosts"] = ",".join(f"127.0.0.1:{one}" for one in transports)
            told["cluster.initial_cluster_manager_nodes"] = ",".join(names)
        found.append((_launch(name, home, java, place, told, heap), f"http://127.0.0.1:{port}"))
    return found


def _launch(name: str, home: Path, java: Path, folder: Path, told: Mapping[str, str], heap: str) -> Launch:
    for below in ("data", "logs", "tmp"):
        (folder / below).mkdir(parents=True, exist_ok=True)
    shutil.copytree(home / "config", folder / "config", dirs_exist_ok=True)
    _configure(folder / "config", told, java, heap)
    user = _unprivileged(folder)
    environment = {name: value for name, value in os.environ.items() if not re.search("JAVA|proxy|OPENSEARCH", name, re.IGNORECASE)}
    environment |= {
        "HOME": str(folder),
        "OPENSEARCH_JAVA_HOME": str(java),
        "OPENSEARCH_PATH_CONF": str(folder / "config"),
        "OPENSEARCH_TMPDIR": str(folder / "tmp"),
    }
    argv = (str(home / "bin" / "opensearch"),)
    return Launch(name, argv, environment, home, folder / "logs" / "console.log", user, stop_seconds=30)


def _configure(config: Path, told: Mapping[str, str], java: Path, heap: str) -> None:
    (config / "opensearch.yml").write_text("".join(f"{name}: {json.dumps(value)}\n" for name, value in told.items()), encoding="utf-8")
    (config / "jvm.options.d").mkdir(exist_ok=True)
    (config / "jvm.options.d" / "heap.options").write_text(f"-Xms{heap}\n-Xmx{heap}\n", encoding="utf-8")
    options = (config / "jvm.options").read_text(encoding="utf-8")
    left_out = "-Xlog:gc|HeapDump|ErrorFile"  # they write beside the server, where it may not
    modules = subprocess.run([java / "bin" / "java", "--list-modules"], capture_output=True, text=True, check=False).stdout
    if "jdk.incubator.vector" not in modules:
        left_out += "|jdk.incubator.vector"
    options = re.sub(rf"(?m)^([^#\n]*(?:{left_out}).*)$", r"# \1", options)
    (config / "jvm.options").write_text(options, encoding="utf-8")


def _unprivileged(folder: Path) -> int | None:
    """As root, the user who runs the node; None where we may run it ourselves."""
    if os.geteuid() != 0:
        return None
    import pwd

    user = pwd.getpwnam("nobody").pw_uid
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, user)
    return user


def wait(node: "subprocess.Popen[bytes]", url: str, launch: Launch, nodes: int = 1) -> None:
    """Until a node answers that so many are there.

    Raises: NotHere with the end of its log, where it ended or did not within three minutes."""
    ask = urllib.request.build_opener(urllib.request.ProxyHandler({})).open  # never through a proxy
    end = time.monotonic() + _START_SECONDS
    pause = threading.Event()
    while time.monotonic() < end and node.poll() is None:
        try:
            with ask(f"{url}/_cluster/health?wait_for_status=yellow&wait_for_nodes={nodes}&timeout=5s", timeout=10) as answer:
                told = json.load(answer)
                if told["status"] in ("yellow", "green") and told["number_of_nodes"] == nodes:
                    return
        except (urllib.error.URLError, OSError, ValueError):
            pause.wait(0.3)
    raise NotHere(f"OpenSearch did not start within {_START_SECONDS} s; the end of its log:\n{launch.log_tail()}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one until it is interrupted."""
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--version", default=VERSIONS[0], choices=VERSIONS)
    told.add_argument("--port", type=int, default=9200)
    told.add_argument("--nodes", type=int, default=1, choices=(1, 3), help="three are one cluster, on --port and the two after it")
    told.add_argument("--data", type=Path, help="keep the data in this folder; without it they are gone at the end")
    told.add_argument("--assemble", action="store_true", help="only fetch and assemble it")
    given = told.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background has it ignored
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if given.assemble:
            sys.stdout.write(f"{assembled(given.version)}\n")
            return 0
        kept = given.data and given.data.resolve()
        with cluster(given.version, nodes=given.nodes, port=given.port, run=kept) as found:
            where = ",".join(url.partition("//")[2] for url in found.urls)
            sys.stdout.write(f"OpenSearch {given.version} on {', '.join(found.urls)}: --index opensearch://{where}/products\n")
            sys.stdout.flush()
            threading.Event().wait()
    except NotHere as error:
        sys.stderr.write(f"{error}\n")
        return 3
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
