"""`lookalike models`: import, pull, list, show, check, quantise and bench, as a user runs them, in this process."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.file_server import serving
from support.networks import classifier, pair

from lookalike.cli.main import main
from lookalike.vision.networks.canonical import pictures
from lookalike.vision.networks.card import as_json, read_card
from lookalike.vision.networks.zoo import CANONICAL, sha256_of

Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A command's exit status and its one JSON document, or its message."""
    monkeypatch.setenv("LOOKALIKE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("LOOKALIKE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> tuple[int, Any]:
        capsys.readouterr()
        try:
            main(["models", *map(str, words), "--json"])
        except SystemExit as left:
            status = int(left.code or 0)
        else:
            status = 0
        return status, json.loads(capsys.readouterr().out)

    return run


def card_file(folder: Path, name: str = "mine", **told: Any) -> Path:
    facts = {"name": name, "task": "embedding", "licence": "CC-BY-NC-4.0", "source": "a test", "dimension": 16, "input": {"size": [32, 32]}}
    path = folder / f"{name}.json"
    path.write_text(as_json(read_card({**facts, **told}, name)), encoding="utf-8")
    return path


def message(answer: Any) -> str:
    return str(answer["error"]["message"])


def test_a_network_of_ones_own_is_imported_listed_checked_and_measured(run: Run, tmp_path: Path) -> None:
    file = classifier(tmp_path / "n.onnx")
    card = card_file(tmp_path)
    status, told = run("import", file, "--card", card)
    assert status == 2
    assert f"--sha256 {sha256_of(file)}" in message(told)
    assert run("import", file, "--card", card, "--sha256", "0" * 64)[0] == 2
    status, told = run("import", file, "--card", card, "--sha256", sha256_of(file))
    assert (status, told["name"], told["commercial"]) == (0, "mine", False)
    rows = {one["name"]: one for one in run("list")[1]}
    assert rows["mine"]["installed"] is True
    assert rows["mine"]["warnings"] == ["not for business"]
    assert rows["mine"]["chosen_by"] == "LOOKALIKE_RECIPE=mine"
    assert rows["yolox-nano"]["installed"] is False
    assert rows["efficientnet-lite0"]["port"] == "embedder"
    assert run("show", "mine")[1]["card"]["files"]["network"]["sha256"] == sha256_of(file)
    assert run("check", "mine") == (0, {"name": "mine", "faults": []})
    status, told = run("bench", "mine", "--batches", "1,4", "--seconds", "0.05")
    assert [row["batch"] for row in told["rows"]] == [1, 4]
    assert all(row["pictures_per_second"] > 0 for row in told["rows"])
    assert told["device"] == "cpu"


def test_check_tells_a_file_and_answers_that_changed(run: Run, tmp_path: Path) -> None:
    file = classifier(tmp_path / "n.onnx")
    run("import", file, "--card", card_file(tmp_path), "--sha256", sha256_of(file))
    folder = tmp_path / "models" / "mine"
    with np.load(folder / CANONICAL) as told:
        other = dict(told)
    other["vectors"] = other["vectors"][::-1].copy()
    np.savez(folder / CANONICAL, **other)
    status, told = run("check", "mine")
    assert status == 1
    assert "cosine" in told["faults"][0]
    with (folder / "network.onnx").open("ab") as damaged:
        damaged.write(b"x")
    status, told = run("check", "mine")
    assert status == 2
    assert "is not the network of 'mine'" in message(told)


def test_what_does_not_run_does_not_stay(run: Run, tmp_path: Path) -> None:
    """And what is there stays what it is."""
    file, other = classifier(tmp_path / "n.onnx"), classifier(tmp_path / "o.onnx", seed=9)
    status, told = run("import", file, "--card", card_file(tmp_path, dimension=99), "--sha256", sha256_of(file))
    assert status == 2
    assert "gives vectors of 16, its card says 99" in message(told)
    assert not (tmp_path / "models" / "mine").exists()
    assert run("import", file, "--card", card_file(tmp_path), "--sha256", sha256_of(file))[0] == 0
    status, told = run("import", other, "--card", card_file(tmp_path), "--sha256", sha256_of(other))
    assert status == 2
    assert "--replace" in message(told)
    assert run("import", other, "--card", card_file(tmp_path), "--sha256", sha256_of(other), "--replace")[0] == 0
    assert run("check", "mine")[0] == 0


def test_pull_fetches_what_the_card_names(run: Run, tmp_path: Path) -> None:
    """All files of it; what it lies about is thrown away, what has no address or checksum is told."""
    pytest.importorskip("tokenizers", reason="needs lookalike[clip]")
    files = pair(tmp_path)
    with serving() as server:
        facts: dict[str, Any] = {}
        for part, path in files.items():
            server.contents[f"/{path.name}"] = path.read_bytes()
            facts[part] = {"url": f"{server.address}/{path.name}", "sha256": sha256_of(path), "bytes": path.stat().st_size}
        text = {"length": 8, "features": "text_embeds"}
        card = card_file(tmp_path, "tiny", task="two-encoder", dimension=32, files=facts, output={"features": "image_embeds"}, text=text)
        status, told = run("pull", card)
        assert (status, told["name"]) == (0, "tiny")
        assert run("check", "tiny")[0] == 0
        assert list((tmp_path / "models").glob(".pulling/*/*")) == []
        lying = card_file(tmp_path, "lying", files={"network": {**facts["network"], "sha256": hashlib.sha256(b"").hexdigest()}})
        status, told = run("pull", lying)
        assert status == 2
        assert "thrown away" in message(told)
    assert run("pull", "yolox-nano")[0] == 2
    assert "checksum" in message(run("pull", "clip-vit-base-patch32")[1])


def test_int8_and_fp16_are_installed_where_they_find_the_same(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(8)
    for place in range(30):
        drawn = cv2.resize(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8), (64, 64), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{place}.png"), drawn)
    file = classifier(tmp_path / "n.onnx")
    run("import", file, "--card", card_file(tmp_path), "--sha256", sha256_of(file))
    status, told = run("quantise", "mine", "--pictures", folder, "--least-overlap", "0.6")
    assert (status, told["name"], told["installed"]) == (0, "mine-int8", True)
    assert 0.6 <= told["overlap_at_10"] <= 1
    assert run("check", "mine-int8")[0] == 0
    status, told = run("quantise", "mine", "--pictures", folder, "--to", "fp16")
    assert (status, told["name"], told["installed"]) == (0, "mine-fp16", True)
    assert told["least_cosine"] >= 0.9999
    assert (tmp_path / "models" / "mine-fp16" / "network.onnx").stat().st_size < file.stat().st_size
    assert "int8 or fp16" in message(run("quantise", "mine", "--pictures", folder, "--to", "fp8")[1])
    status, told = run("quantise", "mine", "--pictures", tmp_path / "none")
    assert status == 2
    for path in list(folder.iterdir())[5:]:
        path.unlink()
    assert "21 at least" in message(run("quantise", "mine", "--pictures", folder)[1])


def test_canonical_pictures_are_the_same_everywhere() -> None:
    """What networks said of them is compared across machines."""
    told = hashlib.sha256(b"".join(one.tobytes() for one in pictures())).hexdigest()
    assert told == "cfdbe3c3af0f80d824af13a04bf5e72a0a71c57befff670800582f21c54fe73b"


def test_an_unknown_name_is_told_what_there_is(run: Run) -> None:
    for words in (("show", "yolox-nan"), ("check", "yolox-nan"), ("pull", "yolox-nan"), ("bench", "yolox-nan")):
        status, told = run(*words)
        assert status == 2
        assert "Did you mean 'yolox-nano'?" in message(told)
    status, told = run("check", "yolox-nano")
    assert status == 2
    assert "lookalike models" in message(told)
