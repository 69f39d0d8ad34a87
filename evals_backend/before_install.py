"""Checks HOST:PORT before `make run` installs anything, and prints the size of the installation.

Standard library only.

`python evals_backend/before_install.py STAMP`: STAMP is the file that exists once all is installed.
"""

import os
import socket
import sys
from pathlib import Path

_SIZE = "about 2 GB"
_LAST_PORT = 65_535


def main(arguments: list[str]) -> int:
    """The exit status: 1 where another program listens at HOST:PORT."""
    host, port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "9090")
    if problem := port_problem(host, port):
        print(f"evals-backend: {problem}", file=sys.stderr)
        return 1
    if not Path(arguments[0]).exists():
        print(f"Installing {_SIZE} into .venv, once, which takes some minutes.", flush=True)
    return 0


def port_problem(host: str, port: str) -> str:
    """Why nothing can listen there; "" if something can."""
    try:
        if not 0 <= int(port) <= _LAST_PORT:
            raise ValueError(f"a port is a number up to {_LAST_PORT}")
        family, kind, _, _, address = socket.getaddrinfo(
            host or None, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        return f"cannot listen on {host}:{port} ({reason}). Set PORT (or HOST) to another."
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
