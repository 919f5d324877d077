"""A shop's nightly run: what it prunes and what it never does, what it would do, and its dead letters."""

import contextlib
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from test_cli import Done, Shop, going

from ingest.prune import PruneRule
from ingest.run import Run, Start
from lookalike import bootstrap
from lookalike.cli import main
from lookalike.domain.commands import TRUNCATED, RowFailure
from lookalike.domain.product import parse_product
from lookalike.engines.embedded import open_embedded
from lookalike.runners.ledger import Ledger
from lookalike.services.changes import Change
from lookalike.settings import load
from lookalike.testing.fakes import TOY_RECIPE, ToySeer


class Here(Shop):
    """The same shop, its commands run in this process: there are many."""

    capture: pytest.CaptureFixture[str]

    def run(self, *words: object, **_: Any) -> Done:
        status = 0
        try:
            main(list(map(str, words)))
        except SystemExit as left:
            status = int(left.code or 0)
        done = Done(status, *self.capture.readouterr())
        assert "Traceback" not in done.err, done.err
        return done


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    monkeypatch.setattr(bootstrap, "_seeing", lambda _: (TOY_RECIPE, ToySeer))
    monkeypatch.chdir(tmp_path)
    made = Here(tmp_path)
    made.capture = capsys
    return made


def products(shop: Shop) -> dict[str, Any]:
    engine = open_embedded(str(shop.index), read_only=True)
    with contextlib.closing(engine):
        return {one.id: one for one in engine.documents()}


def ids(shop: Shop) -> set[str]:
    return set(products(shop))


def nightly(shop: Shop, rows: list[Any], *words: str) -> Done:
    shop.write("shop.jsonl", rows)
    return shop.fill("--prune", *words)


def test_what_the_source_no_longer_has_is_removed(shop: Here) -> None:
    """And nothing else: neither what another catalogue has as well, nor what came over no catalogue at all."""
    other = shop.write("other.jsonl", [shop.rows[0], {"id": "other", "title": "Other"}])
    assert shop.run("index", other, "--index", shop.index).status == 0
    assert shop.fill().status == 0
    done = nightly(shop, shop.rows[5:])
    assert (done.status, done.json["counts"]["removed"], done.json["counts"]["unchanged"]) == (0, 4, 35), done
    assert ids(shop) == {"other", shop.rows[0]["id"]} | {row["id"] for row in shop.rows[5:]}
    assert nightly(shop, shop.rows[5:]).json["counts"]["removed"] == 0
    done = shop.run("index", shop.write("other.jsonl", [{"id": "other"}]), "--index", shop.index, "--prune", "--json")
    assert done.json["counts"]["removed"] == 1, "the last catalogue that had it let it go"


def test_a_catalogue_may_have_a_name_that_outlives_its_file(shop: Here) -> None:
    """A feed that is called otherwise every day is one catalogue all the same."""
    for day, rows in enumerate((shop.rows[:6], shop.rows[2:6])):
        done = shop.run("index", shop.write(f"feed-{day}.jsonl", rows), "--index", shop.index, "--scope", "feed", "--prune", "--json")
    assert done.json["counts"]["removed"] == 2
    assert ids(shop) == {row["id"] for row in shop.rows[2:6]}


def test_a_reading_that_proves_nothing_prunes_nothing(shop: Here) -> None:
    """Empty, cut off, too much gone, rows that nobody can name: each says so, and ends with a status that wakes somebody."""
    assert shop.fill().status == 0
    everything = ids(shop)
    for rows, words, wanted in (
        ([], (), "no product"),
        (shop.rows[30:], (), "75%"),
        ([*shop.rows[10:], '{"id": "cut off'], (), "nobody knows which"),
    ):
        done = nightly(shop, rows, *words)
        assert (done.status, done.json["counts"]["removed"]) == (1, 0)
        assert wanted in done.json["prune_refused"]
        assert wanted in done.err
        assert ids(shop) == everything
    assert nightly(shop, shop.rows, "--limit", "5").status == 2
    done = nightly(shop, [*shop.rows[30:], '{"id": "cut off'], "--force")
    assert (done.json["counts"]["removed"], len(ids(shop))) == (30, 10)
    assert nightly(shop, shop.rows[36:], "--prune-share", "0.7").json["counts"]["removed"] == 6


def test_a_row_that_is_wrong_keeps_its_product(shop: Here) -> None:
    """The source still has it, whatever it says of it; whatever its id is written in."""
    shop.rows[0]["id"] = "Käthe/1"
    assert nightly(shop, shop.rows).status == 0
    done = nightly(shop, [shop.rows[0] | {"price": "a lot"}, *shop.rows[2:]])
    assert (done.status, done.json["counts"]["removed"]) == (1, 1)
    assert "Käthe/1" in ids(shop)


def test_a_kill_between_reading_and_pruning_forgets_no_product(shop: Here) -> None:
    """What a killed run brought, and the source dropped before the next one, is removed by that."""
    rows = [row | {"id": f"{row['id']}-{n}"} for n in range(10) for row in shop.rows]
    shop.write("shop.jsonl", rows)
    process = shop.start("index", shop.source, "--index", shop.index, TOY_RECIPE="toy", TOY_SLOW="0.02")
    going(shop, process)
    process.kill()
    process.communicate()
    brought = products(shop)
    assert 0 < len(brought) < 400
    keep = [row for row in rows if row["id"] not in brought][:5]
    shop.write("shop.jsonl", keep)
    done = shop.start("index", shop.source, "--index", shop.index, "--prune", "--force", TOY_RECIPE="toy")
    assert done.communicate()[1].count("was killed after row") == 1
    assert ids(shop) == {row["id"] for row in keep}
    assert [one.state for one in Ledger(shop.index).latest()] == ["done", "killed"]


def test_a_dry_run_says_what_would_happen_and_leaves_no_trace(shop: Here) -> None:
    """Add, change, unchanged, remove and fail, each with its reason; then the run does just that."""
    assert shop.fill().status == 0
    rows = [
        row | {"price": 1.5, "attributes": row["attributes"] | {"season": "autumn"}} if place == 3 else row
        for place, row in enumerate(shop.rows[2:])
    ]
    rows += [{"id": "new", "title": "New"}, {"id": "bad", "price": "a lot"}, {"id": "gone", "pictures": ["gone.jpg"]}]
    rows += [{"id": "web", "pictures": ["http://127.0.0.1:9/x.jpg"]}]
    shop.write("shop.jsonl", rows)
    before = {path: path.stat().st_mtime_ns for path in shop.index.rglob("*") if path.is_file()}
    dry = shop.fill("--prune", "--dry-run")
    assert {path: path.stat().st_mtime_ns for path in shop.index.rglob("*") if path.is_file()} == before
    assert (dry.status, dry.json["run"], dry.json["dry_run"]) == (1, None, True)
    assert dry.json["would"] == {"add": 3, "change": 1, "unchanged": 37, "remove": 2, "fail": 2}
    told = {one["id"]: (one["what"], one["reason"]) for one in dry.json["changes"]}
    assert told[rows[3]["id"]] == ("change", "price, attributes.season")
    assert told["new"] == ("add", "new")
    assert told[shop.rows[0]["id"]] == ("remove", "the source no longer has it")
    assert {one["id"]: one["reason"] for one in dry.json["failures"]} == {"bad": "invalid", "gone": "picture_unavailable"}
    assert "3 would be added" in shop.run("index", shop.source, "--index", shop.index, "--dry-run").out
    done = shop.fill("--prune").json["counts"]
    assert (done["indexed"], done["unchanged"], done["removed"]) == (4, 37, 2)
    again = shop.fill("--prune", "--dry-run").json
    assert again["would"] == {"add": 0, "change": 0, "unchanged": 41, "remove": 0, "fail": 3}, "the web is left alone, and remembered"
    fresh = shop.run("index", shop.source, "--index", shop.folder / "fresh", "--dry-run", "--json")
    assert fresh.json["would"]["add"] == 41
    assert not (shop.folder / "fresh").exists()


def test_dead_letters_are_replayed_and_keep_what_still_fails(shop: Here) -> None:
    """A picture that came later, a row that was mended in the file; the rest waits on, as often as it takes."""
    rows = [
        *({"id": "late", "title": "Late", "price": 5, "pictures": ["late.jpg"]}, {"id": "never", "pictures": ["never.jpg"]}),
        *({"id": "dear", "price": "a lot", "pictures": ["late.jpg"]}, "{not json"),
    ]
    shop.write("shop.jsonl", rows)
    first = shop.fill()
    letters = Path(first.json["dead_letters"])
    told = [json.loads(line) for line in letters.read_text(encoding="utf-8").splitlines()]
    assert [(one["row"], one["id"], one["reason"]) for one in sorted(told, key=lambda one: one["row"])] == [
        *((1, "late", "picture_unavailable"), (2, "never", "picture_unavailable"), (3, "dear", "invalid"), (4, None, "not_json"))
    ]
    assert next(one for one in told if one["row"] == 4)["content"].strip() == "{not json"
    shop.write("changed.jsonl", [{"id": "late", "title": "Late", "price": 7, "pictures": ["late.jpg"]}])
    shop.run("index", "changed.jsonl", "--index", shop.index)
    (shop.folder / "late.jpg").write_bytes(Path(shop.rows[0]["pictures"][0]).read_bytes())
    letters.write_text(letters.read_text(encoding="utf-8").replace("a lot", "19.90"), encoding="utf-8")

    replay = shop.run("index", "--replay", letters, "--index", shop.index, "--json")
    assert (replay.status, replay.json["counts"]) == (1, {"read": 4, "indexed": 3, "unchanged": 0, "removed": 0, "failed": 2})
    assert replay.json["dead_letters"] == str(letters)
    left = [json.loads(line) for line in letters.read_text(encoding="utf-8").splitlines()]
    assert {one["row"] for one in left} == {2, 4}
    found = products(shop)
    assert (found["late"].product.price, len(found["late"].seen)) == (7, 1), "only the picture was wanting: what changed since stays"
    assert (found["dear"].product.price, len(found["dear"].seen)) == (19.9, 1)

    (shop.folder / "never.jpg").write_bytes(Path(shop.rows[1]["pictures"][0]).read_bytes())
    again = shop.run("index", "--replay", letters, "--index", shop.index, "--json")
    assert again.json["counts"]["failed"] == 1
    letters.write_text("", encoding="utf-8")
    assert shop.run("index", "--replay", letters, "--index", shop.index).status == 0
    shop.write("shop.jsonl", [rows[0], rows[1], rows[2] | {"price": 19.9}])
    assert nightly(shop, [rows[0], rows[1]]).json["counts"]["removed"] == 1, "what was replayed belongs to its catalogue"


def test_letters_that_a_later_run_has_tried_again_are_refused(shop: Here) -> None:
    """Their products may have changed since; the later run has letters of its own."""
    shop.write("shop.jsonl", [{"id": "a", "pictures": ["gone.jpg"]}])
    letters = shop.fill().json["dead_letters"]
    shop.fill()
    done = shop.run("index", "--replay", letters, "--index", shop.index)
    assert done.status == 2
    assert "since" in done.err
    assert shop.run("index", "--replay", letters, "--index", shop.index, "--force").status == 1


def test_a_source_that_breaks_off_is_told_and_prunes_nothing(shop: Here) -> None:
    """An archive whose upload was cut."""
    whole = gzip.compress("".join(json.dumps(row) + "\n" for row in shop.rows).encode())
    (shop.folder / "shop.jsonl.gz").write_bytes(whole)
    source = shop.folder / "shop.jsonl.gz"
    assert shop.run("index", source, "--index", shop.index, "--prune").status == 0
    source.write_bytes(whole[: len(whole) * 3 // 4])
    for words in ((), ("--force",)):
        done = shop.run("index", source, "--index", shop.index, "--prune", "--json", *words)
        assert done.status in (1, 2)
        assert (done.json["counts"]["removed"], len(ids(shop))) == (0, 40)
        assert done.json.get("error") or done.json["prune_refused"]


def test_a_source_that_says_it_is_truncated_prunes_nothing(shop: Here) -> None:
    """Not even by force: what comes after is not known."""
    assert shop.fill().status == 0
    rows = [parse_product(row) for row in shop.rows[:39]]
    for force in (False, True):
        with bootstrap.build(load(index=str(shop.index))) as house:
            run = Run(Start("index", "shop", str(shop.source)), house.indexer, house.ledger, house.folder)
            changes = [Change(place, "put", one.id, one) for place, one in enumerate(rows, 1)]
            with run.recorded():
                run.go([*changes, RowFailure(40, None, TRUNCATED, "The file is read up to here.")])
                run.prune(PruneRule(wanted=True, force=force), house.engine, changed=False)
        assert run.counts["removed"] == 0
        assert "not read to its end" in (run.prune_refused or "")
    assert len(ids(shop)) == 40


def test_a_damaged_ledger_is_put_aside_and_costs_nothing_indexed(shop: Here) -> None:
    """The next run begins a new one; what is unchanged is still known, for the index itself knows it."""
    shop.fill()
    ledger = shop.index / "runs" / "ledger.sqlite"
    ledger.write_bytes(b"no database" * 500)
    assert shop.run("index", "--runs", "--index", shop.index, "--json").json == {"runs": []}
    done = nightly(shop, shop.rows[:39])
    assert (done.status, done.json["counts"]["unchanged"], done.json["counts"]["removed"]) == (0, 39, 0)
    assert len(ids(shop)) == 40
    assert list(ledger.parent.glob("damaged-*.sqlite"))
    assert len(shop.run("index", "--runs", "--index", shop.index, "--json").json["runs"]) == 1


@pytest.mark.parametrize(
    "words",
    [["--runs", "shop.jsonl"], [], ["--replay", "x", "--prune"], ["--replay", "nowhere.jsonl"], ["shop.jsonl", "--prune-share", "2"]],
)
def test_wrong_use_is_told(shop: Shop, words: list[str]) -> None:
    """What does not go together, and what is not there."""
    assert shop.run("index", *words, "--index", shop.index).status == 2
