"""Model cards: those that ship are whole, and what a card says wrong is told with its place."""

import json
from pathlib import Path

import pytest

from lookalike.errors import InvalidCard
from lookalike.vision.networks import card as cards
from lookalike.vision.networks.card import as_json, digest_of, load_card, read_card

SHIPPED = sorted((Path(cards.__file__).parent / "cards").glob("*.toml"))
WHOLE = {"name": "one", "task": "embedding", "licence": "MIT", "source": "a test", "dimension": 8, "input": {"size": [32, 32]}}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_card_has_its_files_name_and_survives_json(path: Path, tmp_path: Path) -> None:
    told = load_card(path)
    assert told.name == path.stem
    again = tmp_path / "again.json"
    again.write_text(as_json(told), encoding="utf-8")
    assert load_card(again) == told


def test_everything_that_is_wrong_is_told_at_once_with_its_place() -> None:
    with pytest.raises(InvalidCard) as caught:
        read_card({**WHOLE, "name": "../x", "labels": "coco", "input": {"size": [32, 32], "fitt": "pad"}}, "one.toml")
    told = str(caught.value)
    assert all(part in told for part in ("one.toml", "name: small letters", "labels: there is no list", "input.fitt: extra inputs"))


@pytest.mark.parametrize(
    ("section", "wrong", "message"),
    [
        ("input", {"size": [32, 32], "std": [1, 0, 1]}, "`std` must be above 0"),
        ("input", {"fit": "shorter", "shorter": 600, "size": [32, 32]}, "not `size`"),
        ("input", {"fit": "pad"}, "needs `size`"),
        ("input", {"size": [32, 32], "range": [1, 0]}, "must rise"),
        ("files", {"network": {"sha256": "abc"}}, "files.network.sha256"),
        ("files", {"network": {"url": "file:///etc/passwd"}}, "https://"),
    ],
)
def test_what_cannot_be_is_refused(section: str, wrong: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidCard, match=message):
        read_card({**WHOLE, section: wrong}, "x")


def test_what_changes_vectors_changes_the_digest_and_nothing_else_does() -> None:
    plain = digest_of(read_card(WHOLE, "x"))
    assert digest_of(read_card({**WHOLE, "name": "other", "notes": "…"}, "x")) == plain
    assert digest_of(read_card({**WHOLE, "input": {"size": [32, 32], "colour": "BGR"}}, "x")) != plain
    assert digest_of(read_card({**WHOLE, "files": {"network": {"sha256": "0" * 64}}}, "x")) != plain


@pytest.mark.parametrize(("licence", "commercial", "barred"), [("CC-BY-NC-4.0", None, True), ("MIT", None, False), ("Own", False, True)])
def test_a_licence_that_forbids_business_is_seen(licence: str, commercial: bool | None, barred: bool) -> None:
    assert read_card({**WHOLE, "licence": licence, "commercial": commercial}, "x").non_commercial is barred


@pytest.mark.parametrize("text", ["name = ", "[1, 2", "\x00", json.dumps([1])])
def test_what_is_no_card_at_all_is_told(text: str, tmp_path: Path) -> None:
    for suffix in (".toml", ".json"):
        path = tmp_path / f"card{suffix}"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InvalidCard, match="card"):
            load_card(path)
