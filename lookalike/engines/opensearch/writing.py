"""Storing and removing: optimistic, row by row, with a version of our own.

OpenSearch's `_version` goes on counting after a removal for a while, so ours is a field. What makes it atomic is that every write
names the `_seq_no` that it read, or that there must be nothing yet (docs/decisions/0072).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lookalike.engines.opensearch.client import Client
from lookalike.engines.opensearch.documents import HELD, encode
from lookalike.errors import Unavailable
from lookalike.ports.engine import Write, Written

Json = dict[str, Any]

_ATTEMPTS = 50
"""How often a write is tried again because others wrote the same product in between."""

_AT_ONCE = 500
_NEVER_THERE = 2
"""`_version` of the second removal of what was never there."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to write: an alias of one index, which goes with it."""

    client: Client
    name: str
    refresh: str

    def bulk(self, actions: Sequence[tuple[Json, Json | None]]) -> list[Json]:
        """See `Client.bulk`."""
        return self.client.bulk(self.name, actions, refresh="false" if self.refresh == "true" else self.refresh)

    def shown(self) -> None:
        """Make what was stored searchable.

        In a request of its own, not by the bulk request's `refresh=true`: that refreshes in the threads that write, of which a node
        has one a core, once for every request. Those of many writers are one (docs/decisions/0144).
        """
        if self.refresh == "true":
            self.client.refresh(self.name)


def put(target: Target, writes: Sequence[Write]) -> list[Written]:
    """The port's `put`. Raises: IndexProblem, Unavailable, when the other writes have been done."""
    results: dict[int, Written] = {}
    failures: list[Exception] = []
    left, ids = list(range(len(writes))), [write.document.id for write in writes]
    for _ in range(_ATTEMPTS):
        batch, left = _once_each(left, ids)
        for start in range(0, len(batch), _AT_ONCE):
            left += _try(target, writes, batch[start : start + _AT_ONCE], results, failures)
        if not left:
            break
        left.sort()
    target.shown()
    if failures:
        raise failures[0]
    if left:
        raise Unavailable(f"Product {ids[left[0]]!r} is written by too many at once. Try again later.", 1.0)
    return [results[row] for row in range(len(writes))]


def remove(target: Target, ids: Sequence[str], if_version: Mapping[str, int]) -> list[bool]:
    """The port's `remove`. Raises: IndexProblem, Unavailable."""
    results = [False] * len(ids)
    left = list(range(len(ids)))
    for _ in range(_ATTEMPTS):
        batch, left = _once_each(left, ids)
        for start in range(0, len(batch), _AT_ONCE):
            left += _try_removing(target, ids, if_version, batch[start : start + _AT_ONCE], results)
        if not left:
            target.shown()
            return results
        left.sort()
    raise Unavailable(f"Product {ids[left[0]]!r} is written by too many at once. Try again later.", 1.0)


def _try_removing(
    target: Target, ids: Sequence[str], if_version: Mapping[str, int], batch: Sequence[int], results: list[bool]
) -> list[int]:
    """Remove what may be removed; the rows that somebody else overtook."""
    named = [ids[row] for row in batch if ids[row] in if_version]
    found = dict(zip(named, _versions(target, named), strict=True)) if named else {}
    sent = [row for row in batch if ids[row] not in found or 0 < found[ids[row]][0] == if_version[ids[row]]]
    actions: list[tuple[Json, Json | None]] = [({"delete": {"_id": ids[row], **found.get(ids[row], (0, {}))[1]}}, None) for row in sent]
    if not actions:
        return []
    overtaken = []
    answers = target.bulk(actions)
    gone = _gone_before(target, [ids[row] for row in sent], answers, if_version)
    for row, result in zip(sent, answers, strict=True):
        if ids[row] in gone:
            results[row] = True
        elif result["status"] == 409:
            overtaken.append(row)
        elif result["status"] not in (200, 404) or "error" in result:
            raise target.client.failure(result)
        else:
            results[row] = result["status"] == 200
    return overtaken


def _once_each(rows: Sequence[int], ids: Sequence[str]) -> tuple[list[int], list[int]]:
    """The first write of each product, and the others: of two writes to one product the later must see the earlier."""
    first: dict[str, int] = {}
    others = [row for row in rows if first.setdefault(ids[row], row) != row]
    return list(first.values()), others


def _try(
    target: Target, writes: Sequence[Write], batch: Sequence[int], results: dict[int, Written], failures: list[Exception]
) -> list[int]:
    """Read the versions, write what may be written; the rows that somebody else overtook."""
    found = _versions(target, [writes[row].document.id for row in batch])
    actions: list[tuple[Json, Json]] = []
    sent: list[tuple[int, Written]] = []
    for row, (version, condition) in zip(batch, found, strict=True):
        document = writes[row].document
        wanted = writes[row].if_version
        if wanted is not None and wanted != version:
            results[row] = Written(document.id, version, created=False, conflict=True)
            continue
        verb = "index" if condition else "create"
        actions.append(({verb: {"_id": document.id, **condition}}, encode(document, version + 1)))
        sent.append((row, Written(document.id, version + 1, created=version == 0)))
    if not actions:
        return []
    overtaken = []
    answers = target.bulk(actions)
    done = _done_before(target, [source for _, source in actions], answers)
    for (row, written), result in zip(sent, answers, strict=True):
        if result["status"] == 409 and written.id not in done:
            overtaken.append(row)
        elif result["status"] == 409:
            results[row] = written
        elif result["status"] >= 300:
            results[row] = written
            failures.append(target.client.failure(result))
        else:
            results[row] = written
    return overtaken


def _done_before(target: Target, sources: Sequence[Json], answers: Sequence[Json]) -> set[str]:
    """The ids of what conflicts with nothing but itself: an attempt whose answer was lost had stored it, and there it is."""
    doubtful = {str(source["id"]): source for source, one in zip(sources, answers, strict=True) if one["status"] == 409 and one.get("lost")}
    if not doubtful:
        return set()
    held = zip(doubtful.items(), target.client.held(target.name, list(doubtful), HELD), strict=True)
    return {name for (name, source), one in held if one.get("found") and all(one["_source"].get(part) == source.get(part) for part in HELD)}


def _gone_before(target: Target, ids: Sequence[str], answers: Sequence[Json], if_version: Mapping[str, int]) -> set[str]:
    """The same of removals. Where one named what it read, that is gone, or another begun in its place counts from 1 again; else
    OpenSearch counts the removals of the last minute as versions: of what was not there before the lost attempt either, this one
    made the second."""
    lost = [(name, one) for name, one in zip(ids, answers, strict=True) if one.get("lost")]
    named = [name for name, one in lost if one["status"] == 409]
    found = _versions(target, named) if named else []
    gone = {name for name, (version, _) in zip(named, found, strict=True) if version <= if_version[name]}
    return gone | {name for name, one in lost if one["status"] == 404 and one.get("_version", 0) > _NEVER_THERE}


def _versions(target: Target, ids: Sequence[str]) -> list[tuple[int, Json]]:
    """The version of each product now, 0 where there is none, and the condition that it still is."""
    told = target.client.held(target.name, ids, ["version"])
    return [
        (one["_source"]["version"], {"if_seq_no": one["_seq_no"], "if_primary_term": one["_primary_term"]}) if one.get("found") else (0, {})
        for one in told
    ]
