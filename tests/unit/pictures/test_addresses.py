"""The address guard: what may be fetched, and that a checked address is the one connected to."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.errors import PictureUnavailable
from lookalike.pictures.addresses import Guard, is_public, parse

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
        "64:ff9b:1::101:101",
        "2001:0:101:101::",
        "192.88.99.1",
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
        *(("http://u:p@x/", "forbidden_address"), ("http://u@x/", "forbidden_address"), ("http://" + "x" * 9000, "bad_reference")),
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
        Guard().check(parse(f"http://{host}/x"))
    assert caught.value.reason == "forbidden_address"


def admits(guard: Guard, url: str) -> bool:
    try:
        guard.check(parse(url))
    except PictureUnavailable as error:
        return error.reason != "forbidden_address"
    return True


def test_own_image_servers_are_let_through() -> None:
    """By host at any port, by host and port, or by network at the usual ports."""
    guard = Guard(["10.0.0.5", "10.0.0.6:8000", "Images.Local:8001", "10.1.0.0/16", "fd00::/8", "[fe80::5]:9000", "FE80:0::6"])
    good = ["10.0.0.5:1234", "10.0.0.5", "10.0.0.6:8000", "images.local:8001", "IMAGES.local.:8001", "10.1.2.3", "[fd00::9]:8080"]
    good += ["[::ffff:10.1.2.3]", "[fe80::5]:9000", "[fe80::6]:77"]
    bad = ["10.0.0.6:8001", "10.0.0.6", "10.0.0.7", "images.local:8000", "10.1.2.3:6379", "10.2.0.1", "[fc00::1]", "[fe80::5]", "127.0.0.1"]
    assert [one for one in good if not admits(guard, f"http://{one}/x")] == []
    assert [one for one in bad if admits(guard, f"http://{one}/x")] == []


def test_only_the_usual_ports_of_strangers_are_called() -> None:
    """A mail server or a database understands enough of a request to do harm."""
    assert all(admits(Guard(), f"http://shop.example{port}/x") for port in ("", ":80", ":443", ":8080"))
    assert not any(admits(Guard(), f"http://shop.example:{port}/x") for port in (22, 25, 6379, 9200, 81))
    assert admits(Guard(ports={81}), "http://shop.example:81/x")
    assert not admits(Guard(ports={81}), "http://shop.example/x")


@settings(max_examples=300, deadline=None)
@given(st.ip_addresses(v=4))
def test_what_carries_an_address_leads_where_that_leads(address: IPv4Address) -> None:
    """Mapped, 6to4 and NAT64 are as public as the IPv4 address in them; a private one is public in no guise."""
    number = int(address)
    guises = [f"::ffff:{address}", str(IPv6Address((0x2002 << 112) | (number << 80))), str(IPv6Address((0x64FF9B << 96) | number))]
    assert {is_public(one) for one in guises} == {is_public(str(address))}
    assert not is_public(str(IPv6Address(number)))
    if address.is_private or address.is_link_local or address.is_loopback or address.is_multicast:
        assert not is_public(str(address))
