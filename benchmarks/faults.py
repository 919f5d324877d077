"""What users see when a part breaks while they search and write: `python -m benchmarks.faults [NAME …] [--write]`.

Each fault strikes the whole stack (`stack/`: OpenSearch, Redis, worker, API as processes that a supervisor starts again) under
traffic. Then what was acknowledged is compared with what is found. `--write` renews the rows in docs/faults.md.
Exit status: 0, or 1 where something acknowledged was lost, something is stored twice, something hung, or did not recover.
"""

import argparse
import contextlib
import http.client
import json
import os
import signal
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from redis import Redis

from benchmarks.bench import ROOT, SAMPLE
from benchmarks.fault_page import Row, load, save, write
from benchmarks.fault_traffic import PATIENCE_SECONDS, Traffic
from benchmarks.poisonous import installed, poison
from benchmarks.slow_proxy import SlowProxy
from lookalike.settings import Settings
from stack.local import LocalStack, Wishes

DEADLINE_SECONDS = float(Settings.model_fields["deadline_seconds"].default)
GRACE_SECONDS = 1.5
"""Writing an answer, and reading it on a machine that is busy, takes a moment beyond the deadline."""
QUIET_SECONDS = 5.0
"""Recovered is who answers everything well for so long."""
RECOVERY_SECONDS = 120.0
JOB_SECONDS = 180.0
SLOW_SECONDS = 6.0
MEMORY = "512mb"


@dataclass(slots=True)
class Site:
    """A stack under traffic."""

    stack: LocalStack
    traffic: Traffic
    proxy: SlowProxy | None = None
    notes: list[str] = field(default_factory=list)

    def redis(self) -> "Redis":
        """A client of its Redis."""
        return Redis.from_url(self.stack.environment("api")["LOOKALIKE_REDIS"])

    def opensearch(self, method: str, path: str, body: object = None) -> Any:
        """What its OpenSearch answers, the last of several nodes."""
        request = urllib.request.Request(
            f"http://{self.stack.addresses['opensearch'].split(',')[-1]}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that breaks: `strike` breaks it; after `hold_seconds` `mend` repairs it, where it does not repair itself."""

    name: str
    what: str
    strike: Callable[[Site], object]
    mend: Callable[[Site], object] | None = None
    hold_seconds: float = 0.0
    nodes: int = 1
    poisonous: bool = False


def _kill(process: str) -> Callable[[Site], object]:
    return lambda site: site.stack.supervisor.kill(process)


def _kill_child(site: Site) -> None:
    parent = site.stack.supervisor.pid("worker")
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)


def _fill_redis(site: Site) -> None:
    with contextlib.closing(site.redis()) as redis:
        redis.config_set("maxmemory", 1)  # as if what is there filled it


def _empty_redis(site: Site) -> None:
    with contextlib.closing(site.redis()) as redis:
        redis.config_set("maxmemory", MEMORY)


def _block(blocked: bool | None) -> Callable[[Site], object]:
    return lambda site: site.opensearch("PUT", "/_all/_settings?expand_wildcards=all", {"index.blocks.read_only_allow_delete": blocked})


def _slow(seconds: float) -> Callable[[Site], object]:
    def change(site: Site) -> None:
        assert site.proxy is not None, "this stack has no proxy"
        site.proxy.delay_seconds = seconds

    return change


def _poison(site: Site) -> None:
    import base64

    text = base64.b64encode(poison()).decode()
    for number in range(2):
        began = time.monotonic()
        try:
            status, told = site.traffic.ask(
                "POST", "/v1/search", json.dumps({"like": [{"picture": {"base64": text}}], "limit": 5}).encode()
            )
            said = str(told.get("detail") or told.get("notices"))
        except (OSError, http.client.HTTPException) as error:
            status, said = 0, type(error).__name__
        site.notes.append(f"the picture itself, search {number + 1}: {status} after {time.monotonic() - began:.1f} s ({said[:120]})")
    rows = [json.dumps({"id": f"{site.traffic.mark}-poison", "title": "Poison", "pictures": [f"data:image/png;base64,{text}"]})]
    status, job = site.traffic.ask("POST", "/v1/products:bulk", "\n".join(rows).encode(), "application/x-ndjson")
    site.notes.append(f"the picture itself, bulk: {status}")
    if status == 202:
        site.traffic.jobs[job["id"]] = [f"{site.traffic.mark}-poison"]
        site.traffic.asked.add(f"{site.traffic.mark}-poison")


FAULTS = (
    Fault("worker", "`kill -9` the worker (the only one)", _kill("worker")),
    Fault("worker-child", "`kill -9` the process in the worker that looks", _kill_child),
    Fault("redis", "`kill -9` Redis", _kill("redis")),
    Fault("api", "`kill -9` the API", _kill("api")),
    Fault("opensearch", "`kill -9` OpenSearch (the only node)", _kill("opensearch")),
    Fault("redis-full", "Redis' memory is full for 10 s", _fill_redis, _empty_redis, 10),
    Fault("read-only", "OpenSearch takes no writes for 10 s (disk watermark)", _block(True), _block(None), 10),
    Fault("slow", f"OpenSearch answers {SLOW_SECONDS:g} s late for 30 s", _slow(SLOW_SECONDS), _slow(0), 30),
    Fault("silent", "OpenSearch does not answer for 45 s", _slow(PATIENCE_SECONDS * 2), _slow(0), 45),
    Fault("poison", "a picture that kills who looks at it", _poison, poisonous=True),
    Fault("node", "`kill -9` one of three OpenSearch nodes", _kill("opensearch-1"), nodes=3),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run them; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(one.name for one in FAULTS))
    parser.add_argument("--version", default="3.6.0", help="OpenSearch's")
    parser.add_argument("--write", action="store_true", help="renew docs/faults.json and docs/faults.md")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(argv)
    known = {one.name: one for one in FAULTS}
    if strange := [name for name in given.names if name not in known]:
        parser.error(f"There is no fault {strange[0]!r}. There are: {', '.join(known)}.")
    wanted = [known[name] for name in given.names] or list(FAULTS)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is stopped
    rows: list[Row] = []
    for kind in dict.fromkeys((one.nodes, one.poisonous) for one in wanted):
        with standing(given.version, *kind) as (stack, proxy):
            for fault in wanted:
                if (fault.nodes, fault.poisonous) == kind:
                    rows.append(measured(fault, stack, proxy, given.version))
                    print(json.dumps(asdict(rows[-1]), ensure_ascii=False) if given.json else rows[-1].text(), flush=True)
                    if given.write:
                        save({**load(), **{f"{one.name} {one.version}": one for one in rows}})
                        write([one.name for one in FAULTS])
    return 0 if all(row.kept for row in rows) else 1


@contextmanager
def standing(version: str, nodes: int, poisonous: bool) -> Iterator[tuple[LocalStack, SlowProxy | None]]:
    """A stack with a small shop in it, behind a proxy where there is one node."""
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, contextlib.ExitStack() as opened:
        proxies: list[SlowProxy] = []

        def between(address: str) -> str:
            proxies.append(opened.enter_context(SlowProxy(address)))
            return proxies[0].address

        environment = {}
        if poisonous:
            environment = {"LOOKALIKE_RECIPE": "poisonous", "PYTHONPATH": os.pathsep.join([str(installed(Path(folder))), str(ROOT)])}
        wishes = Wishes(
            version=version,
            nodes=nodes,
            variables={"OPENSEARCH_HEAP": "512m", "LOOKALIKE_ENGINE_SETTINGS": f"replicas={min(1, nodes - 1)}", "REDIS_MAXMEMORY": MEMORY},
            through={"opensearch": between} if nodes == 1 else {},
            environment=environment,
        )
        stack = opened.enter_context(LocalStack(wishes, tell=lambda line: print(f"… {line[:120]}", file=sys.stderr, flush=True)))
        yield stack, proxies[0] if proxies else None


def measured(fault: Fault, stack: LocalStack, proxy: SlowProxy | None, version: str) -> Row:
    """One fault under traffic, and what became of it."""
    host, _, port = stack.addresses["api"].rpartition(":")
    mark = f"{fault.name}-{os.getpid()}"
    traffic = Traffic(host, int(port), stack.write_key, sorted((SAMPLE / "pictures").glob("*.jpg"))[:40], mark)
    site = Site(stack, traffic, proxy)
    traffic.start()
    pause = threading.Event()
    _await(lambda: _quiet_since(traffic) > 3 and len({one.kind for one in traffic.seen}) == 4, RECOVERY_SECONDS)
    struck = time.monotonic()
    fault.strike(site)
    pause.wait(fault.hold_seconds)
    if fault.mend is not None:
        fault.mend(site)
    mended = time.monotonic()
    pause.wait(QUIET_SECONDS)
    calm = _await(lambda: _quiet_since(traffic) > QUIET_SECONDS, RECOVERY_SECONDS)
    traffic.stop()
    jobs = traffic.wait_jobs(JOB_SECONDS)
    after = [one for one in traffic.seen if one.sent + one.seconds >= struck]
    last = max((one.sent + one.seconds for one in after if not one.good), default=None)
    found = _found(site)
    states = [job.get("state", "?") for job in jobs.values()]
    done = {name for job, names in traffic.jobs.items() if jobs[job].get("state") == "done" for name in names}
    failed_rows = {str(one.get("id")): str(one.get("reason")) for job in jobs.values() for one in job.get("errors", ())}
    wanted = (traffic.acknowledged | done) - {name for name, reason in failed_rows.items() if reason in _REFUSED}
    samples = {f"{one.kind}: {one.outcome}": one.detail[:160] for one in after if not one.good and one.detail}
    return Row(
        name=fault.name,
        what=fault.what,
        version=version,
        outcomes=traffic.outcomes(struck),
        said=samples,
        worst_seconds=round(max((one.seconds for one in after), default=0.0), 2),
        deadline_seconds=DEADLINE_SECONDS,
        hung=sum(one.seconds > DEADLINE_SECONDS + GRACE_SECONDS for one in after),
        writes=len(traffic.acknowledged),
        jobs=len(jobs),
        jobs_done=states.count("done"),
        jobs_not_done=sorted(state for state in states if state != "done"),
        failed_rows=failed_rows,
        lost=len(wanted - set(found)),
        twice=len(found) - len(set(found)),
        recovered_seconds=None if not calm else round(max(0.0, (last or mended) - mended), 1),
        restarts={name: len(statuses) for name, statuses in stack.supervisor.deaths().items()},
        notes=site.notes,
    )


_REFUSED = frozenset({"poison"})
"""Reasons with which a row is listed and its product is not stored; with every other it is, and is found by its words."""


def _await(told: Callable[[], bool], seconds: float) -> bool:
    end, pause = time.monotonic() + seconds, threading.Event()
    while not told():
        if time.monotonic() > end:
            return False
        pause.wait(0.2)
    return True


def _quiet_since(traffic: Traffic) -> float:
    """For how long everything has been good: 0 where nothing was answered yet."""
    if not traffic.seen:
        return 0.0
    bad = traffic.last_bad()
    return time.monotonic() - (traffic.seen[0].sent if bad is None else bad)


def _found(site: Site) -> list[str]:
    """The ids of what this run wrote, as the index has them: one of them twice where it is stored twice."""
    site.opensearch("POST", "/products/_refresh")
    ids, after = list[str](), None
    while True:
        body: dict[str, Any] = {
            "size": 1000,
            "_source": False,
            "fields": ["id"],
            "query": {"prefix": {"id": f"{site.traffic.mark}-"}},
            "sort": ["_doc"],
        }
        if after is not None:
            body["search_after"] = after
        hits = site.opensearch("POST", "/products/_search", body)["hits"]["hits"]
        if not hits:
            return ids
        ids += [str(hit["fields"]["id"][0]) for hit in hits]
        after = hits[-1]["sort"]


if __name__ == "__main__":
    sys.exit(main())
