"""What faults did, as rows that docs/faults.json keeps and docs/faults.md shows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.bench import ROOT

DATA, PAGE = ROOT / "docs" / "faults.json", ROOT / "docs" / "faults.md"
BEGIN, END = "<!-- faults: written by python -m benchmarks.faults --write -->", "<!-- end of faults -->"


@dataclass(frozen=True, slots=True)
class Row:
    """One fault. `outcomes`: what was asked → status → how often, from the blow on; `said` the last text with each that was not good.

    `hung` answers took longer than the deadline. `lost` was acknowledged (or is of a job that says done) and is not found;
    `twice` is stored more than once. `recovered_seconds`: from the repair, or the blow where nobody repairs, to the last answer
    that was not good; None where that never came.
    """

    name: str
    what: str
    version: str
    outcomes: Mapping[str, Mapping[str, int]]
    said: Mapping[str, str]
    worst_seconds: float
    deadline_seconds: float
    hung: int
    writes: int
    jobs: int
    jobs_done: int
    jobs_not_done: Sequence[str]
    failed_rows: Mapping[str, str]
    lost: int
    twice: int
    recovered_seconds: float | None
    restarts: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def kept(self) -> bool:
        """Whether every promise was kept: nothing lost, nothing twice, nothing hung, every job ended, all well again."""
        fives = sum(count for kinds in self.outcomes.values() for outcome, count in kinds.items() if outcome.startswith("500"))
        return not (self.lost or self.twice or self.hung or fives or self.jobs_not_done or self.recovered_seconds is None)

    def text(self) -> str:
        """For a terminal."""
        seen = "; ".join(f"{kind} {_counts(counts)}" for kind, counts in self.outcomes.items())
        lines = [
            f"{'ok  ' if self.kept else 'MISS'} {self.name}: {self.what}",
            f"     seen: {seen}",
            f"     worst {self.worst_seconds} s, over the deadline {self.hung}; acknowledged {self.writes} writes and {self.jobs} jobs, "
            f"not done {list(self.jobs_not_done)}, lost {self.lost}, twice {self.twice}; recovered after {self.recovered_seconds} s; "
            f"rows refused {dict(self.failed_rows)}; died so far {dict(self.restarts)}",
            *(f"     {where}: {text}" for where, text in self.said.items()),
            *(f"     {note}" for note in self.notes),
        ]
        return "\n".join(lines)


def load() -> dict[str, Row]:
    """The rows that were kept."""
    if not DATA.is_file():
        return {}
    return {key: Row(**row) for key, row in json.loads(DATA.read_text(encoding="utf-8")).items()}


def save(rows: Mapping[str, Row]) -> None:
    """Keep rows."""
    told = {key: asdict(row) for key, row in sorted(rows.items())}
    DATA.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write(order: Sequence[str], page: Path = PAGE) -> None:
    """Write the table anew, the page's own text around it left as it is."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n\n{table(load(), order)}\n\n{END}{after}", encoding="utf-8")


def table(rows: Mapping[str, Row], order: Sequence[str]) -> str:
    """The table, in that order."""
    lines = [
        "| What broke | Searches by picture | by words | Writes | Bulk | Slowest | Accepted | Lost · twice | Well again after |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in sorted(rows.values(), key=lambda one: (order.index(one.name), one.version)):
        kinds = [_counts(row.outcomes.get(kind, {})) for kind in ("picture search", "words", "write", "bulk")]
        accepted = f"{row.writes} writes, {row.jobs} jobs" + (f" ({', '.join(row.jobs_not_done)})" if row.jobs_not_done else "")
        recovered = "never" if row.recovered_seconds is None else f"{row.recovered_seconds:g} s"
        cells = (f"{row.what}, {row.version}", *kinds, f"{row.worst_seconds:g} s", accepted, f"{row.lost} · {row.twice}", recovered)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} × {outcome}" for outcome, count in counts.items()) or "–"
