"""Words that are compared with pictures: a pair of encoders from its card through index, HTTP and command line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from support.networks import COLOURS, pair
from toy_house import data_url, picture

from lookalike import bootstrap
from lookalike.bootstrap import House
from lookalike.settings import load
from lookalike.vision.networks.card import as_json, read_card
from lookalike.vision.networks.zoo import Zoo, sha256_of
from query_api.app import create_app

pytest.importorskip("tokenizers", reason="needs lookalike[clip]")
HUES = {"red": 0.0, "yellow": 1 / 6, "green": 1 / 3, "blue": 2 / 3}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with the pair in it, imported by its card."""
    folder = tmp_path_factory.mktemp("models")
    files = pair(tmp_path_factory.mktemp("made"))
    card = read_card(
        {
            "name": "tiny-clip",
            "task": "two-encoder",
            "licence": "MIT",
            "source": "a test",
            "dimension": 32,
            "files": {part: {"sha256": sha256_of(path)} for part, path in files.items()},
            "input": {"size": [32, 32], "fit": "crop", "mean": [0.45] * 3},
            "output": {"features": "image_embeds"},
            "text": {"length": 8, "pad": 0, "template": "a photo of {}", "features": "text_embeds"},
        },
        "tiny-clip",
    )
    assert json.loads(as_json(Zoo(folder).add(card, files)))["name"] == "tiny-clip"
    return folder


@pytest.fixture(scope="module")
def house(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A shop of four colours, looked at with the pair."""
    told = load(index=str(tmp_path_factory.mktemp("shop") / "shop.lookalike"), recipe="tiny-clip", models_dir=models, threads=1)
    with bootstrap.build(told) as house:
        client = create_app(house).test_client()
        for name, hue in HUES.items():
            product = {"title": "Thing", "pictures": [data_url(picture(hue))], "price": 5 if name == "red" else 50}
            assert client.put(f"/v1/products/{name}", json=product).status_code == 201
        yield house


@pytest.fixture
def client(house: House) -> FlaskClient:
    return create_app(house).test_client()


def ids(client: FlaskClient, **query: Any) -> list[str]:
    answer = client.post("/v1/search", json={"category": "off", **query})
    assert answer.status_code == 200, answer.json
    return [hit["id"] for hit in answer.json["hits"]]


@pytest.mark.parametrize("colour", HUES)
def test_words_find_the_pictures_that_they_describe(client: FlaskClient, colour: str) -> None:
    """No product is called by its colour; only the vectors can tell."""
    assert ids(client, like=[{"text": f"a {colour} shoe"}])[0] == colour


def test_words_obey_filters_weights_and_unlikes(client: FlaskClient) -> None:
    assert ids(client, like=[{"text": "red"}], filter={"price": {"gte": 10}})[0] != "red"
    assert ids(client, like=[{"text": "red"}, {"text": "blue", "weight": 9}])[0] == "blue"
    assert ids(client, like=[{"text": "yellow"}], unlike=[{"text": "green", "weight": 1}])[:2] in (["yellow", "red"], ["red", "yellow"])
    assert ids(client, like=[{"text": "blue"}, {"product": "red", "weight": 0.1}])[0] == "blue"


def test_the_answer_tells_the_cosine_that_the_encoders_make(house: House, client: FlaskClient, models: Path) -> None:
    """What comes out of HTTP is what the two encoders say of word and picture."""
    texts = Zoo(models).texts("tiny-clip")
    assert texts is not None
    (word,) = texts.embed_texts(["green"])
    (document,) = house.engine.get(["green"])
    assert document is not None
    hit = client.post("/v1/search", json={"like": [{"text": "green"}], "category": "off", "limit": 1}).json["hits"][0]
    assert hit["similarity"] == pytest.approx(float(word @ document.seen[0].analysis.main.vector), abs=0.002)
    assert np.linalg.norm(word) == pytest.approx(1)


def test_pages_of_words_follow_each_other(client: FlaskClient) -> None:
    query = {"like": [{"text": "green"}], "category": "off", "limit": 1}
    first = client.post("/v1/search", json=query).json
    second = client.post("/v1/search", json={**query, "cursor": first["next"]}).json
    assert first["hits"][0]["id"] != second["hits"][0]["id"]
    other = client.post("/v1/search", json={**query, "like": [{"text": "blue"}], "cursor": first["next"]})
    assert other.status_code == 422


def test_a_recipe_that_knows_only_pictures_says_what_to_do(models: Path) -> None:
    with bootstrap.build(load(index="memory:", models_dir=models)) as house:
        answer = create_app(house).test_client().post("/v1/search", json={"like": [{"text": "red"}]})
    assert answer.status_code == 422
    (problem,) = answer.json["errors"]
    assert problem["at"] == "like[0].text"
    assert "'default' knows only pictures" in problem["message"]
    assert "LOOKALIKE_RECIPE" in problem["message"]


def test_every_colour_is_told_apart_by_the_pair_itself(models: Path) -> None:
    """The tokenizer cuts, fills up and knows capitals; unknown words change nothing."""
    texts = Zoo(models).texts("tiny-clip")
    assert texts is not None
    plain = np.stack(texts.embed_texts(list(COLOURS)))
    again = np.stack(texts.embed_texts([f"{name.upper()} zzz " + "shoe " * 20 for name in COLOURS]))
    assert np.allclose(plain, again, atol=1e-6)
    assert (plain @ plain.T - np.eye(len(plain))).max() < 0.99
