"""OpenSearch as a server that others use too: several writers, rebuilds, damage, and servers that are away or overloaded."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opensearchpy import OpenSearch
from support.between import between
from support.opensearch_index import behind

from lookalike.domain.product import Product
from lookalike.domain.query import EngineQuery
from lookalike.engines.opensearch import open_opensearch
from lookalike.engines.opensearch.address import parse_address
from lookalike.engines.opensearch.client import Client
from lookalike.errors import IndexNotFound, IndexProblem, InvalidSetting, LookalikeError, Unavailable
from lookalike.ports.engine import SearchEngine, Write
from lookalike.testing.documents import RECIPE, make_documents
from lookalike.testing.engine_cases import ids, put, worded

Open = Callable[..., SearchEngine]


@pytest.mark.opensearch
def test_writers_in_other_processes_lose_nothing(opened: Open) -> None:
    """Each write counts once, and of those that name a version only one wins."""
    one, other = opened(), opened()
    one.prepare(RECIPE)
    won: list[bool] = []

    def write(engine: SearchEngine) -> None:
        for number in range(12):
            engine.put([Write(worded("a", price=number)), Write(worded("b"))])
            won.append(not engine.put([Write(worded(f"only {number}"), if_version=0)])[0].conflict)

    writers = [threading.Thread(target=write, args=(engine,)) for engine in (one, other)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [document and document.version for document in one.get(["a", "b", "only 3"])] == [24, 24, 1]
    assert (len(won), sum(won)) == (24, 12)
    assert one.put([Write(worded("a"), if_version=7)])[0].conflict


@pytest.mark.opensearch
def test_a_write_whose_answer_is_lost_conflicts_with_nobody(opened: Open, opensearch_index: Callable[[str], str]) -> None:
    """It is sent again by itself, and finds what it has stored: it is told as done, and done once. Others' writes still conflict."""
    direct = opened()
    direct.prepare(RECIPE)
    server, _, name = opensearch_index("shop").removeprefix("opensearch://").partition("/")
    with between(f"http://{server}") as proxy:
        engine = open_opensearch(f"opensearch://127.0.0.1:{proxy.port}/{name}", settings={"replicas": "0"})

        def lost(write: Write, then: Callable[[], object] = lambda: None) -> tuple[int, bool, bool]:
            proxy.lose(then)
            (told,) = engine.put([write])
            assert proxy.losing is None
            return told.version, told.created, told.conflict

        assert lost(Write(worded("a", price=1), if_version=0)) == (1, True, False)
        assert lost(Write(worded("a", price=2), if_version=1)) == (2, False, False)
        assert lost(Write(worded("a", price=3))) == (3, False, False)
        assert lost(Write(worded("b"))) == (1, True, False)
        assert lost(Write(worded("a", price=4), if_version=3), lambda: put(direct, worded("a", price=5))) == (5, False, True)
        held = [document and (document.version, document.product.price) for document in direct.get(["a", "b"])]
        assert held == [(5, 5), (1, None)]

        def removed(name: str, then: Callable[[], object] = lambda: None, **version: int) -> bool:
            proxy.lose(then)
            return engine.remove([name], version)[0]

        assert removed("a", a=5)
        assert removed("b")
        assert not removed("b", b=1), "it is gone already"
        proxy.losing = None
        put(direct, worded("a"))
        assert removed("a", lambda: put(direct, worded("a")), a=1)
        assert direct.get(["a"])[0] is not None, "somebody has put another in its place, which is not removed"
        assert not removed("never there")
        engine.close()


@pytest.mark.opensearch
def test_an_old_version_that_is_written_by_hand_is_overtaken(opened: Open) -> None:
    """A put reads what is there at that moment, not what it knows."""
    engine, other = opened(), opened()
    engine.prepare(RECIPE)
    put(engine, worded("a"))
    put(other, worded("a"))
    assert engine.remove(["a"]) == [True]
    put(other, worded("a"))
    assert [hit.version for hit in engine.search(EngineQuery()).hits] == [1]


@pytest.mark.opensearch
def test_what_is_not_there_or_not_ours_is_said(opened: Open, opensearch_index: Callable[[str], str], raw: OpenSearch) -> None:
    reader = opened(read_only=True)
    with pytest.raises(IndexNotFound):
        reader.search(EngineQuery())
    assert reader.status().recipe is None
    name = opensearch_index("strange")
    raw.indices.create(index=name.rpartition("/")[2])
    strange = open_opensearch(name)
    with pytest.raises(IndexProblem, match="not made by Lookalike"):
        strange.prepare(RECIPE)
    assert not strange.status().ready
    strange.close()
    opened().prepare(RECIPE)
    with pytest.raises(IndexProblem, match="reading only"):
        put(reader, worded("a"))


@pytest.mark.opensearch
def test_check_finds_what_others_changed(opened: Open, raw: OpenSearch) -> None:
    engine = opened()
    engine.prepare(RECIPE)
    put(engine, *make_documents(4, 5, plain=True), worded("x", brand="Acme"), worded("y"))
    assert engine.check() == []
    index = behind(engine)
    raw.update(index=index, id="x", body={"doc": {"brand": "Other"}}, params={"refresh": "true"})
    raw.update(index=index, id="y", body={"doc": {"told": {"product": 7}}}, params={"refresh": "true"})
    found = engine.check()
    assert len(found) == 2
    assert "brand" in found[0]
    assert "damaged" in found[1]


@pytest.mark.opensearch
def test_the_vectors_survive_a_change_of_other_fields(opened: Open) -> None:
    """Ours, and an update that an operator sends to OpenSearch itself."""
    engine = opened()
    engine.prepare(RECIPE)
    (one,) = make_documents(5, 1, plain=True)
    put(engine, one)
    query = EngineQuery(vector=one.seen[0].analysis.main.vector, weights={"picture": 1.0}, strategy="hnsw")
    before = engine.search(query).hits[0].similarity
    (kept,) = engine.get([one.id])
    assert kept is not None
    put(engine, replace(kept, product=Product(one.id, price=1)))
    assert engine.search(query).hits[0].similarity == before
    assert engine.check() == []


def test_addresses_say_what_is_wrong_with_them() -> None:
    told = parse_address("opensearch+https://a:9200,b/shop-1", {"window": "2000"})
    assert (told.hosts, told.alias, told.secure, told.window) == ((("a", 9200), ("b", 9200)), "shop-1", True, 2000)
    assert "geheim" not in repr(parse_address("opensearch://a/x", {"user": "u", "password": "geheim"}))
    for address, settings, message in (
        ("opensearch://me:geheim@a/shop", {}, "LOOKALIKE_ENGINE_PASSWORD"),
        ("opensearch://a/Shop", {}, "lower-case"),
        ("opensearch://a:port/shop", {}, "HOST:PORT"),
        ("opensearch:///shop", {}, "HOST:PORT"),
        ("shop", {}, "opensearch://HOST"),
        ("opensearch://a/shop", {"windwo": "1"}, "windwo"),
        ("opensearch://a/shop", {"window": "99"}, "window"),
        ("opensearch://a/shop", {"refresh": "false"}, "wait_for"),
        ("opensearch://a/shop", {"timeout": "0"}, "seconds"),
        ("opensearch://a/shop", {"engine": "nmslib"}, "lucene or faiss"),
        ("opensearch://a/shop", {"encoder": "fp16"}, "engine=faiss"),
        ("opensearch://a/shop", {"engine": "faiss", "encoder": "fp16", "mode": "on_disk"}, "one of them"),
    ):
        with pytest.raises(InvalidSetting, match=message) as caught:
            parse_address(address, settings)
        assert "geheim" not in str(caught.value)


def test_a_server_that_is_away_is_unavailable() -> None:
    """With a sentence and a time to try again; the status tells it and raises nothing."""
    engine = open_opensearch("opensearch://127.0.0.1:9/shop")
    with pytest.raises(Unavailable, match="cannot be reached"):
        engine.search(EngineQuery())
    found = engine.status()
    assert not found.ready
    assert "cannot be reached" in found.message
    engine.close()


@contextmanager
def answering(answers: list[tuple[int, dict[str, object]]]) -> Iterator[tuple[str, list[bytes]]]:
    """An OpenSearch that gives these answers in turn: its address, and what it was sent."""
    sent: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._tell(200, {"version": {"distribution": "opensearch", "number": "3.6.0"}})

        def do_POST(self) -> None:
            sent.append(self.rfile.read(int(self.headers["Content-Length"])))
            self._tell(*answers[len(sent) - 1])

        def _tell(self, status: int, body: dict[str, object]) -> None:
            told = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"opensearch://127.0.0.1:{server.server_port}/shop", sent
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_rows_without_room_are_sent_again() -> None:
    """Only those, and the results stay in order; a whole request without room as well."""
    full: dict[str, object] = {"items": [{"index": {"status": 201}}, {"index": {"status": 429}}, {"index": {"status": 400, "error": "no"}}]}
    answers = [(429, {"error": {"type": "rejected", "reason": "full"}}), (200, full), (200, {"items": [{"index": {"status": 200}}]})]
    with answering(answers) as (address, sent):
        client = Client(parse_address(address, {}))
        actions = [({"index": {"_id": name}}, {"id": name}) for name in "abc"]
        found = client.bulk("shop", actions, refresh="true")
        client.close()
    assert [one["status"] for one in found] == [201, 200, 400]
    assert [one.count(b'"_id"') for one in sent] == [3, 3, 1]
    assert b'"b"' in sent[2]


@pytest.mark.parametrize(
    ("status", "error", "raised"),
    [
        (503, {"type": "no_shard_available_action_exception", "reason": "none"}, Unavailable),
        (401, {"type": "security_exception", "reason": "who"}, IndexProblem),
        (
            400,
            {"type": "search_phase_execution_exception", "reason": "x", "root_cause": [{"type": "too_many_clauses", "reason": "x"}]},
            LookalikeError,
        ),
    ],
)
def test_what_the_server_says_becomes_an_error_of_ours(status: int, error: dict[str, object], raised: type[Exception]) -> None:
    with answering([(status, {"error": error, "status": status})] * 5) as (address, _):
        client = Client(parse_address(address, {}))
        with pytest.raises(raised) as caught:
            client.search("shop", [{"size": 0}])
        client.close()
    assert str(error["type"]) in str(caught.value)


@pytest.mark.opensearch
def test_hits_of_the_engine_are_those_of_the_house(opensearch_index: Callable[[str], str]) -> None:
    """Through the door that the command line uses: entry point, address, settings."""
    from lookalike.bootstrap import engine_of
    from lookalike.plugins import load

    name, location = engine_of(opensearch_index("door"))
    engine: SearchEngine = load("search engine", name)(location, read_only=False, settings={"replicas": "0"})
    engine.prepare(RECIPE)
    put(engine, worded("a"))
    assert ids(engine.search(EngineQuery())) == ["a"]
    engine.close()
