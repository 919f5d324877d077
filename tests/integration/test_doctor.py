"""The doctor on the sample shop with planted faults: the real commands, the real network."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFilter

SAMPLE = Path(__file__).parents[2] / "lookalike" / "sample_shop"
LOOKALIKE = str(Path(sys.executable).with_name("lookalike"))


def run(*words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([LOOKALIKE, *map(str, words)], check=False, capture_output=True, text=True)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], int]:
    """A folder with the index in it, what was planted (id → kind), and how many products are as they should be."""
    folder = tmp_path_factory.mktemp("clinic")
    rows: list[dict[str, Any]] = [json.loads(line) for line in (SAMPLE / "products.jsonl").read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row["pictures"] = [str(SAMPLE / one) for one in row["pictures"][:1]]
    faults: dict[str, str] = {}
    spread = rows[5::18]  # 21 products over all kinds
    for number, row in enumerate(spread[:6]):
        copy = row | {"id": f"z-copy-{number}"}
        kind = "same picture" if number < 3 else "near duplicate"
        picture = folder / f"{copy['id']}.jpg"
        if kind == "same picture":
            picture.write_bytes(Path(row["pictures"][0]).read_bytes())
        else:
            Image.open(row["pictures"][0]).convert("RGB").save(picture, "JPEG", quality=50)
        copy.pop("group", None)
        rows.append(copy | {"pictures": [str(picture)]})
        faults[copy["id"]] = kind
    for number, row in enumerate(spread[6:12]):
        kind = "blank" if number < 3 else "blurred"
        image = Image.open(row["pictures"][0]).convert("RGB")
        picture = folder / f"{row['id']}.jpg"
        changed = Image.new("RGB", image.size, (235, 235, 235)) if kind == "blank" else image.filter(ImageFilter.GaussianBlur(9))
        changed.save(picture, "JPEG")
        row["pictures"] = [str(picture)]
        faults[row["id"]] = kind
    for number, row in enumerate(spread[12:21]):
        if number < 3:
            row["price"] = round(row["price"] * 1000, 2)
            faults[row["id"]] = "price"
        elif number < 6:
            del row["title"]
            faults[row["id"]] = "missing field"
        else:
            other = next(one for one in spread if one["category"].split(" > ")[0] != row["category"].split(" > ")[0])
            row["category"] = other["category"]
            faults[row["id"]] = "category"
    (folder / "shop.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    done = run("index", folder / "shop.jsonl", "--index", folder / "shop.lookalike", "--json")
    assert done.returncode == 0, done.stderr
    return folder, faults, len(rows) - len(faults)


def test_what_is_planted_is_found(planted: tuple[Path, dict[str, str], int]) -> None:
    """Nine of ten faults, each under its own name, and hardly anything else."""
    folder, faults, clean = planted
    page, table = folder / "report.html", folder / "fixes.csv"
    done = run("index-admin", "doctor", "--index", folder / "shop.lookalike", "--json", "--report", page, "--fixes", table)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    kinds: dict[str, set[str]] = {}
    for one in told["details"]:
        kinds.setdefault(one["id"], set()).add(one["kind"])
    missed = {name: kind for name, kind in faults.items() if kind not in kinds.get(name, set())}
    assert len(missed) <= len(faults) // 10, missed
    accused = kinds.keys() - faults.keys()
    assert len(accused) <= 0.08 * clean, sorted(accused)

    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(told["details"])
    removed = {row["id"]: row["others"] for row in rows if row["action"] == "remove"}
    assert {name for name, kind in faults.items() if kind == "same picture"} <= removed.keys()
    text = page.read_text(encoding="utf-8")
    assert "data:image/jpeg;base64," in text
    assert "<script" not in text
    assert not list(folder.glob("*.part"))


def test_a_report_that_cannot_be_written_says_so(planted: tuple[Path, dict[str, str], int]) -> None:
    folder, _, _ = planted
    done = run(
        "index-admin", "doctor", "--index", folder / "shop.lookalike", "--report", folder / "no" / "report.html", "--self-match", "0"
    )
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
