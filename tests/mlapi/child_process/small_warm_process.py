"""A warm process that has the small child only, so that it starts at once."""

import socket
import sys

from mlapi.child_process.forking import serve
from tests.mlapi.training import small_child

if __name__ == "__main__":
    assert small_child
    serve(socket.socket(fileno=int(sys.argv[1])))
