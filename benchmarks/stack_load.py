"""A crowd before the whole stack: 200 visitors at once, then 1,000, each sending a picture, against what the parts' own CPU times allow."""

import asyncio
import base64
import collections
import contextlib
import http.client
import itertools
import json
import os
import random
import statistics
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.bench import SAMPLE, Bench, cache_folder
from benchmarks.processes import session_cpu, status_mb
from benchmarks.results import Bar, Chart, Found, Target
from lookalike.analysers.local import cores
from lookalike.pictures.decode import PillowDecoder
from lookalike.vision.seeing import open_seer
from stack.local import LocalStack, Wishes

TITLE = "Load"
ABOUT = (
    "The stack of docker-compose.yml as processes on one machine: OpenSearch 3.6.0 with 512 MB of heap, Redis, one worker, one API. "
    "Visitors send a picture that nobody has seen, wait for the answer, and send the next; one who is told 429 waits as long as it says, "
    "and comes back with the cookie that it was given, as browsers do. "
    "The bound is what the cores could answer if each search took only what its parts take alone, measured in the same run: decoding and "
    "network (one thread, nothing else), and the same search again (what is in its picture is then remembered): query and HTTP; before "
    "and after each crowd, and the quicker counts: a machine's pace changes within minutes, and Java is not hot at first. Cores that the "
    "visitors and others take are not counted in. The stack is warm: what it did in its first seconds stands by itself."
)
PATIENCE_SECONDS = 60.0
WARM_SECONDS = 20
"""A stack that has just started answers a third slower: Java compiles what is hot. The parts are measured hot, so the crowds meet it so."""


@dataclass(slots=True)
class Crowd:
    """What a number of visitors saw."""

    visitors: int
    times: list[float] = field(default_factory=list)
    outcomes: "collections.Counter[str]" = field(default_factory=collections.Counter)
    again: int = 0
    wall: float = 0.0

    def at(self, share: float) -> float:
        """The quantile, in ms."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else float("nan")

    @property
    def errors(self) -> int:
        """Whatever is neither an answer nor a 429 that says when to come again."""
        return sum(count for what, count in self.outcomes.items() if what not in ("200", "200 with a notice", "429"))


@dataclass(slots=True)
class Meter:
    """CPU seconds: of each process of the stack, of this one, and of the whole machine."""

    stack: LocalStack
    began: dict[str, float] = field(default_factory=dict)

    def now(self) -> dict[str, float]:
        """Totals until now."""
        told = {name: session_cpu(self.stack.supervisor.pid(name)) for name in self.stack.processes}
        with open("/proc/stat", encoding="ascii") as file:
            fields = [int(one) for one in file.readline().split()[1:9]]
        busy = (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")
        return told | {"visitors": time.process_time(), "machine": busy}

    def start(self) -> None:
        self.began = self.now()

    def spent(self) -> dict[str, float]:
        """Since `start`."""
        return {name: seconds - self.began[name] for name, seconds in self.now().items()}


def measure(bench: Bench) -> Found:
    """Both crowds, and the parts between."""
    found = Found()
    products, seconds = bench.size(1000, 40), bench.size(120, 8)
    crowds = (200, 1000) if not bench.quick else (20, 60)
    pictures = bench.pictures(products) or sorted((SAMPLE / "pictures").glob("*.jpg"))
    variables = {"OPENSEARCH_HEAP": "512m", "WORKER_CPUS": str(cores())}
    with LocalStack(Wishes(variables=variables), tell=bench.tell) as stack:
        bench.tell(f"load: {len(pictures):,} products through the workers")
        _fill(stack, pictures)
        meter = Meter(stack)
        seen, alone = [], list[dict[str, float]]()

        def measure_alone() -> None:
            bench.tell("load: the parts alone")
            alone.append(_parts(stack, meter, pictures, bench.size(300, 40)))

        bench.tell(f"load: {crowds[0]:,} visitors for {WARM_SECONDS} s, so that Java learns what is hot")
        cold = asyncio.run(_crowd(stack, crowds[0], bench.size(WARM_SECONDS, 2), pictures))
        measure_alone()
        for visitors in crowds:
            bench.tell(f"load: {visitors:,} visitors for {seconds} s")
            meter.start()
            seen.append((asyncio.run(_crowd(stack, visitors, seconds, pictures)), meter.spent()))
            measure_alone()
        totals = [sum(one.values()) for one in alone]
        for name in alone[0]:
            each = statistics.mean(one[name] for one in alone)
            found.add(f"CPU alone: {name}", each * 1000, "ms", statistics.mean(totals) * 1000, "all parts")
        told = ", ".join(f"{one * 1000:.1f}" for one in totals)
        found.notes.append(f"All parts alone, before the crowds, between them and after: {told} ms.")
        first = f"{cold.visitors:,} visitors, the first {cold.wall:.0f} s after the start"
        found.add(first, len(cold.times) / cold.wall, "/s")
        found.add(f"{first}: errors", cold.errors, "", target=Target("≤", 0, "ours"))
        for (crowd, spent), around in zip(seen, itertools.pairwise(totals), strict=True):
            _tell(found, crowd, spent, min(around), stack)
        bars = [Bar("", f"{one.visitors:,} visitors", len(one.times) / one.wall, "ours", f"p95 {one.at(0.95):,.0f} ms") for one, _ in seen]
        for name in stack.processes:
            found.add(f"memory afterwards: {name}", _tree_mb(stack.supervisor.pid(name)), "MB")
        if died := stack.supervisor.deaths():
            raise RuntimeError(f"Processes of the stack died: {died}.")
    found.charts.append(Chart("load", "Searches by picture a second, whole stack", "/s", tuple(bars)))
    return found


def _tell(found: Found, crowd: Crowd, spent: dict[str, float], alone: float, stack: LocalStack) -> None:
    name, answered = f"{crowd.visitors:,} visitors", len(crowd.times)
    ours = sum(spent[one] for one in stack.processes)
    others = max(0.0, spent["machine"] - ours - spent["visitors"])
    free = max(0.1, cores() - (spent["visitors"] + others) / crowd.wall)
    each = ours / max(1, answered)
    found.add(
        f"{name}, answered", answered / crowd.wall, "/s", free / alone, "the parts on the cores left", target=Target("≥", 0.8, "ratio")
    )
    found.add(f"{name}, CPU an answer", each * 1000, "ms", alone * 1000, "the parts alone")
    found.add(f"{name}, p50", crowd.at(0.5), "ms")
    found.add(f"{name}, p95", crowd.at(0.95), "ms")
    found.add(
        f"{name}, 429 with Retry-After", float(crowd.outcomes["429"]), "", what=f"{crowd.again} of them to one who had waited as told"
    )
    found.add(f"{name}, answered without the networks", float(crowd.outcomes["200 with a notice"]), "")
    found.add(f"{name}, errors or no answer", float(crowd.errors), "", target=Target("≤", 0))
    told = ", ".join(f"{one} {spent[one] / crowd.wall:.2f}" for one in (*stack.processes, "visitors"))
    strange = {what: count for what, count in crowd.outcomes.items() if what not in ("200", "429")}
    found.notes.append(f"{name}: cores in use: {told}, others {others / crowd.wall:.2f}. {strange or ''}".strip())


def _fill(stack: LocalStack, pictures: Sequence[Path]) -> None:
    """Put products into the index over HTTP, in bulk jobs, and wait until they are done."""
    for start in range(0, len(pictures), 200):
        rows = [
            {"id": f"p{number}", "title": f"Product {number}", "category": "Things", "pictures": [f"data:image/jpeg;base64,{_base64(one)}"]}
            for number, one in enumerate(pictures[start : start + 200], start)
        ]
        job = _ask(stack, "POST", "/v1/products:bulk", "\n".join(map(json.dumps, rows)).encode(), "application/x-ndjson")
        while (told := _ask(stack, "GET", f"/v1/jobs/{job['id']}"))["state"] not in ("done", "failed"):
            time.sleep(0.2)
        if told["state"] != "done" or told["counts"]["failed"]:
            raise RuntimeError(f"The products were not indexed: {told}.")


def _parts(stack: LocalStack, meter: Meter, pictures: Sequence[Path], count: int) -> dict[str, float]:
    """CPU seconds of each part of a search, alone."""
    decoder, seer = PillowDecoder(), open_seer("default", cache_folder())
    contents = [one.read_bytes() for one in pictures[:count]]
    seer.analyse([(decoder.decode(contents[0]), None)])
    decoded, decode = _cpu(lambda: [(decoder.decode(one), None) for one in contents])
    _, network = _cpu(lambda: [seer.analyse(decoded[start : start + 8]) for start in range(0, len(decoded), 8)])
    rng = random.Random("parts")
    bodies = [_body(one, rng) for one in contents]
    host, _, port = stack.addresses["api"].rpartition(":")
    with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=PATIENCE_SECONDS)) as connection:

        def told(requests: Sequence[tuple[str, str, bytes | None]]) -> float:
            meter.start()
            for method, path, body in requests:
                connection.request(method, path, body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                data = answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{path} was answered {answer.status}: {data[:200]!r}")
            spent = meter.spent()
            return (spent["api"] + spent["opensearch"] + spent["redis"]) / len(requests)

        searches = [("POST", "/v1/search", body) for body in bodies]
        told(searches)
        query = told(searches)  # what is in the pictures is remembered now: all that is left is HTTP and the query
        plain = told([("GET", "/healthz", None)] * len(bodies))
    size = len(contents)
    return {"decoding": decode / size, "network": network / size, "query": query - plain, "HTTP": plain}


def _body(jpeg: bytes, rng: random.Random) -> bytes:
    """A search by a picture that nobody has seen: a real one with a comment in it."""
    note = b"%032x" % rng.getrandbits(128)
    picture = base64.b64encode(jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(note) + 2) + note + jpeg[2:]).decode()
    return json.dumps({"like": [{"picture": {"base64": picture}}], "limit": 10}).encode()


async def _crowd(stack: LocalStack, visitors: int, seconds: float, pictures: Sequence[Path]) -> Crowd:
    crowd, contents = Crowd(visitors), [one.read_bytes() for one in pictures[:200]]
    timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
    jar = aiohttp.DummyCookieJar()  # each visitor has cookies of its own
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout, cookie_jar=jar) as session:
        began = time.monotonic()
        tasks = [_visitor(session, stack.url, crowd, random.Random(number), contents, began + seconds) for number in range(visitors)]
        await asyncio.gather(*tasks)
        crowd.wall = time.monotonic() - began
    return crowd


async def _visitor(
    session: aiohttp.ClientSession, url: str, crowd: Crowd, rng: random.Random, contents: Sequence[bytes], end: float
) -> None:
    waited, cookies = False, dict[str, str]()
    while time.monotonic() < end:
        body, pause, began = _body(rng.choice(contents), rng), 0.0, time.monotonic()
        try:
            headers = {"Content-Type": "application/json"}
            async with session.post(f"{url}/v1/search", data=body, headers=headers, cookies=cookies) as answer:
                cookies = {name: one.value for name, one in answer.cookies.items()}
                told = await answer.json(content_type=None)
                outcome = str(answer.status)
                if answer.status == 200:
                    outcome += " with a notice" if told["notices"] else ""
                    crowd.times.append(time.monotonic() - began)
                elif answer.status == 429:
                    pause = float(answer.headers["Retry-After"])
                    crowd.again += waited
        except (aiohttp.ClientError, TimeoutError, KeyError, ValueError) as error:
            outcome = f"no answer ({type(error).__name__})"
        crowd.outcomes[outcome] += 1
        waited = outcome == "429"
        if pause:
            await asyncio.sleep(min(pause, max(0.0, end - time.monotonic())))


def _ask(stack: LocalStack, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> Any:
    host, _, port = stack.addresses["api"].rpartition(":")
    with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=PATIENCE_SECONDS)) as connection:
        connection.request(method, path, body, {"Content-Type": kind, "Authorization": f"Bearer {stack.write_key}"})
        answer = connection.getresponse()
        data = answer.read()
    if answer.status not in (200, 202):
        raise RuntimeError(f"{method} {path} was answered {answer.status}: {data[:200]!r}")
    return json.loads(data)


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _cpu(work: Callable[[], list[Any]]) -> tuple[list[Any], float]:
    began = time.process_time()
    return work(), time.process_time() - began


def _tree_mb(pid: int) -> float:
    """Resident memory of a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    below = [int(one) for one in children.read_text(encoding="ascii").split()] if children.is_file() else []
    return status_mb(pid, "VmRSS") + sum(_tree_mb(one) for one in below)
