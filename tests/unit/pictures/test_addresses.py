"""The address guard: what may be fetched, and that a checked address is the one connected to."""

import asyncio
import socket
from typing import Any

import pytest

from lookalike.errors import PictureUnavailable
from lookalike.pictures.addresses import GuardedResolver, check_literal, is_public, parse

PRIVATE = [
    *("127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.1", "198.18.0.1"),
    *(
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "fec0::1",
        "ff02::1",
    ),
    *(
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:db8::1",
        "nonsense",
        "",
    ),
]
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_address_of_a_network_of_our_own_is_public(address: str) -> None:
    """Private, loopback, link-local, metadata, multicast, reserved, and IPv4 in every IPv6 guise."""
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    """Also those that IPv6 carries."""
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        *(("ftp://x/y", "bad_reference"), ("http:/x/y", "bad_reference"), ("http://", "bad_reference"), (" http://x/", "bad_reference")),
        *(
            ("http://x/a b", "bad_reference"),
            ("http://x\\@y/", "bad_reference"),
            ("http://x:99999/", "bad_reference"),
            ("http://[", "bad_reference"),
        ),
        *(("http://u:p@x/", "refused_address"), ("http://u@x/", "refused_address"), ("http://" + "x" * 9000, "bad_reference")),
    ],
)
def test_what_is_no_plain_web_address_is_refused_before_any_lookup(url: str, reason: str) -> None:
    """With its reason."""
    with pytest.raises(PictureUnavailable) as caught:
        parse(url)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1.", "[::1]", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "①②⑦.0.0.1", "[::ffff:127.0.0.1]"]
)
def test_addresses_in_disguise_are_refused_without_a_lookup(host: str) -> None:
    """However they are written."""
    with pytest.raises(PictureUnavailable) as caught:
        check_literal(parse(f"http://{host}/x"), frozenset())
    assert caught.value.reason == "refused_address"


def test_own_image_servers_are_let_through() -> None:
    """By host, or by host and port."""
    check_literal(parse("http://10.0.0.5/x"), {"10.0.0.5"})
    check_literal(parse("http://10.0.0.5:8000/x"), {"10.0.0.5:8000"})
    with pytest.raises(PictureUnavailable):
        check_literal(parse("http://10.0.0.5:8001/x"), {"10.0.0.5:8000"})


def _resolver_with(monkeypatch: pytest.MonkeyPatch, answers: list[list[str]], hosts: tuple[str, ...] = ()) -> GuardedResolver:
    async def getaddrinfo(_self: object, host: str, port: int, **_: Any) -> list[Any]:
        found = answers.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr("asyncio.BaseEventLoop.getaddrinfo", getaddrinfo)
    return GuardedResolver(hosts)


def test_a_name_is_looked_up_once_and_all_its_addresses_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """One private address among public ones is enough to refuse: which of them a connection takes is nobody's to choose."""
    resolver = _resolver_with(monkeypatch, [["1.1.1.1", "1.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["10.0.0.9"]], ("images.local",))
    found = asyncio.run(resolver.resolve("cdn.example", 80))
    assert [one["host"] for one in found] == ["1.1.1.1", "1.0.0.1"]
    with pytest.raises(PictureUnavailable) as caught:
        asyncio.run(resolver.resolve("cdn.example", 80))
    assert caught.value.reason == "refused_address"
    assert asyncio.run(resolver.resolve("images.local", 80))[0]["host"] == "10.0.0.9"
