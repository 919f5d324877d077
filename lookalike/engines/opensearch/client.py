"""One cluster, through opensearch-py: its pool and its retries; failures become errors of ours."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from opensearchpy import OpenSearch, exceptions

from lookalike.domain.deadline import seconds_left
from lookalike.engines.opensearch.address import Address
from lookalike.engines.opensearch.connection import OUTSIDE, RequestConnection, noticing_losses, wrong_server
from lookalike.engines.opensearch.serializing import MsgspecSerializer
from lookalike.errors import IndexNotFound, IndexProblem, InvalidInput, Overloaded, StorageFull, Unavailable, WrongServer

Json = dict[str, Any]
_Answer = TypeVar("_Answer")

_ATTEMPTS = 8
_FIRST_PAUSE_SECONDS = 0.1
"""Of a bulk request that OpenSearch has no room for (429): .1 s, .2 s, … 12.8 s, each ± half, 25 s in all."""

_TRIES = 5
"""Of a search whose shard is away: 1.5 s in all, in which a copy takes its place."""

_UNREADY = "unknown method parameter found"
"""What k-NN says of `ef_search`, which it knows, to a search that comes in the moment in which another one, the node's first, fills
its table of names (`MethodParameter.enumOf` fills it unguarded). A moment later it knows them."""

_SHOWN = 300

_NO_WRITES = "The index takes no writes at the moment, as while it is rebuilt. Send the write again in a moment."
"""What visitors are told, as `OUTSIDE`."""


class Client:
    """What the engine says to a cluster. Threads may share it."""

    def __init__(self, address: Address) -> None:
        self._address, self._serializer = address, MsgspecSerializer()
        secure: Json = {"use_ssl": True, "verify_certs": True, "ca_certs": address.ca} if address.secure else {}
        if address.user is not None:
            secure["http_auth"] = (address.user, address.password or "")
        self._raw = OpenSearch(
            hosts=[{"host": host, "port": port} for host, port in address.hosts],
            http_compress=False,
            timeout=address.timeout,
            pool_maxsize=32,
            max_retries=3,
            retry_on_status=(502, 503, 504),
            connection_class=RequestConnection,
            serializer=self._serializer,
            **secure,
        )
        self._closed = threading.Event()

    @contextmanager
    def asked(self) -> Iterator[OpenSearch]:
        """opensearch-py's client, with our errors. Raises: IndexProblem, Unavailable, InvalidInput at "filter"."""
        try:
            yield self._raw
        except exceptions.ConnectionError as error:
            what = "did not answer in time" if isinstance(error, exceptions.ConnectionTimeout) else "cannot be reached"
            raise Unavailable(f"OpenSearch at {self._address} {what}: {_short(error.info)}. Is it running there?", 2.0, OUTSIDE) from error
        except exceptions.TransportError as error:
            raise self._problem(int(error.status_code), _reason(error.info, error.error)) from error
        except exceptions.SerializationError as error:
            raise wrong_server(str(self._address), "an answer that is no JSON", str(error)) from error

    def _part(self, told: object, name: str) -> list[Json]:
        """A list that every answer to what was asked has. Raises: WrongServer."""
        found = told.get(name) if isinstance(told, dict) else None
        if not isinstance(found, list):
            raise wrong_server(str(self._address), f"JSON without {name!r}", str(told))
        return found

    def search(self, index: str, bodies: Sequence[Json]) -> list[Json]:
        """The answers of some searches, asked in one request; again where a shard is away, as while a copy takes its place.

        Raises: as `asked`.
        """
        lines = self._serializer.lines([line for body in bodies for line in ({}, body)])

        def ask() -> list[Json]:
            with self.asked() as raw:
                told = raw.transport.perform_request("POST", f"/{index}/_msearch", body=lines)  # what `msearch` does, and no more
            answers = self._part(told, "responses")
            for answer in answers:
                if "error" in answer:
                    raise self._problem(answer["status"], _reason(answer["error"], ""))
                if answer["timed_out"] or answer["_shards"]["failed"]:
                    failures = answer["_shards"].get("failures", [{}])
                    raise self._problem(503, f"{answer['_shards']['failed']} shards failed: {_reason(failures[0].get('reason'), '')}")
            return answers

        return self._patiently(ask)

    def held(self, index: str, ids: Sequence[str], names: Sequence[str]) -> list[Json]:
        """What is held of each id, with so much of its source: {"found": true, "_seq_no": …}. As of now, refreshed or not.

        Raises: as `asked`.
        """

        def ask() -> list[Json]:
            with self.asked() as raw:
                answer = raw.mget(body={"ids": list(ids)}, index=index, params={"_source_includes": ",".join(names)})
            told = self._part(answer, "docs")
            for one in told:
                if "error" in one:
                    reason = _reason(one["error"], "")
                    raise self._problem(404 if "index_not_found" in reason else 503, reason)
            return told

        return self._patiently(ask)

    def _patiently(self, ask: Callable[[], _Answer]) -> _Answer:
        """The answer to what may be asked twice."""
        for attempt in range(_TRIES - 1):
            try:
                return ask()
            except Unavailable as error:
                if error.__cause__ is not None or isinstance(error, (Overloaded, WrongServer)):
                    raise  # opensearch-py has tried the other hosts, or there is no room, or nobody to ask
                self._pause(attempt)
        return ask()

    def _pause(self, attempt: int) -> None:
        """Wait before the next try. Raises: Unavailable where whoever asks waits no longer than that."""
        seconds = _FIRST_PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
        left = seconds_left()
        if left is not None and left <= seconds:
            raise Unavailable(f"OpenSearch at {self._address} has asked for time, and the request's deadline leaves none.", 2.0, OUTSIDE)
        self.wait(seconds)

    def bulk(self, alias: str, actions: Sequence[tuple[Json, Json | None]], *, refresh: str) -> list[Json]:
        """One result a row, in order: {"status": 201, …}. Rows that found no room (429) or no shard (503) are sent again, with
        growing pauses. The results of rows that may have been done by an attempt whose answer was lost say so: {"lost": True}.

        Raises: as `asked`; Overloaded where there is still no room.
        """
        results: list[Json] = [{} for _ in actions]
        left = list(range(len(actions)))
        params = {"refresh": refresh, "require_alias": "true"}  # else a name that is gone would become an index
        lost: set[int] = set()
        for attempt in range(_ATTEMPTS):
            lines = [line for row in left for line in actions[row] if line is not None]
            losses: list[int] = []
            try:
                with self.asked() as raw, noticing_losses() as losses:
                    told = self._part(raw.bulk(body=lines, index=alias, params=params), "items")
            except Overloaded:
                told = [{"index": {"status": 429}} for _ in left]
            lost.update(left if losses else ())
            for row, one in zip(left, told, strict=True):
                results[row] = next(iter(one.values()))
                if row in lost:
                    results[row]["lost"] = True
                if results[row]["status"] == 503:
                    lost.add(row)
            left = [row for row in left if results[row]["status"] in (429, 503)]
            if not left:
                return results
            if attempt + 1 < _ATTEMPTS:
                self._pause(attempt)
        if not any(results[row]["status"] == 429 for row in left):
            return results
        raise Overloaded(
            f"OpenSearch at {self._address} has no room for {len(left)} of {len(actions)} documents. Send fewer at once.", 10.0
        )

    def refresh(self, alias: str) -> None:
        """Make what was stored searchable. Of an alias that is gone nothing is left to do: who took it has carried what was stored.

        Raises: as `asked`.
        """

        def ask() -> None:
            try:
                with self.asked() as raw:
                    told = raw.indices.refresh(index=alias)["_shards"]
            except IndexNotFound:
                return
            if told["failed"] or not told["successful"]:
                raise self._problem(503, f"{told['failed']} shards could not make searchable what was stored")

        self._patiently(ask)

    def now(self) -> int:
        """Seconds since 1970 by the cluster's clock, which is the same for all who ask. Raises: as `asked`."""
        with self.asked() as raw:
            return int(raw.cat.health(params={"format": "json", "h": "epoch"})[0]["epoch"])

    def failure(self, result: Json) -> Exception:
        """The error that a row's result means."""
        return self._problem(int(result["status"]), _reason(result.get("error"), ""))

    def wait(self, seconds: float) -> None:
        """Do nothing for a while; less where the client is closed meanwhile."""
        self._closed.wait(seconds)

    def close(self) -> None:
        """Give back the connections."""
        self._closed.set()
        self._raw.close()

    def _problem(self, status: int, reason: str) -> Exception:
        where = str(self._address)
        if status == 404 or "index_not_found" in reason:
            return IndexNotFound(f"There is no index at {where}. Create it by indexing a catalogue, or check the name.")
        if "too_many" in reason or "too many" in reason:
            return InvalidInput.at("filter", f"The filter has more clauses than OpenSearch takes: {reason}. Write lists of values.")
        if "flood" in reason or "read-only-allow-delete" in reason or "read-only / allow delete" in reason:
            return StorageFull(f"OpenSearch at {where} has no room on its disks and takes no more: {reason}.")
        if "cluster_block_exception" in reason:
            return Unavailable(f"The index at {where} takes no writes now, as while it is rebuilt: {reason}.", 5.0, _NO_WRITES)
        if _UNREADY in reason:
            return Unavailable(f"OpenSearch at {where} has only just started: {reason}.", 1.0, OUTSIDE)
        if status == 429:
            return Overloaded(
                f"OpenSearch at {where} is overloaded: {reason}.", 2.0, "The search engine has too much to do. Try again in a moment."
            )
        if status in (502, 503, 504):
            return Unavailable(f"OpenSearch at {where} cannot answer now: {reason}.", 2.0, OUTSIDE)
        if status in (401, 403):
            told = "Check LOOKALIKE_ENGINE_USER and LOOKALIKE_ENGINE_PASSWORD."
            return IndexProblem(f"OpenSearch at {where} refuses us ({status}): {reason}. {told}")
        return IndexProblem(f"OpenSearch at {where} refused a request ({status}): {reason}.")


def _reason(info: object, otherwise: str) -> str:
    """What OpenSearch says was wrong: type and cause, of its first failed shard where it has one."""
    told = info.get("error", info) if isinstance(info, dict) else info
    if not isinstance(told, dict):
        return _short(told or otherwise)
    roots = [shard.get("reason", {}) for shard in told.get("failed_shards", [])] or told.get("root_cause") or [told]
    cause: Any = roots[0]
    parts = [str(told.get("type", "")), str(cause.get("type", "")), str(cause.get("reason") or told.get("reason") or "")]
    while isinstance(cause.get("caused_by"), dict):
        cause = cause["caused_by"]
        parts.append(str(cause.get("reason")))
    return _short(": ".join(dict.fromkeys(part for part in parts if part)))


def _short(told: object) -> str:
    text = " ".join(str(told).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
