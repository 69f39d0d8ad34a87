"""MEDIA_ALLOWED_HOSTS: which other hosts files are fetched from, and where those may lead."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from mlapi.media import addresses
from mlapi.media.addresses import AddressRefused, IPAddress, WebAddress

_ENTRY = re.compile(
    r"(?P<any>\*\.)?(?P<host>\[[^\]]*\]|[^:=]+)(?::(?P<port>\d+))?(?:=(?P<net>.+))?"
)
_INTERNET_V6 = ipaddress.IPv6Network("2000::/3")  # all that has been given out so far
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # leads to the IPv4 address in its last 32 bits
# What Pythons differ on or call global, and is not: protocol assignments (a cloud's metadata is in
# them), the relay to 6to4, documentation, and where Azure tells its virtual machines of themselves.
_INSIDE = [
    ipaddress.ip_network(network)
    for network in (
        *("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32"),
        *("2001::/23", "2001:db8::/32", "3fff::/20"),
    )
]


def is_public(address: IPAddress) -> bool:
    """Whether the address leads out of every private network.

    Not loopback, private, link-local (where clouds serve metadata), shared (100.64.0.0/10),
    multicast, reserved or unspecified. An IPv6 address that carries an IPv4 one is what
    that one is.
    """
    if isinstance(address, ipaddress.IPv6Address):
        carried = _carried(address)
        if carried is not None:
            return is_public(carried)
        if address not in _INTERNET_V6:
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _INSIDE)
    )


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


@dataclass(frozen=True)
class _Entry:
    host: str
    subdomains: bool  # of the host, not the host itself
    port: int | None  # None: 80 for http and 443 for https
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None  # None: the internet

    def matches(self, address: WebAddress) -> bool:
        if address.port != (self.port or addresses.PORTS[address.scheme]):
            return False
        if self.subdomains:
            return address.host.endswith(f".{self.host}")
        return address.host == self.host

    def reaches(self, ip: IPAddress) -> bool:
        return is_public(ip) if self.network is None else ip in self.network


class AllowedHosts:
    """Entries `host`, `host:port` or `*.example.com`, each with or without `=network`.

    A name may lead into the internet only, unless its entry says otherwise: with
    `=10.0.0.0/8` it may lead into that network, and nowhere else. An entry that is an IP
    address allows that address, private or not. Without a port it is 80 for http and 443
    for https. Raises ValueError for an entry that cannot be read.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self._entries = [_entry(text.strip()) for text in entries if text.strip()]

    def allows(self, address: WebAddress) -> bool:
        """Whether an address may be asked for at all."""
        return any(entry.matches(address) for entry in self._entries)

    def may_reach(self, address: WebAddress, ip: IPAddress) -> bool:
        """Whether that may be done by calling `ip`, which is what its host resolved to."""
        ip = getattr(ip, "ipv4_mapped", None) or ip
        return any(entry.matches(address) and entry.reaches(ip) for entry in self._entries)


def _entry(text: str) -> _Entry:
    parts = _ENTRY.fullmatch(text)
    if parts is None or "/" in parts["host"]:
        raise ValueError(
            f"{text!r} is not host, host:port or *.example.com, with or without =network"
        )
    try:
        host = addresses.host(parts["host"])
        network = ipaddress.ip_network(parts["net"]) if parts["net"] else None
    except AddressRefused:
        raise ValueError(f"{text!r} has no host that can be read") from None
    except ValueError as error:
        raise ValueError(f"{text!r} has no network after its =: {error}") from None
    literal = addresses.literal(host)
    if literal is not None:
        if parts["any"] or network is not None:
            raise ValueError(f"{text!r} is an IP address, which has no subdomains and no network")
        network = ipaddress.ip_network(literal)
    port = int(parts["port"]) if parts["port"] else None
    if port is not None and not 0 < port < 65536:
        raise ValueError(f"{text!r} has a port that does not exist")
    return _Entry(host, bool(parts["any"]), port, network)
