"""Where an index lies, and what the engine has to be told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from lookalike.engines.opensearch.mapping import Layout
from lookalike.errors import InvalidSetting

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}")
_WHOLE = {
    "exact_below": (5_000, 0, 10**9),
    "window": (1_000, 1_000, 2_500),
    "shards": (1, 1, 100),
    "replicas": (1, 0, 20),
    "keep_hours": (24, 0, 8_760),
}
_CHOICES = {"refresh": ("true", "wait_for"), "engine": ("lucene", "faiss"), "encoder": ("fp16",), "mode": ("on_disk",)}
_SETTINGS = (*_WHOLE, *_CHOICES, "timeout", "ca", "user", "password")


@dataclass(frozen=True, slots=True)
class Address:
    """An alias on a cluster, and how to speak with it.

    `exact_below`: up to so many products with vectors that fit the filter, every vector is compared; beyond, HNSW is asked.
    `window`: so many of the best of each signal are ranked. `refresh`: what makes a write searchable, `true` or `wait_for`
    (docs/decisions/0072). `timeout`: seconds for one request. `layout` counts for indexes that are created. `keep_hours`: so long
    the index that a rebuild replaced is kept, to go back to it.
    """

    hosts: tuple[tuple[str, int], ...]
    alias: str
    secure: bool
    exact_below: int
    window: int
    keep_hours: int = 24
    layout: Layout = field(default_factory=Layout)
    refresh: str = "true"
    timeout: float = 30.0
    ca: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        where = ",".join(f"{host}:{port}" for host, port in self.hosts)
        return f"opensearch{'+https' if self.secure else ''}://{where}/{self.alias}"


def parse_address(location: str, settings: Mapping[str, str]) -> Address:
    """`opensearch://HOST:9200[,HOST:9200]/NAME`, or `opensearch+https://…`. Raises: InvalidSetting."""
    parts = urlsplit(location)
    if parts.scheme not in ("opensearch", "opensearch+https"):
        raise InvalidSetting(f"The index is {location!r}; opensearch://HOST:9200/NAME or opensearch+https://HOST:9200/NAME is wanted.")
    if "@" in parts.netloc:
        raise InvalidSetting(
            "Names and passwords do not belong in an address, which is logged. Set LOOKALIKE_ENGINE_USER and LOOKALIKE_ENGINE_PASSWORD."
        )
    alias = parts.path.strip("/")
    if not _NAME.fullmatch(alias) or parts.query or parts.fragment:
        raise InvalidSetting(
            f"Found {alias!r} for the index's name; lower-case letters, digits, '.', '_' and '-' are wanted, as in opensearch://HOST:9200/products."
        )
    unknown = sorted(settings.keys() - set(_SETTINGS))
    if unknown:
        raise InvalidSetting(f"The opensearch engine has no setting {unknown[0]!r}. It has: {', '.join(_SETTINGS[:-2])}.")
    whole = {name: _whole(name, settings) for name in _WHOLE}
    return Address(
        hosts=_hosts(parts),
        alias=alias,
        secure=parts.scheme.endswith("https"),
        exact_below=whole["exact_below"],
        window=whole["window"],
        keep_hours=whole["keep_hours"],
        layout=_layout(settings, whole["shards"], whole["replicas"]),
        refresh=_choice("refresh", settings) or "true",
        timeout=_seconds(settings.get("timeout", "30")),
        ca=settings.get("ca"),
        user=settings.get("user"),
        password=settings.get("password"),
    )


def _layout(settings: Mapping[str, str], shards: int, replicas: int) -> Layout:
    engine, encoder, mode = _choice("engine", settings) or "lucene", _choice("encoder", settings), _choice("mode", settings)
    if (encoder or mode) and engine != "faiss":
        raise InvalidSetting("encoder and mode belong to faiss; set engine=faiss as well.")
    if encoder and mode:
        raise InvalidSetting("encoder and mode are two ways to save memory; set one of them.")
    return Layout(shards, replicas, engine, encoder, mode)


def _choice(name: str, settings: Mapping[str, str]) -> str | None:
    told = settings.get(name)
    if told is not None and told not in _CHOICES[name]:
        raise InvalidSetting(f"{name} is {told!r}; {' or '.join(_CHOICES[name])} is wanted.")
    return told


def _hosts(parts: SplitResult) -> tuple[tuple[str, int], ...]:
    found = []
    for one in parts.netloc.split(","):
        told = urlsplit(f"//{one}")
        try:
            host, port = told.hostname, told.port
        except ValueError:
            host, port = None, None
        if not host:
            raise InvalidSetting(f"Found {one!r} for a host; HOST:PORT is wanted, as in opensearch://127.0.0.1:9200/products.")
        found.append((host, port or 9200))
    return tuple(found)


def _whole(name: str, settings: Mapping[str, str]) -> int:
    default, lowest, highest = _WHOLE[name]
    told = settings.get(name, str(default))
    if not told.isdecimal() or not lowest <= int(told) <= highest:
        raise InvalidSetting(f"{name} is {told!r}; a whole number from {lowest:,} to {highest:,} is wanted, such as {default}.")
    return int(told)


def _seconds(told: str) -> float:
    if not re.fullmatch(r"\d{1,4}(\.\d+)?", told) or float(told) == 0:
        raise InvalidSetting(f"timeout is {told!r}; seconds are wanted, such as 30.")
    return float(told)
