"""Three nodes, of which one is killed while others search and write."""

import os
from collections.abc import Iterator

import pytest
from opensearchpy import OpenSearch

from benchmarks.engine import made_up
from benchmarks.opensearch_rebuild import OLD, load, lost, until
from lookalike.engines.opensearch import open_opensearch
from lookalike.ports.engine import SearchEngine, Write
from stack import opensearch as opensearch_node

pytestmark = [pytest.mark.opensearch, pytest.mark.timeout(600)]


@pytest.fixture
def nodes() -> Iterator[opensearch_node.Cluster]:
    if os.environ.get("OPENSEARCH_URL"):
        pytest.skip("OPENSEARCH_URL names a server; this test kills nodes, and starts its own three without it")
    try:
        with opensearch_node.cluster(os.environ.get("OPENSEARCH_VERSION") or opensearch_node.VERSIONS[0], nodes=3) as found:
            yield found
    except opensearch_node.NotHere as reason:
        pytest.skip(str(reason))


def test_a_killed_node_takes_nothing_with_it(nodes: opensearch_node.Cluster) -> None:
    """No search fails and no answered write is lost: another node answers, and a copy takes the place of what was on the dead one."""
    address = f"opensearch://{','.join(url.partition('//')[2] for url in nodes.urls)}/shop"

    def open_one() -> SearchEngine:
        return open_opensearch(address, settings={"shards": "3", "replicas": "1"})

    engine, shop = open_one(), made_up(500, OLD)
    engine.prepare(OLD)
    engine.put([Write(shop.document(number)) for number in range(500)])
    raw = OpenSearch([nodes.urls[1]], timeout=60)
    raw.cluster.health(params={"wait_for_status": "green"})
    with load(open_one, shop, searches=20, writes=10) as seen:
        until(seen, 10)
        nodes.kill(0)
        until(seen, seen.writes + 60)
    assert seen.failures == []
    assert lost(engine, seen.written) == []
    assert seen.writes >= 70
    assert raw.cluster.health()["number_of_nodes"] == 2
    raw.close()
    engine.close()
