"""What OpenSearch says in passing, and what becomes of it."""

import json
import time
from collections.abc import Callable

import pytest
from support.stranger import stranger

from lookalike.engines.opensearch.address import parse_address
from lookalike.engines.opensearch.client import Client
from lookalike.engines.opensearch.rebuilding import GivesWay
from lookalike.errors import Unavailable

GREETING = {"version": {"distribution": "opensearch", "number": "3.6.0"}}


def asked(answer: Callable[[str, int], tuple[int, object]], ask: Callable[[Client], object]) -> list[str]:
    """The paths, first one first, that `ask` makes a client ask of a server that gives `answer` of a path's every time, from 0 on."""
    paths: list[str] = []

    def told(path: str) -> tuple[int, str, str]:
        if path == "/":
            return 200, "application/json", json.dumps(GREETING)
        where = path.partition("?")[0]
        paths.append(where)
        status, body = answer(where, paths.count(where) - 1)
        return status, "application/json", json.dumps(body)

    with stranger(told) as address:
        client = Client(parse_address(f"opensearch://{address}/shop", {}))
        try:
            ask(client)
        finally:
            client.close()
    return paths


def test_a_search_of_a_node_that_has_only_just_started_is_asked_again() -> None:
    """k-NN fills its table of parameters while others read it: the first searches at once may be told that there is no `ef_search`."""
    reason = {"type": "parsing_exception", "reason": "[knn] unknown method parameter found [ef_search]"}
    unready = {"responses": [{"status": 400, "error": {"type": "x_content_parse_exception", "reason": "x", "caused_by": reason}}]}
    found = {"responses": [{"status": 200, "timed_out": False, "_shards": {"failed": 0}, "hits": {"hits": []}}]}
    told: list[object] = []
    paths = asked(lambda _, turn: (200, found if turn else unready), lambda client: told.extend(client.search("shop", [{}])))
    assert (paths, told) == (["/shop/_msearch"] * 2, found["responses"])


def test_what_was_stored_is_made_searchable_again_and_again_until_it_is() -> None:
    shards = [
        {"total": 2, "successful": 1, "failed": 1},
        {"total": 2, "successful": 0, "failed": 0},
        {"total": 2, "successful": 1, "failed": 0},
    ]
    paths = asked(lambda _, turn: (200, {"_shards": shards[turn]}), lambda client: client.refresh("shop"))
    assert paths == ["/shop/_refresh"] * 3
    with pytest.raises(Unavailable, match="searchable"):
        asked(lambda *_: (200, {"_shards": shards[0]}), lambda client: client.refresh("shop"))


def test_an_index_that_was_replaced_meanwhile_needs_no_refresh() -> None:
    """Whoever replaced it has carried what was stored, and made it searchable."""
    gone = {"error": {"type": "index_not_found_exception", "reason": "no such index [shop]"}, "status": 404}
    assert asked(lambda *_: (404, gone), lambda client: client.refresh("shop")) == ["/shop/_refresh"]


def test_a_rebuild_waits_only_where_others_write() -> None:
    """Who writes is told by the sequence numbers of the index that is being replaced."""
    numbers, pauses = [7, 7, 9, 9], []

    def stats(_: str, turn: int) -> tuple[int, object]:
        copy = {"routing": {"primary": True}, "seq_no": {"global_checkpoint": numbers[turn]}}
        return 200, {"indices": {"shop": {"shards": {"0": [copy]}}}}

    def ask(client: Client) -> None:
        others = GivesWay(client, "shop")
        for seconds in (60.0, 0.2, 60.0):  # a minute would be cut to five seconds
            began = time.monotonic()
            others.after(seconds)
            pauses.append(time.monotonic() - began)

    assert asked(stats, ask) == ["/shop/_stats/docs"] * 4
    assert pauses[1] >= 0.2
    assert max(pauses[0], pauses[2]) < 5.0
