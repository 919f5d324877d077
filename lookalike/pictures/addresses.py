"""The address guard: which addresses of the web a picture may be fetched from.

A server that fetches what strangers name can be sent to its own network (SSRF, CWE-918). So only http and https at a few
ports are followed, a host's addresses are looked up once, all of them are checked, and the connection goes to exactly
those: a name that means something else a moment later (DNS rebinding) wins nothing. Redirects pass the same gate.
"""

import ipaddress
import re
import socket
from collections.abc import Collection, Sequence

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from lookalike.domain.reasons import PictureReason
from lookalike.errors import PictureUnavailable

LONGEST_URL = 8_000
PORTS = frozenset({80, 443, 8080, 8443})
"""Where picture servers listen. Others, such as a mail server's, may understand enough of a request to do harm."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Teredo (RFC 4380), local NAT64 (RFC 8215), IPv4-compatible (RFC 4291, deprecated), the relays of 6to4 (RFC 7526, deprecated):
# no picture server is there, and where such an address leads depends on the network that we are in.
_NOWHERE = tuple(map(ipaddress.ip_network, ("2001::/32", "64:ff9b:1::/48", "::/96", "192.88.99.0/24")))


def parse(address: str) -> URL:
    """The URL that some text means, when it is one that we would fetch.

    Raises: PictureUnavailable (bad_reference, forbidden_address), before anything is looked up.
    """
    if len(address) > LONGEST_URL:
        raise _bad(f"The picture's address has {len(address):,} characters; {LONGEST_URL:,} at most.")
    if re.search(r"[\x00-\x20\x7f\\]", address) or not re.match(r"https?://[^/?#]", address, re.IGNORECASE):
        raise _bad("The picture's address is none that starts with http:// or https:// and a host.")
    try:
        url = URL(address)
        host, port = url.host, url.port
    except (ValueError, UnicodeError) as error:
        raise _bad(f"The picture's address cannot be read: {str(error)[:100]}.") from error
    if not host or port == 0:
        raise _bad("The picture's address names no host.")
    if url.raw_user is not None or url.raw_password is not None:
        raise PictureUnavailable(PictureReason.FORBIDDEN_ADDRESS, "The picture's address carries a user name; leave it out.")
    return url.with_fragment(None)


def is_public(text: str) -> bool:
    """Whether an IP address, in whatever guise, is one of the open internet."""
    address = _address(text)
    if address is None or any(address in network for network in _NOWHERE if network.version == address.version):
        return False
    carried = _carried(address)
    if carried is not None:  # an IPv6 address that carries an IPv4 one leads where that leads
        return is_public(str(carried))
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


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _carried(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one carries: mapped, 6to4 (RFC 3056) or NAT64 (RFC 6052)."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


class Guard:
    """Says which hosts, addresses and ports are let through.

    `own`: the operator's image servers, wherever they lie: HOST or HOST:PORT (a name or an address; without PORT any port),
    or a network as CIDR, at `ports`. `ports`: of everybody else. Raises: ValueError for a network that is none.
    """

    def __init__(self, own: Sequence[str] = (), ports: Collection[int] = PORTS) -> None:
        self._hosts = frozenset(_host_and_port(one) for one in own if "/" not in one)
        self._networks = tuple(ipaddress.ip_network(one) for one in own if "/" in one)
        self._ports = frozenset(ports)

    def check(self, url: URL) -> None:
        """Refuse a port, and a host that is an address and none to go to: such hosts are never looked up.

        Raises: PictureUnavailable (forbidden_address).
        """
        host, port = url.host or "", url.port or 0
        if self._is_own(host, port):
            return
        if port not in self._ports:
            listed = ", ".join(map(str, sorted(self._ports)))
            message = f"Port {port} is none that pictures are fetched from: {listed} (LOOKALIKE_PICTURE_PORTS)."
            raise PictureUnavailable(PictureReason.FORBIDDEN_ADDRESS, message)
        plain = host.rstrip(".")
        if _address(plain) is not None:
            self.check_address(plain, host, port)
        elif re.fullmatch(r"\d+|0x[0-9a-f]*", plain.rpartition(".")[2], re.IGNORECASE):  # 127.1, 0177.0.0.1: addresses in disguise
            raise _refused(host)

    def check_address(self, address: str, host: str, port: int) -> None:
        """Refuse to connect to an address for this host. Raises: PictureUnavailable (forbidden_address)."""
        if not (is_public(address) or self._is_own(host, port) or self._in_own_network(address)):
            raise _refused(host)

    def _is_own(self, host: str, port: int) -> bool:
        name = _normal(host)
        return (name, None) in self._hosts or (name, port) in self._hosts

    def _in_own_network(self, text: str) -> bool:
        address = _address(text)
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return address is not None and any(address in one for one in self._networks if one.version == address.version)


def _host_and_port(told: str) -> tuple[str, int | None]:
    if told.startswith("[") or told.count(":") < 2:
        host, _, port = told.rpartition(":") if re.search(r":\d+$", told) else (told, "", "")
        return _normal(host.strip("[]")), int(port) if port else None
    return _normal(told), None  # an IPv6 address without brackets


def _normal(host: str) -> str:
    plain = host.lower().rstrip(".")
    address = _address(plain)
    return plain if address is None else str(address)


def _bad(message: str) -> PictureUnavailable:
    return PictureUnavailable(PictureReason.BAD_REFERENCE, message)


def _refused(host: str) -> PictureUnavailable:
    return PictureUnavailable(
        PictureReason.FORBIDDEN_ADDRESS,
        f"The host {host[:100]!r} is not on the open internet, so no picture is fetched from it. "
        "An image server of your own is allowed by LOOKALIKE_PICTURE_HOSTS.",
    )


class GuardedResolver(AbstractResolver):
    """Looks names up and hands out only checked addresses: the connector connects to these and asks no second time.

    `inner` does the looking up.
    """

    def __init__(self, guard: Guard, inner: AbstractResolver) -> None:
        self._guard, self._inner = guard, inner

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """Checked addresses; one that is refused refuses the host. Raises: PictureUnavailable (forbidden_address, dns)."""
        try:
            found = await self._inner.resolve(host, port, family)
        except (OSError, UnicodeError) as error:
            raise PictureUnavailable(PictureReason.DNS, f"The host {host[:100]!r} is not known.") from error
        if not found:
            raise PictureUnavailable(PictureReason.DNS, f"The host {host[:100]!r} has no address.")
        for one in found:
            self._guard.check_address(one["host"], host, port)
        return found

    async def close(self) -> None:
        """Give back what `inner` holds."""
        await self._inner.close()
