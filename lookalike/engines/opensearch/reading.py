"""Walking through a whole index, and what is said of it as a whole."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lookalike.domain.analysis import Recipe
from lookalike.domain.document import Document
from lookalike.engines import counting, words
from lookalike.engines.opensearch import documents
from lookalike.engines.opensearch.client import Client
from lookalike.engines.opensearch.filters import EVERYTHING
from lookalike.engines.told import DAMAGED
from lookalike.errors import IndexDamaged

Json = dict[str, Any]

_HASHED = 100
_AT_ONCE = 500
_IDS_AT_ONCE = 10_000
"""OpenSearch's own limit for a page. Ids alone come from doc values: no source is read."""
_KEEP_ALIVE = "10m"
_MOST_SUGGESTIONS = 2_000
_MOST_FIELDS = 20_000
_RESERVED = '.?+*|{}[]()"\\#@&<>~^$-'


def sources(client: Client, index: str, names: Sequence[str] | bool, *, moment: str | None = None) -> Iterator[tuple[str, Json]]:
    """(id, source) of every document in the order of ids, from one moment's state: a point in time, of now or the one given."""
    for hits in _pages(client, index, {"size": _AT_ONCE, "_source": names if isinstance(names, bool) else list(names)}, moment):
        yield from ((hit["_id"], hit["_source"]) for hit in hits)


def ids(client: Client, index: str, *, moment: str | None = None) -> Iterator[str]:
    """The ids alone, as `sources` goes through them."""
    for hits in _pages(client, index, {"size": _IDS_AT_ONCE, "stored_fields": "_none_"}, moment):
        yield from (hit["sort"][0] for hit in hits)


def _pages(client: Client, index: str, asked: Json, moment: str | None) -> Iterator[list[Json]]:
    given = moment
    if moment is None:
        with client.asked() as raw:
            moment = raw.create_pit(index=index, params={"keep_alive": _KEEP_ALIVE})["pit_id"]
    pit = {"id": moment, "keep_alive": _KEEP_ALIVE}
    body: Json = {"query": EVERYTHING, "pit": pit, "sort": [{"id": "asc"}], "track_total_hits": False} | asked
    try:
        while True:
            with client.asked() as raw:
                hits = raw.search(body=body)["hits"]["hits"]
            yield hits
            if len(hits) < body["size"]:
                return
            body["search_after"] = hits[-1]["sort"]
    finally:
        if given is None:
            with client.asked() as raw:
                raw.delete_pit(body={"pit_id": [moment]})


def decoded(name: str, source: Json, recipe: Recipe) -> Document:
    """The document of a source. Raises: IndexDamaged."""
    try:
        return documents.decode(source, recipe)
    except DAMAGED as error:
        raise damaged(name, error) from error


def damaged(name: str, error: Exception) -> IndexDamaged:
    """The error for a source that is not what we wrote."""
    return IndexDamaged(f"Product {name!r} of the index is damaged ({type(error).__name__}: {error}). Index it again.")


def faults(client: Client, index: str, recipe: Recipe) -> Iterator[str]:
    """A sentence for each document whose fields are not what its product says."""
    for name, source in sources(client, index, names=True):
        try:
            document = documents.decode(source, recipe)
            wanted = documents.encode(document, document.version)
        except DAMAGED as error:
            yield str(damaged(name, error))
            continue
        if document.id != name or source.get("id") != name:
            yield f"Product {name!r} is kept under another id than its own, {document.id!r}."
        vectors, wanted_vectors = _vectors(source), _vectors(wanted)  # first, as it takes them out of both
        if source != wanted:
            fields = sorted(key for key in source.keys() | wanted.keys() if source.get(key) != wanted.get(key))
            yield f"Product {name!r} says something else in the fields {', '.join(fields)} than what was put. Index it again."
        if vectors != wanted_vectors:
            yield f"Product {name!r} is found by other vectors than those that were put. Index it again."


def _vectors(source: Json) -> list[list[float]]:
    """The vectors that are searched, taken out of a source; as float32, whatever digits they were written with."""
    told = [one.pop(name, []) for one in source.get("objects", ()) for name in ("vector", "colour")]
    return [np.array(vector, np.float32).tolist() for vector in told]


def fields(client: Client, index: str) -> list[str]:
    """The canonical fields that some product has."""
    body = {"size": 0, "track_total_hits": False, "aggs": {"fields": {"terms": {"field": "present", "size": _MOST_FIELDS}}}}
    (told,) = client.search(index, [body])
    return sorted(bucket["key"] for bucket in told["aggregations"]["fields"]["buckets"])


def suggest(client: Client, index: str, prefix: str, limit: int) -> list[tuple[str, str, int]]:
    """(text, kind, count), best first."""
    asked = words.folded(prefix).strip()
    (told,) = client.search(index, [suggesting(asked)])
    found: dict[tuple[str, str], int] = {}
    for bucket in told["aggregations"]["found"]["buckets"]:
        text, kind = documents.suggestion(bucket["key"])
        if words.starts_a_word(asked, words.folded(text)):
            found[text, kind] = max(bucket["doc_count"], found.get((text, kind), 0))
    return counting.suggestion_order(((text, kind, count) for (text, kind), count in found.items()), asked)[:limit]


def suggesting(asked: str) -> Json:
    """The body that counts the values with a word that starts so."""
    start = asked[: documents.LONGEST_START]
    pattern = "".join(f"\\{char}" if char in _RESERVED else char for char in start) + ".*"
    found = {"terms": {"field": "suggestions", "include": pattern, "size": _MOST_SUGGESTIONS, "execution_hint": "map"}}
    return {"size": 0, "track_total_hits": False, "query": {"prefix": {"suggestions": start}}, "aggs": {"found": found}}


def with_hashes(client: Client, name: str, hashes: Sequence[str], limit: int) -> list[str]:
    """The ids of products that have a picture with one of these perceptual hashes; of an earlier hash first, then by id.

    What has the first comes first out of OpenSearch too; of the others, where there are more than `_HASHED`, not all are compared.
    """
    order = {one: place for place, one in reversed(list(enumerate(hashes)))}
    first = {"constant_score": {"filter": {"term": {"phash": hashes[0]}}}}
    body = {
        "query": {"bool": {"filter": [{"terms": {"phash": list(order)}}], "should": [first]}},
        "size": max(limit, _HASHED),
        "_source": ["phash"],
    }
    hits = client.search(name, [body])[0]["hits"]["hits"]
    places = {hit["_id"]: min(order.get(one, len(order)) for one in hit["_source"]["phash"]) for hit in hits}
    return sorted(places, key=lambda one: (places[one], one))[:limit]
