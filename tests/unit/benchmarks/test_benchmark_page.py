"""The benchmarks' page and file: what is promised, what is missed, what a partial run leaves alone."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import __main__ as runner
from benchmarks import page, results
from benchmarks.bench import Bench
from benchmarks.chart import figure, svg
from benchmarks.results import Bar, Chart, Found, Report, Result, Target

TITLES = {"api": ("API", "What HTTP adds."), "ingest": ("Ingest", "Against the bound.")}


def report(name: str, *found: Result, **more: object) -> Report:
    return Report(name, f"python -m benchmarks {name}", "2025-01-02", "2 cores, a CPU", 12.0, found, **more)  # type: ignore[arg-type]


FAST = Result("words | filter, p50", 2.0, "ms", 1.0, "engine", Target("≤", 3))
SLOW = Result("pictures", 80.0, "/s", 100.0, "decoder + network", Target("≥", 0.9, "ratio"))
SHOWN = Result("peak", 1234.5, "MB")


def test_a_promise_is_judged_by_figure_or_by_ratio() -> None:
    """On the limit it is kept; a ratio that cannot be formed is not."""
    assert (FAST.met, SLOW.met, SHOWN.met) == (True, False, None)
    assert Result("", 3.0, "ms", target=Target("≤", 3)).met
    assert Result("", 90.0, "/s", 100.0, target=Target("≥", 0.9, "ratio")).met
    assert Result("", 90.0, "/s", target=Target("≥", 0.9, "ratio")).met is False


def test_the_page_says_what_is_missed_where_it_was_measured_and_how_to_do_it_again(tmp_path: Path) -> None:
    """A table a benchmark in the page's order; cells cannot break it."""
    chart = Chart("ingest", "Pictures <a second>", "/s", (Bar("", "bound", 100, "bound"), Bar("", "ours & all", 80, "ours", "ratio .80")))
    reports = {"ingest": report("ingest", SLOW, SHOWN, charts=(chart,)), "api": report("api", FAST)}
    told = page.write(tmp_path, reports, TITLES).read_text(encoding="utf-8")
    assert told.index("## API") < told.index("## Ingest")
    assert "1 of 2 promises are kept." in told
    assert "**MISS** ingest: pictures, ratio 0.800 (promised ratio ≥ 0.9)." in told
    assert "| words \\| filter, p50 | 2.00 ms | 1.00 ms (engine) | 2.00 | ≤ 3 ms | ok |" in told
    assert "| pictures | 80.0 /s | 100 /s (decoder + network) | 0.800 | ratio ≥ 0.9 | **MISS** |" in told
    assert "| peak | 1,230 MB |  |  |  |  |" in told
    assert "`python -m benchmarks api` · 2025-01-02 · 2 cores, a CPU" in told
    assert "(pictures/ingest.svg)" in told
    drawn = (tmp_path / "pictures" / "ingest.svg").read_text(encoding="utf-8")
    widths = [float(one.attrib["width"]) for one in ElementTree.fromstring(drawn).iter() if one.tag.endswith("rect")]
    assert widths[1] == pytest.approx(widths[0] * 0.8)
    assert "prefers-color-scheme: dark" in drawn


def test_figures_have_three_digits_and_no_exponent() -> None:
    """Small, large and none."""
    assert [figure(one) for one in (0.000123456, 0.998, 1.0, 45.67, 123.4, 1234567, 0, -9.87)] == [
        *("0.000123", "0.998", "1.00", "45.7", "123", "1,230,000", "0", "-9.87")
    ]
    assert "NaN" not in svg(Chart("empty", "Nothing", "ms", ()))


def test_a_partial_run_renews_its_own_part_and_a_failure_keeps_the_figures_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One benchmark breaks, one is stopped, the next still runs; the exit status tells."""
    results.save(tmp_path / "benchmarks.json", {"api": report("api", FAST), "start": report("start", SHOWN)})

    class Toy:
        TITLE, ABOUT = "Toy", "Nothing."

        def __init__(self, outcome: Found | BaseException | None = None) -> None:
            self.outcome = outcome

        def measure(self, bench: Bench) -> Found:
            if isinstance(self.outcome, BaseException):
                raise self.outcome
            assert self.outcome is not None, "this benchmark was not asked for"
            return self.outcome

    toys = {"api": Toy(OSError("no | room")), "memory": Toy(KeyboardInterrupt()), "ingest": Toy(Found(results=[SLOW]))}
    monkeypatch.setattr(runner, "_module", lambda name: toys.get(name, Toy()))
    assert runner.main(["ingest", "api", "memory", "--out", str(tmp_path)]) == 1
    kept = results.load(tmp_path / "benchmarks.json")
    assert kept["start"] == report("start", SHOWN)
    assert (kept["api"].results, kept["api"].date, kept["api"].error) == ((FAST,), "2025-01-02", "OSError: no | room")
    assert (kept["memory"].results, kept["memory"].error) == ((), "stopped by Ctrl-C")
    assert kept["ingest"].results == (SLOW,)
    assert "The figures are of the run before" in (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "**MISS** ingest" in capsys.readouterr().out
    toys["ingest"] = Toy(Found(results=[FAST]))
    assert runner.main(["ingest", "--out", str(tmp_path)]) == 0
    (tmp_path / "benchmarks.json").write_text("[]", encoding="utf-8")
    assert runner.main(["ingest", "--out", str(tmp_path)]) == 2
