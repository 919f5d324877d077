"""Every setting: its default, where else it may come from, and where it did come from."""

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ByteSize, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from lookalike.errors import InvalidSetting

PREFIX = "LOOKALIKE_"
FILE = "lookalike.toml"
_OTHERS = frozenset({"LOOKALIKE_SHARED", "LOOKALIKE_NO_SKIPS", "LOOKALIKE_TRACEBACK"})
"""Names with our prefix that are no settings: for tests (a folder of pictures, no skips), and to see where a defect is."""


def _cache_folder() -> Path:
    """Where the platform wants what can be made again (on Linux the XDG base directory specification)."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "lookalike"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lookalike"


def _models_folder() -> Path:
    """Where the platform wants a user's data (on Linux the XDG base directory specification): imported networks cannot be made again."""
    if os.name == "nt":
        return _cache_folder() / "models"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "lookalike" / "models"


class Settings(BaseSettings):
    """All settings. Made by `load`, which says in our own words what is wrong; immutable."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, toml_file=FILE, extra="forbid", frozen=True, env_ignore_empty=True)

    index: str = Field("./shop.lookalike", description="The index: a path, embedded:PATH, memory:, or an engine's URI.", min_length=1)
    engine_settings: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict, description="NAME=VALUE, commas between: what the engine has to be told, such as exact_below=20000."
    )
    engine_user: str | None = Field(None, description="Who we are to an engine that is a server, such as OpenSearch.")
    engine_password: SecretStr | None = Field(None, description="The password of LOOKALIKE_ENGINE_USER.")
    recipe: str = Field(
        "default",
        description="How pictures are seen: default (Lite0), quality (Lite0 and Lite1: finds better, slower), a recipe of ours, "
        "a recipe's .toml file, or a network by its name.",
        min_length=1,
    )
    device: str = Field(
        "auto",
        description="Where named networks run, in fallback order, commas between: tensorrt, cuda, openvino, cpu; auto is cuda,cpu.",
        min_length=1,
    )
    precision: Literal["auto", "int8", "fp32"] = Field(
        "auto", description="The networks' arithmetic; auto takes int8 where the CPU has VNNI."
    )
    threads: int = Field(0, ge=0, le=1024, description="Threads that decode and analyse pictures; 0 is one a core.")
    analyser: str = Field("local", description="Where the networks run: local is this process, celery the workers (lookalike worker).")
    runner: str = Field(
        "inline", description="Where bulk changes and index run: inline is this process, celery the workers (lookalike worker)."
    )
    redis: str = Field(
        "redis://127.0.0.1:6379/0",
        description="The Redis (7 or newer) that API and workers meet at; redis://, rediss:// (TLS) or unix://.",
        repr=False,  # it may hold a password
    )
    seen_ttl: float = Field(
        900.0,
        ge=0,
        le=86_400,
        description="Seconds that Redis keeps what workers saw in a shopper's picture, never the picture; 0 keeps nothing.",
    )
    batch_looks: int = Field(0, ge=0, le=1024, description="Pictures that a worker takes at once; 0 is eight for each of its threads.")
    lease_seconds: float = Field(
        10.0, ge=0.5, le=300, description="Rows whose worker gives no sign of life for so long are given to another worker."
    )
    chunk_seconds: float = Field(
        60.0, ge=1, le=110, description="Rows (64 at most) that take a worker longer are divided; one row that takes it is given up."
    )
    outage_seconds: float = Field(
        300.0, ge=1, le=86_400, description="Seconds that rows on their way wait for an index, a Redis or a worker that is away."
    )
    queue_chunks: int = Field(16, ge=1, le=1024, description="Chunks of 64 rows that index sends ahead of the workers.")
    cache_dir: Path = Field(default_factory=_cache_folder, description="Where converted networks are kept; they can be made again.")
    models_dir: Path = Field(default_factory=_models_folder, description="Where networks are kept that were pulled or imported.")

    log: Literal["text", "json"] = Field(
        "text", description="Log lines on standard error: text for people, json for machines, a line each."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="The least of what is logged.")
    log_requests: bool = Field(False, description="Log each HTTP request: method, route, status, milliseconds; never its address or body.")
    events: str = Field(
        "off",
        description="Where search and ingest events go: off, file, file:FOLDER, opensearch, or opensearch://HOST:9200/NAME.",
        min_length=1,
    )
    events_sample: float = Field(1.0, ge=0, le=1, description="The share of searches that events tell of; what shoppers do is always told.")
    page_events: bool = Field(
        True,
        description="The page reports which products shoppers see and open, where events are kept; not who, and not of who asks "
        "not to be tracked.",
    )
    events_queue: int = Field(10_000, ge=1, le=1_000_000, description="Events that may wait to be written; more are dropped, and counted.")
    events_state_seconds: float = Field(
        60.0, ge=1, le=86_400, description="How often an event tells how the server is: queues, documents, the engine's figures."
    )

    host: str = Field("127.0.0.1", description="The address that serve listens on.", min_length=1)
    port: int = Field(8080, ge=0, le=65535, description="The port that serve listens on; 0 takes a free one.")
    http_threads: int = Field(32, ge=1, le=1024, description="Requests that serve works on at once.")
    write_key: SecretStr | None = Field(None, description="The key that PUT, PATCH, DELETE and bulk need; without it they need none.")
    deadline_seconds: float = Field(20.0, gt=0, le=3600, description="A request that takes longer is answered 503.")
    max_body: ByteSize = Field(ByteSize(20_000_000), ge=1024, description="The largest request body; a larger one is answered 413.")
    upload_ttl: float = Field(900.0, gt=0, le=86_400, description="Seconds that a shopper's picture stays in memory after its last use.")
    idempotency_ttl: float = Field(86_400.0, gt=0, le=604_800, description="Seconds that the answer to an Idempotency-Key is kept.")
    upload_bytes: ByteSize = Field(ByteSize(256_000_000), ge=0, description="Memory for shoppers' pictures; the oldest go first.")
    queue_looks: int = Field(256, ge=1, description="Shoppers' pictures that may wait for the networks; more is answered 429.")
    queue_jobs: int = Field(64, ge=1, description="Bulk jobs that may wait; more is answered 429.")

    picture_root: Path | None = Field(None, description="Over HTTP, file paths are taken only below this folder; without it none are.")
    picture_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="HOST, HOST:PORT or a network such as 10.1.0.0/16, commas between: your own image servers, wherever they lie."
    )
    picture_ports: Annotated[tuple[int, ...], NoDecode] = Field(
        (80, 443, 8080, 8443), description="Ports that pictures are fetched from, commas between; a host named above has any.", min_length=1
    )
    picture_bytes: ByteSize = Field(ByteSize(20_000_000), ge=1024, description="The largest picture file that is read.")
    max_pixels: int = Field(50_000_000, ge=10_000, description="The largest picture that is decoded, in pixels.")
    analyses_bytes: ByteSize = Field(
        ByteSize(1_000_000_000),
        ge=0,
        description="Disk for what was seen in pictures, so that none is analysed twice; 0 remembers nothing.",
    )
    fetch_timeout: float = Field(20.0, gt=0, le=600, description="Seconds for one picture from the web, redirects and retries included.")
    fetch_patience: float = Field(
        30.0, ge=0, le=3600, description="Seconds that one picture waits besides for a server that says 'later' (Retry-After)."
    )
    fetch_parallel: int = Field(32, ge=1, le=1024, description="Pictures fetched from the web at once.")
    fetch_per_host: int = Field(8, ge=1, le=1024, description="Of these, from one host.")
    fetch_redirects: int = Field(5, ge=0, le=50, description="Redirects that are followed for one picture.")
    fetch_proxy: str | None = Field(
        None, description="A proxy's URL, or environment for the one that the environment names; without it none is used."
    )
    fetch_attempts: int = Field(3, ge=1, le=20, description="How often a picture is tried when its server fails or says 'later'.")

    @field_validator("picture_hosts", mode="before")
    @classmethod
    def _hosts(cls, told: object) -> object:
        if not isinstance(told, str):
            return told
        return tuple(one.strip().lower() for one in told.split(",") if one.strip())

    @field_validator("picture_hosts")
    @classmethod
    def _networks(cls, told: tuple[str, ...]) -> tuple[str, ...]:
        for one in told:
            if "/" in one:
                ipaddress.ip_network(one)  # says itself what is wrong
        return told

    @field_validator("picture_ports", mode="before")
    @classmethod
    def _ports(cls, told: object) -> object:
        return [one.strip() for one in told.split(",") if one.strip()] if isinstance(told, str) else told

    @field_validator("picture_ports")
    @classmethod
    def _real_ports(cls, told: tuple[int, ...]) -> tuple[int, ...]:
        if not all(1 <= one <= 65535 for one in told):
            raise ValueError("ports from 1 to 65535 are wanted")
        return told

    @field_validator("fetch_proxy")
    @classmethod
    def _proxy(cls, told: str | None) -> str | None:
        if told and told != "environment" and not re.match(r"https?://[^/?#]", told):
            raise ValueError("an address that starts with http://, or the word environment, is wanted")
        return told

    @field_validator("redis")
    @classmethod
    def _redis(cls, told: str) -> str:
        if not re.match(r"(rediss?://[^/?#]|unix://)", told):
            raise ValueError("an address that starts with redis://, rediss:// or unix:// is wanted")
        return told

    @field_validator("engine_settings", mode="before")
    @classmethod
    def _pairs(cls, told: object) -> object:
        if isinstance(told, str):
            pairs = [one.partition("=") for one in told.split(",") if one.strip()]
            if not all(mark for _, mark, _ in pairs):
                raise ValueError("NAME=VALUE is wanted")
            return {name.strip(): value.strip() for name, _, value in pairs}
        return {name: str(value) for name, value in told.items()} if isinstance(told, dict) else told

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The command line beats the environment, which beats the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


@dataclass(frozen=True, slots=True)
class Told:
    """One setting as `lookalike config` shows it; a secret's value is masked."""

    name: str
    value: object
    origin: str
    about: str


def load(**overrides: Any) -> Settings:
    """The settings of this process; overrides that are None count as not given.

    Raises: InvalidSetting, naming the variable, where it was set, and what is wanted.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise InvalidSetting(" ".join(_sentence(problem, given) for problem in error.errors())) from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidSetting(f"{FILE} is no TOML: {error}.") from error
    except OSError as error:
        raise InvalidSetting(f"{FILE} cannot be read: {error.strerror}.") from error


def told(settings: Settings, overrides: Mapping[str, object] = {}) -> list[Told]:
    """Every setting with its value, its origin and what it is for, in the order of the class."""
    return [
        Told(
            name,
            _shown(without_password(value) if isinstance(value := getattr(settings, name), str) else value),
            origin(name, overrides),
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def origin(name: str, overrides: Mapping[str, object] = {}) -> str:
    """Where a setting's value came from: command line, environment, lookalike.toml or default."""
    if overrides.get(name) is not None:
        return "command line"
    wanted = f"{PREFIX}{name}".lower()
    if any(key.lower() == wanted and value for key, value in os.environ.items()):
        return "environment"
    file = Path(FILE)
    if file.is_file() and name in tomllib.loads(file.read_text(encoding="utf-8")):
        return FILE
    return "default"


def secrets_of(settings: Settings) -> list[str]:
    """The values that no log and no event may hold."""
    values = (getattr(settings, name) for name in Settings.model_fields)
    return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]


def strays() -> list[str]:
    """A sentence for each variable with our prefix that is no setting: most likely a slip of the pen."""
    known = [f"{PREFIX}{name}".upper() for name in Settings.model_fields]
    found = []
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known and name not in _OTHERS:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            found.append(f"{name} is no setting." + (f" Did you mean {near[0]}?" if near else ""))
    return found


def without_password(address: str) -> str:
    """An address as it may be shown: the password in it is masked; other text is as it was."""
    return re.sub(r"(://[^/?#]*:)[^/?#]*@", r"\1********@", address)


def _shown(value: object) -> object:
    if isinstance(value, SecretStr):
        return "********"
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    return int(value) if isinstance(value, ByteSize) else value


def _sentence(problem: Any, given: Mapping[str, object]) -> str:
    name = str(problem["loc"][0]) if problem["loc"] else ""
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, Settings.model_fields, n=1)
        return f"{FILE} sets {name!r}, which is no setting." + (f" Did you mean {near[0]!r}?" if near else "")
    secret = (
        "a secret"
        if "key" in name or "password" in name
        else repr(without_password(str(problem["input"])) if isinstance(problem["input"], str) else problem["input"])
    )
    what = problem["msg"][0].lower() + problem["msg"][1:]
    about = Settings.model_fields[name].description if name in Settings.model_fields else ""
    return f"{PREFIX}{name.upper()} ({origin(name, given)}) is {secret}, but {what}. {about}"
