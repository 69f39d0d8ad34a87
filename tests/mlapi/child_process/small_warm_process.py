"""A warm process that has the small child only, so that it starts at once."""

import socket
import sys

from mlapi.child_process.forking import serve
from tests.mlapi.training import small_child


def main(arguments: list[str]) -> int:
    assert small_child
    serve(socket.socket(fileno=int(arguments[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
