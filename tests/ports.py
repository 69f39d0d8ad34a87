"""Ports for servers that bind them later, in a process of their own."""

import random
import socket
from contextlib import suppress
from pathlib import Path

_LOWEST = 10_000
# From these the kernel takes the ports of connections, of which any test may open a thousand.
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_reserved: list[socket.socket] = []


def free_port() -> int:
    """A port that nothing listens on, which no connection gets and no other test process takes.

    As long as this process lives, also while the server that it is for is restarted.
    """
    below = int(_RANGE.read_text().split()[0])
    while True:
        port = random.randrange(_LOWEST, below)
        with suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            _reserve(port)
            return port


def _reserve(port: int) -> None:
    """Raises OSError where another process has: the name is taken until that one ends."""
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0evals-backend test port {port}")
    except OSError:
        name.close()
        raise
    _reserved.append(name)
