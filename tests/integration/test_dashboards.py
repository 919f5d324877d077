"""The saved objects of OpenSearch Dashboards: their shape, and every aggregation in them on a real server, over what we wrote.

Dashboards itself is not here: what it would ask is taken out of the file by tests/support/visualizations.py.
"""

import io
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import OpenSearch
from PIL import Image
from support import visualizations
from toy_house import data_url, encoded, ended, picture, shop, toy_house

from ingest.events import told as told_of
from ingest.run import Run, Start
from lookalike.analysers.celery import CeleryAnalyser
from lookalike.domain.commands import RowFailure
from lookalike.domain.product import parse_product
from lookalike.services.changes import Change
from query_api.app import create_app
from query_api.metrics import Metrics
from query_api.state import ServerState

FILE = Path(__file__).parents[2] / "mappings" / "opensearch" / "dashboards" / "lookalike.ndjson"
OBJECTS = visualizations.read(FILE)
DRAWN = {one["id"].removeprefix("lookalike-"): one for one in OBJECTS if one["type"] == "visualization"}
NDJSON = {"Content-Type": "application/x-ndjson"}
Json = dict[str, Any]


def test_the_file_is_a_whole_export() -> None:
    """Ids are unique, references resolve, what is JSON in a string can be read, versions are told, nothing is left over."""
    kinds = {(one["type"], one["id"]) for one in OBJECTS}
    assert len(kinds) == len(OBJECTS)
    referred: set[tuple[str, str]] = set()
    for one in OBJECTS:
        assert set(one) == {"type", "id", "attributes", "references", "migrationVersion"}
        assert set(one["migrationVersion"]) == {one["type"]}
        told = one["attributes"]
        names = [reference["name"] for reference in one["references"]]
        assert len(set(names)) == len(names)
        referred |= {(reference["type"], reference["id"]) for reference in one["references"]}
        if one["type"] == "dashboard":
            panels = json.loads(told["panelsJSON"])
            assert sorted(panel["panelRefName"] for panel in panels) == sorted(names)
            places = [panel["gridData"] for panel in panels]
            taken = {(x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert len(taken) == sum(at["w"] * at["h"] for at in places), "no panel lies on another"
            assert max(x for x, _ in taken) < 48
        elif one["type"] != "index-pattern":
            assert json.loads(told["kibanaSavedObjectMeta"]["searchSourceJSON"])["indexRefName"] in names
        if one["type"] == "visualization":
            state = json.loads(told["visState"])
            numbers = [agg["id"] for agg in state["aggs"]]
            assert (len(set(numbers)), state["title"]) == (len(numbers), told["title"])
            metrics = {agg["id"] for agg in state["aggs"] if agg["schema"] == "metric"}
            assert {series["data"]["id"] for series in state["params"].get("seriesParams", [])} in (metrics, set())
    assert referred <= kinds
    assert kinds - referred == {kind for kind in kinds if kind[0] == "dashboard"}


class Told:
    """What was done to a shop, and what OpenSearch answers to the panels."""

    def __init__(self, address: str, alias: str, query_id: str) -> None:
        self._client = OpenSearch([address.replace("opensearch", "http", 1)])
        self.alias, self.query_id = alias, query_id

    def ask(self, body: Json, saved: Json) -> Json:
        title = visualizations.title_of(saved, OBJECTS)
        index = {"products": self.alias, "lookalike-events-*": f"lookalike-events-{self.alias}"}[title]
        answer: Json = self._client.search(index=index, body=body)
        assert not answer["timed_out"]
        return answer

    def drawn(self, name: str) -> tuple[int, list[tuple[tuple[str, ...], Json]]]:
        """How many documents a panel counts, and its innermost buckets."""
        saved = DRAWN[name]
        answer = self.ask(visualizations.body(saved), saved)
        return answer["hits"]["total"]["value"], visualizations.leaves(visualizations.aggs_of(saved), answer)

    def counts(self, name: str) -> dict[str, int]:
        """The documents of each innermost bucket, by its last key."""
        return {keys[-1]: bucket["doc_count"] for keys, bucket in self.drawn(name)[1] if bucket["doc_count"]}

    def sums(self, name: str) -> dict[str, float]:
        """Each metric of a panel over all its buckets added up, by label."""
        labels = {one["id"]: one["params"].get("customLabel", "") for one in visualizations.aggs_of(DRAWN[name])}
        found: dict[str, float] = {}
        for _, bucket in self.drawn(name)[1]:
            for number, one in bucket.items():
                if isinstance(one, dict) and one.get("value") is not None:
                    found[labels[number]] = found.get(labels[number], 0.0) + one["value"]
        return found

    def close(self) -> None:
        self._client.indices.delete(index=f"{self.alias}-*")
        self._client.indices.delete_data_stream(name=f"lookalike-events-{self.alias}")
        self._client.close()


@pytest.fixture(scope="module")
def told(opensearch: str) -> Iterator[Told]:
    """A day of a shop, done once: catalogue, searches, clicks, runs, failures, states."""
    alias = f"test-{uuid.uuid4().hex[:12]}"
    with toy_house(index=f"{opensearch}/{alias}", events="opensearch") as house:
        metrics = Metrics(house)
        client = create_app(house, metrics=metrics).test_client()
        rows = shop()
        del rows[3]["price"], rows[4]["category"]
        rows[5]["pictures"] = [data_url(b"no picture at all")]
        lines = [*map(json.dumps, rows), "no json", json.dumps({"id": "x", "price": -1})]
        job = ended(client, client.post("/v1/products:bulk", data="\n".join(lines), headers=NDJSON).json)
        assert (job["counts"]["done"], job["counts"]["failed"]) == (11, 3), job

        def search(**body: Any) -> Json:
            answer: Json = client.post("/v1/search", json=body).json
            return answer

        like = [{"picture": {"base64": encoded(picture(0.0))}}]
        white = io.BytesIO()
        Image.new("RGB", (32, 32), "white").save(white, "PNG")
        shown = [search(text="mug"), search(text="mug"), search(text="lamp"), search(like=like), search(like=like, text="mug")]
        for words in ("zebra", "zebra", "submarine"):
            assert search(text=words)["hits"] == []
        assert search(like=[{"picture": {"base64": encoded(white.getvalue())}}])["hits"][0]["similarity"] < 0.5
        assert client.get("/v1/products/p1/similar").status_code == 200
        assert client.get("/v1/products/nobody/similar").status_code == 404
        clicks = [{"action_name": "click", "object_id": "p0", "query_id": shown[0]["query_id"], "position": place} for place in (1, 3)]
        assert client.post("/v1/events", json={"events": [*clicks, {"action_name": "purchase", "object_id": "p0"}]}).json["accepted"] == 3

        run = Run(Start("index", "shop.csv", "shop", total=3), house.indexer, house.ledger, None)
        with told_of(run, house), run.recorded():
            changes = [Change(row, "put", one["id"], parse_product(one)) for row, one in enumerate(shop()[:2], 1)]
            run.go([*changes, RowFailure(3, "bad", "invalid", "https://user:secret@shop.example/a.jpg?sig=1 is no price")])
        stopped = threading.Event()
        stopped.set()
        ServerState(house, metrics).tell_until(stopped, 60)
        nobody = CeleryAnalyser(house.recipe, "redis://127.0.0.1:1/0")
        with toy_house(index=f"{opensearch}/{alias}", events="opensearch", analyser=nobody) as blind:
            answer = create_app(blind).test_client().post("/v1/search", json={"like": like, "text": "vase"}).json
            assert [hit["id"] for hit in answer["hits"]] == ["p2"], "by its words alone"
        assert house.events.flush(30)
        assert house.events.counts()["dropped"] == house.events.counts()["refused"] == 0
        found = Told(opensearch, alias, shown[0]["query_id"])
        found._client.indices.refresh(index=f"lookalike-events-{alias}")
        yield found
    found.close()


CHECKS: dict[str, Callable[[Told], bool]] = {
    "products": lambda told: told.drawn("products")[0] == 12,
    "gaps": lambda told: (
        told.counts("gaps") == {"no picture was seen": 1, "without a price": 1, "without a category": 1, "out of stock": 6}
    ),
    "categories": lambda told: told.counts("categories") == {"Home > Warm": 6, "Home > Cold": 5},
    "tags": lambda told: sum(told.counts("tags").values()) == 11 and set(told.counts("tags")) == {"red", "green", "blue"},
    "quality": lambda told: told.counts("quality") == {},
    "colours": lambda told: sum(told.counts("colours").values()) == 11,
    "recipes": lambda told: list(told.counts("recipes").values()) == [14] and next(iter(told.counts("recipes"))).startswith("toy@"),
    "documents": lambda told: told.sums("documents") == {"Products": 12},
    "rows": lambda told: told.sums("rows") == {"indexed": 0, "done": 11, "unchanged": 2, "removed": 0, "failed": 4},
    "intake": lambda told: set(told.sums("intake")) == {"fetch", "decode", "analyse", "engine"} and all(told.sums("intake").values()),
    "reasons": lambda told: told.counts("reasons") == {"invalid": 2, "not_json": 1, "picture_unreadable": 1},
    "runs": lambda told: {keys: one["doc_count"] for keys, one in told.drawn("runs")[1]} == {("bulk", "done"): 1, ("index", "done"): 1},
    "outcomes": lambda told: (
        sum(one["doc_count"] for _, one in told.drawn("outcomes")[1]) == 12
        and set(told.counts("outcomes")) == {"found", "empty", "refused"}
    ),
    "latency": lambda told: all(set(one["1"]["values"]) == {"50.0", "95.0", "99.0"} for _, one in told.drawn("latency")[1]),
    "stages": lambda told: (
        {number: one["values"]["99.0"] is not None for number, one in told.drawn("stages")[1][0][1].items()}
        == {"1": False, "2": True, "3": True, "4": True, "5": True, "6": True}
    ),
    "zero-results": lambda told: told.counts("zero-results") == {"zebra": 2, "submarine": 1},
    "low-similarity": lambda told: (
        sum(told.counts("low-similarity").values()) == 1 and all(value < 0.5 for value in told.sums("low-similarity").values())
    ),
    "similarity": lambda told: sum(told.counts("similarity").values()) == 4,
    "words": lambda told: told.counts("words") == {"mug": 3, "zebra": 2, "lamp": 1, "vase": 1, "submarine": 1},
    "actions": lambda told: (
        told.counts("actions") == {"click": 2, "purchase": 1} and told.sums("actions") == {"Place among the hits, mean": 2.0}
    ),
    "degraded": lambda told: told.drawn("degraded")[0] == 1,
    "queues": lambda told: set(told.sums("queues")) == {"http", "looks", "jobs", "events"},
    "knn": lambda told: told.sums("knn")["exact, by script"] > 0 and len(told.sums("knn")) == 3,
    "knn-memory": lambda told: len(told.sums("knn-memory")) == 4 and told.sums("knn-memory")["errors of queries"] == 0,
    "size": lambda told: told.sums("size")["Bytes"] > 1_000,
    "health": lambda told: told.counts("health") == {"green": 1},
}


@pytest.mark.opensearch
@pytest.mark.parametrize("name", sorted(DRAWN))
def test_every_panel_shows_what_was_done(told: Told, name: str) -> None:
    """Its very aggregation, with the numbers that the day must have."""
    assert CHECKS[name](told), told.drawn(name)


def test_every_panel_is_checked() -> None:
    """A new one needs a number that it must show."""
    assert set(CHECKS) == set(DRAWN)


@pytest.mark.opensearch
def test_the_latest_failures_say_why_and_no_more(told: Told) -> None:
    """The saved search of failures, newest first; credentials and signatures of addresses stay out of it."""
    (saved,) = [one for one in OBJECTS if one["type"] == "search"]
    answer = told.ask(visualizations.latest(saved, 10), saved)
    rows = [hit["_source"] for hit in answer["hits"]["hits"]]
    assert [row["origin"] for row in rows] == ["index", "bulk", "bulk", "bulk"]
    assert rows[0]["message"] == "https://…@shop.example/a.jpg?… is no price"
    columns = {column for row in rows for column in saved["attributes"]["columns"] if column in row}
    assert columns == set(saved["attributes"]["columns"])


@pytest.mark.opensearch
def test_a_click_leads_to_its_search(told: Told) -> None:
    """By `query_id`, as UBI has it: what was asked, what was shown, what was done."""
    body = {"size": 10, "query": {"term": {"query_id": told.query_id}}, "sort": ["timestamp"]}
    events = [hit["_source"] for hit in told.ask(body, DRAWN["actions"])["hits"]["hits"]]
    assert [one["kind"] for one in events] == ["search", "action", "action"]
    assert events[0]["user_query"] == "mug"
    assert events[1]["event_attributes"]["object"]["object_id"] in events[0]["query_response_hit_ids"]
