"""docker-compose.yml and Dockerfile: what every service must have, and that we read them as Compose does."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from lookalike.settings import PREFIX, Settings
from stack import compose
from stack.compose import ComposeProblem
from stack.plain import Places, ordered

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {"REDIS_PASSWORD": "of-redis", "LOOKALIKE_WRITE_KEY": "of-writers"}
PROFILES = ("cpu", "gpu", "monitoring")
TOLD: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def config(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """`docker-compose config` of our file, with nothing else in the environment."""
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("no docker-compose on this machine (Debian: apt-get install docker-compose)")
    line = [program, "--file", str(ROOT / "docker-compose.yml"), "--project-directory", str(ROOT / "stack")]  # no .env lies there
    line += [word for profile in PROFILES for word in ("--profile", profile)]
    told = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")} | environment
    return subprocess.run([*line, "config", *words], env=told, capture_output=True, text=True, check=False)


def test_compose_takes_the_file_and_we_read_it_as_compose_does() -> None:
    """Commands, environments and health checks that `make stack-local` runs are those of the containers, to the letter."""
    done = config(SECRETS)
    assert done.returncode == 0, done.stderr
    theirs, ours = yaml.safe_load(done.stdout)["services"], compose.read(environment=SECRETS)
    assert theirs.keys() == ours.keys()
    for name, service in ours.items():
        assert theirs[name].get("command", []) == [word.replace("$", "$$") for word in service.command], name
        assert theirs[name].get("environment", {}) == service.environment, name
        assert theirs[name].get("scale", 1) == service.scale, name
        assert set(theirs[name].get("depends_on", {})) == set(service.wants), name
        kind, *words = theirs[name]["healthcheck"]["test"]
        assert service.health == (tuple(words) if kind == "CMD" else ("sh", "-c", *words)), name


@pytest.mark.parametrize("secret", SECRETS)
def test_nothing_starts_without_its_secrets(secret: str) -> None:
    """On whatever address: an empty one counts as none. There is no default that somebody could forget to change."""
    for given in ({}, {secret: ""}):
        left = {name: value for name, value in SECRETS.items() if name != secret} | given
        with pytest.raises(ComposeProblem, match=f"{secret} is not set: Set {secret} in .env"):
            compose.read(environment=left)
        done = config(left, "-q")
        assert done.returncode != 0
        assert f"Set {secret} in .env" in done.stderr


@pytest.mark.parametrize("name", TOLD["services"])
def test_every_service_is_bounded_unprivileged_watched_and_comes_back(name: str) -> None:
    service = TOLD["services"][name]
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries", "start_period"} <= service["healthcheck"].keys()
    assert service["restart"] == "unless-stopped"
    assert service["mem_limit"]
    assert service["cpus"]
    assert service["pids_limit"] > 0
    assert int(str(service["user"]).partition(":")[0]) > 0
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert re.search(r":v?\d+\.\d+\.\d+", service["image"]), "pinned by version"
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    if name not in ("opensearch", "dashboards"):  # the file says beside them why not
        assert service["read_only"] is True
    for mount in service.get("volumes", ()):
        assert not mount.startswith(".") or (ROOT / mount.partition(":")[0]).exists(), "what is mounted is here: else Docker makes a folder"
    for port in service.get("ports", ()):
        assert port.startswith(("127.0.0.1:", "${PUBLISH:-127.0.0.1}:")), "only the API may be reached from elsewhere, and only where told"


def test_the_stores_cannot_be_reached_from_outside_and_the_format_is_the_one_that_both_versions_read() -> None:
    assert "version" not in TOLD
    assert TOLD["networks"]["inside"] == {"internal": True}
    for name in ("opensearch", "redis"):
        assert TOLD["services"][name]["networks"] == ["inside"]
        assert "ports" not in TOLD["services"][name]


def test_every_variable_of_ours_is_a_setting() -> None:
    """In each service, in .env.example, and in the Dockerfile; and .env.example holds no secret."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    told = {name for service in compose.read(environment=SECRETS).values() for name in service.environment}
    told |= set(re.findall(r"LOOKALIKE_\w+", example + (ROOT / "Dockerfile").read_text(encoding="utf-8")))
    assert {name for name in told if name.startswith(PREFIX)} - known == set()
    variables = dict(re.findall(r"^#?(\w+)=(.*)$", example, re.MULTILINE))
    assert [name for name, value in variables.items() if value and re.search("KEY|PASSWORD", name)] == []
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    assert variables.keys() - used == {"COMPOSE_PROFILES"}


def test_as_a_process_a_service_has_the_same_words_in_this_machine_s_places(tmp_path: Path) -> None:
    services = compose.read(environment=SECRETS)
    addresses = {"opensearch": "127.0.0.1:11,127.0.0.1:12", "redis": "127.0.0.1:13", "api": "127.0.0.1:14"}
    places = Places(addresses, {"opensearch": 11, "redis": 13, "api": 14}, tmp_path)
    api = places.launch(services["api"], "api")
    assert api.argv == services["api"].command == ("lookalike", "serve")
    assert api.environment["LOOKALIKE_INDEX"] == "opensearch://127.0.0.1:11,127.0.0.1:12/products"
    assert api.environment["LOOKALIKE_REDIS"] == "redis://:of-redis@127.0.0.1:13/0"
    assert (api.environment["LOOKALIKE_HOST"], api.environment["LOOKALIKE_PORT"]) == ("127.0.0.1", "14")
    assert api.environment["LOOKALIKE_CACHE_DIR"] == str(tmp_path / "networks")
    assert "http://127.0.0.1:14/readyz" in places.health(services["api"])[-1]
    redis = places.launch(services["redis"], "redis")
    same = [(here, there) for here, there in zip(redis.argv, services["redis"].command, strict=True) if here != there]
    assert same == [("127.0.0.1", "0.0.0.0"), ("13", "6379"), (str(tmp_path / "redis"), "/data")]
    assert [one.name for one in ordered(list(services.values()))][:2] == ["opensearch", "redis"]
    worker = places.launch(services["worker"], "worker-1")
    told = {name: value for name, value in worker.environment.items() if name in api.environment and value != api.environment[name]}
    assert told == {}, "API and workers see the same house"


def test_the_images_are_built_from_what_is_here_and_run_as_nobody_special() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignored, source
    bases = re.findall(r"^FROM (\S+) AS (\w+)", text, re.MULTILINE)
    stages = {stage for _, stage in bases}
    assert all(base in stages or re.search(r":\d+\.\d+\.\d+", base) for base, _ in bases)
    targets = {TOLD["services"][name]["build"]["target"] for name in ("api", "worker", "worker-gpu")}
    assert targets <= stages
    for stage in re.split(r"^FROM ", text, flags=re.MULTILINE)[2:]:
        assert re.findall(r"^USER (\d+)", stage, re.MULTILINE)[-1] == "10001"
