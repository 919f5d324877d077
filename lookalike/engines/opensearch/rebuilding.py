"""What changes in an index while another is built to replace it, by whichever process.

Stored products are found by OpenSearch's sequence numbers, which each shard counts; removed ones are those that a point in time at
the beginning has and the index in the end has not. They are looked for only where the numbers of products do not add up.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lookalike.engines.opensearch import reading
from lookalike.engines.opensearch.client import Client
from lookalike.engines.opensearch.filters import EVERYTHING
from lookalike.errors import Unavailable

Json = dict[str, Any]

_AT_ONCE = 1_000
_LONGEST_PAUSE_SECONDS = 5.0
_LONGEST = "24h"
"""So long a rebuild may take: more a point in time does not live by default."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """An index at one moment: the last sequence number of each shard, the number of products, and a point in time."""

    index: str
    last: tuple[int, ...]
    products: int
    moment: str


class GivesWay:
    """Leaves the cluster to those who write to an index for as long as it was used beside them.

    Merging graphs takes all the cores that a small node has, and a rebuild has time (docs/decisions/0144).
    """

    def __init__(self, client: Client, index: str) -> None:
        self._client, self._index = client, index
        self._last = checkpoints(client, index)

    def after(self, seconds: float) -> None:
        """Wait that long, where somebody has written since the last call."""
        last = checkpoints(self._client, self._index)
        if last != self._last:
            self._last = last
            self._client.wait(min(seconds, _LONGEST_PAUSE_SECONDS))


def begin(client: Client, index: str) -> Beginning:
    """Remember an index as it is."""
    last = last_of(client, index)
    with client.asked() as raw:
        moment = raw.create_pit(index=index, params={"keep_alive": _LONGEST})["pit_id"]
    return Beginning(index, last, len_of(client, {"pit": {"id": moment, "keep_alive": _LONGEST}}), moment)


def end(client: Client, beginning: Beginning) -> None:
    """Forget it."""
    with client.asked() as raw:
        raw.delete_pit(body={"pit_id": [beginning.moment]})


def last_of(client: Client, index: str) -> tuple[int, ...]:
    """Of each shard the sequence number up to which every write has been done, in every copy, and can be found.

    That is the global checkpoint, not the highest number: of two writes at once the later may be there before the earlier.
    """
    found = checkpoints(client, index)
    with client.asked() as raw:
        raw.indices.refresh(index=index)
    return found


def checkpoints(client: Client, index: str) -> tuple[int, ...]:
    """The same, whether it can be found or not. Raises: Unavailable where a shard is away."""
    with client.asked() as raw:
        told = raw.indices.stats(index=index, metric="docs", params={"level": "shards"})["indices"][index]["shards"]
    primaries = {int(shard): copy for shard, copies in told.items() for copy in copies if copy["routing"]["primary"]}
    if sorted(primaries) != list(range(len(told))):
        raise Unavailable(f"Some shards of {index} are away. Try again when the cluster is well.", 5.0)
    return tuple(int(primaries[shard]["seq_no"]["global_checkpoint"]) for shard in range(len(told)))


def stored_since(client: Client, index: str, last: Sequence[int]) -> tuple[list[str], tuple[int, ...]]:
    """The ids of the products that were stored since, and the numbers to go on from."""
    now = last_of(client, index)
    return [hit["_id"] for shard, number in enumerate(last) for hit in _stored(client, index, shard, number)], now


def known_before(client: Client, beginning: Beginning) -> set[str] | None:
    """The ids that the index had; None where nothing was removed yet. It can be asked while everybody writes on."""
    return set(reading.ids(client, beginning.index, moment=beginning.moment)) if _fewer(client, beginning) else None


def removed_since(client: Client, beginning: Beginning, known: set[str] | None, each: Callable[[], object]) -> list[str]:
    """The ids of the products that were removed since; the index takes no writes any more. `known`: what `known_before` told before
    that, to be used up. `each` is called again and again meanwhile."""
    if not _fewer(client, beginning):
        return []
    if known is None:
        known = set()
        for name in reading.ids(client, beginning.index, moment=beginning.moment):
            each()
            known.add(name)
    for name in reading.ids(client, beginning.index):
        each()
        known.discard(name)
    return sorted(known)


def _fewer(client: Client, beginning: Beginning) -> bool:
    """Whether products are missing: the numbers do not add up to those that there were and that have come."""
    stored, _ = stored_since(client, beginning.index, beginning.last)
    known = sum(
        len_of(client, {"pit": {"id": beginning.moment, "keep_alive": _LONGEST}}, stored[start : start + _AT_ONCE])
        for start in range(0, len(stored), _AT_ONCE)
    )
    return beginning.products + len(stored) - known != len_of(client, {}, index=beginning.index)


def len_of(client: Client, where: Json, ids: list[str] | None = None, *, index: str | None = None) -> int:
    """How many products there are, or of some ids."""
    query = EVERYTHING if ids is None else {"terms": {"id": ids}}
    with client.asked() as raw:
        told = raw.search(body={"size": 0, "track_total_hits": True, "query": query, **where}, index=index)
    return int(told["hits"]["total"]["value"])


def _stored(client: Client, index: str, shard: int, after: int) -> Iterator[Json]:
    """The documents of a shard that were stored after a number, in that order."""
    body: Json = {"size": _AT_ONCE, "sort": [{"_seq_no": "asc"}], "track_total_hits": False, "_source": False}
    while True:
        body["query"] = {"range": {"_seq_no": {"gt": after}}}
        with client.asked() as raw:
            hits = raw.search(index=index, body=body, params={"preference": f"_shards:{shard}"})["hits"]["hits"]
        yield from hits
        if len(hits) < _AT_ONCE:
            return
        after = hits[-1]["sort"][0]
