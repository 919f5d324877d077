"""People at work while something breaks: they search and write without a pause, and note every answer."""

import base64
import collections
import contextlib
import http.client
import itertools
import json
import random
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 60.0
"""A client gives up after so long: three times the server's deadline, so that what hangs is seen to hang."""
BULK_ROWS, BULK_PAUSE_SECONDS = 4, 1.5


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer: what was asked (search, words, write, bulk), when it was sent (monotonic), how long it took, what came."""

    kind: str
    sent: float
    seconds: float
    outcome: str
    good: bool
    detail: str = ""


@dataclass(slots=True)
class Traffic:
    """Clients of one API, from `start` to `stop`. Ids begin with `mark`, so that each run has its own."""

    host: str
    port: int
    key: str
    pictures: list[Path]
    mark: str
    seen: list[Seen] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    jobs: dict[str, list[str]] = field(default_factory=dict)
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Two who search by picture, one by words, one who writes, one who sends bulk jobs."""
        for number, work in enumerate((self._search, self._search, self._words, self._write, self._bulk)):
            thread = threading.Thread(target=self._repeat, args=(work, random.Random(f"{self.mark}{number}")), daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Let each finish what it asks."""
        self._ended.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS + 10)

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> tuple[int, Any]:
        """Status and JSON. Raises: OSError, HTTPException, ValueError."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE_SECONDS)
        with contextlib.closing(connection):
            connection.request(method, path, body, {"Content-Type": kind, "Authorization": f"Bearer {self.key}"})
            answer = connection.getresponse()
            data = answer.read()
            return answer.status, json.loads(data) if data else {}

    def wait_jobs(self, seconds: float) -> dict[str, dict[str, Any]]:
        """Every accepted job as it ended, or as it stands after so long."""
        end, pause, told = time.monotonic() + seconds, threading.Event(), dict[str, dict[str, Any]]()
        for job in self.jobs:
            while True:
                with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                    status, body = self.ask("GET", f"/v1/jobs/{job}")
                    told[job] = body if status == 200 else {"state": f"status {status}"}
                if told.get(job, {}).get("state") in ("done", "failed", "cancelled") or time.monotonic() > end:
                    break
                pause.wait(0.3)
        return told

    def last_bad(self, kinds: tuple[str, ...] = ()) -> float | None:
        """When the last answer that was not good came (monotonic); None where all were good."""
        ends = [one.sent + one.seconds for one in self.seen if not one.good and (not kinds or one.kind in kinds)]
        return max(ends) if ends else None

    def outcomes(self, since: float) -> dict[str, dict[str, int]]:
        """Kind → outcome → how often, of what was answered after a moment."""
        counted: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
        for one in self.seen:
            if one.sent + one.seconds >= since:
                counted[one.kind][one.outcome] += 1
        return {kind: dict(counts.most_common()) for kind, counts in sorted(counted.items())}

    def _repeat(self, work: Callable[[random.Random], None], rng: random.Random) -> None:
        while not self._ended.is_set():
            work(rng)
            self._ended.wait(0.1)

    def _noted(self, kind: str, good: tuple[int, ...], method: str, path: str, body: bytes, type_: str = "application/json") -> Any:
        """Ask and note; the body where the answer was good, else None."""
        sent, told, detail = time.monotonic(), None, ""
        try:
            status, told = self.ask(method, path, body, type_)
            notices = told.get("notices") or []
            outcome, fine = (f"{status} with a notice" if notices and status == 200 else str(status)), status in good and not notices
            detail = str(notices[0] if notices else told.get("detail", ""))
        except TimeoutError:
            outcome, fine = "hung", False
        except (OSError, http.client.HTTPException) as error:
            outcome, fine = f"no answer ({type(error).__name__})", False
        with self._lock:
            self.seen.append(Seen(kind, sent, time.monotonic() - sent, outcome, fine, detail))
        return told if fine else None

    def _picture(self, rng: random.Random) -> str:
        """A picture that nobody has seen: a real one with a comment in it."""
        jpeg, note = rng.choice(self.pictures).read_bytes(), b"%032x" % rng.getrandbits(128)
        return base64.b64encode(jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(note) + 2) + note + jpeg[2:]).decode()

    def _search(self, rng: random.Random) -> None:
        body = {"like": [{"picture": {"base64": self._picture(rng)}}], "category": "off", "limit": 5}
        self._noted("picture search", (200,), "POST", "/v1/search", json.dumps(body).encode())

    def _words(self, rng: random.Random) -> None:
        self._noted("words", (200,), "POST", "/v1/search", json.dumps({"text": rng.choice(("mug", "red", "shoe")), "limit": 5}).encode())

    def _product(self, rng: random.Random) -> dict[str, Any]:
        name = f"{self.mark}-{next(self._numbers)}"
        self.asked.add(name)
        return {"id": name, "title": f"Written while it broke {name}", "pictures": [f"data:image/jpeg;base64,{self._picture(rng)}"]}

    def _write(self, rng: random.Random) -> None:
        product = self._product(rng)
        if self._noted("write", (200, 201), "PUT", f"/v1/products/{product['id']}", json.dumps(product).encode()) is not None:
            self.acknowledged.add(product["id"])

    def _bulk(self, rng: random.Random) -> None:
        rows = [self._product(rng) for _ in range(BULK_ROWS)]
        job = self._noted("bulk", (202,), "POST", "/v1/products:bulk", "\n".join(map(json.dumps, rows)).encode(), "application/x-ndjson")
        if job is not None:
            self.jobs[job["id"]] = [row["id"] for row in rows]
        self._ended.wait(BULK_PAUSE_SECONDS)
