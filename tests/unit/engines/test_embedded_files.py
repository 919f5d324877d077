"""The folder of an embedded index: kills, damage, other processes, other versions."""

import contextlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from lookalike.domain.filters import Exists, Match
from lookalike.domain.query import EngineQuery
from lookalike.engines.embedded import open_embedded
from lookalike.errors import (
    IndexDamaged,
    IndexLocked,
    IndexNotFound,
    IndexProblem,
    IndexTooNew,
    InvalidSetting,
    RecipeMismatch,
    StorageFull,
    Unavailable,
)
from lookalike.ports.engine import Write
from lookalike.testing.documents import OTHER_RECIPE, RECIPE, make_documents
from lookalike.testing.engine_cases import ids, worded

DOCUMENTS = make_documents(5, 150)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed index of 150 products."""
    place = tmp_path / "shop.lookalike"
    engine = open_embedded(str(place))
    engine.prepare(RECIPE)
    engine.put([Write(one) for one in DOCUMENTS])
    engine.close()
    return place


def test_nothing_acknowledged_is_lost_over_twenty_kills(tmp_path: Path) -> None:
    script = Path(__file__).with_name("kill_writers.py")
    command = [sys.executable, str(script), str(tmp_path / "shop.lookalike"), "22", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["lost"] == found["faults"] == []
    assert found["kills"] == 22
    assert found["acknowledged"] >= 10_000


def test_nothing_acknowledged_is_lost_where_rebuilds_are_killed(tmp_path: Path) -> None:
    script = Path(__file__).with_name("kill_rebuilders.py")
    command = [sys.executable, str(script), str(tmp_path / "shop.lookalike"), "12", "4"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["lost"] == found["faults"] == []
    assert found["kills"] == 12
    assert found["rebuilt"] >= 4
    assert found["acknowledged"] >= 5_000


def test_one_process_writes_and_others_read(path: Path) -> None:
    writer = open_embedded(str(path))
    with pytest.raises(IndexLocked, match=str(os.getpid())):
        open_embedded(str(path))
    reader = open_embedded(str(path), read_only=True)
    assert not reader.status().writable
    writer.put([Write(worded("fresh", title="Zwölf", brand="New"))])
    writer.remove([DOCUMENTS[0].id, DOCUMENTS[1].id])
    writer.put([Write(DOCUMENTS[1])])
    assert ids(reader.search(EngineQuery(filter=Match("brand", ("New",))))) == ["fresh"]
    assert ids(reader.search(EngineQuery(words="zwolf", weights={"text": 1}))) == ["fresh"]
    assert reader.get([DOCUMENTS[0].id]) == [None]
    assert reader.search(EngineQuery()).total == writer.search(EngineQuery()).total == 150
    vector = next(one for one in DOCUMENTS[2:] if one.seen).seen[0].analysis.main.vector
    query = EngineQuery(vector=vector, weights={"picture": 1}, limit=1000)
    assert ids(reader.search(query)) == ids(writer.search(query))
    exported = reader.documents()
    first = next(exported)
    writer.remove([one.id for one in DOCUMENTS[2:40]])
    assert len([first, *exported]) == 150
    writer.put([Write(one) for one in DOCUMENTS[2:40]])
    with pytest.raises(IndexProblem):
        reader.put([Write(DOCUMENTS[0])])
    with writer.rebuild(OTHER_RECIPE) as target:
        target.put([Write(one) for one in make_documents(6, 20, recipe=OTHER_RECIPE)])
        assert reader.search(EngineQuery()).total == 150
        writer.put([Write(worded("late"))])
        assert reader.search(EngineQuery()).total == 151
        with pytest.raises(Unavailable), writer.rebuild(RECIPE):
            pass
    assert reader.search(EngineQuery()).total == 21
    assert reader.status().recipe == OTHER_RECIPE.id
    assert len(list(path.glob("*.sqlite"))) == 1
    reader.close()
    writer.close()


def test_a_reader_that_fell_behind_reads_everything_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.engines.embedded.store._KEPT_CHANGES", 10)
    writer, reader = open_embedded(str(path)), open_embedded(str(path), read_only=True)
    for start in range(0, 10_000, 500):
        writer.put([Write(worded(f"n{number % 700}", price=number)) for number in range(start, start + 500)])
    assert reader.search(EngineQuery(filter=Exists("price"))).total == writer.search(EngineQuery(filter=Exists("price"))).total
    reader.close()
    writer.close()


def test_places_without_an_index(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFound, match="lookalike index"):
        open_embedded(str(tmp_path / "none"), read_only=True)
    assert not (tmp_path / "none").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(IndexProblem, match="nothing of yours"):
        open_embedded(str(tmp_path / "mine"))
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(IndexProblem, match="is a file"):
        open_embedded(str(tmp_path / "file"))
    with pytest.raises(InvalidSetting, match="exact_below"):
        open_embedded(str(tmp_path / "new"), settings={"exact": "1"})
    with pytest.raises(InvalidSetting, match="whole number"):
        open_embedded(str(tmp_path / "new"), settings={"exact_below": "many"})


def test_other_recipes_and_versions(path: Path) -> None:
    engine = open_embedded(str(path))
    with pytest.raises(RecipeMismatch):
        engine.prepare(OTHER_RECIPE)
    engine.close()
    meta = json.loads((path / "meta.json").read_text())
    (path / "meta.json").write_text(json.dumps(meta | {"format": 2}))
    with pytest.raises(IndexTooNew, match="Update"):
        open_embedded(str(path))


@pytest.mark.parametrize("harm", ["half", "nothing", "gone", "meta gone", "meta flipped", "rows missing"])
def test_damage_is_noticed_when_it_opens(path: Path, harm: str) -> None:
    file = path / "index-000001.sqlite"
    if harm == "half":
        os.truncate(file, file.stat().st_size // 2)
    elif harm == "nothing":
        os.truncate(file, 0)
    elif harm == "gone":
        file.unlink()
    elif harm == "meta flipped":
        (path / "meta.json").write_bytes(b"\xff" + (path / "meta.json").read_bytes())
    elif harm == "meta gone":
        (path / "meta.json").unlink()
        file.rename(path / "index-000004.sqlite")
    else:
        with contextlib.closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("DELETE FROM documents WHERE slot = 7")
    for read_only in (True, False):
        with pytest.raises(IndexProblem, match=r"\w+ \w+ \w+ \w+"):
            open_embedded(str(path), read_only=read_only)


@pytest.mark.parametrize("part", ["documents", "texts_data"])
def test_damage_under_an_open_index_is_told_by_its_status(path: Path, part: str) -> None:
    """Whether a search has met it or not; put right, the index is well again. One damaged product of many is no reason to send
    nobody there."""
    file = path / "index-000001.sqlite"
    whole = file.read_bytes()
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        wanted = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'"
        pages, size = [page for (page,) in connection.execute(wanted, (part,))], connection.execute("PRAGMA page_size").fetchone()[0]
    for read_only in (True, False):
        engine = open_embedded(str(path), read_only=read_only)
        assert engine.status().ready
        with file.open("r+b") as harmed:
            for page in pages:
                harmed.seek((page - 1) * size)
                harmed.write(b"\xff" * size)
        engine._store.database.renew()  # type: ignore[attr-defined]  # as in a larger index, of which little is remembered
        # a look by chance may be at a product without words
        status = next(one for one in (engine.status() for _ in range(50)) if not one.ready)
        assert ("damaged" in status.message, status.documents) == (True, 150)
        with pytest.raises(IndexDamaged):
            engine.search(EngineQuery(words="lamp shoe mug red", weights={"text": 1.0}))
        assert not engine.status().ready
        file.write_bytes(whole)
        assert engine.status().ready
        engine.close()
    engine = open_embedded(str(path))
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE documents SET digest = 'another' WHERE slot = 7")
    with pytest.raises(IndexDamaged):
        engine.get([one.id for one in DOCUMENTS])
    assert sum(engine.status().ready for _ in range(20)) >= 10
    engine.close()


def test_a_lost_meta_file_is_written_again(path: Path) -> None:
    (path / "meta.json").unlink()
    engine = open_embedded(str(path))
    assert engine.status().documents == 150
    engine.close()
    assert json.loads((path / "meta.json").read_text())["recipe"] == RECIPE.id


def test_a_creation_that_was_cut_off_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "index-000001.sqlite").write_bytes(b"")
    engine = open_embedded(str(tmp_path))
    assert engine.status().documents == 0
    engine.close()


def test_a_changed_row_is_noticed(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path / "index-000001.sqlite")) as connection, connection:
        changed = "UPDATE documents SET body = CAST(replace(CAST(body AS TEXT), 'Blue', 'Bleu') AS BLOB)"
        connection.execute(f"{changed} WHERE CAST(body AS TEXT) LIKE '%Blue%'")
    engine = open_embedded(str(path))
    with pytest.raises(IndexDamaged):
        list(engine.documents())
    assert engine.check()
    engine.close()


@pytest.mark.parametrize("seed", range(25))
def test_flipped_bytes_end_in_a_sentence_or_harm_nothing(path: Path, seed: int) -> None:
    rng = random.Random(seed)
    before = list(_opened(path))
    for file in path.iterdir():
        data = bytearray(file.read_bytes())
        for _ in range(rng.choice([1, 5, 40]) * bool(data) * (file.suffix == ".sqlite")):
            data[rng.randrange(len(data))] ^= 0xFF
        file.write_bytes(data)
    try:
        noticed, after = _use(path)
    except IndexProblem as error:
        noticed, after = [str(error)], []
    assert noticed or after == before
    assert all(len(told.split()) > 4 for told in noticed)


def _use(path: Path) -> tuple[list[str], list[object]]:
    engine = open_embedded(str(path))
    with contextlib.closing(engine):
        engine.search(EngineQuery(words="red shoes", weights={"text": 1}))
        return engine.check(), list(engine.documents())


def _opened(path: Path) -> list[object]:
    engine = open_embedded(str(path), read_only=True)
    found: list[object] = list(engine.documents())
    engine.close()
    return found


def test_a_full_disk_loses_nothing(path: Path) -> None:
    engine = open_embedded(str(path))
    pages = engine._store.database.writer.execute("PRAGMA page_count").fetchone()[0]  # type: ignore[attr-defined]
    engine._store.database.writer.execute(f"PRAGMA max_page_count = {pages + 1}")  # type: ignore[attr-defined]
    with pytest.raises(StorageFull, match="room"):
        engine.put([Write(worded(f"n{number}", description="x" * 50_000)) for number in range(10)])
    assert engine.search(EngineQuery()).total == 150
    engine._store.database.writer.execute(f"PRAGMA max_page_count = {pages + 1000}")  # type: ignore[attr-defined]
    engine.put([Write(worded("after"))])
    assert engine.search(EngineQuery()).total == 151
    assert engine.check() == []
    engine.close()
    shutil.rmtree(path)


@pytest.mark.parametrize("count", [20, 700])
def test_a_commit_that_fails_changes_nothing(path: Path, count: int) -> None:
    """Many rows are told to the state while they are committed; where that fails, the state must forget them."""
    engine = open_embedded(str(path))
    known = {one.id: one.version for one in engine.documents()}
    some = sorted(known)[:5]
    documents = [worded(name, title="red shoes") for name in (*some, *(f"n{number}" for number in range(count)))]
    writer = engine._store.database.writer  # type: ignore[attr-defined]
    writer.set_authorizer(lambda action, what, *_: sqlite3.SQLITE_DENY if (action, what) == (sqlite3.SQLITE_TRANSACTION, "COMMIT") else 0)
    with pytest.raises(IndexProblem):
        engine.put([Write(one) for one in documents])
    writer.set_authorizer(None)
    assert engine.search(EngineQuery()).total == len(known)
    assert {one.id: one.version for one in engine.documents()} == known
    written = engine.put([Write(one, if_version=known.get(one.id, 0)) for one in documents])
    assert not any(one.conflict for one in written)
    found = engine.search(EngineQuery(words="red shoes", weights={"text": 1}))
    engine.close()
    engine = open_embedded(str(path), read_only=True)
    assert engine.search(EngineQuery(words="red shoes", weights={"text": 1})).total == found.total
    assert engine.search(EngineQuery()).total == len(known) + count
    assert engine.check() == []
    engine.close()


def test_dead_vectors_are_dropped(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.engines.embedded.state._DEAD_ROWS", 20)
    engine = open_embedded(str(path))
    for seed in range(4):
        fresh = make_documents(50 + seed, 150, plain=True)
        engine.put([Write(one) for one in fresh])
    vector = fresh[3].seen[0].analysis.main.vector
    details = engine.status().details or {}
    assert details["dead_rows"] <= details["rows"] / 2 + 20
    assert ids(engine.search(EngineQuery(vector=vector, weights={"picture": 1}, limit=1))) == [fresh[3].id]
    engine.close()
