"""MEDIA_ALLOWED_HOSTS: the other hosts that files are fetched from, and their IP addresses."""

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
# Not public, but global to some versions of Python: protocol assignments (with a cloud's metadata),
# the relay to 6to4, documentation, and Azure's metadata for its virtual machines.
_INSIDE = [
    ipaddress.ip_network(network)
    for network in (
        *("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32"),
        *("2001::/23", "2001:db8::/32", "3fff::/20"),
    )
]


def is_public(address: IPAddress) -> bool:
    """Whether the address is one of the public internet.

    Not loopback, private, link-local (where clouds serve metadata), shared (100.64.0.0/10),
    multicast, reserved or unspecified. An IPv6 address that contains an IPv4 one counts as that.
    """
    if isinstance(address, ipaddress.IPv6Address):
        embedded = _embedded_ipv4(address)
        if embedded is not None:
            return is_public(embedded)
        if address not in _INTERNET_V6:
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _INSIDE)
    )


def _embedded_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
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

    A name must resolve to public addresses, or with `=10.0.0.0/8` to addresses of that network
    only. An entry that is an IP address allows that address, private or not. Without a port it
    is 80 for http and 443 for https. Raises ValueError for an invalid entry.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self._entries = [_entry(text.strip()) for text in entries if text.strip()]

    def allows(self, address: WebAddress) -> bool:
        """Whether an address may be requested."""
        return any(entry.matches(address) for entry in self._entries)

    def may_reach(self, address: WebAddress, ip: IPAddress) -> bool:
        """Whether it may be requested from `ip`, to which its host resolved."""
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
