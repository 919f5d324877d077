"""Fetching from a picture server that behaves in every bad way, with tripwires where nobody may go."""

import contextlib
import io
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import quote

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from picture_server import PictureServer, Tripwire
from PIL import Image

from lookalike.domain.deadline import waiting_until
from lookalike.domain.reasons import PictureReason
from lookalike.errors import PictureUnavailable, PictureUnreadable
from lookalike.pictures.addresses import Guard
from lookalike.pictures.decode import PillowDecoder
from lookalike.pictures.http import WebLimits, WebPictures
from lookalike.pictures.web import Fetched

LIMITS = WebLimits(most_bytes=50_000, seconds=1.5, parallel=16, per_host=16, redirects=3, attempts=2, patience_seconds=3.0)


def content(name: str) -> bytes:
    """A picture of its own for each name; "cut…" ends too early."""
    made = Image.new("RGB", (24, 24), tuple(name.encode()[-3:].rjust(3)))
    made.putpixel((1, 1), tuple(name.encode()[:3].rjust(3)))
    out = io.BytesIO()
    made.save(out, "JPEG" if name.startswith("cut") else "PNG")
    return out.getvalue()[: -len(out.getvalue()) // 3] if name.startswith("cut") else out.getvalue()


class Names(AbstractResolver):
    """A resolver whose names mean what the test says: each lookup takes the next answer, the last one stays."""

    def __init__(self, answers: dict[str, list[list[str] | OSError]]) -> None:
        self.answers = answers
        self.asked: Counter[str] = Counter()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        self.asked[host] += 1
        told = self.answers.get(host, [socket.gaierror(socket.EAI_NONAME, "unknown")])
        found = told[min(self.asked[host], len(told)) - 1]
        if isinstance(found, OSError):
            raise found
        kinds = [(one, socket.AF_INET6 if ":" in one else socket.AF_INET) for one in found]
        return [ResolveResult(hostname=host, host=one, port=port, family=kind, proto=0, flags=0) for one, kind in kinds]

    async def close(self) -> None:
        pass


class Town:
    """The shop's own server on 127.0.0.2, and, on the same port of 127.0.0.1 and ::1, tripwires."""

    def __init__(self) -> None:
        self.server = PictureServer(content, "127.0.0.2")
        self.wires = [Tripwire("127.0.0.1", self.server.port)]
        if socket.has_ipv6:
            self.wires.append(Tripwire("::1", self.server.port))

    def guard(self) -> Guard:
        """The server is allowed by address and by network; the port is no reason to refuse the others."""
        return Guard([f"127.0.0.2:{self.server.port}", "127.0.0.2:1", "127.0.0.2/32"], {80, 443, self.server.port})

    def close(self) -> None:
        self.server.close()
        assert [wire.close() for wire in self.wires] == [[] for _ in self.wires], "somebody went where nobody may go"


@pytest.fixture
def town() -> Iterator[Town]:
    opened = Town()
    yield opened
    opened.close()


@pytest.fixture
def open_web(town: Town) -> Iterator[Callable[..., WebPictures]]:
    opened: list[WebPictures] = []

    def make(limits: WebLimits = LIMITS, **more: object) -> WebPictures:
        opened.append(WebPictures(limits, town.guard(), **more))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def outcome(found: Fetched | PictureUnavailable) -> bytes | str | None:
    if isinstance(found, PictureUnavailable):
        assert len(str(found)) > 20, "a sentence"
        return found.reason
    return found.content


def outcomes(web: WebPictures, wanted: Sequence[str]) -> list[bytes | str | None]:
    return [outcome(one) for one in web.fetch_all([(one, None) for one in wanted])]


def test_each_way_to_fail_has_its_reason_and_the_good_ones_all_arrive(town: Town, open_web: Callable[..., WebPictures]) -> None:
    """All at once: none of the bad ones costs a good one, or more time than one picture may take, or a look elsewhere."""
    base, own = town.server.base, town.server
    wanted: dict[str, str | bytes] = {
        "status/404": "not_found",
        "status/410": "gone",
        "status/403": "forbidden",
        "status/401": "forbidden",
        "status/429": "rate_limited",
        "never/429": "rate_limited",
        "status/500": "server_error",
        "never/503": "server_error",
        "status/418": "http_error",
        "status/204": "http_error",
        "insist/x": "http_error",
        "nohttp/x": "http_error",
        "silent/x": "timeout",
        "drip/x": "too_slow",
        "endless/x": "too_large",
        "huge/x": "too_large",
        "bomb/x": "too_large",
        "lies/x": "truncated",
        "reset/x": "connection",
        "page/x": "wrong_type",
        "odd/x": "wrong_type",
        "loop/x": "too_many_redirects",
        "far/4": "too_many_redirects",
        f"to/x?url={quote('file:///etc/passwd')}": "bad_reference",
        f"to/x?url={quote('http://[')}": "bad_reference",
        f"to/x?url={quote('http://u:p@127.0.0.2/')}": "forbidden_address",
        "wobbly/a": content("a"),
        "packed/b": content("b"),
        "text/c": content("c"),
        "far/3": content("far"),
        f"to/x?url={quote('/picture/d')}": content("d"),
    }
    good = {f"slow/{number}": content(str(number)) for number in range(40)}
    told = {f"{base}/{path}": one for path, one in (wanted | good).items()} | {
        "http://127.0.0.2:1/x": "connection",
        f"https://127.0.0.2:{own.port}/picture/x": "tls",
        "http://nowhere.test/x": "dns",
        "ftp://127.0.0.2/x": "bad_reference",
    }
    web, began = open_web(resolver=lambda: Names({})), time.monotonic()
    assert dict(zip(told, outcomes(web, list(told)), strict=True)) == told
    assert time.monotonic() - began < LIMITS.attempts * LIMITS.seconds + 2
    asked = Counter(town.server.paths())
    assert (asked["status/404"], asked["status/500"], asked["wobbly/a"], asked["never/429"], asked["never/503"]) == (1, 2, 2, 1, 1)
    assert 1 < town.server.most_at_once <= LIMITS.per_host
    assert {one for one in told.values() if isinstance(one, str)} <= set(PictureReason)


def test_a_picture_that_ends_too_early_is_told_by_the_decoder(town: Town, open_web: Callable[..., WebPictures]) -> None:
    """The server does not know; the bytes do. And what is no picture in spite of its type."""
    found = open_web().fetch(f"{town.server.base}/picture/cut").content
    assert found == content("cut")
    with pytest.raises(PictureUnreadable) as caught:
        PillowDecoder().decode(found)
    assert caught.value.reason == "truncated"


def test_nobody_reaches_a_forbidden_address(town: Town, open_web: Callable[..., WebPictures]) -> None:
    """However it is written, directly and after a redirect; and by name."""
    port = town.server.port
    hosts = [
        *("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "0"),
        *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
        *(
            "[2001:0:7f00:1::]",
            "[fe80::1]",
            "[fd00::1]",
            "[ff02::1]",
            "①②⑦.0.0.1",
            "inner.test",
            "mixed.test",
            "metadata.test",
            "mapped.test",
        ),
    ]
    direct = [f"http://{host}:{port}/x" for host in hosts] + [
        *("http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/x", "http://100.64.0.1/x", "http://224.0.0.1/x"),
        *("http://1.1.1.1:22/x", "http://1.1.1.1:6379/x", "https://u:p@1.1.1.1/x"),
    ]
    moved = [f"{town.server.base}/to/x?url={quote(one)}" for one in direct]
    names = Names(
        {
            "localhost": [["127.0.0.1", "::1"]],
            "inner.test": [["127.0.0.1"]],
            "mixed.test": [["127.0.0.2", "127.0.0.1"]],
            "metadata.test": [["169.254.169.254"]],
            "mapped.test": [["::ffff:127.0.0.1"]],
        }
    )
    found = outcomes(open_web(resolver=lambda: names), direct + moved)
    assert {url: one for url, one in zip(direct + moved, found, strict=True) if one != "forbidden_address"} == {}


def test_a_name_is_looked_up_once_and_the_checked_address_is_called(town: Town, open_web: Callable[..., WebPictures]) -> None:
    """DNS that changes between check and use: the connection goes where the check was, and the next check sees the change."""
    names = Names(
        {"rebind.test": [["127.0.0.2"], ["127.0.0.1"]], "shaky.test": [socket.gaierror(socket.EAI_AGAIN, "later"), ["127.0.0.2"]]}
    )
    url = f"http://rebind.test:{town.server.port}/picture/x"
    assert open_web(resolver=lambda: names).fetch(url).content == content("x")
    assert names.asked["rebind.test"] == 1
    with pytest.raises(PictureUnavailable) as caught:
        open_web(resolver=lambda: names).fetch(url)
    assert caught.value.reason == "forbidden_address"
    assert open_web(resolver=lambda: names).fetch(f"http://shaky.test:{town.server.port}/picture/y").content == content("y")


def test_a_server_that_says_when_is_obeyed(town: Town, open_web: Callable[..., WebPictures]) -> None:
    """Retry-After in seconds and as a date by the server's own clock: not asked before, and the others of a busy host wait too."""
    web = open_web(WebLimits(seconds=1.0, per_host=1, attempts=2, patience_seconds=3.0))
    first, second = (f"{town.server.base}/later/1/a", f"{town.server.base}/picture/b")
    assert outcomes(web, [first, second]) == [content("a"), content("b")], "waiting does not count as the picture's time"
    at = [one.at for one in town.server.asked]
    assert at[1] - at[0] >= 1.0
    assert [one.path for one in town.server.asked[1:]] in (["later/1/a", "picture/b"], ["picture/b", "later/1/a"])
    assert outcomes(web, [f"{town.server.base}/date/2/c"]) == [content("c")]
    at = [one.at for one in town.server.asked if one.path == "date/2/c"]
    assert 2.0 <= at[1] - at[0] < 3.5
    began = time.monotonic()
    with pytest.raises(PictureUnavailable) as caught:  # who waits for the answer has less time than the server wants
        web.fetch(f"{town.server.base}/later/2/d")
    assert (caught.value.reason, time.monotonic() - began < 1.0) == ("rate_limited", True)
    began = time.monotonic()
    with waiting_until(began + 0.5):  # as for the pictures of a product that somebody puts
        assert outcomes(web, [f"{town.server.base}/later/2/e"]) == ["rate_limited"]
    assert time.monotonic() - began < 1.0


def test_who_waits_goes_before_who_does_not(town: Town) -> None:
    """A shopper's picture passes the catalogue's at the same host."""
    going = threading.Event()

    def told(name: str) -> bytes:
        going.set()
        return content(name)

    town.server.content = told
    web = WebPictures(WebLimits(per_host=1), town.guard())
    thread = threading.Thread(target=outcomes, args=(web, [f"{town.server.base}/slow/{number}" for number in range(30)]))
    thread.start()
    assert going.wait(10)
    assert web.fetch(f"{town.server.base}/picture/shopper").content == content("shopper")
    thread.join(20)
    assert town.server.paths().index("picture/shopper") < 15
    assert (len(town.server.paths()), town.server.most_at_once) == (31, 1)
    web.close()


def test_a_host_that_is_away_costs_its_pictures_only(town: Town, open_web: Callable[..., WebPictures]) -> None:
    """After some connections that nobody took, the rest of its pictures fail at once; the other hosts' all arrive."""
    with socket.socket() as deaf, contextlib.ExitStack() as callers:
        deaf.bind(("127.0.0.2", 0))
        deaf.listen(0)
        for _ in range(3):  # more than its queue holds: from now on nobody gets through
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(deaf.getsockname())
        port = deaf.getsockname()[1]
        guard = Guard([f"127.0.0.2:{town.server.port}", f"127.0.0.2:{port}"])
        web, began = WebPictures(WebLimits(seconds=1.0, per_host=4, attempts=1), guard), time.monotonic()
        wanted = [f"http://127.0.0.2:{port}/{number}" for number in range(100)] + [f"{town.server.base}/picture/{n}" for n in range(20)]
        found = outcomes(web, wanted)
        web.close()
    assert set(found[:100]) == {"timeout"}
    assert found[100:] == [content(str(number)) for number in range(20)]
    assert time.monotonic() - began < 5, "100 pictures, 4 at once, half a second each would be 12"


def test_after_closing_nothing_is_fetched(town: Town) -> None:
    """And closing twice, or before the first fetch, is nothing; a fetch that runs ends."""
    web = WebPictures(LIMITS, town.guard())
    ended: list[bytes | str | None] = []

    def wait() -> None:
        try:
            ended.append(outcome(web.fetch(f"{town.server.base}/silent/x")))
        except PictureUnavailable as error:
            ended.append(outcome(error))

    thread = threading.Thread(target=wait)
    thread.start()
    web.fetch(f"{town.server.base}/picture/x")
    web.close()
    web.close()
    thread.join(10)
    assert ended == ["connection"]
    with pytest.raises(PictureUnavailable) as caught:
        web.fetch(f"{town.server.base}/picture/x")
    assert caught.value.reason == "connection"


def test_a_proxy_is_used_only_when_asked_for(town: Town, open_web: Callable[..., WebPictures], monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment names is not; a proxy that is asked for gets the whole URL, but none that the guard refuses."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert open_web().fetch(f"{town.server.base}/picture/x").content == content("x")
    refused = ("http://10.0.0.1/picture/x", "http://inner.test/picture/x")
    names = Names({"inner.test": [["10.0.0.1"]]})
    for how in (town.server.base, "environment"):
        monkeypatch.setenv("http_proxy", town.server.base)
        web = open_web(proxy=how, resolver=lambda: names)
        assert web.fetch("http://only-the-proxy-knows.test/picture/y").content == content("y")
        assert outcomes(web, refused) == ["forbidden_address"] * 2
    assert town.server.asked[-1].headers["Host"] == "only-the-proxy-knows.test"
