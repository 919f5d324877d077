"""What a benchmark found, as values that the page is written from and `docs/benchmarks.json` keeps."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """What is promised: `sign` is ≤ or ≥, `limit` in the unit of what is judged, which is "ours" or "ratio"."""

    sign: str
    limit: float
    of: str = "ours"

    def __str__(self) -> str:
        return f"{'ratio ' if self.of == 'ratio' else ''}{self.sign} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Result:
    """One figure. `peer` is another's figure in the same unit in the same run: a rival's, or a bound that nobody can beat."""

    name: str
    ours: float
    unit: str
    peer: float | None = None
    peer_name: str = ""
    target: Target | None = None
    what: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours ÷ the peer's; None without a peer."""
        return self.ours / self.peer if self.peer else None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where nothing is promised."""
        if self.target is None:
            return None
        judged = self.ratio if self.target.of == "ratio" else self.ours
        if judged is None:
            return False
        return judged <= self.target.limit if self.target.sign == "≤" else judged >= self.target.limit


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart: bars of one group stand together; `tint` tells ours from theirs; `note` is written behind it."""

    group: str
    label: str
    value: float
    tint: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of figures: `docs/pictures/NAME.svg`."""

    name: str
    title: str
    unit: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """One benchmark's run. `error` says why the last run gave nothing; the figures are then those of the run before."""

    name: str
    command: str
    date: str
    machine: str
    seconds: float
    results: tuple[Result, ...] = ()
    charts: tuple[Chart, ...] = ()
    notes: tuple[str, ...] = ()
    error: str | None = None

    @property
    def missed(self) -> tuple[Result, ...]:
        """What is below its promise."""
        return tuple(one for one in self.results if one.met is False)


@dataclass(slots=True)
class Found:
    """What a benchmark gathers while it runs."""

    results: list[Result] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, ours: float, unit: str, peer: float | None = None, peer_name: str = "", **more: Any) -> None:
        """One more figure."""
        self.results.append(Result(name, ours, unit, peer, peer_name, **more))


def load(path: Path) -> dict[str, Report]:
    """The reports that a file keeps, by name; none where there is no file. Raises: ValueError where it is another kind of file."""
    if not path.is_file():
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return {one["name"]: _report(one) for one in told["reports"]}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no benchmarks that this version can read ({error!r}). Remove it, and run all of them.") from error


def save(path: Path, reports: dict[str, Report]) -> None:
    """Keep reports in a file, beside which it is written first."""
    told = {"reports": [asdict(one) for one in reports.values()]}
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    beside.replace(path)


def _report(told: dict[str, Any]) -> Report:
    results = tuple(Result(**{**one, "target": Target(**one["target"]) if one["target"] else None}) for one in told["results"])
    charts = tuple(Chart(**{**one, "bars": tuple(Bar(**bar) for bar in one["bars"])}) for one in told["charts"])
    return Report(**{**told, "results": results, "charts": charts, "notes": tuple(told["notes"])})
