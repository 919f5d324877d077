"""The indexes behind an alias: which one counts, which one is kept to go back to, and who is carrying writes between them.

All of it lies in the cluster: the alias, what `_meta.lookalike.previous` of an index says, and an alias that is a lease
(docs/decisions/0073).
"""

import contextlib
import re
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lookalike.domain.analysis import Recipe
from lookalike.engines.opensearch import mapping, reading, rebuilding
from lookalike.engines.opensearch.address import Address
from lookalike.engines.opensearch.client import Client
from lookalike.errors import IndexNotFound, IndexProblem, Unavailable

Json = dict[str, Any]

WRITES = "-writes"
"""What follows an index's name in the name of the alias that writes go to."""

_REMOVED = "-removed"
"""What follows it in the name of the index that knows which products were removed since it took over."""

_CARRYING = "-carrying-"
_LEASE_SECONDS = 60
_RENEW_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Previous:
    """The index that was replaced: since when (seconds since 1970, by the cluster's clock), and the last sequence number of each
    shard of its successor at that moment."""

    name: str
    at: int
    last: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """What is behind the alias now, or one that is to be."""

    name: str
    recipe: Recipe
    known_at: float
    rescored: bool = False
    previous: Previous | None = None
    leases: tuple[str, ...] = ()

    @property
    def removed(self) -> str:
        """The index that knows which of its products were removed since it took over."""
        return self.name + _REMOVED


class Lease:
    """The right to switch from one index, which takes no writes meanwhile; it ends by itself where it is not renewed."""

    def __init__(self, client: Client, index: str) -> None:
        self._client, self._index = client, index
        self._renewed = time.monotonic()
        self.alias = self._named()
        with client.asked() as raw:
            raw.indices.update_aliases(body={"actions": [{"add": {"index": index, "alias": self.alias}}]})

    def renew(self) -> None:
        """Say that we still live. Raises: Unavailable where somebody took us for dead."""
        if time.monotonic() - self._renewed < _RENEW_SECONDS:
            return
        fresh = self._named()
        self._act([{"add": {"index": self._index, "alias": fresh}}])
        self.alias, self._renewed = fresh, time.monotonic()

    def switch(self, actions: Sequence[Json]) -> None:
        """Change aliases in the same step in which the lease ends. Raises: Unavailable where somebody took us for dead."""
        self._act(actions)

    def end(self) -> bool:
        """Give it back; False where it was not ours any more: somebody else decides whether the index takes writes."""
        try:
            self._act([])
        except (Unavailable, IndexProblem):
            return False
        return True

    def _act(self, actions: Sequence[Json]) -> None:
        ended = {"remove": {"index": self._index, "alias": self.alias, "must_exist": True}}
        try:
            with self._client.asked() as raw:
                raw.indices.update_aliases(body={"actions": [*actions, ended]})
        except IndexNotFound as error:
            told = f"This process did not say for {_LEASE_SECONDS} s that it lives, and others opened {self._index} for writing again."
            raise Unavailable(f"{told} Nothing is lost; start again.", 5.0) from error

    def _named(self) -> str:
        return f"{self._index}{_CARRYING}{self._client.now() + _LEASE_SECONDS}-{uuid.uuid4().hex[:8]}"


class Indexes:
    """The indexes of one address."""

    def __init__(self, address: Address, client: Client) -> None:
        self._address, self._client = address, client

    def look(self) -> Index | None:
        """What is behind the alias now; None where there is nothing. Raises: IndexProblem."""
        with self._client.asked() as raw:
            told = raw.indices.get(index=self._address.alias, params={"ignore": 404})
        if "error" in told:
            return None
        if len(told) > 1:
            raise IndexProblem(f"Behind {self._address} are {len(told)} indexes ({', '.join(sorted(told))}); one is wanted.")
        return next((_read(name, one) for name, one in told.items()), None)

    def create(self, recipe: Recipe, *, named: bool = False) -> Index | None:
        """A new index; `named`: with the alias from the beginning. None where another process made one in the same moment."""
        alias = self._address.alias
        with self._client.asked() as raw:
            major, minor = map(int, raw.info()["version"]["number"].split(".")[:2])
            taken = raw.indices.get(index=f"{alias}-*", params={"expand_wildcards": "all"})
        numbers = [int(found[1]) for name in taken if (found := re.fullmatch(re.escape(alias) + r"-(\d{6})", name))]
        name = f"{alias}-{max(numbers, default=0) + 1:06d}"
        body = mapping.index_body((major, minor), recipe, self._address.layout)
        body["aliases"] = {name + WRITES: {}} | ({alias: {}} if named else {})
        try:
            with self._client.asked() as raw:
                raw.indices.create(index=name, body=body)
        except IndexProblem as error:
            if "resource_already_exists" in str(error):
                return None
            raise mapping.refused(error, self._address.layout) from error
        return Index(name, recipe, time.monotonic())

    def delete(self, *names: str) -> None:
        """Delete indexes; those that are not there are passed over."""
        with self._client.asked() as raw:
            raw.indices.delete(index=",".join(names), params={"ignore_unavailable": "true"})

    def discard(self, new: Index) -> None:
        """Delete an index that was not to be, unless the alias leads to it: a switch that was not answered in time may have been made."""
        now = self.look()
        if now is None or now.name != new.name:
            self.delete(new.name, new.removed)

    # Switching

    @contextmanager
    def carrying(self, index: Index) -> Iterator[Lease]:
        """While the block runs, `index` takes no writes; afterwards it does again unless the lease was used to switch."""
        now = self.look()
        if now is None or now.name != index.name or self.recover(now):
            raise Unavailable("Another process has led this name to another index meanwhile, or is about to.", 5.0)
        lease = Lease(self._client, index.name)
        self.block(index.name, blocked=True)
        try:
            yield lease
        except BaseException:
            if lease.end():
                self.block(index.name, blocked=False)
            raise

    def hand_over(self, old: Index | None, new: Index, lease: Lease | None) -> None:
        """In one step the alias leads to the new index. The old one is kept where that is wished, and what it kept itself goes.

        Who is still searching a deleted one asks again.
        """
        alias = self._address.alias
        keep = old is not None and lease is not None and self._address.keep_hours > 0
        if keep and old is not None:
            self.delete(new.removed)
            with self._client.asked() as raw:
                body = mapping.removals(self._address.layout.replicas) | {"aliases": {new.removed + WRITES: {}}}
                raw.indices.create(index=new.removed, body=body)
            self._tell_previous(new.name, Previous(old.name, self._client.now(), rebuilding.last_of(self._client, new.name)))
        elif new.previous is not None:
            self._tell_previous(new.name, None)
        actions: list[Json] = [{"add": {"index": new.name, "alias": alias}}]
        if old is not None:
            actions.append({"remove": {"index": old.name, "alias": alias, "must_exist": True}})
        if lease is not None:
            lease.switch(actions)
        else:
            with self._client.asked() as raw:
                raw.indices.update_aliases(body={"actions": actions})
        if old is not None:
            gone = [old.removed] if keep else [old.removed, old.name]
            if old.previous is not None and old.previous.name != new.name:
                gone.append(old.previous.name)
            with contextlib.suppress(IndexProblem, Unavailable):  # the switch is done; `left_over` tells what stayed
                self.delete(*gone)

    def kept(self, index: Index) -> Index | None:
        """The index that `index` has replaced, None where it is not kept. Raises: IndexProblem."""
        if index.previous is None:
            return None
        with self._client.asked() as raw:
            told = raw.indices.get(index=index.previous.name, params={"ignore": 404})
        return None if "error" in told else next(_read(name, one) for name, one in told.items())

    def note_removed(self, index: Index, ids: Sequence[str]) -> None:
        """Remember that these are asked to be removed, for as long as there is an index to go back to, which may have them."""
        if index.previous is not None and ids:
            actions: list[tuple[Json, Json | None]] = [({"index": {"_id": one}}, {"id": one}) for one in dict.fromkeys(ids)]
            for result in self._client.bulk(index.removed + WRITES, actions, refresh="false"):
                if result["status"] >= 300:
                    raise self._client.failure(result)

    def removed_since(self, index: Index) -> list[str]:
        """The ids of `note_removed`."""
        with self._client.asked() as raw:
            raw.indices.refresh(index=index.removed)
        return list(reading.ids(self._client, index.removed))

    # What processes that died left

    def recover(self, index: Index) -> bool:
        """Open an index for writing that a dead process left closed; True where somebody who lives is carrying."""
        if not index.leases:
            return False
        now = self._client.now()
        if any(int(one.removeprefix(index.name + _CARRYING).partition("-")[0]) >= now for one in index.leases):
            return True
        with self._client.asked() as raw:  # from here on its owner, should it wake up, cannot switch any more
            raw.indices.update_aliases(body={"actions": [{"remove": {"index": index.name, "alias": one}} for one in index.leases]})
        self.block(index.name, blocked=False)
        return False

    def tidy(self, index: Index) -> None:
        """Delete the index that was kept long enough."""
        previous = index.previous
        if previous is not None and previous.at + self._address.keep_hours * 3600 < self._client.now():
            self._tell_previous(index.name, None)
            self.delete(previous.name, index.removed)

    def left_over(self, index: Index | None) -> list[str]:
        """Indexes of ours that neither count nor are kept: what rebuilds that run are filling, and what those that died have left."""
        alias = self._address.alias
        known = set() if index is None else {index.name, *([index.previous.name] if index.previous else [])}
        with self._client.asked() as raw:
            found = raw.indices.get(index=f"{alias}-*", params={"expand_wildcards": "all"})
        return sorted(name for name in found if re.fullmatch(re.escape(alias) + r"-\d{6}", name) and name not in known)

    def block(self, name: str, *, blocked: bool) -> None:
        """Whether an index takes writes. Blocked, it has none under way any more: the settings alone would not wait for those."""
        with self._client.asked() as raw:
            if blocked:
                raw.indices.add_block(index=name, block="write")
            else:
                raw.indices.put_settings(index=name, body={"index.blocks.write": None})

    def _tell_previous(self, name: str, previous: Previous | None) -> None:
        with self._client.asked() as raw:
            meta = raw.indices.get_mapping(index=name)[name]["mappings"]["_meta"]
            meta["lookalike"].pop("previous", None)
            if previous is not None:
                meta["lookalike"]["previous"] = {"index": previous.name, "at": previous.at, "last": list(previous.last)}
            raw.indices.put_mapping(index=name, body={"_meta": meta})


def _read(name: str, told: Json) -> Index:
    recipe = mapping.recipe_of(told["mappings"], name)
    meta = told["mappings"]["_meta"]["lookalike"]
    known = meta.get("previous")
    previous = None if known is None else Previous(known["index"], int(known["at"]), tuple(known["last"]))
    leases = tuple(alias for alias in told["aliases"] if alias.startswith(name + _CARRYING))
    return Index(name, recipe, time.monotonic(), bool(meta.get("rescored")), previous, leases)
