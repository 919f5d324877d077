"""The command line, as a shop's scripts use it: one JSON document, exit statuses, a sentence for every error."""

import base64
import contextlib
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lookalike.cli import main
from lookalike.runners.ledger import Ledger

SAMPLE = Path(__file__).parents[2] / "lookalike" / "sample_shop"
TOY = str(Path(__file__).with_name("toy_cli.py"))


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Shop:
    """A folder with a catalogue of forty products of the sample, and the commands on it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.index = folder, folder / "shop.lookalike"
        rows = [json.loads(line) for line in (SAMPLE / "products.jsonl").read_text(encoding="utf-8").splitlines()[:40]]
        self.rows = [row | {"pictures": [str(SAMPLE / one) for one in row["pictures"][:1]]} for row in rows]
        self.source = self.write("shop.jsonl", self.rows)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("LOOKALIKE_")}

    def write(self, name: str, rows: list[Any]) -> Path:
        path = self.folder / name
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8")
        return path

    def start(self, *words: object, before: Any = None, **environment: str) -> "subprocess.Popen[str]":
        line = [sys.executable, TOY, *map(str, words)]
        told = {**self.environment, **environment}
        return subprocess.Popen(
            line,
            env=told,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,  # noqa: PLW1509 — no threads here
        )

    def run(self, *words: object, before: Any = None, **environment: str) -> Done:
        process = self.start(*words, before=before, **environment)
        out, err = process.communicate(timeout=100)
        done = Done(process.returncode, out, err)
        assert "Traceback" not in done.err, done.err
        assert done.status in (0, 1, 2, 3), done.err
        return done

    def fill(self, *words: object, **more: Any) -> Done:
        return self.run("index", self.source, "--index", self.index, "--json", *words, **more)

    def export(self, index: Path | None = None) -> str:
        done = self.run("index-admin", "export", "--index", index or self.index)
        assert done.status == 0, done.err
        return done.out


def going(shop: Shop, process: "subprocess.Popen[str]") -> None:
    """Returns once a run has written its first products, or has ended."""
    ledger = Ledger(shop.index)
    while not any(one.counts["indexed"] for one in ledger.latest(1)):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.01)
            break
    ledger.close()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def counts(done: Done) -> dict[str, int]:
    return {name: number for name, number in done.json["counts"].items() if number}


def test_the_main_road(shop: Shop) -> None:
    """Index, index again, search by picture and words, look after the index, move it, measure it."""
    first = shop.fill()
    assert (first.status, counts(first)) == (0, {"read": 40, "indexed": 40})
    assert first.json.keys() == {"run", "state", "counts", "seconds", "failures", "dead_letters"}
    assert (first.json["failures"], first.json["dead_letters"]) == ([], None)
    again = shop.fill("--resume")
    assert (again.status, counts(again)) == (0, {"read": 40, "unchanged": 40})

    hits = shop.run("search", "--index", shop.index, "--picture", shop.rows[7]["pictures"][0], "--limit", "3", "--json")
    assert hits.json["hits"][0]["id"] == shop.rows[7]["id"]
    assert len(hits.json["hits"]) == 3
    words = shop.run("search", "--index", shop.index, "--text", "mug", "--filter", '{"price": {"lt": 20}}', "--json").json["hits"]
    assert words
    assert all(hit["product"]["price"] < 20 for hit in words)
    assert "of" in shop.run("search", "--index", shop.index, "--text", "mug").out

    status = shop.run("index-admin", "status", "--index", shop.index, "--json").json
    assert (status["documents"], status["ready"]) == (40, True)
    assert shop.run("index-admin", "check", "--index", shop.index).status == 0
    doctor = shop.run("index-admin", "doctor", "--index", shop.index, "--json").json
    assert (doctor["documents"], doctor["faults"]) == (40, [])

    exported = shop.export()
    lines = [json.loads(line) for line in exported.splitlines()]
    assert [line["id"] for line in lines] == sorted(row["id"] for row in shop.rows)
    assert len(base64.b64decode(lines[0]["vectors"]["objects"][0][0])) == 2 * 16
    (shop.folder / "moved.jsonl").write_text(exported, encoding="utf-8")
    other = shop.folder / "other.lookalike"
    assert shop.run("index-admin", "import", "moved.jsonl", "--index", other, "--json").json == {"imported": 40, "unchanged": 0}
    assert shop.export(other) == exported

    one = shop.rows[3]
    query = {"query": {"like": [{"product": one["id"]}]}, "relevant_if": {"category": one["category"]}, "exclude": [one["id"]]}
    told = shop.run("evaluate", shop.write("queries.jsonl", [query]), "--index", shop.index, "--json").json
    assert told["queries"] == 1
    assert 0 <= told["recall@10"] <= 1
    assert told["latency_ms"]["p50"] > 0


def test_bad_rows_are_listed_and_cost_only_themselves(shop: Shop) -> None:
    """Exit status 1; row, id, reason, message; all of it in the dead letters too; and so again the next time."""
    (shop.folder / "broken.jpg").write_bytes((SAMPLE / "products.jsonl").read_bytes()[:500])
    (shop.folder / "empty.jpg").write_bytes(b"")
    bad = [
        *(
            "{not json",
            {"title": "no id"},
            {"id": "p", "price": "a lot"},
            {"id": "b", "title": "Broken mug", "pictures": ["broken.jpg", "empty.jpg"]},
        ),
        *({"id": "n", "pictures": ["nowhere.jpg"]}, {"id": "l", "pictures": ["http://127.0.0.1:9/x.jpg"]}),
    ]
    shop.source = shop.write("shop.jsonl", [*shop.rows[:3], *bad, *shop.rows[3:5]])
    for expected in ({"read": 11, "indexed": 8, "failed": 6}, {"read": 11, "unchanged": 8, "failed": 6}):
        done = shop.fill()
        assert (done.status, counts(done)) == (1, expected)
        told = done.json["failures"]
        assert [(one["row"], one["id"], one["reason"]) for one in told] == [
            *((4, None, "not_json"), (5, None, "invalid"), (6, "p", "invalid")),
            *((7, "b", "picture_unreadable"), (8, "n", "picture_unavailable"), (9, "l", "picture_unavailable")),
        ]
        assert all(one["message"] for one in told)
        letters = [json.loads(line) for line in Path(done.json["dead_letters"]).read_text(encoding="utf-8").splitlines()]
        assert sorted(one["row"] for one in letters) == [4, 5, 6, 7, 8, 9]
        assert next(one for one in letters if one["row"] == 7)["product"]["title"] == "Broken mug"
    assert [hit["id"] for hit in shop.run("search", "--index", shop.index, "--text", "broken", "--json").json["hits"]] == ["b"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        *((["index", "nowhere.csv"], "nothing"), (["index", "shop.jsonl", "--as", "json"], "Did you mean 'jsonl'"), (["index", "."], "id")),
        *(
            (["index", "shop.jsonl", "--map", "title"], "FIELD=COLUMN"),
            (["index", "shop.jsonl", "--index", "memroy:"], "Did you mean 'memory'"),
        ),
        *(
            (["search", "--filter", "{"], "JSON"),
            (["search", "--text", "x", "--limit", "0"], "limit"),
            (["search", "--text", "x"], "no index"),
        ),
        *(
            (["search", "--filter", '{"price": {"near": 5}}'], "filter.price"),
            (["serach"], "Did you mean 'search'"),
            (["config", "--port"], ""),
        ),
        *((["index-admin", "export", "--index", "nowhere"], "no index"), (["evaluate", "nowhere.jsonl"], "nowhere"), (["index"], "")),
    ],
)
def test_wrong_use_is_told_in_a_sentence(
    shop: Shop, words: list[str], wanted: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, standard error, no traceback; with --json a document that says so."""
    if words == ["index", "."]:
        (shop.folder / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
        words = ["index", "x.csv"]
    monkeypatch.chdir(shop.folder)

    def run(*words: str) -> Done:
        with pytest.raises(SystemExit) as left:
            main(list(words))
        return Done(int(left.value.code or 0), *capsys.readouterr())

    done = run(*words)
    assert (done.status, done.out) == (2, ""), done
    assert wanted.casefold() in done.err.casefold()
    assert "Traceback" not in done.err
    if wanted and words[0] in ("index", "search"):
        told = run(*words, "--json")
        assert told.status == 2
        assert wanted.casefold() in told.json["error"]["message"].casefold()


def test_kill_at_any_moment_and_go_on(shop: Shop) -> None:
    """What was done stays, nothing is damaged, and the end is as if nothing had happened."""
    whole = shop.folder / "whole.lookalike"
    assert shop.run("index", shop.source, "--index", whole).status == 0
    kills = 0
    for pause in (0.3, 0.6, 0.9, 1.2, 1.5, 1.8):
        process = shop.start("index", shop.source, "--index", shop.index, "--json", "--resume", TOY_SLOW="0.05")
        time.sleep(pause)
        kills += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert kills >= 3
    end = shop.fill("--resume")
    assert end.status == 0
    assert end.json["counts"]["indexed"] + end.json["counts"]["unchanged"] == 40
    assert shop.export() == shop.export(whole)
    assert counts(shop.fill()) == {"read": 40, "unchanged": 40}


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_cleanly(shop: Shop, sent: signal.Signals, status: int) -> None:
    """The shell's status for it, the report of what is done, an entry in the ledger, and the way on."""
    shop.source = shop.write("shop.jsonl", [row | {"id": f"{row['id']}-{n}"} for n in range(10) for row in shop.rows])
    process = shop.start("index", shop.source, "--index", shop.index, "--json", TOY_SLOW="0.02")
    going(shop, process)
    process.send_signal(sent)
    out, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    assert "Traceback" not in err
    assert "goes on from there" in err
    done = json.loads(out)["counts"]["indexed"]
    assert 0 < done < 400
    assert json.loads(out)["state"] == "cancelled"
    told = shop.run("index", "--runs", "--index", shop.index, "--json").json["runs"][0]
    assert (told["state"], told["position"], told["counts"]["indexed"]) == ("cancelled", done, done)
    going_on = shop.fill()
    assert going_on.json["counts"]["unchanged"] == done, "all that was written, and nothing else"
    assert f"was cancelled after row {done}" in going_on.err


def test_a_packed_export_moves_an_index(shop: Shop) -> None:
    """By its name, through a pipe, gzipped; a damaged file says so, and the next try passes over what is there."""
    shop.fill()
    other, third = shop.folder / "other.lookalike", shop.folder / "third.lookalike"
    assert shop.run("index-admin", "export", "--index", shop.index, "--output", "shop.lkx").status == 0
    content = (shop.folder / "shop.lkx").read_bytes()
    assert len(content) < len(shop.export()) / 2
    (shop.folder / "cut.lkx").write_bytes(content[:-100])
    cut = shop.run("index-admin", "import", "cut.lkx", "--index", other)
    assert (cut.status, "cut off" in cut.err) == (2, True)
    (shop.folder / "shop.lkx.gz").write_bytes(gzip.compress(content))
    again = shop.run("index-admin", "import", "shop.lkx.gz", "--index", other, "--json").json
    assert sum(again.values()) == 40
    assert shop.export(other) == shop.export()
    command = f"{sys.executable} {TOY} index-admin"
    line = f"{command} export --as packed --index {other} | {command} import - --index {third}"
    assert subprocess.run(line, shell=True, env=shop.environment, cwd=shop.folder, check=False, timeout=100).returncode == 0
    assert shop.export(third) == shop.export()
    refused = shop.run("index-admin", "import", "shop.lkx", "--index", shop.folder / "fourth", TOY_RECIPE="other")
    assert (refused.status, "LOOKALIKE_RECIPE=" in refused.err) == (2, True)
    (shop.folder / "cut.jsonl.gz").write_bytes(gzip.compress(shop.export().encode())[:-40])
    half = shop.run("index-admin", "import", "cut.jsonl.gz", "--index", shop.folder / "fifth")
    assert (half.status, "fetch it again" in half.err) == (2, True)
    assert not list(shop.folder.glob("*.part"))


def test_amazons_data_is_read_with_its_dirt(shop: Shop) -> None:
    """Rows that are lost and fields that are lost are listed, what is only odd is counted, everything else is found."""
    fixture = Path(__file__).parents[1] / "data" / "amazon" / "meta_2014.json"
    (shop.folder / "0000100102.jpg").write_bytes(Path(shop.rows[0]["pictures"][0]).read_bytes())
    shop.source = shop.folder / "meta_Shoes.json.gz"
    shop.source.write_bytes(gzip.compress(fixture.read_bytes()))
    done = shop.fill("--as", "amazon", "--pictures", shop.folder)
    assert done.status == 1, done.err
    failures = {(one["row"], one["reason"]) for one in done.json["failures"]}
    assert {(11, "not_literal"), (12, "not_utf8"), (15, "invalid"), (18, "bad_price")} < failures
    assert done.json["counts"]["read"] == 21
    assert done.json["notes"]["price_range"] == 1
    assert 2 not in {row for row, _ in failures}
    found = shop.run("search", "--index", shop.index, "--text", "rain boot", "--json").json["hits"][0]
    assert (found["id"], found["product"]["price"]) == ("0000100102", 24.0)


def test_a_full_disk_is_told_and_nothing_is_lost(shop: Shop) -> None:
    """Exit status 3; what was done is there, and with room again the same command finishes."""
    resource = pytest.importorskip("resource")

    def little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))

    rows = [row | {"id": f"{row['id']}-{n}", "description": "words " * 2000} for n in range(10) for row in shop.rows]
    shop.source = shop.write("shop.jsonl", rows)
    full = shop.fill(before=little_room)
    assert full.status == 3, full
    assert full.json["error"]["type"] == "StorageFull"
    assert len(full.err.split()) > 4
    done = full.json["counts"]["indexed"]
    found = shop.run("index-admin", "status", "--index", shop.index, "--json")
    assert found.status == 0, found.err
    assert found.json["documents"] >= done
    end = shop.fill()
    assert (end.status, end.json["counts"]["indexed"] + end.json["counts"]["unchanged"]) == (0, 400)
    assert shop.run("index-admin", "check", "--index", shop.index).status == 0


def test_a_second_writer_is_refused_and_readers_are_not(shop: Shop) -> None:
    """One process writes; whoever reads sees what is done."""
    shop.fill("--limit", "10")
    writer = shop.start("index", shop.source, "--index", shop.index, TOY_SLOW="0.5")
    time.sleep(2)
    try:
        assert writer.poll() is None
        second = shop.fill()
        assert (second.status, second.json["error"]["type"]) == (3, "IndexLocked")
        assert "write" in second.err
        assert shop.run("search", "--index", shop.index, "--text", "mug", "--json").status == 0
    finally:
        writer.kill()
        writer.communicate()


def test_an_index_of_another_recipe_or_of_tomorrow_is_refused(shop: Shop) -> None:
    """Neither written to nor compared with; words are still found; `rebuild` is the way."""
    shop.fill("--limit", "10")
    other = {"TOY_RECIPE": "other"}
    (shop.folder / "moved.jsonl").write_text(shop.export(), encoding="utf-8")
    for told, set_it in ((other, True), ({"TOY_NETWORK": "of next year"}, False)):
        for words in (
            ["index", shop.source, "--index", shop.index],
            ["search", "--index", shop.index, "--picture", shop.rows[0]["pictures"][0]],
            ["serve", "--index", shop.index, "--port", "0"],
            ["index-admin", "import", "moved.jsonl", "--index", shop.folder / "new.lookalike"],
        ):
            done = shop.run(*words, **told)
            assert done.status == 2, done
            assert "index-admin rebuild" in done.err
            assert ("Set LOOKALIKE_RECIPE=toy" in done.err) == set_it, "what is set already cannot be the remedy"
    assert shop.run("search", "--index", shop.index, "--text", "mug", "--json", **other).status == 0
    built = shop.run("index-admin", "rebuild", "--index", shop.index, "--json", **other)
    assert (built.status, built.json["counts"]["indexed"]) == (0, 10), built.err
    assert shop.run("search", "--index", shop.index, "--picture", shop.rows[0]["pictures"][0], **other).status == 0
    back = shop.run("index-admin", "rollback", "--index", shop.index, **other)
    assert back.status == 2
    assert "keeps no index to go back to" in back.err

    meta = next(file for file in shop.index.glob("*.json") if "format" in file.read_text(encoding="utf-8"))
    told = json.loads(meta.read_text(encoding="utf-8"))
    meta.write_text(json.dumps({name: value + 1000 if name == "format" else value for name, value in told.items()}), encoding="utf-8")
    for words in (["search", "--text", "mug"], ["index", shop.source], ["serve", "--port", "0"], ["index-admin", "status"]):
        newer = shop.run(*words, "--index", shop.index)
        assert newer.status == 2
        assert "newer version of Lookalike" in newer.err
        assert "Update Lookalike" in newer.err


def test_help_and_config_are_quick(shop: Shop) -> None:
    """Nothing heavy is imported to say what there is."""
    line = (
        "import sys\nfrom lookalike.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as left:\n    assert not left.code\n"
        "heavy = {'numpy', 'pydantic', 'onnxruntime', 'flask', 'faiss', 'cv2', 'PIL', 'aiohttp', 'rich'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    for name in ("index", "search", "serve", "demo", "evaluate", "models", "index-admin", "config"):
        assert f"  {name} " in done.stdout
    shown = shop.run("config", "--json", LOOKALIKE_PORT="9999", LOOKALIKE_WRITE_KEY="hunter2")
    assert "hunter2" not in shown.out
    assert {one["name"]: one["origin"] for one in shown.json}["port"] == "environment"
    bad = shop.run("config", LOOKALIKE_PORT="abc")
    assert bad.status == 2
    assert "LOOKALIKE_PORT" in bad.err
