"""Which IP addresses are out in the internet, and asking for those of a name."""

import ipaddress
import queue
import socket
import threading
from collections.abc import Callable

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
# (host, port, seconds) -> addresses. Raises OSError.
Resolver = Callable[[str, int, float], list[IPAddress]]

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


def resolve(host: str, port: int, timeout_s: float) -> list[IPAddress]:
    """The addresses of a name, as the system knows them. Raises OSError, TimeoutError for time.

    The system's call has no time limit of its own, so it is left behind where it takes too
    long: a thread that waits for an answer, and ends with it.
    """
    answers: queue.SimpleQueue[list[IPAddress] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put([ipaddress.ip_address(info[4][0]) for info in found])
        except (OSError, ValueError) as error:
            answers.put(error if isinstance(error, OSError) else OSError(str(error)))

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_s)
    except queue.Empty:
        raise TimeoutError("The name was not resolved in time") from None
    if isinstance(answer, OSError):
        raise answer
    return list(dict.fromkeys(answer))
