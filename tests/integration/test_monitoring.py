"""Grafana's dashboard and Prometheus' alerts ask for what a running server and its worker really expose; ids reach the worker."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support import looking, worker_process
from toy_house import data_url, encoded

from lookalike.bootstrap import build
from lookalike.settings import Settings
from query_api.app import create_app

MONITORING = Path(__file__).parents[2] / "monitoring"
NAME = re.compile(r"\b(lookalike_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~?)"([^"]*)"')
Sample = tuple[str, dict[str, str]]


@pytest.fixture
def scraped(redis: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[Sample], worker_process.WorkerProcess]]:
    """What a server over Redis exposes after a product and some searches, and the worker that looked at their pictures."""
    place = looking.install_moody(tmp_path / "plugins")
    monkeypatch.syspath_prepend(str(place))
    environment = {"LOOKALIKE_REDIS": redis, "LOOKALIKE_RECIPE": "moody", "PYTHONPATH": str(place), "LOOKALIKE_LOG": "json"}
    words = ("--queues", "lookalike.looks", "--log-level", "debug")
    with worker_process.worker(environment, *words) as worker, contextlib.ExitStack() as opened:
        settings = Settings(index="memory:", analyser="celery", redis=redis, recipe="moody")
        house = opened.enter_context(build(settings))
        client = create_app(house).test_client()
        product = {"title": "Red mug", "pictures": [data_url(looking.harmless(1))]}
        assert client.put("/v1/products/p1", json=product, headers={"X-Request-Id": "the-put"}).status_code == 201
        for number in (1, 2):
            body = {"like": [{"picture": {"base64": encoded(looking.harmless(number))}}]}
            answer = client.post("/v1/search", json=body, headers={"X-Request-Id": f"search-{number}"})
            assert answer.status_code == 200, answer.json
            assert answer.json["hits"][0]["id"] == "p1"
        assert client.get("/statusz").json["workers"]["counts"]["answered"] >= 2
        text = client.get("/metrics").text
        yield [(sample.name, sample.labels) for one in text_string_to_metric_families(text) for sample in one.samples], worker


def expressions() -> list[str]:
    """All that Grafana and Prometheus ask."""
    board = json.loads((MONITORING / "grafana" / "lookalike.json").read_text("utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    alerts = re.findall(r"^\s+expr: (.+)$", (MONITORING / "alerts.yml").read_text("utf-8"), re.MULTILINE)
    assert len(asked) > 20
    assert len(alerts) == (MONITORING / "alerts.yml").read_text("utf-8").count("- alert:")
    return [*asked, *alerts]


def test_every_expression_asks_for_what_is_there(scraped: tuple[list[Sample], worker_process.WorkerProcess]) -> None:
    """Each metric by its full name, each label by a value that occurs; and what is grouped by is a label."""
    samples, _ = scraped
    known = {name for name, _ in samples}
    lacking: list[str] = []
    for asked in expressions():
        assert asked.count("(") == asked.count(")")
        named = NAME.findall(asked)
        assert named or asked.startswith("up{"), asked
        for name, labels in named:
            lacking += [] if name in known else [name]
            for label, how, value in MATCHER.findall(labels):
                values = value.split("|") if how == "=~" else [value]
                having = {told.get(label) for found, told in samples if found == name}
                lacking += [f"{name}{{{label}={one}}}" for one in values if one not in having]
            for group in re.findall(r"by \(([^)]*)\)", asked):
                labelled = {label for found, told in samples if found == name for label in told}
                lacking += [f"{name} by {label}" for label in group.split(", ") if label not in labelled]
    assert lacking == []


def test_a_panel_lies_on_no_other() -> None:
    """And each has a number of its own."""
    panels = json.loads((MONITORING / "grafana" / "lookalike.json").read_text("utf-8"))["panels"]
    places = [one["gridPos"] for one in panels]
    taken = {(x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
    assert (len(taken), max(x for x, _ in taken) < 24) == (sum(at["w"] * at["h"] for at in places), True)
    assert len({one["id"] for one in panels}) == len(panels)


def test_the_worker_logs_whose_pictures_it_looked_at(scraped: tuple[list[Sample], worker_process.WorkerProcess]) -> None:
    """As JSON lines, by the ids that the callers gave."""
    _, worker = scraped

    def requests() -> set[str]:
        lines: list[dict[str, Any]] = [json.loads(line) for line in list(worker.told) if line.startswith("{")]
        return {name for line in lines for name in line.get("requests", ())}

    looking.comes(lambda: {"the-put", "search-2"} <= requests(), "a line for each request that needed a look")
    assert "search-1" not in requests(), "its picture was known already"
