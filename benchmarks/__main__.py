"""Runs benchmarks and writes the page: `python -m benchmarks [NAME …] [--quick] [--out FOLDER]`.

A partial run renews only its own part of the page. What fails is reported and the rest still runs; Ctrl-C ends the
benchmark that runs, twice in a row all of them. Exit status: 0, or 1 where a promise is missed or a benchmark failed, or 2.
"""

import argparse
import datetime
import importlib
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

from benchmarks import page, results
from benchmarks.bench import ROOT, Bench, command_line, machine, shared_folder, telling
from benchmarks.results import Report

PARTS = {
    "ingest": "benchmarks.ingest",
    "engine": "benchmarks.engine_ratios",
    "api": "benchmarks.api",
    "start": "benchmarks.start",
    "memory": "benchmarks.memory",
    "analysis": "benchmarks.analysis",
    "quality": "benchmarks.quality_ratios",
    "load": "benchmarks.stack_load",
}
ON_REQUEST = {"quality", "load"}
# The engine's benchmark changes prices in the index that others serve: it comes last, whatever the page's order.
ORDER = ("start", "analysis", "api", "memory", "ingest", "engine", "quality", "load")
AGAIN_S = 2.0


def main(words: list[str] | None = None) -> int:
    """Run what is asked for; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(PARTS)}; without one all but {', '.join(ON_REQUEST)}")
    parser.add_argument("--quick", action="store_true", help="small sizes, under two minutes: shows that all works, proves no promise")
    parser.add_argument("--out", type=Path, help="the page's folder (default: docs; with --quick var/benchmarks)")
    options = parser.parse_args(words)
    strange = [one for one in options.names if one not in PARTS]
    if strange:
        parser.error(f"There is no benchmark {strange[0]!r}. There are: {', '.join(PARTS)}.")
    out = options.out or (ROOT / "var" / "benchmarks" if options.quick else ROOT / "docs")
    out.mkdir(parents=True, exist_ok=True)
    try:
        reports = results.load(out / "benchmarks.json")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    asked = options.names or [name for name in PARTS if name not in ON_REQUEST]
    ran = _run([name for name in ORDER if name in asked], reports, out, quick=options.quick)
    print(page.verdict(ran))
    print(f"Written: {out / 'benchmarks.md'}")
    return 1 if any(one.missed or one.error for one in ran) or len(ran) < len(asked) else 0


def _run(names: list[str], reports: dict[str, Report], out: Path, *, quick: bool) -> list[Report]:
    """Run them one by one; page and file are written after each, so that nothing is lost to what comes later."""
    ran, stopped = list[Report](), float("-inf")
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as folder, telling() as tell:
        bench = Bench(Path(folder), quick, tell, shared_folder())
        for name in names:
            try:
                report = _measured(name, bench)
            except KeyboardInterrupt:
                if time.monotonic() - stopped < AGAIN_S:
                    break
                stopped = time.monotonic()
                report = _failed(name, reports.get(name), "stopped by Ctrl-C", bench)
            except Exception as error:  # noqa: BLE001 — whatever it is, the other benchmarks shall run, and the page says it
                report = _failed(name, reports.get(name), f"{type(error).__name__}: {error}", bench)
            if report.error:
                tell(f"{name}: {report.error}")
            reports[name] = report
            ran.append(report)
            results.save(out / "benchmarks.json", reports)
            page.write(out, reports, _titles())
    return ran


def _measured(name: str, bench: Bench) -> Report:
    began = time.monotonic()
    found = _module(name).measure(bench)
    seconds = time.monotonic() - began
    bench.tell(f"{name}: done in {seconds:.0f} s")
    return Report(name, *_about(name, bench), seconds, tuple(found.results), tuple(found.charts), tuple(found.notes))


def _failed(name: str, before: Report | None, why: str, bench: Bench) -> Report:
    """The report of the run before, saying that this one gave nothing."""
    if before is None:
        return Report(name, *_about(name, bench), 0.0, error=why)
    return Report(**{field: getattr(before, field) for field in Report.__dataclass_fields__} | {"error": why})


def _about(name: str, bench: Bench) -> tuple[str, str, str]:
    """(command, date, machine)"""
    words = [name, "--quick"] if bench.quick else [name]
    return command_line(words), f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}", machine()


def _titles() -> dict[str, tuple[str, str]]:
    return {name: (_module(name).TITLE, _module(name).ABOUT) for name in PARTS}


def _module(name: str) -> ModuleType:
    return importlib.import_module(PARTS[name])


if __name__ == "__main__":
    sys.exit(main())
