"""The address guard: which addresses of the web a picture may be fetched from.

A server that fetches what strangers name can be sent to its own network (SSRF, CWE-918). So only http and https are
followed, a host's addresses are looked up once, all of them are checked, and the connection goes to exactly those:
a name that means something else a moment later (DNS rebinding) wins nothing. Redirects pass the same gate.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Collection

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from lookalike.errors import PictureUnavailable

LONGEST_URL = 8_000
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.IPv6Network("::/96")


def parse(address: str) -> URL:
    """The URL that some text means, when it is one that we would fetch.

    Raises: PictureUnavailable (bad_reference, refused_address), before anything is looked up.
    """
    if len(address) > LONGEST_URL:
        raise PictureUnavailable("bad_reference", f"The picture's address has {len(address):,} characters; {LONGEST_URL:,} at most.")
    if re.search(r"[\x00-\x20\x7f\\]", address) or not re.match(r"https?://[^/?#]", address, re.IGNORECASE):
        raise PictureUnavailable("bad_reference", "The picture's address is none that starts with http:// or https:// and a host.")
    try:
        url = URL(address)
        host, port = url.host, url.port
    except (ValueError, UnicodeError) as error:
        raise PictureUnavailable("bad_reference", f"The picture's address cannot be read: {str(error)[:100]}.") from error
    if not host or port == 0:
        raise PictureUnavailable("bad_reference", "The picture's address names no host.")
    if url.raw_user is not None or url.raw_password is not None:
        raise PictureUnavailable("refused_address", "The picture's address carries a user name; leave it out.")
    return url.with_fragment(None)


def exempt(url: URL, hosts: Collection[str]) -> bool:
    """Whether the operator named this host (HOST or HOST:PORT) as one of his own, wherever it lies."""
    host = (url.host or "").lower().rstrip(".")
    return host in hosts or f"{host}:{url.port}" in hosts


def is_public(text: str) -> bool:
    """Whether an IP address, in whatever guise, is one of the open internet."""
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    carried = _carried(address)
    if carried:  # an IPv6 address that carries an IPv4 one leads where that leads
        return all(_plainly_public(one) for one in carried)
    return _plainly_public(address)


def _plainly_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address.is_site_local:
        return False
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or address.is_loopback
        or address.is_link_local
        or address.is_private
    )


def _carried(address: Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 address carries: mapped, 6to4, Teredo, NAT64, compatible."""
    if isinstance(address, ipaddress.IPv4Address) or int(address) <= 1:
        return []
    found: list[Address] = [one for one in (address.ipv4_mapped, address.sixtofour) if one is not None]
    found += address.teredo or ()
    if any(address in network for network in (*_NAT64, _COMPATIBLE)):
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return found


def check_literal(url: URL, hosts: Collection[str]) -> None:
    """Refuse a host that is an address and not a public one: such hosts are never looked up. Raises: PictureUnavailable."""
    host = (url.host or "").rstrip(".")
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        if re.fullmatch(r"\d+|0x[0-9a-f]*", host.rpartition(".")[2], re.IGNORECASE):  # 127.1, 0177.0.0.1: addresses in disguise
            raise _refused(host) from None
        return
    if not is_public(host) and not exempt(url, hosts):
        raise _refused(host)


def _refused(host: str) -> PictureUnavailable:
    return PictureUnavailable(
        "refused_address",
        f"The host {host[:100]!r} is not on the open internet, so no picture is fetched from it. "
        "An image server of your own is allowed by LOOKALIKE_PICTURE_HOSTS.",
    )


class GuardedResolver(AbstractResolver):
    """Looks names up and hands out only checked addresses: the connector connects to these and asks no second time.

    `hosts`: HOST or HOST:PORT that may lie anywhere.
    """

    def __init__(self, hosts: Collection[str] = ()) -> None:
        self._hosts = hosts

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """Checked addresses. Raises: PictureUnavailable (refused_address, connection_failed)."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        except (OSError, UnicodeError) as error:
            raise PictureUnavailable("connection_failed", f"The host {host[:100]!r} is not known.") from error
        name = host.lower().rstrip(".")
        if name not in self._hosts and f"{name}:{port}" not in self._hosts and not all(is_public(str(one[4][0])) for one in found):
            raise _refused(host)
        return [
            ResolveResult(hostname=host, host=str(one[4][0]), port=port, family=one[0], proto=one[2], flags=socket.AI_NUMERICHOST)
            for one in found
        ]

    async def close(self) -> None:
        """Nothing is held."""
